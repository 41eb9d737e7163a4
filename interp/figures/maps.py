"""Layer x role maps: the measured panel and, on the same colour scale beside it, its null.

How to read: layers go up (0 = the embeddings), roles go right. Columns are integers with tick text, so two
positions with the same token never merge into one column.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from interp.figures import theme as look

MOST_PARTED = 40
"""Rows or columns of a map whose cells have a gap between them; in a larger one the gaps would hide the pattern."""


@dataclass(frozen=True)
class Panel:
    """One map: `values` and `hover` are [row, column]; `shown` is the text in the cells, None for no text."""

    title: str
    values: np.ndarray
    hover: list[list[str]]
    shown: list[list[str]] | None = None


@dataclass(frozen=True)
class Axis:
    """An axis of categories: its title and one label a row or column."""

    title: str
    labels: list[str]


def panel_maps(
    panels: list[Panel],
    rows: Axis,
    columns: Axis,
    *,
    title: dict,
    unit: str,
    bounds: tuple[float, float],
    theme: str = "light",
    column_axes: list[Axis] | None = None,
) -> go.Figure:
    """Return the panels side by side with one colour scale of `bounds`, labelled with `unit`.

    Panels share `columns` and are equally wide, unless `column_axes` gives each panel its own.

    `bounds` symmetric about zero gives the diverging scale (zmid = 0), `(0, m)` the sequential one.
    """
    axes = column_axes or [columns] * len(panels)
    figure = make_subplots(
        cols=len(panels),
        shared_yaxes=True,
        horizontal_spacing=0.03,
        subplot_titles=[panel.title for panel in panels],
        column_widths=[len(axis.labels) for axis in axes],
    )
    for number, (panel, axis) in enumerate(zip(panels, axes, strict=True), start=1):
        figure.add_trace(_heatmap(panel), row=1, col=number)
        figure.update_xaxes(**_ticks(axis.labels), title_text=axis.title, col=number)
    figure.update_yaxes(**_ticks(rows.labels))
    figure.update_yaxes(title_text=rows.title, col=1)
    figure.update_annotations(font={"size": 12})
    figure.update_layout(
        template=look.template(theme),
        title=title,
        coloraxis={
            "autocolorscale": True,
            "cmin": bounds[0],
            "cmax": bounds[1],
            **({"cmid": 0.0} if bounds[0] < 0 else {}),
            "colorbar": {"title": {"text": unit, "side": "right", "font": {"size": 12}}},
        },
    )
    return figure


def _ticks(labels: list[str]) -> dict:
    shown = thinned(labels, 16)
    text = [labels[i] for i in shown]
    return {"tickmode": "array", "tickvals": shown, "ticktext": text, "showgrid": False}


def _heatmap(panel: Panel) -> go.Heatmap:
    rows, columns = panel.values.shape
    gap = 1 if max(rows, columns) <= MOST_PARTED else 0
    return go.Heatmap(
        name=panel.title,
        x=list(range(columns)),
        y=list(range(rows)),
        z=panel.values,
        text=panel.shown,
        texttemplate="%{text}" if panel.shown else None,
        hovertext=panel.hover,
        hoverinfo="text",
        coloraxis="coloraxis",
        xgap=gap,
        ygap=gap,
    )


def thinned(items: list, most: int) -> list[int]:
    """Return the indices of at most about `most` evenly spaced items, the first always among them."""
    step = max(1, -(-len(items) // most))
    return list(range(0, len(items), step))


def written(values: np.ndarray, most: int = 90, least: float = 0.05) -> list[list[str]] | None:
    """Return the cell texts (two digits) of a map of at most `most` cells, None for a larger one.

    Values nearer to zero than `least` are left to the colour, so that the eye finds the others.
    """
    if values.size > most:
        return None
    return [[_short(v) if np.isfinite(v) and abs(v) >= least else "" for v in row] for row in values]


def _short(value: float) -> str:
    """Return at most three characters besides the sign: `.93`, `1.0`, `12`."""
    if abs(value) < 0.995:
        return f"{value:.2f}".replace("0.", ".", 1)
    return f"{value:.1f}" if abs(value) < 9.95 else f"{value:.0f}"


def largest(values: np.ndarray) -> tuple[int, ...]:
    """Return the index of the largest finite value."""
    filled = np.where(np.isfinite(values), values, -np.inf)
    return tuple(int(i) for i in np.unravel_index(int(np.argmax(filled)), filled.shape))
