"""How does a named circuit become matrices in which nothing is axis-aligned?

    h = Q s        s: the named directions, Q: one random orthogonal matrix, so W_in <- W_in Q^T and W_out <- Q W_out

Within each head queries and keys are turned by one random rotation, values and outputs by another; heads and neurons
are shuffled. What is copied to a decoy gets a random factor. Everything is computed in float64 and stored in float32.

Numbers are kept in units of 1 / UNIT, and the sum starts at -CENTRE, which keeps the logits small: with k' = k - CENTRE
and s' = the sum at the end, logit_k = GAP (2 s' k' - k'^2), largest at k' = s' and GAP lower beside it; rounding in
float32 moves the difference by less than GAP / 20, in 32 blocks too. A token that is no number stays below any answer.
Far answers have logits down to -3e4 GAP: a tolerance relative to the largest logit says nothing here; compare answers.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np
from safetensors.numpy import save

from interp.models import number_tokenizer
from interp.models.planted import Planted
from interp.models.planted_circuit import N_HEADS, NAMES, OPERANDS, SINKS, Block, block, d_model, directions

HIGHEST, CENTRE, UNIT, GAP = 199, 100, 64.0, 8.0
SHARP = 25.0
"""A score 1 lower gets e^-25 of the attention: nothing in float32, and still more than 0 when the rest is hidden."""
D_HEAD, N_CTX, SPREAD = 4, 32, 100
ANSWERING = ("=", "equals")
Tensors = dict[str, np.ndarray]


def files(planted: Planted) -> dict[str, bytes]:
    """Return the checkpoint directory of a planted model: {file name: its bytes}."""
    vocabulary = number_tokenizer.word_level(HIGHEST).get_vocab()
    return beside(configuration(planted, len(vocabulary))) | {"model.safetensors": save(weights(planted, vocabulary))}


def beside(configuration: dict[str, Any]) -> dict[str, bytes]:
    """Return the files of a planted checkpoint but its weights: its config.json and its tokenizer."""
    about = {"tokenizer_class": "PreTrainedTokenizerFast", "clean_up_tokenization_spaces": False}
    about |= {f"{name}_token": f"<{name}>" for name in ("bos", "eos", "unk")}
    return {
        "config.json": (json.dumps(configuration, indent=2) + "\n").encode(),
        "tokenizer.json": number_tokenizer.word_level(HIGHEST).to_str(pretty=True).encode(),
        "tokenizer_config.json": (json.dumps(about, indent=2) + "\n").encode(),
    }


def configuration(planted: Planted, n_tokens: int) -> dict[str, Any]:
    """Return the config.json of a native checkpoint; of the truth it says no more than the depth."""
    cfg = {"n_layers": planted.layers, "d_model": d_model(planted.layers), "d_head": D_HEAD, "n_heads": N_HEADS}
    cfg |= {"d_mlp": 2 * (planted.layers + 1), "n_ctx": N_CTX, "d_vocab": n_tokens, "act_fn": "relu"}
    cfg |= {"normalization_type": None, "positional_embedding_type": "standard"}
    return {"architecture": "transformer_lens_native", "cfg": cfg}


def weights(planted: Planted, vocabulary: dict[str, int]) -> Tensors:
    """Return every weight by its bridge name, float32; `vocabulary` is {token: id}, and n has the id n."""
    rng = np.random.default_rng(planted.seed)
    at = {name: i for i, name in enumerate(directions(planted))}
    turn = orthogonal(rng, d_model(planted.layers))[: len(at)]  # [direction, d_model]: the columns of Q it needs
    found = {
        "embed.weight": _embedding(planted, vocabulary, at, rng) @ turn,
        "pos_embed.weight": _positions(at) @ turn,
        "unembed.weight": _unembedding(planted, len(vocabulary), at) @ turn,
        "unembed.bias": np.zeros(len(vocabulary)),
    }
    for i in range(planted.layers):
        found |= {f"blocks.{i}.{name}": matrix for name, matrix in _block(block(planted, i), at, turn, rng).items()}
        found |= _neurons(planted, i, at, turn, rng)
    return {name: np.ascontiguousarray(tensor, dtype=np.float32) for name, tensor in found.items()}


def shares(transfer: int, rng: np.random.Generator) -> np.ndarray:
    """Return int64 [n, j]: the numbers 0..HIGHEST split into `transfer` shares whose sum is n."""
    drawn = rng.integers(-SPREAD, SPREAD + 1, (HIGHEST + 1, transfer - 1))
    return np.column_stack([drawn, np.arange(HIGHEST + 1) - drawn.sum(axis=1)])


def _embedding(
    planted: Planted, vocabulary: dict[str, int], at: dict[str, int], rng: np.random.Generator
) -> np.ndarray:
    table = np.zeros((len(vocabulary), len(at)))
    table[:, [at[name] for name in NAMES]] = rng.standard_normal((len(vocabulary), len(NAMES)))
    numbers = np.arange(HIGHEST + 1)
    table[numbers, at["code0"]] = numbers / UNIT
    for code in ("code1", "code2"):
        table[numbers, at[code]] = rng.standard_normal(len(numbers))
    for j, share in enumerate(shares(len(planted.reads), rng).T):
        table[numbers, at[f"share{j}@0"]] = share / UNIT
    table[vocabulary["<bos>"], at["bos"]] = 1
    for word in ANSWERING:
        table[vocabulary[word], [at["answering"], at["sum@0"]]] = 1, -CENTRE / UNIT
    return table


def _positions(at: dict[str, int]) -> np.ndarray:
    table = np.zeros((N_CTX, len(at)))
    for i, operand in enumerate(OPERANDS):
        table[1 + 2 * i, at[operand]] = 1
    return table


def _unembedding(planted: Planted, n_tokens: int, at: dict[str, int]) -> np.ndarray:
    table = np.zeros((n_tokens, len(at)))
    table[:, at["answering"]] = -GAP * CENTRE**2
    centred = np.arange(HIGHEST + 1) - CENTRE
    table[: HIGHEST + 1, at["answering"]] = -GAP * centred**2
    table[: HIGHEST + 1, at[f"sum@{planted.layers}"]] = 2 * GAP * UNIT * centred
    return table


def _block(made: Block, at: dict[str, int], turn: np.ndarray, rng: np.random.Generator) -> Tensors:
    """The attention of a block. Channel 0 of queries and keys finds the sinks, channel 1 what the head is made for."""
    q, k, v, o = np.zeros((4, N_HEADS, D_HEAD, len(at)))
    bias = np.zeros((N_HEADS, D_HEAD))
    order = rng.permutation(N_HEADS)
    for h, head in zip(order, made.heads, strict=True):
        bias[h, 0] = 1
        bias[h, 1] = not head.query
        q[h, 1, [at[flag] for flag in head.query]] = 1
        k[h, 0, [at[flag] for flag in SINKS]] = SHARP * D_HEAD**0.5
        for flag, strength in head.keys.items():
            k[h, 1, at[flag]] = strength * SHARP * D_HEAD**0.5
        for channel, (source, target) in enumerate(head.copies):
            v[h, channel, at[source]] = 1
            o[h, channel, at[target]] = rng.standard_normal() if target.startswith("decoy") else 1
        looks, copies = orthogonal(rng, D_HEAD), orthogonal(rng, D_HEAD)
        q[h], k[h], bias[h], v[h], o[h] = looks @ q[h], looks @ k[h], looks @ bias[h], copies @ v[h], copies @ o[h]
    rows = {
        name: tensor.reshape(N_HEADS * D_HEAD, len(at)) @ turn
        for name, tensor in zip("qkvo", (q, k, v, o), strict=True)
    }
    zero = np.zeros(N_HEADS * D_HEAD)
    biases = {"q": bias.reshape(-1), "k": zero, "v": zero, "o": np.zeros(turn.shape[1])}
    rows["o"] = rows["o"].T
    return {
        **{f"attn.{name}.weight": rows[name] for name in "qkvo"},
        **{f"attn.{name}.bias": biases[name] for name in "qkvo"},
    }


def _neurons(planted: Planted, i: int, at: dict[str, int], turn: np.ndarray, rng: np.random.Generator) -> Tensors:
    """The MLP of block `i`: x = relu(x) - relu(-x) is added to where it goes and taken from where it was."""
    width = 2 * (planted.layers + 1)
    reads, writes = np.zeros((2, width, len(at)))
    order = iter(rng.permutation(width))
    for source, target in block(planted, i).moves:
        for sign in (1, -1):
            neuron = next(order)
            reads[neuron, at[source]] = sign
            writes[neuron, [at[target], at[source]]] = sign, -sign
    return {
        f"blocks.{i}.mlp.in.weight": reads @ turn,
        f"blocks.{i}.mlp.in.bias": np.zeros(width),
        f"blocks.{i}.mlp.out.weight": (writes @ turn).T,
        f"blocks.{i}.mlp.out.bias": np.zeros(turn.shape[1]),
    }


def orthogonal(rng: np.random.Generator, n: int) -> np.ndarray:
    """Return a random orthogonal matrix [n, n], uniform over all of them (signs as in R > 0)."""
    q, r = np.linalg.qr(rng.standard_normal((n, n)))
    return q * np.sign(np.diag(r))
