"""Are two variables read along the same direction, or in the same plane?

At each place, W_i [d, columns] are ridge's weights for variable i ("reads"), M_i the mean change of the stream with its
columns ("means": what varying i does to the stream). With U_i an orthonormal basis of a span,

    angle[i, j]      the smallest principal angle of the spans, arccos σ_1(U_iᵀ U_j), in degrees
    overlap[i, j]    Σ σ² / min(rank), in [0, 1]: 1 = one span lies in the other
    cosine[i, j]     signed, where both have one column
    random           overlap of random spans of these ranks, max(rank) / d
    null             overlap of i with a probe of j's shuffled labels: `overlap_null_high` is the corrected 95th
                     percentile of the map's largest

Reading: variables that are correlated in the prompts have overlapping means for that reason alone; weights take that
out as far as both vary. Overlap below the random one means that they were kept apart. Weights of a probe in a stream
with a few large directions overlap by that alone, which is why the null is made of probes and not of random vectors.

Source: Björck & Golub, Math. Comp. 27 (1973) 579 (principal angles); Haufe et al., NeuroImage 87 (2014) 96.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from interp.methods.gram import Ladder, choose_all, gram_sums
from interp.methods.grid import layer_list, role_list, within
from interp.methods.nulls import max_threshold
from interp.methods.probe_study import Sets, codes_of, columns, groups, told
from interp.methods.result import attributes, variable
from interp.progress import Progress, silent

SPACES = ("reads", "means")
DIMS = "space target other layer role"


def span(columns_: Tensor) -> Tensor:
    """Return an orthonormal basis [d, rank] of the columns; dependent ones do not count."""
    U, S, _ = torch.linalg.svd(columns_, full_matrices=False)
    return U[:, (1e-9 * S.max().clamp(min=1e-300)) < S]


def principal(U: Tensor, V: Tensor) -> tuple[float, float]:
    """Return the smallest principal angle in degrees and the overlap in [0, 1] of two spans; 90 and 0 where one is
    empty."""
    if not U.shape[1] or not V.shape[1]:
        return 90.0, 0.0
    sigma = torch.linalg.svdvals(U.T @ V).clamp(max=1.0)
    return float(torch.rad2deg(sigma[0].arccos())), float(sigma.square().sum() / min(U.shape[1], V.shape[1]))


def probe_directions(
    model: Any,
    sets: Sets,
    targets: Sequence[str],
    *,
    kind: str = "regression",
    period: float = 10.0,
    layers: Sequence[int] | None = None,
    roles: Sequence[str] | None = None,
    n_shuffles: int = 19,
    batch_size: int = 512,
    progress: Progress = silent,
    seed: int = 0,
) -> xr.Dataset:
    """Return angles, overlaps and cosines between the directions of every two targets at each layer and role.

    `overlap`, `angle`, `overlap_random` [space, target, other, layer, role], `overlap_null_high` [space], `cosine` for
    targets of one column. Raises InterpError for an unknown target, role or layer, or too few shuffles.
    """
    max_threshold(np.zeros(n_shuffles))
    layers, roles = layer_list(model, layers), role_list(sets.train, roles)
    cells = [(layer, role) for layer in layers for role in roles]
    codes = codes_of(sets.train, targets, kind, period)
    labels = told(sets, targets, n_shuffles, seed, tasks=False)
    y, held = (columns(codes, each.truth) for each in labels[:2])
    index = groups(codes, 1 + n_shuffles)
    how: dict[str, Any] = {"batch_size": batch_size}
    sums, rounding = gram_sums(model, sets.train, y, cells, progress=within(progress, 0, 2, "fitting"), **how)
    ladders = {cell: Ladder.of(sums[cell], rounding) for cell in cells}
    inner = within(progress, 1, 2, "choosing penalties")
    solved = choose_all(model, sets.validation, held, index, ladders, progress=inner, **how)
    found = []
    for cell in cells:
        rows = sums[cell]
        means = rows.xy - torch.outer(rows.x, rows.y) / rows.n
        means = means * (ladders[cell].scale > 0)[:, None]  # what is constant has no mean change but rounding
        found.append([_compared(each.cpu(), index, len(codes), n_shuffles) for each in (solved[cell].weights, means)])
    progress(2, 2, "compared")
    whole = {
        key: np.array([[space[key] for space in each] for each in found])
        for key in ("angle", "overlap", "cosine", "ranks")
    }
    null = np.array([[space["null"] for space in each] for each in found])  # [cell, space, shuffle]
    ds = _dataset(whole, null, {"target": list(targets), "layer": layers, "role": roles}, int(model.cfg.d_model))
    ds["n_train"] = variable("", len(sets.train), "prompts", "number of train prompts")
    ds["n"] = variable("", len(sets.train), "prompts", "number of prompts behind the directions")
    title = "Angles and overlaps between the directions along which variables are read."
    told_ = attributes("probe_directions", model, sets.train, title, kind=kind, n_shuffles=n_shuffles, seed=seed)
    return ds.assign_attrs(told_)


def _compared(vectors: Tensor, index: np.ndarray, n_targets: int, n_shuffles: int) -> dict[str, np.ndarray]:
    """Angles, overlaps, cosines [target, other] at one place, ranks [target], and the largest null of each shuffle."""
    n_copies = 1 + n_shuffles
    spans = [span(vectors[:, np.flatnonzero(index == g)]) for g in range(n_targets * n_copies)]
    own = spans[::n_copies]
    pairs = np.array([[principal(u, v) for v in own] for u in own])
    first = [vectors[:, np.flatnonzero(index == i * n_copies)] for i in range(n_targets)]
    cosine = np.full((n_targets, n_targets), np.nan)
    if all(each.shape[1] == 1 for each in first):
        unit = torch.cat(first, dim=1)
        unit = unit / unit.norm(dim=0).clamp(min=1e-300)
        cosine = (unit.T @ unit).numpy()
    others = [(i, j) for i in range(n_targets) for j in range(n_targets) if i != j]
    null = [
        max((principal(own[i], spans[j * n_copies + s])[1] for i, j in others), default=0.0) for s in range(1, n_copies)
    ]
    ranks = np.array([u.shape[1] for u in own])
    return {"angle": pairs[..., 0], "overlap": pairs[..., 1], "cosine": cosine, "ranks": ranks, "null": np.array(null)}


def _dataset(found: dict[str, np.ndarray], null: np.ndarray, dims: dict[str, Any], width: int) -> xr.Dataset:
    """`found` are [cell, space, target, other]."""

    def shaped(values: np.ndarray) -> np.ndarray:
        return np.moveaxis(values, 0, -1).reshape(*values.shape[1:], len(dims["layer"]), len(dims["role"]))

    ranks = found["ranks"]
    random = np.maximum(ranks[..., :, None], ranks[..., None, :]) / width
    ceiling = [max_threshold(null[:, space].max(axis=0)) for space in range(len(SPACES))]
    data = {
        "overlap": variable(DIMS, shaped(found["overlap"]), "fraction", "shared by the two spans"),
        "overlap_random": variable(DIMS, shaped(random), "fraction", "shared by random spans of these ranks"),
        "overlap_null_high": variable("space", ceiling, "fraction", "95th percentile of the largest, shuffled labels"),
        "angle": variable(DIMS, shaped(found["angle"]), "degrees", "smallest principal angle of the two spans"),
    }
    if np.isfinite(found["cosine"]).all():
        data["cosine"] = variable(DIMS, shaped(found["cosine"]), "cosine", "signed, of the two directions")
    coords = {"space": list(SPACES), "other": dims["target"], **dims}
    return xr.Dataset(data, coords)
