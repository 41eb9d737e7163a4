"""What does the model say when only the edges of a circuit carry its own values, and all others those of another run?

    x_r = other_r + sum over kept edges u -> r of (own_u - other_u)                 for every reader r on its own

own_u is what sender u adds in this run, other_u what it adds in the run that stands outside the circuit: the corrupted
twin (counterfactual), the mean over reference prompts (mean), or other prompts of the task (resample). With every edge
kept x_r is the model's own stream; with none it is the other run, whatever the prompt. Every head's query, key and
value has an input of its own: one matrix product over senders a layer gives them all.

Source: Goldowsky-Dill et al. (2023) arXiv 2304.05969 (path patching as a rewritten graph); Hanna et al. (2024) arXiv
2403.17806 (edges outside a circuit take the corrupted value).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from interp.engine.lean import Lean
from interp.errors import InterpError
from interp.methods.circuit import Circuit, Wiring


@dataclass(frozen=True)
class Outside:
    """What senders add outside the circuit: embed [prompt, pos, d_model], and by layer heads [prompt, pos, head,
    d_model] and mlp [prompt, pos, d_model]; one prompt stands for all where it is a mean."""

    embed: Tensor
    heads: list[Tensor]
    mlp: list[Tensor]

    def stream(self, lean: Lean, layer: int, *, mid: bool = False) -> Tensor:
        """Return the stream before block `layer`, or (mid) after its attention."""
        x = self.embed
        for below in range(layer):
            x = x + self.heads[below].sum(2) + lean.b_O[below] + self.mlp[below]
        return x + self.heads[layer].sum(2) + lean.b_O[layer] if mid else x


def outside_of_run(lean: Lean, tokens: Any) -> Outside:
    """Return what senders add in a run of tokens [prompt, pos]: the twins, or other prompts of the task."""
    with torch.no_grad():
        trace = lean.trace(tokens)
        heads = [lean.head_out(layer, z) for layer, z in enumerate(trace.z)]
    return Outside(trace.resid_pre[0], heads, trace.mlp_out)


def outside_mean(lean: Lean, tokens: np.ndarray, batch_size: int = 256) -> Outside:
    """Return the mean, by position, of what senders add on reference tokens [prompt, pos]."""
    total: Outside | None = None
    for start in range(0, len(tokens), batch_size):
        part = outside_of_run(lean, tokens[start : start + batch_size])
        summed = Outside(part.embed.sum(0, keepdim=True), *(
            [t.sum(0, keepdim=True) for t in group] for group in (part.heads, part.mlp)
        ))  # fmt: skip
        total = summed if total is None else _added(total, summed)
    if total is None:
        raise InterpError("There are no reference prompts to take a mean over; give at least one.")
    n = len(tokens)
    return Outside(total.embed / n, [t / n for t in total.heads], [t / n for t in total.mlp])


def _added(a: Outside, b: Outside) -> Outside:
    pairs = ([x + y for x, y in zip(*two, strict=True)] for two in ((a.heads, b.heads), (a.mlp, b.mlp)))
    return Outside(a.embed + b.embed, *pairs)


def run_circuit(lean: Lean, circuit: Circuit, tokens: Any, outside: Outside) -> Float[Tensor, "prompt vocab"]:
    """Return the logits of the last position, float32. Raises InterpError for a circuit of another model."""
    wiring = Wiring.of(lean)
    if wiring.receivers != circuit.wiring.receivers or wiring.senders != circuit.wiring.senders:
        raise InterpError("This circuit belongs to a model of another shape; make it from this model's wiring.")
    kept = torch.as_tensor(circuit.kept.copy(), dtype=lean.dtype, device=lean.device)
    with torch.no_grad():
        embedded = lean.embed(tokens)
        deltas, column, other = [(embedded - outside.embed)[:, :, None]], 0, outside.embed
        for layer in range(lean.n_layers):
            counts = (lean.n_heads, lean.n_kv_heads, lean.n_kv_heads)
            inputs = _inputs(torch.cat(deltas, 2), kept, slice(column, column + sum(counts)), other)
            q, k, v = _projected(lean, layer, inputs.split(counts, dim=2))
            column += sum(counts)
            heads = lean.head_out(layer, lean.attention(q, k, v)[0])
            mid = other + outside.heads[layer].sum(2) + lean.b_O[layer]
            own_heads = heads - outside.heads[layer]
            before = deltas if lean.parallel else [*deltas, own_heads]
            stream = other if lean.parallel else mid
            read = _inputs(torch.cat(before, 2), kept, slice(column, column + 1), stream)[:, :, 0]
            out = lean.mlp_out(layer, lean.mlp_post(layer, lean.norm2[layer](read)))
            deltas += [own_heads, (out - outside.mlp[layer])[:, :, None]]
            other = mid + outside.mlp[layer]
            column += 1
        last = [delta[:, -1:] for delta in deltas]
        final = _inputs(torch.cat(last, 2), kept, slice(column, column + 1), other[:, -1:])[:, 0, 0]
        return lean.logits(final)


def _inputs(deltas: Tensor, kept: Tensor, columns: slice, other: Tensor) -> Float[Tensor, "prompt pos reader d_model"]:
    """Return the input of each reader: the other run's stream, and the kept senders' difference from it."""
    mask = kept[: deltas.shape[2], columns]
    return other[:, :, None] + mask.T @ deltas


def _projected(lean: Lean, layer: int, inputs: Sequence[Tensor]) -> list[Tensor]:
    """Return q, k and v [prompt, pos, head, d_head], each head from an input of its own."""
    weights = ((lean.W_Q, lean.b_Q), (lean.W_K, lean.b_K), (lean.W_V, lean.b_V))
    return [
        torch.einsum("nphd,hde->nphe", lean.norm1[layer](x), W[layer]) + b[layer]
        for x, (W, b) in zip(inputs, weights, strict=True)
    ]
