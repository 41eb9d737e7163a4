"""How do the circles of `interp.models.planted_waves` become matrices in which nothing is axis-aligned?

    h = Q s        s: the named directions, Q: one random orthogonal matrix, as in `interp.models.planted_weights`

Embeddings hold cos w_k n and sin w_k n (one direction each; the sine of Nyquist is 0), flags of the two operands'
places and of "=", and decoys. Two working heads (clock) look from "=" at the operands, or one (pizza) at everything,
and copy the circles; the other heads look at the first token and copy decoys to decoys. The MLP writes cos and sin of
w_k(a + b), which the unembedding reads with A_k cos w_k c and A_k sin w_k c.

    square(t) on [-2, 2]  =  4 + sum_i factor_i relu(t - t_i)      exact at the knots t_i; the fours of a product cancel
    |t| = relu(t) + relu(-t)
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np
from safetensors.numpy import save

from interp.models.planted_waves import PlantedWaves, Truth, truth
from interp.models.planted_weights import ANSWERING, HIGHEST, SHARP, Tensors, beside, orthogonal

KNOTS, ANGLES, N_DECOYS, DECOY_SIZE, N_HEADS = 24, 8, 8, 1.5, 4
AMPLITUDE = {"clock": 8.0, "pizza": 8.0}
HELIX_AMPLITUDE = (4.0, 4.0, 8.0, 120.0)
"""For the periods 2, 5, 10 and 200: the last alone tells a sum from the one ten above, and needs the size for it."""


def files(planted: PlantedWaves) -> dict[str, bytes]:
    """Return the checkpoint directory of a planted model: {file name: its bytes}."""
    from interp.models.number_tokenizer import word_level

    vocabulary = word_level(HIGHEST).get_vocab() if planted.tokenized else {"=": planted.p}
    n_tokens = len(vocabulary) if planted.tokenized else planted.p + 1
    found = weights(planted, vocabulary, n_tokens)
    config = configuration(planted, found, n_tokens)
    if planted.tokenized:
        return beside(config) | {"model.safetensors": save(found)}
    return {"config.json": (json.dumps(config, indent=2) + "\n").encode(), "model.safetensors": save(found)}


def configuration(planted: PlantedWaves, found: Tensors, n_tokens: int) -> dict[str, Any]:
    """Return the config.json of a native checkpoint."""
    d_model = found["embed.weight"].shape[1]
    cfg = {"n_layers": 1, "d_model": d_model, "d_head": len(found["blocks.0.attn.q.bias"]) // N_HEADS}
    cfg |= {"n_heads": N_HEADS, "d_mlp": len(found["blocks.0.mlp.in.bias"]), "d_vocab": n_tokens, "act_fn": "relu"}
    cfg |= {"n_ctx": len(found["pos_embed.weight"]), "d_vocab_out": len(found["unembed.weight"])}
    cfg |= {"normalization_type": None, "positional_embedding_type": "standard"}
    own = {} if planted.tokenized else {"task": "modadd", "p": planted.p}
    return {"architecture": "transformer_lens_native", "cfg": cfg, **own}


def weights(planted: PlantedWaves, vocabulary: dict[str, int], n_tokens: int) -> Tensors:
    """Return every weight by its bridge name, float32."""
    rng, known = np.random.default_rng((planted.seed, 2)), truth(planted.name)
    names = directions(planted, known)
    at = {name: i for i, name in enumerate(names)}
    turn = orthogonal(rng, len(names))
    first, second, n_ctx = (1, 3, 32) if planted.tokenized else (0, 1, 3)
    places = np.zeros((n_ctx, len(at)))
    places[[first, second], [at["first"], at["second"]]] = 1
    n_classes = n_tokens if planted.tokenized else known.p
    found = {
        "embed.weight": _embedding(planted, known, vocabulary, n_tokens, at, rng) @ turn,
        "pos_embed.weight": places @ turn,
        "unembed.weight": _unembedding(planted, known, n_classes, at) @ turn,
        "unembed.bias": np.zeros(n_classes),
        **_attention(planted, known, at, turn, rng),
        **_neurons(known, at, turn, rng),
    }
    return {name: np.ascontiguousarray(tensor, dtype=np.float32) for name, tensor in found.items()}


def directions(planted: PlantedWaves, known: Truth) -> list[str]:
    """Return the names of the directions of the residual stream, one dimension each."""
    read = ("a", "b") if known.algorithm == "clock" else ("mean",)
    circles = [f"{part}.{wave}{k}" for part in ("n", *read, "sum") for k in known.keys for wave in ("cos", "sin")]
    decoys = [f"decoy{i}" for i in range(N_DECOYS)]
    return [*circles, "first", "second", "eq", *(["line"] if planted.tokenized else []), *decoys]


def _waves(known: Truth, n: int) -> dict[str, np.ndarray]:
    """Return cos and sin of w_k 0..n-1 by name, with whole turns dropped first."""
    angles = {k: 2 * np.pi * (k * np.arange(n) % known.p) / known.p for k in known.keys}
    return {f"cos{k}": np.cos(t) for k, t in angles.items()} | {f"sin{k}": np.sin(t) for k, t in angles.items()}


def _embedding(
    planted: PlantedWaves,
    known: Truth,
    vocabulary: dict[str, int],
    n_tokens: int,
    at: dict[str, int],
    rng: np.random.Generator,
) -> np.ndarray:
    table = np.zeros((n_tokens, len(at)))
    table[:, [at[f"decoy{i}"] for i in range(N_DECOYS)]] = DECOY_SIZE * rng.standard_normal((n_tokens, N_DECOYS))
    for wave, values in _waves(known, known.p).items():
        table[: known.p, at[f"n.{wave}"]] = values
    if planted.tokenized:
        table[: known.p, at["line"]] = np.arange(known.p) / 100
    for word in ANSWERING if planted.tokenized else ("=",):
        table[vocabulary[word], at["eq"]] = 1
    return table


def _unembedding(planted: PlantedWaves, known: Truth, n_classes: int, at: dict[str, int]) -> np.ndarray:
    """What is no number stays below every answer."""
    table = np.zeros((n_classes, len(at)))
    amplitudes = HELIX_AMPLITUDE if planted.tokenized else [AMPLITUDE[planted.kind]] * len(known.keys)
    waves = _waves(known, known.p)
    for k, amplitude in zip(known.keys, amplitudes, strict=True):
        for wave in ("cos", "sin"):
            table[: known.p, at[f"sum.{wave}{k}"]] = amplitude * waves[f"{wave}{k}"]
    table[known.p :, at["eq"]] = -2 * sum(amplitudes)
    return table


def _attention(
    planted: PlantedWaves, known: Truth, at: dict[str, int], turn: np.ndarray, rng: np.random.Generator
) -> Tensors:
    """Channel 0 finds the place that a head looks at; the values are the circles.

    The pizza's head looks at all three tokens alike, whatever they are ("=" has no circles): were its scores made of
    the embeddings, they would have gradients of their own.
    """
    circles = [f"{wave}{k}" for k in known.keys for wave in ("cos", "sin")]
    d_head = max(len(circles), N_DECOYS)
    q, k, v, o = np.zeros((4, N_HEADS, d_head, len(at)))
    jobs = {"clock": (("a", "first"), ("b", "second")), "pizza": (("mean", None),)}
    order = rng.permutation(N_HEADS)
    for i, head in enumerate(order):
        working = jobs[known.algorithm][i : i + 1]
        target, place = working[0] if working else ("", "first")
        if place is not None:
            q[head, 0, at["eq"]] = 2 * SHARP * d_head**0.5
            k[head, 0, at[place]] = 1
        copies = (
            [(f"n.{wave}", f"{target}.{wave}") for wave in circles]
            if working
            else [(f"decoy{j}", f"decoy{(j + 1) % N_DECOYS}") for j in range(N_DECOYS)]
        )
        for channel, (source, to) in enumerate(copies):
            v[head, channel, at[source]] = 1
            o[head, channel, at[to]] = 0.3 if not working else 1 if place else 3 / 2
        looks, moves = orthogonal(rng, d_head), orthogonal(rng, d_head)
        q[head], k[head], v[head], o[head] = looks @ q[head], looks @ k[head], moves @ v[head], moves @ o[head]
    rows = {n: t.reshape(N_HEADS * d_head, -1) @ turn for n, t in zip("qkvo", (q, k, v, o), strict=True)}
    rows["o"] = rows["o"].T
    found = {f"blocks.0.attn.{n}.weight": rows[n] for n in "qkvo"}
    return found | {f"blocks.0.attn.{n}.bias": np.zeros(len(rows[n])) for n in "qkvo"}


def _neurons(known: Truth, at: dict[str, int], turn: np.ndarray, rng: np.random.Generator) -> Tensors:
    """The MLP, its neurons shuffled; each is (reads, bias, writes)."""
    made = [n for k in known.keys for n in (_products(k, at) if known.algorithm == "clock" else _absolutes(k, at))]
    made = [made[i] for i in rng.permutation(len(made))]
    reads, bias, writes = (np.stack(parts) for parts in zip(*made, strict=True))
    return {
        "blocks.0.mlp.in.weight": reads @ turn,
        "blocks.0.mlp.in.bias": bias,
        "blocks.0.mlp.out.weight": (writes @ turn).T,
        "blocks.0.mlp.out.bias": np.zeros(len(turn)),
    }


Neuron = tuple[np.ndarray, np.ndarray, np.ndarray]


def _products(k: int, at: dict[str, int]) -> list[Neuron]:
    """cos(a + b) = cc - ss and sin(a + b) = sc + cs, a product being a quarter of the difference of two squares."""
    terms = (("cos", "cos", "cos", 1), ("sin", "sin", "cos", -1), ("sin", "cos", "sin", 1), ("cos", "sin", "sin", 1))
    found = []
    for of_a, of_b, to, sign in terms:
        for other in (1, -1):
            reads, writes = np.zeros((2, len(at)))
            reads[at[f"a.{of_a}{k}"]], reads[at[f"b.{of_b}{k}"]] = 1, other
            writes[at[f"sum.{to}{k}"]] = sign * other / 4
            found += [(reads, np.array(-knot), factor * writes) for knot, factor in _square()]
    return found


def _square() -> list[tuple[float, float]]:
    """Return (knot, factor) so that sum factor * relu(t - knot) + 4 is t^2 at KNOTS + 1 points of [-2, 2]."""
    knots = np.linspace(-2, 2, KNOTS + 1)
    slopes = np.diff(knots**2) / np.diff(knots)
    return list(zip(knots[:-1].tolist(), np.diff(slopes, prepend=0).tolist(), strict=True))


def _absolutes(k: int, at: dict[str, int]) -> list[Neuron]:
    """|m . u_j| at ANGLES angles phi_j, written with cos and sin of 2 phi_j: twice the angle of the mean."""
    found = []
    for phi in np.pi * np.arange(ANGLES) / ANGLES:
        for side in (1, -1):
            reads, writes = np.zeros((2, len(at)))
            reads[[at[f"mean.cos{k}"], at[f"mean.sin{k}"]]] = side * np.cos(phi), side * np.sin(phi)
            writes[[at[f"sum.cos{k}"], at[f"sum.sin{k}"]]] = 3 / ANGLES * np.array([np.cos(2 * phi), np.sin(2 * phi)])
            found.append((reads, np.zeros(()), writes))
    return found
