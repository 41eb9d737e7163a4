"""What does one component tell one other, directly? Path patching, sender -> receiver.

    1. base and other run; the sender's output is the other run's, delta = other - base
    2. the receiver's input with that delta, every other head frozen to the base run:
         mlps_frozen        x_r = base_r + delta                                  the path with nothing in between
         mlps_recomputed    MLPs between sender and receiver see the delta and answer it
    3. the base run with the receiver's query, key, value or output computed from x_r; all that follows is computed

With the logits as receiver nothing follows, heads are frozen, and only the last position counts: all senders of a layer
are one small batch, no block is run. Null: the delta of an unrelated pair.

Source: Wang et al. (2023) arXiv 2211.00593 and Goldowsky-Dill et al. (2023) arXiv 2304.05969; in the first MLPs are
recomputed, in the second a path has nothing in between.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from interp.engine import Intervention, Lean, Rows, Site, sweep
from interp.engine.lean import Trace
from interp.errors import InterpError, nearest
from interp.methods.circuit import Wiring

if TYPE_CHECKING:
    from interp.tasks.prompts import Prompts

VARIANTS = ("mlps_frozen", "mlps_recomputed")
Measure = Callable[[Tensor, np.ndarray], Tensor]


def to_logits(
    model: Any, base: Prompts, other: Prompts, measure: Measure, *, variant: str = "mlps_recomputed"
) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Return the senders' names, the measure of the base run [prompt, ...] and of each sender's path [sender, prompt,
    ...]: embed, then heads and MLP of each layer. Raises InterpError for an unknown variant, or prompts not aligned."""
    lean, runs = _runs(model, base, other, variant)
    with torch.no_grad():
        rows = np.arange(len(base))
        plain = measure(runs[0].logits, rows).cpu().numpy()
        names, found = ["embed"], [_carried(lean, runs, "embed", 0, variant)]
        for layer in range(lean.n_layers):
            names += [f"z.{layer}.{head}" for head in range(lean.n_heads)] + [f"mlp_out.{layer}"]
            found += [_carried(lean, runs, name, layer, variant) for name in ("z", "mlp_out")]
        finals = torch.cat(found, dim=1).transpose(0, 1)  # [sender, prompt, d_model]
        values = [measure(lean.logits(final), rows).cpu().numpy() for final in finals]
    return names, plain, np.stack(values)


def _carried(lean: Lean, runs: tuple[Trace, Trace], name: str, layer: int, variant: str) -> Tensor:
    """Return the final residual of the last position [prompt, sender, d_model] when senders of one layer are moved."""
    clean, other = runs
    if name == "embed":
        delta = (other.resid_pre[0] - clean.resid_pre[0])[:, -1:]
    elif name == "z":
        delta = lean.head_out(layer, other.z[layer][:, -1] - clean.z[layer][:, -1])
    else:
        delta = (other.mlp_out[layer] - clean.mlp_out[layer])[:, -1:]
    if variant == "mlps_frozen":
        return clean.resid_pre[-1][:, -1:] + delta
    first = 0 if name == "embed" else layer
    x = clean.resid_pre[first][:, -1:].expand(-1, delta.shape[1], -1)
    x = x + delta if name == "embed" else x
    for here in range(first, lean.n_layers):
        moved = here == layer and name != "embed"
        added = clean.attn_out[here][:, -1:] + (delta if moved and name == "z" else 0)
        mid = x if lean.parallel else x + added
        out = lean.mlp_out(here, lean.mlp_post(here, lean.norm2[here](mid)))
        if moved and name == "mlp_out":
            out = clean.mlp_out[here][:, -1:] + delta
        elif moved and lean.parallel:
            out = clean.mlp_out[here][:, -1:]  # it does not see the heads of its own block
        x = x + added + out
    return x


def path_effects(
    model: Any,
    base: Prompts,
    other: Prompts,
    paths: Sequence[tuple[str, str]],
    measure: Measure,
    *,
    variant: str = "mlps_frozen",
) -> tuple[np.ndarray, np.ndarray]:
    """Return the measure of the base run [prompt, ...] and under each path (sender, receiver) [path, prompt, ...].

    Names are those of `Wiring`; the sender is moved at every position. Raises InterpError for a path that is not there.
    """
    lean, runs = _runs(model, base, other, variant)
    wiring = Wiring.of(lean)
    for path in paths:
        wiring.index(*path)
    with torch.no_grad():
        edits = [_edit(lean, runs, sender, receiver, variant) for sender, receiver in paths]
    swept = sweep(model, base, [[], *edits], measure)
    return swept[0].numpy(), swept[1:].numpy()


def _edit(lean: Lean, runs: tuple[Trace, Trace], sender: str, receiver: str, variant: str) -> list[Intervention]:
    """Return the write of what the receiver computes from its moved input."""
    name, *place = receiver.split(".")
    depth = lean.n_layers if name == "logits" else int(place[0])
    x = _input(lean, runs, sender, (depth, name == "mlp"), variant)
    if name == "logits":
        return [Intervention(Site("resid_pre", depth), "all", Rows(x))]  # type: ignore[arg-type]
    if name == "mlp":
        out = lean.mlp_out(depth, lean.mlp_post(depth, lean.norm2[depth](x)))
        return [Intervention(Site("mlp_out", depth), "all", Rows(out))]  # type: ignore[arg-type]
    project = {"q": lean.q, "k": lean.k, "v": lean.v}[name]
    heads = project(depth, lean.norm1[depth](x))
    head = int(place[1])
    return [Intervention(Site(name, depth, head), "all", Rows(heads[:, :, head]))]  # type: ignore[arg-type]


def _input(lean: Lean, runs: tuple[Trace, Trace], sender: str, reader: tuple[int, bool], variant: str) -> Tensor:
    """Return the stream [prompt, pos, d_model] that a receiver in block `depth` reads, after attention or before.

    Heads are frozen, so the delta stays at its positions.
    """
    clean, other = runs
    depth, mid = reader
    mid = mid and not lean.parallel
    name, *place = sender.split(".")
    if name == "embed":
        delta, first, after_attention = other.resid_pre[0] - clean.resid_pre[0], 0, False
    else:
        first, after_attention = int(place[0]), name == "z"
        z = other.z[first] - clean.z[first]
        delta = (
            lean.head_out(first, z)[:, :, int(place[1])] if name == "z" else other.mlp_out[first] - clean.mlp_out[first]
        )
    own = clean.resid_mid[depth] if mid else clean.resid_pre[depth]
    if variant == "mlps_frozen":
        return own + delta
    change = delta
    start = first if name == "embed" or (after_attention and not lean.parallel) else first + 1
    for here in range(start, depth):
        read = clean.resid_pre[here] if lean.parallel else clean.resid_mid[here]
        moved = lean.mlp_out(here, lean.mlp_post(here, lean.norm2[here](read + change)))
        change = change + moved - clean.mlp_out[here]
    return own + change


def _runs(model: Any, base: Prompts, other: Prompts, variant: str) -> tuple[Lean, tuple[Trace, Trace]]:
    if variant not in VARIANTS:
        raise InterpError(f"unknown path variant {variant!r}. {nearest(variant, VARIANTS)}")
    if len(base) == 0 or base.tokens.shape != other.tokens.shape:
        raise InterpError(
            f"Path patching moves one prompt into another of the same length; got {base.tokens.shape} and "
            f"{other.tokens.shape}."
        )
    lean = Lean.of(model)
    with torch.no_grad():
        return lean, (lean.trace(base.tokens), lean.trace(other.tokens))
