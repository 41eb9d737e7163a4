"""How do the parts of `interp.models.planted_parts` become matrices in which nothing is axis-aligned?

    h = Q s        s: the named directions, Q: one random orthogonal matrix, as in `interp.models.planted_weights`

In every block stand the same four heads (slots) in another order, each with one value of its own and three codes; the
codes, and the value where the slot is not planted there, go to decoy directions with random factors. A head sees BOS
(score 1) unless it is asked for by a token that it serves (score 2 for the token it looks at), in units of SHARP. The
choosing head of compose with q or k gives b and BOS score 1 and adds CHOICE times +1 or -1 to b's.

The answer is read linearly. s = a + b, centred: logit_k = GAP (2 s k - k^2), largest at k = s and GAP lower beside it;
the adder has tens t and units u: logit_k = DIGIT_GAP (2 t k_t - k_t^2 + 2 u k_u - k_u^2). Logits stay within 3,000.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from safetensors.numpy import save

from interp.models.planted_parts import N_SLOTS, PlantedParts, layout
from interp.models.planted_parts_design import CHOOSES, CODES, DECOYS, NAMES, directions, slots
from interp.models.planted_weights import ANSWERING, HIGHEST, N_CTX, SHARP, Tensors, beside, orthogonal

CENTRE, UNIT, GAP, DIGIT_GAP, CHOICE = 100, 64.0, 0.1, 2.0, 8.0
D_HEAD, D_MLP = 4, 8


def files(planted: PlantedParts) -> dict[str, bytes]:
    """Return the checkpoint directory of a planted model: {file name: its bytes}."""
    from interp.models.number_tokenizer import word_level

    vocabulary = word_level(HIGHEST).get_vocab()
    return beside(configuration(planted, len(vocabulary))) | {"model.safetensors": save(weights(planted, vocabulary))}


def configuration(planted: PlantedParts, n_tokens: int) -> dict[str, Any]:
    """Return the config.json of a native checkpoint."""
    cfg = {"n_layers": planted.layers, "d_model": len(directions(planted)), "d_head": D_HEAD, "n_heads": N_SLOTS}
    cfg |= {"d_mlp": D_MLP, "n_ctx": N_CTX, "d_vocab": n_tokens, "act_fn": "relu"}
    cfg |= {"normalization_type": None, "positional_embedding_type": "standard"}
    return {"architecture": "transformer_lens_native", "cfg": cfg}


def direction(planted: PlantedParts, name: str) -> np.ndarray:
    """Return where a named direction lies in the residual stream: float64 [d_model], of length 1."""
    return _turn(planted)[directions(planted).index(name)]


def weights(planted: PlantedParts, vocabulary: dict[str, int]) -> Tensors:
    """Return every weight by its bridge name, float32; `vocabulary` is {token: id}, and n has the id n."""
    rng = np.random.default_rng((planted.seed, 1))
    at, turn = {name: i for i, name in enumerate(directions(planted))}, _turn(planted)
    found = {
        "embed.weight": _embedding(planted, vocabulary, at, rng) @ turn,
        "pos_embed.weight": _positions(at) @ turn,
        "unembed.weight": _unembedding(planted, len(vocabulary), at) @ turn,
        "unembed.bias": np.zeros(len(vocabulary)),
    }
    for layer in range(planted.layers):
        found |= _attention(planted, layer, at, turn, rng) | _neurons(planted, layer, at, turn, rng)
    return {name: np.ascontiguousarray(tensor, dtype=np.float32) for name, tensor in found.items()}


def _turn(planted: PlantedParts) -> np.ndarray:
    """Q, its own draw of the seed: row i is where direction i lies."""
    return orthogonal(np.random.default_rng((planted.seed, 0)), len(directions(planted)))


def _embedding(
    planted: PlantedParts, vocabulary: dict[str, int], at: dict[str, int], rng: np.random.Generator
) -> np.ndarray:
    table, numbers = np.zeros((len(vocabulary), len(at))), np.arange(HIGHEST + 1)
    table[:, [at[name] for name in NAMES]] = rng.standard_normal((len(vocabulary), len(NAMES)))
    for code in CODES:
        table[numbers, at[code]] = rng.standard_normal(len(numbers))
    own = {"value": numbers / UNIT, "tens": numbers // 10 / 10, "digit": numbers % 10 / 10}
    for name in own.keys() & at.keys():
        table[numbers, at[name]] = own[name]
    if "sign" in at:
        for word, sign in (("+", 1), ("plus", 1), ("-", -1), ("minus", -1)):
            table[vocabulary[word], at["sign"]] = sign
    table[vocabulary["<bos>"], at["bos"]] = 1
    for word in ANSWERING:
        table[vocabulary[word], at["eq"]] = 1
        if "sum" in at:
            table[vocabulary[word], at["sum"]] = -CENTRE / UNIT
    return table


def _positions(at: dict[str, int]) -> np.ndarray:
    table = np.zeros((N_CTX, len(at)))
    for place, role in enumerate(("a", "op1", "b"), start=1):
        table[place, at[role]] = 1
    return table


def _unembedding(planted: PlantedParts, n_tokens: int, at: dict[str, int]) -> np.ndarray:
    """Logits are read at the answering token alone; what is no number stays below every answer."""
    table, numbers = np.zeros((n_tokens, len(at))), np.arange(HIGHEST + 1)
    if planted.kind == "adder":
        tens, units = np.divmod(numbers, 10)
        table[:, at["eq"]] = -10 * DIGIT_GAP
        table[numbers, at["eq"]] = -DIGIT_GAP * (tens**2 + units**2)
        table[numbers, at["sum_tens"]] = 2 * DIGIT_GAP * 10 * tens
        table[numbers, at["sum_units"]] = 2 * DIGIT_GAP * 10 * units
        return table
    centred = numbers - CENTRE
    table[:, at["eq"]] = -GAP * CENTRE**2
    table[numbers, at["eq"]] = -GAP * centred**2
    table[numbers, at["sum"]] = 2 * GAP * UNIT * centred
    return table


def _attention(
    planted: PlantedParts, layer: int, at: dict[str, int], turn: np.ndarray, rng: np.random.Generator
) -> Tensors:
    """Channel 0 of queries and keys finds BOS, channel 1 what the head is made for, channel 2 what it chooses by."""
    q, k, v, o = np.zeros((4, N_SLOTS, D_HEAD, len(at)))
    bias, sharp, chooses = np.zeros((N_SLOTS, D_HEAD)), SHARP * D_HEAD**0.5, CHOOSES.get(planted.family)
    order = layout(planted).order[layer]
    for i, slot in enumerate(slots(planted, layer, rng)):
        h, choosing = order[i], chooses is not None and i == N_SLOTS - 1
        bias[h, 0], k[h, 0, at["bos"]] = 1, sharp
        q[h, 1, at[slot.asks]], k[h, 1, at[slot.looks]] = 1, sharp * (1 if choosing else 2)
        if choosing and chooses:
            q[h, 2, at[chooses[0]]], k[h, 2, at[chooses[1]]] = 1, CHOICE * D_HEAD**0.5
        for channel, (source, target, factor) in enumerate(slot.copies):
            v[h, channel, at[source]], o[h, channel, at[target]] = 1, factor
        looks, copies = orthogonal(rng, D_HEAD), orthogonal(rng, D_HEAD)
        q[h], k[h], bias[h], v[h], o[h] = looks @ q[h], looks @ k[h], looks @ bias[h], copies @ v[h], copies @ o[h]
    rows = {n: t.reshape(N_SLOTS * D_HEAD, -1) @ turn for n, t in zip("qkvo", (q, k, v, o), strict=True)}
    rows["o"] = rows["o"].T
    biases = {"q": bias.reshape(-1), "k": np.zeros(bias.size), "v": np.zeros(bias.size), "o": np.zeros(len(turn))}
    named = {f"attn.{n}.weight": rows[n] for n in "qkvo"} | {f"attn.{n}.bias": biases[n] for n in "qkvo"}
    return {f"blocks.{layer}.{name}": tensor for name, tensor in named.items()}


def _neurons(
    planted: PlantedParts, layer: int, at: dict[str, int], turn: np.ndarray, rng: np.random.Generator
) -> Tensors:
    """Random neurons that read codes, and in an adder the column's: x = sum of units digits, x >= 10, x - 10 [x >= 10].

    Two neurons make the step between 9 and 10, so that neither is at its corner for any sum of digits.
    """
    reads, bias, writes = np.zeros((D_MLP, len(at))), np.zeros(D_MLP), np.zeros((D_MLP, len(at)))
    order = rng.permutation(D_MLP)
    for neuron in order[3:]:
        reads[neuron, [at[code] for code in CODES]] = rng.standard_normal(len(CODES))
        writes[neuron, [at[decoy] for decoy in DECOYS]] = rng.standard_normal(len(DECOYS)) / 4
    if planted.kind == "adder":
        here = layout(planted).places["column"][0] == layer
        carry, units = ("carry", "units") if here else (str(decoy) for decoy in rng.choice(DECOYS, 2, replace=False))
        reads[order[:3], at["digit"]], bias[order[:3]] = (20, 20, 1), (-18.5, -19.5, 0)
        writes[order[:3], at[carry]] = (1, -1, 0)
        writes[order[:3], at[units]] = (-1, 1, 1)
    named = {
        "mlp.in.weight": reads @ turn,
        "mlp.in.bias": bias,
        "mlp.out.weight": (writes @ turn).T,
        "mlp.out.bias": np.zeros(len(turn)),
    }
    return {f"blocks.{layer}.{name}": tensor for name, tensor in named.items()}
