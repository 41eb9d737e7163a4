"""Curves over layers: a line a condition, its 95 % interval as a band, its nulls as grey dashes.

How to read: where two bands do not overlap the difference is beyond the sampling error of either; a curve inside
the grey says nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go

from interp.figures import theme as look
from interp.figures.schema import Estimates


@dataclass(frozen=True)
class Curve:
    """One line: estimates [x]; `hover` has one text a point, with `{}` for the estimate; `index` picks the marker.

    `dash` and `width` set a line apart without colour; without `banded` its interval is left to the hover.
    """

    name: str
    x: list
    y: Estimates
    hover: list[str]
    colour: str
    index: int = 0
    dash: str = "solid"
    width: float = 2
    banded: bool = True


def add_curve(figure: go.Figure, curve: Curve, place: Any = None, *, legend: bool = True) -> None:
    """Add `curve` with its band to `figure`; `place` is `{"row": r, "col": c}` in a figure of panels."""
    place = place or {}
    if curve.banded and curve.y.low is not None and curve.y.high is not None:
        figure.add_trace(_band(curve, curve.y.low, curve.y.high), **place)
    figure.add_trace(
        go.Scatter(
            name=curve.name,
            legendgroup=curve.name,
            showlegend=legend,
            x=curve.x,
            y=curve.y.value,
            mode="lines+markers",
            line={"color": curve.colour, "width": curve.width, "dash": curve.dash},
            marker={"symbol": look.symbol(curve.index), "size": 6},
            hovertext=[text.replace("{}", curve.y[i].text()) for i, text in enumerate(curve.hover)],
            hoverinfo="text",
        ),
        **place,
    )


def _band(curve: Curve, low: np.ndarray, high: np.ndarray) -> go.Scatter:
    known = np.isfinite(low) & np.isfinite(high)
    x = np.asarray(curve.x)[known]
    return go.Scatter(
        name=f"{curve.name}: 95 % interval",
        legendgroup=curve.name,
        showlegend=False,
        x=np.concatenate([x, x[::-1]]),
        y=np.concatenate([high[known], low[known][::-1]]),
        fill="toself",
        fillcolor=look.faded(curve.colour),
        line={"width": 0},
        mode="lines",
        hoverinfo="skip",
    )


def add_null(figure: go.Figure, name: str, x: list, y: np.ndarray, place: Any = None, *, legend: bool = True) -> None:
    """Add a null as a grey dashed line named `null: name`; NaN values are left out."""
    figure.add_trace(
        go.Scatter(
            name=f"null: {name}",
            legendgroup=f"null: {name}",
            showlegend=legend,
            x=x,
            y=y,
            mode="lines",
            line={"color": look.NULL, "width": 1.5, "dash": "dash"},
            hovertext=[f"null: {name}<br>{value:.3f}" for value in np.asarray(y, dtype=float)],
            hoverinfo="text",
        ),
        **(place or {}),
    )


def add_control(figure: go.Figure, name: str, x: list, y: Estimates, hover: list[str]) -> None:
    """Add a control that was measured at every x: a grey dashed line with its interval as a band."""
    curve = Curve(f"control: {name}", x, y, hover, look.NULL, 4, "dash", 1.5)
    add_curve(figure, curve)


def error_bar(value: float, low: float | None, high: float | None) -> dict | None:
    """Return plotly's `error_x` of a point with the interval [low, high], None where it was not recorded."""
    if low is None or high is None:
        return None
    return {"type": "data", "symmetric": False, "array": [high - value], "arrayminus": [value - low]}


def panel_titles(figure: go.Figure) -> None:
    """Give the titles of panels the size of text (plotly's default is larger than the figure's title)."""
    figure.update_annotations(font={"size": 12})


def level(value: float, x: list) -> tuple[list, np.ndarray]:
    """Return the two ends of a horizontal line at `value` across `x`, a little wider than the data."""
    return [min(x) - 0.35, max(x) + 0.35], np.array([value, value])


def accuracy_axis(figure: go.Figure, title: str, **place: Any) -> None:
    """Give the y axis the range of an accuracy, with room for the markers at 0 and 1."""
    figure.update_yaxes(title_text=title, range=[-0.04, 1.06], tickvals=[0, 0.25, 0.5, 0.75, 1], **place)


def layer_axis(figure: go.Figure, title: str, layers: list, **place: Any) -> None:
    """Tick every layer (thinned when there are many) on the x axis."""
    step = max(1, -(-len(layers) // 13))
    figure.update_xaxes(
        title_text=title, tickvals=layers[::step], range=[min(layers) - 0.4, max(layers) + 0.4], **place
    )
