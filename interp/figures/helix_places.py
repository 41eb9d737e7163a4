"""Where does each number stand on the helix that was fitted to other numbers?

    coordinate[layer, axis, number] = h C^+      axes: linear, cos and sin of each period

How to read: colours repeat every T. Numbers on a circle sort themselves into a ring of those colours, T steps a turn;
numbers without that period are a cloud of mixed ones. One period for all colours (`period`) shows whether the circles
of other periods carry it too. Coordinates on a helix fitted to the same numbers would be a perfect ring in any space of
more dimensions than numbers, which is why they are not drawn.
Source: Kantamneni & Tegmark 2025.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from interp.errors import InterpError
from interp.figures import curves, schema
from interp.figures import theme as look
from interp.figures.helix import layer_shown, numbers, where

if TYPE_CHECKING:
    import xarray as xr


def rings(
    dataset: xr.Dataset, *, theme: str = "light", period: float | None = None, layer: int | None = None
) -> go.Figure:
    """Return every number on the plane of each target period; C comes from other numbers.

    Colours are the phase of `period` (default: of each plane's own) at `layer` (default: where the number is read).
    """
    layer, periods = layer_of(dataset, layer), targets(dataset)
    figure = make_subplots(
        cols=len(periods), horizontal_spacing=0.09, subplot_titles=[f"T = {each:.4g}" for each in periods]
    )
    axes = [str(name) for name in schema.labels(dataset, "axis")]
    for i, each in enumerate(periods, start=1):
        second = f"sin {each:.4g}" if f"sin {each:.4g}" in axes else "linear"
        if f"cos {each:.4g}" not in axes:
            continue
        cosine, other = (_axis(dataset, layer, name) for name in (f"cos {each:.4g}", second))
        figure.add_trace(
            go.Scatter(
                name=f"T = {each:.4g}", x=cosine, y=other, mode="markers", showlegend=False,
                marker=_marker(dataset, period or each) | {"size": 6}, customdata=[each] * len(cosine),
                hovertext=_number_hover(dataset, each), hoverinfo="text",
            ),
            row=1, col=i,
        )  # fmt: skip
        figure.update_xaxes(title_text="cos", col=i)
        figure.update_yaxes(title_text="sin" if second != "linear" else "linear", title_standoff=0, col=i)
        if second != "linear":  # a circle should look like one
            figure.update_yaxes(scaleanchor="x" if i == 1 else f"x{i}", constrain="domain", col=i)
    curves.panel_titles(figure)
    figure.update_layout(height=150 + 720 // max(2, len(periods)), coloraxis=phase_axis())
    return figure.update_layout(
        template=look.template(theme), title=_places_title(dataset, layer, "Numbers on their circles")
    )


def coil(
    dataset: xr.Dataset, *, theme: str = "light", period: float | None = None, layer: int | None = None
) -> go.Figure:
    """Return the numbers on the helix of one target period in three dimensions, coloured by the phase of `period`.

    The helix is that of `period` where it is a target, else of the target that adds most.
    """
    layer = layer_of(dataset, layer)
    turn = _turning(dataset, layer, period)
    axes = [str(name) for name in schema.labels(dataset, "axis")]
    cosine, line = (_axis(dataset, layer, name) for name in (f"cos {turn:.4g}", "linear"))
    sine = _axis(dataset, layer, f"sin {turn:.4g}") if f"sin {turn:.4g}" in axes else np.zeros_like(cosine)
    figure = go.Figure(
        go.Scatter3d(
            name=f"T = {turn:.4g}", x=cosine, y=sine, z=line, mode="lines+markers",
            line={"color": look.faded(look.NULL, 0.5), "width": 1},
            marker=_marker(dataset, period or turn) | {"size": 4}, customdata=[turn] * len(line),
            hovertext=_number_hover(dataset, turn), hoverinfo="text",
        ),
        layout={"template": look.template(theme), "height": 560, "coloraxis": phase_axis()},
    )  # fmt: skip
    figure.update_scenes(
        xaxis_title_text=f"cos, T = {turn:.4g}", yaxis_title_text=f"sin, T = {turn:.4g}", zaxis_title_text="linear"
    )
    return figure.update_layout(title=_places_title(dataset, layer, "Numbers on their helix"))


def targets(dataset: xr.Dataset) -> list[float]:
    """Return the periods that the helix was fitted with."""
    return [float(t) for t in dataset.attrs["targets"]]


def phases(dataset: xr.Dataset, period: float) -> list[float]:
    """Return the phase of every number in turns of `period`, from 0 up to 1: its colour."""
    return (np.mod(np.asarray(schema.labels(dataset, "number"), float), period) / period).tolist()


def layer_of(dataset: xr.Dataset, layer: int | None) -> int:
    """Return `layer`, or the default one. Raises InterpError when the dataset has no such layer."""
    layers = [int(each) for each in schema.labels(dataset, "layer")]
    if layer is not None and layer not in layers:
        raise InterpError(f"This helix has no layer {layer} (it has {layers[0]} to {layers[-1]}).")
    return layer_shown(dataset) if layer is None else layer


def phase_axis() -> dict:
    """Return the colour axis of phases: cyclic, from 0 to one turn."""
    bar = {"title": {"text": "phase (turns)", "side": "right"}, "tickvals": [0, 0.25, 0.5, 0.75, 1], "thickness": 10}
    return {"colorscale": look.CYCLIC_SCALE, "cmin": 0, "cmax": 1, "colorbar": bar}


def _turning(dataset: xr.Dataset, layer: int, period: float | None) -> float:
    """Return the period of the helix that is drawn."""
    axes = [str(name) for name in schema.labels(dataset, "axis")]
    turning = [t for t in targets(dataset) if f"sin {t:.4g}" in axes] or targets(dataset)[:1]
    if period is not None:
        near = [t for t in turning if abs(t - period) < 0.005 * t]
        if near:
            return near[0]
    found = dataset.sel(layer=layer, scheme="interleaved")
    return max(turning, key=lambda t: float(found["partial"].sel(model=f"T={t:.4g}")))


def _places_title(dataset: xr.Dataset, layer: int, title: str) -> dict:
    found = dataset.sel(layer=layer, scheme="interleaved", model="all")
    p = float(found["p_corrected"])
    return schema.heading(
        dataset, title, f"{where(dataset)}, layer {layer}", numbers(dataset),
        f"each by a fit to other numbers; p over the nulls {p:.3f}",
    )  # fmt: skip


def _axis(dataset: xr.Dataset, layer: int, name: str) -> np.ndarray:
    return schema.values(dataset.sel(layer=layer, axis=name), "coordinate", "number")


def _marker(dataset: xr.Dataset, period: float) -> dict:
    """The colour of each number: its phase, the same every T."""
    line = {"width": 1, "color": look.NULL}
    return {"color": phases(dataset, period), "coloraxis": "coloraxis", "line": line}


def _number_hover(dataset: xr.Dataset, period: float) -> list[str]:
    counts = schema.values(dataset, "n_per_number", "number")
    return [
        f"<b>{value:g}</b><br>{value % period:.3g} after a whole turn of {period:.4g}<br>n = {n:.0f} prompts"
        for value, n in zip(schema.labels(dataset, "number"), counts, strict=True)
    ]
