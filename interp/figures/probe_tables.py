"""Which probe reads which cell, and which variables share a direction? Two square tables at one place.

transfer: rows are what a probe was fitted on, columns what it is judged on; the diagonal is the usual probe.
directions: how much of two variables' spans is shared, along what is read and along what changes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go

from interp.figures import maps, schema

if TYPE_CHECKING:
    import xarray as xr


Place = tuple[int, str]
LAST = (-1, 0)


def transfer_map(dataset: xr.Dataset, *, at: Place | None = None, theme: str = "light") -> go.Figure:
    """Return the table of scores at (layer, role) `at` (default: where the usual probes are best), beside the
    correlation where there is one; colours end at -1, the written numbers do not."""
    names = [str(name) for name in schema.labels(dataset, "fit")]
    j, k = place_of(dataset, at, best_place(dataset))
    score = schema.estimates(dataset, "score", "fit", "on", "layer", "role")[..., j, k]
    cosine = schema.values(dataset, "cosine", "fit", "on", "layer", "role")[..., j, k]
    constant = schema.values(dataset, "score_constant", "fit", "on", "layer", "role")[..., j, k]
    r = schema.optional(dataset, "r", "fit", "on", "layer", "role")
    n, tested = schema.count_text(dataset), schema.values(dataset, "n_test", "on")
    hover = [
        [f"<b>fitted on {a}, judged on {b}</b><br>{score[i, m].text()}<br>constant {constant[i, m]:.3f}<br>"
         f"cosine {cosine[i, m]:.3f}" + ("" if r is None else f"<br>correlation {r[i, m, j, k]:.3f}")
         + f"<br>n = {int(tested[m]):,}"
         for m, b in enumerate(names)] for i, a in enumerate(names)
    ]  # fmt: skip
    ceiling = float(schema.values(dataset, "score_null_high"))
    layer, role = schema.labels(dataset, "layer")[j], schema.labels(dataset, "role")[k]
    told = (f"layer {layer}, {role}", n, f"null: shuffled labels reach {ceiling:.2f}")
    unit = str(dataset["score"].attrs.get("units", "score"))
    title = schema.heading(dataset, f"Probes of {dataset.attrs.get('target', '?')} on other cells", *told)
    panels = [maps.Panel(unit, np.clip(score.value, -1, 1), hover, maps.written(score.value))]
    if r is not None:
        panels.append(maps.Panel("correlation", r[..., j, k], hover, maps.written(r[..., j, k])))
    return maps.panel_maps(
        panels, maps.Axis("fitted on", names), maps.Axis("judged on", names), unit="score", bounds=(-1.0, 1.0),
        theme=theme, title=title,
    )  # fmt: skip


def best_place(dataset: xr.Dataset) -> tuple[int, int]:
    """Return the layer and role (indices) where probes do best on their own cell, on average."""
    score = schema.values(dataset, "score", "fit", "on", "layer", "role")
    found = maps.largest(np.einsum("iijk->jk", score))
    return found[0], found[1]


def place_of(dataset: xr.Dataset, at: Place | None, usual: tuple[int, int]) -> tuple[int, int]:
    """Return the indices of layer and role `at`; the usual one for each that the run does not have."""
    if at is None:
        return usual
    layers = [int(layer) for layer in schema.labels(dataset, "layer")]
    roles = [str(role) for role in schema.labels(dataset, "role")]
    j = layers.index(at[0]) if at[0] in layers else usual[0]
    return j, roles.index(at[1]) if at[1] in roles else usual[1]


def transfer_summary(dataset: xr.Dataset, at: Place | None = None) -> str:
    """Return how probes do on their own cell and on others, by default at the best place."""
    j, k = place_of(dataset, at, best_place(dataset))
    score = schema.values(dataset, "score", "fit", "on", "layer", "role")[..., j, k]
    names, other = [str(name) for name in schema.labels(dataset, "fit")], ~np.eye(len(score), dtype=bool)
    worst = tuple(np.argwhere(other & (score == score[other].min()))[0])
    own = score.diagonal()
    return (
        f"At layer {schema.labels(dataset, 'layer')[j]}, {schema.labels(dataset, 'role')[k]}, probes of "
        f"{dataset.attrs.get('target', '?')} score {own.min():.2f} to {own.max():.2f} on their "
        f"own cell and {score[other].min():.2f} to {score[other].max():.2f} on others (worst: {names[worst[0]]} on "
        f"{names[worst[1]]}; shuffled labels up to {float(schema.values(dataset, 'score_null_high')):.2f}); "
        f"{schema.count_text(dataset)}."
    )


def overlap_map(dataset: xr.Dataset, *, at: Place | None = None, theme: str = "light") -> go.Figure:
    """Return what the spans of every two variables share at (layer, role) `at` (default: the last layer and the first
    role), along reads and means."""
    names = [str(name) for name in schema.labels(dataset, "target")]
    j, k = place_of(dataset, at, LAST)
    layer, role, n = schema.labels(dataset, "layer")[j], schema.labels(dataset, "role")[k], schema.count_text(dataset)
    dims = ("space", "target", "other", "layer", "role")
    overlap, angle = (schema.values(dataset, name, *dims)[..., j, k] for name in ("overlap", "angle"))
    limits = schema.values(dataset, "overlap_null_high", "space")
    panels = []
    for s, space in enumerate(str(name) for name in schema.labels(dataset, "space")):
        hover = [[f"<b>{a} and {b}, {space}</b><br>overlap {overlap[s, i, j]:.3f}<br>angle {angle[s, i, j]:.0f}°<br>"
                  f"null [0, {limits[s]:.2f}]<br>{n}" for j, b in enumerate(names)]
                 for i, a in enumerate(names)]  # fmt: skip
        panels.append(maps.Panel(f"{space} (null up to {limits[s]:.2f})", overlap[s], hover, maps.written(overlap[s])))
    axis = maps.Axis("", names)
    told = (f"layer {layer}, {role}", n, "null: probes of shuffled labels")
    return maps.panel_maps(panels, axis, axis, unit="shared", bounds=(0.0, 1.0), theme=theme,
                           title=schema.heading(dataset, "Directions that variables share", *told))  # fmt: skip


def overlap_summary(dataset: xr.Dataset, at: Place | None = None) -> str:
    """Return the two variables whose directions of reading share most, by default at the last layer."""
    place = place_of(dataset, at, LAST)
    names = [str(name) for name in schema.labels(dataset, "target")]
    dims = ("space", "target", "other", "layer", "role")
    found = schema.values(dataset, "overlap", *dims)[0, ..., place[0], place[1]] - np.eye(len(names))
    i, j = maps.largest(found)
    limit = float(schema.values(dataset, "overlap_null_high", "space")[0])
    above = int((np.triu(found, 1) > limit).sum())
    return (
        f"At layer {schema.labels(dataset, 'layer')[place[0]]}, {schema.labels(dataset, 'role')[place[1]]}, {above} of "
        f"{len(names) * (len(names) - 1) // 2} pairs share more of what is read than shuffled labels do ({limit:.2f}); "
        f"most: {names[i]} and {names[j]}, {found[i, j]:.2f}; {schema.count_text(dataset)}."
    )
