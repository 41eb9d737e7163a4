"""An intervention bound to prompts: the function that turns an activation into the written activation.

out = h;  out[where] = s                          alpha = 1, no basis: a select
out[where] = h + alpha * U U^T (s - h)            otherwise, in float32 at least
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from interp.engine.interventions import Intervention, Place
from interp.engine.sites import Site
from interp.errors import InterpError


@dataclass(frozen=True)
class Write:
    """What one intervention does to one batch; made by `bind`."""

    intervention: Intervention
    labels: tuple[str, ...]  # one for each place: a role, or "query<-key"
    positions: np.ndarray  # [place] or [place, 2]
    n_pos: int

    def __call__(self, h: Tensor, rows: np.ndarray) -> Tensor:
        """Return a new activation; `h` is left alone. `rows` are the places of the batch's prompts in the run."""
        site = self.intervention.site
        check_batch(h, site, rows, self.n_pos)
        index, axis = selection(site, self.positions, h.device)
        current = h[index].movedim(axis, 1)
        source = self.intervention.source.at(rows, self.labels, current, site)
        out = h.clone()
        out[index] = self.update(current, source).to(h.dtype).movedim(1, axis)
        return out

    def update(self, h: Tensor, s: Tensor) -> Tensor:
        """Return h + alpha U U^T (s - h) of the selected entries [prompt, place, ...]."""
        basis, alpha = self.intervention.basis, self.intervention.alpha
        if basis is None and alpha == 1:
            return s.expand_as(h)
        wide = h if h.dtype == torch.float64 else h.float()
        change = s.to(wide.dtype) - wide
        if basis is not None:
            change = basis.project(change)
        return wide + alpha * change


def bind(intervention: Intervention, prompts: Any) -> Write:
    """Return the write of `intervention` for these prompts.

    Raises InterpError for an unknown role, a place named twice, or a source that does not fit the prompts.
    """
    labels, positions = locate(intervention.where, prompts)
    intervention.source.check(labels, len(prompts))
    return Write(intervention, labels, positions, prompts.tokens.shape[1])


def locate(where: Sequence[Place], prompts: Any) -> tuple[tuple[str, ...], np.ndarray]:
    """Return the labels and the positions ([place], or [place, 2] for edges) of `where` in the prompts.

    "all" means every role in order. Raises InterpError for an unknown role or one place named twice.
    """
    places = tuple(prompts.roles) if "all" in where else tuple(where)
    if "all" in where and len(where) > 1:
        raise InterpError(f'"all" already names every role; drop the others from {tuple(where)!r}.')
    labels = tuple(place if isinstance(place, str) else "<-".join(place) for place in places)
    positions = np.array([_position(place, prompts) for place in places], dtype=np.int64)
    if len(places) > 1 and len(np.unique(positions, axis=0)) != len(positions):
        raise InterpError(f"`where` names one place twice: {', '.join(labels)}.")
    return labels, positions


def selection(site: Site, positions: np.ndarray, device: Any) -> tuple[tuple, int]:
    """Return the index that picks `positions` and the site's head or neuron, and the axis the places end up on."""
    index = slice(None) if site.index is None else site.index
    picked = torch.as_tensor(positions, device=device)
    if site.name != "pattern":
        return ((slice(None), picked) if site.index is None else (slice(None), picked, index)), 1
    queries = picked.unbind(-1) if picked.ndim == 2 else (picked,)
    return (slice(None), index, *queries), (2 if site.index is None else 1)


def check_batch(h: Tensor, site: Site, rows: np.ndarray, n_pos: int) -> None:
    """Raise InterpError unless the activation is that of the prompts `rows`, each `n_pos` tokens long."""
    shape = (h.shape[0], h.shape[2 if site.name == "pattern" else 1])
    if shape != (len(rows), n_pos):
        raise InterpError(
            f"{site}: the batch is {shape[0]} prompts of {shape[1]} tokens but the interventions were made for "
            f"{len(rows)} of {n_pos}: run the same prompts, or name the batch with rows=."
        )


def _position(place: Place, prompts: Any) -> Any:
    if isinstance(place, str):
        return prompts.position(place)
    return tuple(prompts.position(role) for role in place)
