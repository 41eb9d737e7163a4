"""What can stand at a place without telling anything about this prompt?

    zero       0
    mean       mean over reference prompts of resid_l[r], streamed in float64 (count, mean, M2)
    resample   resid_l[r] of one reference prompt, drawn with replacement for each evaluated prompt

Mean and resample keep what all prompts of the template share (the task, the position) and lose what differs.
The draw is one for all layers and roles, so cells of a map differ by place alone.

Source: Wang et al. (2023) arXiv 2211.00593 (mean); Chan et al., Causal scrubbing (2022) (resample).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from interp.engine import Constant, Moments, Rows, Site, Source, Zero, conditional_means
from interp.methods.grid import Stream, positions, read_stream
from interp.progress import Progress

if TYPE_CHECKING:
    from interp.tasks.prompts import Prompts

KINDS = ("zero", "mean", "resample")


@dataclass(frozen=True)
class Uninformative:
    """What was read of the reference: moments {layer: {role: Moments}} and the drawn prompts' own stream."""

    reference: Prompts
    moments: dict[int, dict[str, Moments]]
    drawn: Stream

    def source(self, kind: str, layer: int, role: str) -> Source:
        """Return what `kind` writes at one cell."""
        if kind == "zero":
            return Zero()
        if kind == "mean":
            return Constant(self._stack("mean", layer, role).to(self.drawn.resid[layer].dtype))
        return Rows(self.drawn.at(layer, role), note="resample")

    def standard_error(self, layer: int, role: str) -> float:
        """Return |standard error| / |mean| of the mean at one cell (nan with a single reference prompt)."""
        error, mean = (self._stack(what, layer, role) for what in ("standard_error", "mean"))
        return float(error.norm() / mean.norm())

    def _stack(self, what: str, layer: int, role: str) -> Tensor:
        roles = [self.reference.roles[p] for p in positions(self.reference, role)]
        return torch.stack([getattr(self.moments[layer][r], what)[0] for r in roles])


def read_uninformative(
    model: Any,
    reference: Prompts,
    n: int,
    layers: Sequence[int],
    *,
    batch_size: int,
    progress: Progress,
    seed: int,
) -> Uninformative:
    """Return what to write into `n` prompts: one pass over `reference`, one over the `n` drawn from it."""
    sites = {layer: Site("resid_pre", layer) for layer in layers}
    together = {role: np.zeros(len(reference), dtype=np.int64) for role in reference.roles}
    moments = conditional_means(
        model, reference, list(sites.values()), together, batch_size=batch_size, progress=progress
    )
    drawn = reference[np.random.default_rng(seed).integers(len(reference), size=n)]
    stream = read_stream(model, drawn, layers, batch_size, progress)
    return Uninformative(reference, {layer: moments[site] for layer, site in sites.items()}, stream)
