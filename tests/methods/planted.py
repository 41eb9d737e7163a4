"""A hand-built model whose every map is known, and prompts made of digits.

The copier has vocabulary 0..9 (digits), 10 "bos", 11 "=" and roles (bos, a, b, eq). Its residual is a one-hot
token part (12) and a one-hot position part (4). In block 0 the one head of `eq` reads `a` alone and copies
its token part; the other queries are 0, so they attend evenly. Block 1 does nothing but attend evenly and
write 0. The unembedding reads digits only. So it answers a, which stands at `a` before block 0 and at `eq`
after it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import torch

from interp.tasks.prompts import Prompts

BOS, EQ, PLUS = 10, 11, 12
N_TOKENS, N_POS, SHARP = 12, 4, 40.0


def build_copier():
    """Return the copier as a bridge, frozen."""
    from transformer_lens.config import TransformerBridgeConfig
    from transformer_lens.model_bridge import TransformerBridge

    d = N_TOKENS + N_POS
    config = TransformerBridgeConfig(
        n_layers=2, d_model=d, n_ctx=N_POS, d_head=d, n_heads=1, d_mlp=4, d_vocab=N_TOKENS, act_fn="relu",
        normalization_type=None, positional_embedding_type="standard", seed=0,
    )  # fmt: skip
    model = TransformerBridge.boot_native(config).eval().requires_grad_(False)
    weights = {name.replace("._original_component", ""): p for name, p in model.named_parameters()}
    with torch.no_grad():
        for p in weights.values():
            p.zero_()
        weights["tok_embed.weight"][:, :N_TOKENS] = torch.eye(N_TOKENS)
        weights["pos.weight"][:, N_TOKENS:] = torch.eye(N_POS)
        weights["head.weight"][:10, :10] = torch.eye(10)
        attn = "layers.0.attn."
        weights[attn + "q.weight"][0, N_TOKENS + 3] = SHARP  # eq asks
        weights[attn + "k.weight"][0, N_TOKENS + 1] = SHARP  # a answers
        weights[attn + "v.weight"][:N_TOKENS, :N_TOKENS] = torch.eye(N_TOKENS)
        weights[attn + "o.weight"][:N_TOKENS, :N_TOKENS] = torch.eye(N_TOKENS)
    return model


class Move(NamedTuple):
    """In one block the token at `query` attends to the `keys` {position: sharpness, 1 = all of it} and adds `gain`
    times what their slot `source` holds to its own slot `target`."""

    query: int
    keys: Mapping[int, float]
    source: int = 0
    target: int = 1
    gain: float = 1.0


def build_mover(moves: Sequence[Move | None], answer_slot: int = 1):
    """Return a model of one head a block that makes `moves` (None: a block that does nothing), frozen.

    Its residual is three slots of a one-hot token (the token itself stands in slot 0) and a one-hot position; the
    answer is the digit in `answer_slot` of the last token. Tokens that are not the query of a block attend evenly to
    what they can see, and move that.
    """
    from transformer_lens.config import TransformerBridgeConfig
    from transformer_lens.model_bridge import TransformerBridge

    place, d = 3 * N_TOKENS, 3 * N_TOKENS + N_POS
    config = TransformerBridgeConfig(
        n_layers=len(moves), d_model=d, n_ctx=N_POS, d_head=d, n_heads=1, d_mlp=4, d_vocab=N_TOKENS, act_fn="relu",
        normalization_type=None, positional_embedding_type="standard", seed=0,
    )  # fmt: skip
    model = TransformerBridge.boot_native(config).eval().requires_grad_(False)
    weights = {name.replace("._original_component", ""): p for name, p in model.named_parameters()}
    one = torch.eye(N_TOKENS)
    slots = [slice(i * N_TOKENS, (i + 1) * N_TOKENS) for i in range(3)]
    with torch.no_grad():
        for p in weights.values():
            p.zero_()
        weights["tok_embed.weight"][:, slots[0]] = one
        weights["pos.weight"][:, place:] = torch.eye(N_POS)
        weights["head.weight"][:10, slots[answer_slot]] = one[:10]
        for layer, move in enumerate(moves):
            if move is None:
                continue
            attn = f"layers.{layer}.attn."
            weights[attn + "q.weight"][0, place + move.query] = SHARP
            for key, sharpness in move.keys.items():
                weights[attn + "k.weight"][0, place + key] = SHARP * sharpness
            weights[attn + "v.weight"][slots[0], slots[move.source]] = one
            weights[attn + "o.weight"][slots[move.target], slots[0]] = move.gain * one
    return model


def make_prompts(columns: dict[str, np.ndarray], answers: np.ndarray, split: str = "test") -> Prompts:
    """Prompts whose tokens are the given columns; integer columns a, b are also the causal variables."""
    tokens = np.stack(list(columns.values()), axis=1).astype(np.int64)
    variables = {name: tokens[:, i] for i, name in enumerate(columns) if name in ("a", "b")}
    texts = tuple(" ".join(map(str, row)) for row in tokens)
    return Prompts(
        tokens,
        tuple(columns),
        texts,
        tuple(str(x) for x in answers),
        np.asarray(answers, dtype=np.int64),
        variables,
        "own",
        "own",
        split,
    )


def copy_prompts(a, b, split: str = "test") -> Prompts:
    """(bos, a, b, eq) prompts for the copier; the answer is a."""
    a, b = np.broadcast_arrays(np.asarray(a), np.asarray(b))
    constant = np.ones_like(a)
    return make_prompts({"bos": BOS * constant, "a": a, "b": b, "eq": EQ * constant}, a, split)


def sum_prompts(a, b, split: str = "test") -> Prompts:
    """(bos, a, op1, b, eq) prompts; the answer is a + b modulo 10, with the result among the variables."""
    a, b = np.broadcast_arrays(np.asarray(a), np.asarray(b))
    one = np.ones_like(a)
    prompts = make_prompts({"bos": BOS * one, "a": a, "op1": PLUS * one, "b": b, "eq": EQ * one}, (a + b) % 10, split)
    prompts.variables["result"] = a + b
    return prompts
