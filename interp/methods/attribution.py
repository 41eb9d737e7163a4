"""Which senders, and which edges from sender to reader, would change the metric if they carried the other prompt?

    base, other     denoising: the corrupted prompt takes what the clean one says; noising: the other way round
    delta_u         what sender u adds in the other run less what it adds in the base run
    node(u)         delta_u . dm/du                      one backward at the base run
    edge(u -> r)    delta_u . J_r^T W_r dm/dr             the same backward, by reader (reader_gradients)

First order in delta: exact where the metric is linear in what is moved, blind where a softmax or a norm is saturated at
the base run. Integrated gradients (EAP-IG) average the gradient on the way, at the midpoints a = (k - 1/2) / steps:

    gradient         at the base run alone
    ig_inputs        along the straight line between the two embeddings
    ig_activations   along the straight line between the two outputs of the senders of one layer, all else computed

Scores of edges are summed over positions or kept by position; their mean over pairs is in float64, beside its standard
error. A score is an estimate of an effect, not an effect: `interp.methods.prescreen` measures both.

Source: Nanda (2023), attribution patching; Syed et al. (2023) arXiv 2310.10348 (EAP); Hanna et al. (2024) arXiv
2403.17806 (EAP-IG; inputs and activations as in its code, whose steps lie at k / steps).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from interp.engine.lean import Lean
from interp.errors import InterpError, nearest
from interp.methods.circuit import Wiring
from interp.methods.reader_gradients import Gradients, gradients, head_readers, products
from interp.progress import Progress, silent

if TYPE_CHECKING:
    from interp.tasks.prompts import Prompts

VARIANTS = ("gradient", "ig_inputs", "ig_activations")
POSITIONS = ("summed", "kept")
BYTES = 2**28
"""Largest block of edge scores held at once, before they are summed over prompts."""
Metric = Callable[[Tensor, np.ndarray], Tensor]
"""(logits [prompt, vocab], places int [prompt] of the prompts) -> [prompt], differentiable."""


@dataclass(frozen=True)
class Scores:
    """What attribution found.

    edges [sender, receiver], or [pos, sender, receiver] where positions are kept: mean over prompts, zero where there
    is no edge; `edges_error` its standard error (nan for one prompt); nodes [prompt, sender, pos]; metric [prompt] of
    the base run."""

    wiring: Wiring
    edges: np.ndarray
    edges_error: np.ndarray
    nodes: np.ndarray
    metric: np.ndarray


def attribute(
    model: Any,
    base: Prompts,
    other: Prompts,
    metric: Metric,
    *,
    variant: str = "gradient",
    steps: int = 5,
    positions: str = "summed",
    batch_size: int = 64,
    progress: Progress = silent,
) -> Scores:
    """Return node and edge scores of moving `other` into `base`, row for row. `steps` counts for the ig variants alone.

    Raises InterpError for an unknown variant, steps < 1, prompts that are not aligned, or a model that `Lean` does not
    know.
    """
    _check(base, other, variant, steps, positions)
    lean = Lean.of(model)
    wiring, n_pos = Wiring.of(lean), base.tokens.shape[1]
    shape = (n_pos, *wiring.edges.shape) if positions == "kept" else wiring.edges.shape
    total, squares = (torch.zeros(shape, dtype=torch.float64) for _ in range(2))
    nodes, values = [], []
    size = _batch(lean, wiring, n_pos, batch_size)
    for start in range(0, len(base), size):
        rows = np.arange(start, min(start + size, len(base)))
        progress(start, len(base), f"attribution ({variant})")
        path = _Path(lean, base.tokens[rows], other.tokens[rows], lambda logits, rows=rows: metric(logits, rows))
        edges, node, value = path.scores(variant, steps)
        edges = edges if positions == "kept" else edges.sum(1)
        total += edges.sum(0, dtype=torch.float64).cpu()
        squares += edges.square().sum(0, dtype=torch.float64).cpu()
        nodes.append(node.movedim(1, 2).cpu().numpy())
        values.append(value.cpu().numpy())
    progress(len(base), len(base), f"attribution ({variant})")
    n = len(base)
    mean = total / n
    variance = (squares / n - mean.square()).clamp(min=0) * (n / (n - 1) if n > 1 else torch.nan)
    error = (variance / n).sqrt().numpy()
    return Scores(wiring, mean.numpy(), error, np.concatenate(nodes), np.concatenate(values))


class _Path:
    """One batch: both runs, what each sender would add differently, and the gradients between them."""

    def __init__(self, lean: Lean, base: np.ndarray, other: np.ndarray, metric: Callable[[Tensor], Tensor]) -> None:
        self.lean, self.metric = lean, metric
        with torch.no_grad():
            self.start, self.other = lean.embed(base), lean.trace(other)
        self.here = gradients(lean, self.start, metric)  # the base run, and the gradient there
        self.embed = self.other.resid_pre[0] - self.start
        self.z = [b - a for a, b in zip(self.here.own_z, self.other.z, strict=True)]
        self.mlp = [b - a for a, b in zip(self.here.own_mlp, self.other.mlp_out, strict=True)]
        parts = [self.embed[:, :, None]]
        for layer in range(lean.n_layers):
            parts += [lean.head_out(layer, self.z[layer]), self.mlp[layer][:, :, None]]
        self.deltas = torch.cat(parts, dim=2)  # [prompt, pos, sender, d_model]

    def scores(self, variant: str, steps: int) -> tuple[Tensor, Tensor, Tensor]:
        """Return edges [prompt, pos, sender, receiver], nodes [prompt, pos, sender] and the base metric [prompt]."""
        if variant == "gradient":
            return self._edges(self.here, slice(None)), self._nodes(self.here), self.here.metric
        edges, nodes = torch.zeros(()), torch.zeros(())
        points = (torch.arange(steps) + 0.5) / steps
        for rows, name, layer in self._groups(variant):
            for a in points.tolist():
                found = self._on_the_way(name, layer, a)
                edges, nodes = edges + self._edges(found, rows) / steps, nodes + self._nodes(found, rows) / steps
        return edges, nodes, self.here.metric

    def _groups(self, variant: str) -> Iterator[tuple[slice, str, int]]:
        """Yield the senders that move together: all of them with the embedding, or those of one layer and kind."""
        if variant == "ig_inputs":
            yield slice(None), "embed", 0
            return
        yield slice(0, 1), "embed", 0
        for layer in range(self.lean.n_layers):
            first = 1 + layer * (self.lean.n_heads + 1)
            yield slice(first, first + self.lean.n_heads), "z", layer
            yield slice(first + self.lean.n_heads, first + self.lean.n_heads + 1), "mlp_out", layer

    def _on_the_way(self, name: str, layer: int, a: float) -> Gradients:
        if name == "embed":
            return gradients(self.lean, self.start + a * self.embed, self.metric)
        moved = a * (self.z if name == "z" else self.mlp)[layer]

        def replace(site: str, here: int, activation: Tensor) -> Tensor:
            return activation + moved if (site, here) == (name, layer) else activation

        return gradients(self.lean, self.start, self.metric, replace)

    def _edges(self, found: Gradients, rows: slice) -> Tensor:
        """Return the scores of edges from the senders `rows`; zero elsewhere."""
        lean, wiring = self.lean, Wiring.of(self.lean)
        out = self.deltas.new_zeros((*self.deltas.shape[:2], *wiring.edges.shape))
        low, high, _ = rows.indices(len(wiring.senders))
        column = 0
        with torch.no_grad():
            for layer in range(lean.n_layers):
                heads = head_readers(lean, layer, found)
                before = 1 + layer * (lean.n_heads + 1)
                some, width = slice(low, min(high, before)), heads.shape[2]
                if some.stop > low:
                    deltas, norm = self.deltas[:, :, some], lean.norm1[layer]
                    scored = products(norm, found.resid_pre[layer], deltas, heads)
                    out[:, :, some, column : column + width] = scored
                some = slice(low, min(high, before + (0 if lean.parallel else lean.n_heads)))
                if some.stop > low:
                    read = found.mlp_in[layer][..., None]
                    out[:, :, some, column + width] = (self.deltas[:, :, some] @ read)[..., 0]
                column += width + 1
            out[:, -1, low:high, column] = (self.deltas[:, -1, low:high] @ found.final[..., None])[..., 0]
        return out

    def _nodes(self, found: Gradients, rows: slice = slice(None)) -> Tensor:
        """Return delta . gradient of each sender [prompt, pos, sender]; zero outside `rows`."""
        parts = [(self.embed * found.embed).sum(-1, keepdim=True)]
        for layer in range(self.lean.n_layers):
            parts.append((self.z[layer] * found.z[layer]).sum(-1))
            parts.append((self.mlp[layer] * found.mlp_out[layer]).sum(-1, keepdim=True))
        scored, kept = torch.cat(parts, dim=2), torch.zeros(self.deltas.shape[2], device=self.deltas.device)
        kept[rows] = 1
        return scored * kept


def _batch(lean: Lean, wiring: Wiring, n_pos: int, batch_size: int) -> int:
    """Return how many prompts at once keep the scores and deltas within BYTES."""
    a_prompt = 4 * n_pos * len(wiring.senders) * (len(wiring.receivers) + lean.d_model)
    return max(1, min(batch_size, BYTES // a_prompt))


def _check(base: Prompts, other: Prompts, variant: str, steps: int, positions: str) -> None:
    if variant not in VARIANTS:
        raise InterpError(f"unknown attribution {variant!r}. {nearest(variant, VARIANTS)}")
    if positions not in POSITIONS:
        raise InterpError(f"positions are summed or kept, not {positions!r}. {nearest(positions, POSITIONS)}")
    if steps < 1:
        raise InterpError(f"steps = {steps}: integrated gradients need at least 1 point on the way.")
    if len(base) == 0 or base.tokens.shape != other.tokens.shape:
        raise InterpError(
            f"Attribution moves one prompt into another of the same length; got {base.tokens.shape} and "
            f"{other.tokens.shape}."
        )
