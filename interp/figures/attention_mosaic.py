"""What does every head read? All heads as small maps [query, key] in one mosaic, blocks upwards, heads to the right.

    tile[l, h] = mean_i pattern_i[l, h, query, key] - 1 / (number of keys the query can see)

How to read: in a tile rows are the token that reads, the first on top; columns the token that is read. Blue reads more
than a head that looks everywhere alike (0 on the scale, the null), red less; keys that a query cannot see are blank.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import plotly.graph_objects as go

from interp.figures import maps, schema
from interp.figures import theme as look
from interp.figures.attention_heads import DIMS, Head, place, told, weights

if TYPE_CHECKING:
    import xarray as xr

MOST_HOVERED = 20_000
"""Cells of a mosaic that carry text of their own; in a larger one the map of the head under the pointer tells."""


def all_heads(dataset: xr.Dataset, *, theme: str = "light") -> go.Figure:
    """Return every head as a small map of attention above or below uniform, one mosaic of tiles."""
    pattern, uniform, seen = weights(dataset)
    layers, heads = (schema.labels(dataset, dim) for dim in DIMS[:2])
    excess = np.where(seen, pattern.value - uniform, np.nan)
    text = _mosaic_hover(dataset, pattern, uniform) if excess.size <= MOST_HOVERED else None
    z = tiled(excess)
    figure = go.Figure(
        go.Heatmap(
            name="above uniform", x=list(range(z.shape[1])), y=list(range(z.shape[0])), z=z, hovertext=text,
            hoverinfo="text" if text else "none", coloraxis="coloraxis",
        )
    )  # fmt: skip
    down, across = span(dataset)
    figure.update_xaxes(**_centres([str(head) for head in heads], across), title_text="head")
    figure.update_yaxes(**_centres([str(layer) for layer in layers], down), title_text="block")
    return figure.update_layout(
        template=look.template(theme),
        title=schema.heading(
            dataset, "What every head reads", "mean attention minus uniform (the null, 0 on the scale)",
            schema.count_text(dataset), "rows read, columns are read",
        ),
        coloraxis=_colours(look.limits(excess, at_least=0.1), "above uniform"),
        height=max(420, min(1400, 90 + 62 * len(layers))),
    )  # fmt: skip


def span(dataset: xr.Dataset) -> tuple[int, int]:
    """Return how many rows and columns of the mosaic belong to one head, the gap to the next included."""
    return dataset.sizes["role"] + 1, dataset.sizes["key"] + 1


def head_at(dataset: xr.Dataset, x: object, y: object) -> Head | None:
    """Return the (layer, head) whose tile holds the point (x, y) of the mosaic; None beside all tiles."""
    if not all(isinstance(each, int | float) and np.isfinite(each) for each in (x, y)):
        return None
    down, across = span(dataset)
    i, j = int(round(float(y)) // down), int(round(float(x)) // across)  # type: ignore[arg-type]
    if not (0 <= i < dataset.sizes["layer"] and 0 <= j < dataset.sizes["head"]):
        return None
    return int(schema.labels(dataset, "layer")[i]), int(schema.labels(dataset, "head")[j])


def frame(dataset: xr.Dataset, layer: int, head: int, label: str = "") -> dict:
    """Return the frame around a head's tile: a full line, or dashed and with its number where it is pinned."""
    i, j = place(dataset, layer, head)
    down, across = span(dataset)
    box = {"x0": j * across - 0.8, "x1": (j + 1) * across - 1.2, "y0": i * down - 0.8, "y1": (i + 1) * down - 1.2}
    colour, dash = (look.PURPLE, "dot") if label else (look.ORANGE, "solid")
    named = {"text": label, "textposition": "top left", "font": {"size": 12, "color": colour}}
    return {"type": "rect", **box, "line": {"color": colour, "width": 3, "dash": dash}, "label": named}


def tiled(values: np.ndarray, gap: Any = np.nan) -> np.ndarray:
    """Return [layer, head, query, key] as one map: tiles with a gap of one cell, layers upwards, queries downwards."""
    n_layers, n_heads, queries, keys = values.shape
    out = np.full((n_layers, queries + 1, n_heads, keys + 1), gap, dtype=values.dtype)
    out[:, :queries, :, :keys] = values[:, :, ::-1].transpose(0, 2, 1, 3)
    return out.reshape(n_layers * (queries + 1), n_heads * (keys + 1))[:-1, :-1]


def _mosaic_hover(dataset: xr.Dataset, pattern: schema.Estimates, uniform: np.ndarray) -> list[list[str]]:
    layers, heads, roles, keys = (schema.labels(dataset, dim) for dim in DIMS)
    n, text = schema.count_text(dataset), np.empty(pattern.value.shape, dtype=object)
    for i, layer in enumerate(layers):
        for j, head in enumerate(heads):
            text[i, j] = [
                [
                    told(n, f"{layer}.{head}", f"{query} reads {key}", pattern[i, j, q, k], float(uniform[q, k]))
                    for k, key in enumerate(keys)
                ]
                for q, query in enumerate(roles)
            ]
    return tiled(text, "").tolist()


def _centres(labels: list[str], step: int) -> dict:
    shown = maps.thinned(labels, 16)
    at = [i * step + (step - 2) / 2 for i in shown]
    return {"tickmode": "array", "tickvals": at, "ticktext": [labels[i] for i in shown], "showgrid": False}


def _colours(bounds: tuple[float, float], unit: str) -> dict:
    bar = {"title": {"text": unit, "side": "right", "font": {"size": 12}}}
    return {"autocolorscale": True, "cmin": bounds[0], "cmax": bounds[1], "cmid": 0.0, "colorbar": bar}
