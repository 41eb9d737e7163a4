"""Where does each number stand on the helix that was fitted to other numbers?

    coordinate[layer, axis, number] = h C^+      axes: linear, cos and sin of each period

How to read: colours repeat every T. Numbers on a circle sort themselves into a ring of those colours, T steps a turn;
numbers without that period are a cloud of mixed ones. Coordinates on a helix fitted to the same numbers would be a
perfect ring in any space of more dimensions than numbers, which is why they are not drawn.
Source: Kantamneni & Tegmark 2025.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from interp.figures import curves, schema
from interp.figures import theme as look
from interp.figures.helix import layer_shown, numbers, where

if TYPE_CHECKING:
    import xarray as xr

CYCLE = [
    "#e2d9e2", "#9ebbc9", "#6785be", "#5e43a5", "#421257",
    "#2f1436", "#5f1a48", "#9a3f54", "#c0786a", "#d7baaa", "#e2d9e2",
]  # fmt: skip
"""The cyclic scale twilight: the first colour is the last one."""


def rings(dataset: xr.Dataset, *, theme: str = "light") -> go.Figure:
    """Return every number on the plane of each target period, coloured by its phase; C comes from other numbers."""
    layer, periods = layer_shown(dataset), [float(t) for t in dataset.attrs["targets"]]
    figure = make_subplots(
        cols=len(periods), horizontal_spacing=0.09, subplot_titles=[f"T = {period:.4g}" for period in periods]
    )
    axes = [str(name) for name in schema.labels(dataset, "axis")]
    for i, period in enumerate(periods, start=1):
        second = f"sin {period:.4g}" if f"sin {period:.4g}" in axes else "linear"
        if f"cos {period:.4g}" not in axes:
            continue
        cosine, other = (_axis(dataset, layer, name) for name in (f"cos {period:.4g}", second))
        figure.add_trace(
            go.Scatter(
                name=f"T = {period:.4g}", x=cosine, y=other, mode="markers", showlegend=False,
                marker=_phase(dataset, period) | {"size": 6},
                hovertext=_number_hover(dataset, period), hoverinfo="text",
            ),
            row=1, col=i,
        )  # fmt: skip
        figure.update_xaxes(title_text="cos", col=i)
        figure.update_yaxes(title_text="sin" if second != "linear" else "linear", title_standoff=0, col=i)
        if second != "linear":  # a circle should look like one
            figure.update_yaxes(scaleanchor="x" if i == 1 else f"x{i}", constrain="domain", col=i)
    curves.panel_titles(figure)
    figure.update_layout(height=150 + 720 // max(2, len(periods)))
    figure.update_layout(template=look.template(theme), title=_places_title(dataset, layer, "Numbers on their circles"))
    return figure


def coil(dataset: xr.Dataset, *, theme: str = "light") -> go.Figure:
    """Return the numbers on the helix of the target period that adds most, in three dimensions."""
    layer = layer_shown(dataset)
    found = dataset.sel(layer=layer, scheme="interleaved")
    axes = [str(name) for name in schema.labels(dataset, "axis")]
    turning = [t for t in dataset.attrs["targets"] if f"sin {float(t):.4g}" in axes] or [dataset.attrs["targets"][0]]
    period = float(max(turning, key=lambda t: float(found["partial"].sel(model=f"T={float(t):.4g}"))))
    cosine, line = (_axis(dataset, layer, name) for name in (f"cos {period:.4g}", "linear"))
    sine = _axis(dataset, layer, f"sin {period:.4g}") if f"sin {period:.4g}" in axes else np.zeros_like(cosine)
    figure = go.Figure(
        go.Scatter3d(
            name=f"T = {period:.4g}", x=cosine, y=sine, z=line, mode="lines+markers",
            line={"color": look.faded(look.NULL, 0.5), "width": 1}, marker=_phase(dataset, period) | {"size": 4},
            hovertext=_number_hover(dataset, period), hoverinfo="text",
        ),
        layout={"template": look.template(theme), "height": 560},
    )  # fmt: skip
    figure.update_scenes(
        xaxis_title_text=f"cos, T = {period:.4g}", yaxis_title_text=f"sin, T = {period:.4g}", zaxis_title_text="linear"
    )
    figure.update_layout(title=_places_title(dataset, layer, "Numbers on their helix"))
    return figure


def _places_title(dataset: xr.Dataset, layer: int, title: str) -> dict:
    found = dataset.sel(layer=layer, scheme="interleaved", model="all")
    p = float(found["p_corrected"])
    return schema.heading(
        dataset, title, f"{where(dataset)}, layer {layer}", numbers(dataset),
        f"each by a fit to other numbers; p over the nulls {p:.3f}",
    )  # fmt: skip


def _axis(dataset: xr.Dataset, layer: int, name: str) -> np.ndarray:
    return schema.values(dataset.sel(layer=layer, axis=name), "coordinate", "number")


def _phase(dataset: xr.Dataset, period: float) -> dict:
    """The colour of each number: its phase, the same every T."""
    phase = np.mod(np.asarray(schema.labels(dataset, "number"), float), period) / period
    scale = [[i / (len(CYCLE) - 1), colour] for i, colour in enumerate(CYCLE)]
    return {"color": phase, "colorscale": scale, "cmin": 0, "cmax": 1, "line": {"width": 0.5, "color": look.NULL}}


def _number_hover(dataset: xr.Dataset, period: float) -> list[str]:
    counts = schema.values(dataset, "n_per_number", "number")
    return [
        f"<b>{value:g}</b><br>{value % period:.3g} after a whole turn of {period:.4g}<br>n = {n:.0f} prompts"
        for value, n in zip(schema.labels(dataset, "number"), counts, strict=True)
    ]
