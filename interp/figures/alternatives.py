"""Does it have to be CAMA and ABP, and this window? Every other way at the same place, beside the proposed one.

    faithfulness[alternative] = accuracy on the same prompts, which the full model answers, of a subgraph that differs
                                from AF1(l_wait, l_transfer) in one thing

wait: what the tokens hold; peek: what they may read; window: where the transfer is; control: random windows and
heads, all draws on one row. "cut from the full model" is no subgraph but the test of necessity: the full model without
the last token's reads in the window, and "other blocks cut" is its control.

Read the distance to the blue line, the proposed subgraph: an alternative left of it loses what it lacks, one on it
does as well. Intervals are of the faithfulness itself; where the run recorded the paired difference, the hover adds
it, and it decides: it is sharper, because the prompts are the same.

Source: Mamidanna, Rai, Yao & Zhou 2025 (All for One); the list of alternatives is ours.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import numpy as np
import plotly.graph_objects as go

from interp.figures import schema
from interp.figures import theme as look
from interp.figures.af1 import window_text
from interp.figures.comparison import proposed, rows_of, title

if TYPE_CHECKING:
    import xarray as xr

KINDS = {
    "wait": ("what tokens hold", look.ORANGE, "square"),
    "peek": ("what tokens read", look.GREEN, "diamond"),
    "window": ("where the window is", look.PURPLE, "triangle-up"),
    "control": ("control: random", look.NULL, "x-thin-open"),
}


def dots(dataset: xr.Dataset, *, theme: str = "light") -> go.Figure:
    """Return a dot plot: a row an alternative with its interval, grouped by kind, the proposed one as a line."""
    rows, elsewhere = rows_of(dataset), schema.optional(dataset, "cut_elsewhere", "draw")
    if elsewhere is not None and len(elsewhere):
        rows.append(("control", "other blocks cut", []))
    figure = go.Figure(layout={"template": look.template(theme)})
    _reference(figure, dataset, len(rows))
    for kind, (label, colour, symbol) in KINDS.items():
        members = [(y, i) for y, (of, _, places) in enumerate(rows) if of == kind for i in places]
        if members:
            figure.add_trace(_points(dataset, members, label, colour, symbol))
    if elsewhere is not None and len(elsewhere):
        figure.add_trace(_cut_elsewhere(dataset, len(rows) - 1))
    null = schema.scalar(dataset, "null_majority")
    if null is not None:
        down = go.Scatter(
            name="null: best constant answer",
            x=[null, null],
            y=[-0.6, len(rows) - 0.4],
            mode="lines",
            line={"color": look.NULL, "width": 1.5, "dash": "dash"},
            hoverinfo="skip",
        )
        figure.add_trace(down)
    figure.update_xaxes(title_text="faithfulness", range=[-0.03, 1.03])
    ticks = {"tickvals": list(range(len(rows))), "ticktext": [name for _, name, _ in rows]}
    figure.update_yaxes(**ticks, range=[len(rows) - 0.4, -0.6], showgrid=False)
    _separate(figure, [of for of, _, _ in rows])
    units = "correct answers kept"
    paired = "as much: paired difference not below 0" if differences(dataset) is not None else "as much: they overlap"
    n, ends = schema.count_text(dataset), f"bars: 95 % interval ({paired})"
    heading = schema.heading(dataset, title(dataset), units, window_text(dataset), n, ends)
    # the labels of the rows are long: the title begins at the edge of the figure, not at that of the plot
    figure.update_layout(title=heading | {"xref": "container", "x": 0.01}, height=height(dataset))
    return figure


def height(dataset: xr.Dataset) -> int:
    """Return the pixels that the figure needs so that every row can be read."""
    return 210 + 19 * len(rows_of(dataset))


def differences(dataset: xr.Dataset) -> np.ndarray | None:
    """Return the recorded paired difference to the proposed subgraph [alternative], None where there is none."""
    return schema.optional(dataset, "difference", "alternative")


def _points(dataset: xr.Dataset, members: list[tuple[int, int]], label: str, colour: str, symbol: str) -> go.Scatter:
    kept, names = schema.estimates(dataset, "faithfulness", "alternative"), schema.labels(dataset, "alternative")
    places = [i for _, i in members]
    shown = kept[places]
    return go.Scatter(
        name=label,
        x=shown.value,
        y=[y for y, _ in members],
        mode="markers",
        marker={"symbol": symbol, "color": colour, "size": 8, "line": {"width": 1.5, "color": colour}},
        error_x=shown.bars(thickness=1.5, width=3),
        hovertext=[_hover(dataset, kept[i], str(names[i]), i) for i in places],
        hoverinfo="text",
        cliponaxis=False,
    )


def _cut_elsewhere(dataset: xr.Dataset, y: int) -> go.Scatter:
    """Return the control of the cut: as many other blocks of the full model, a point a draw."""
    kept, (_, colour, symbol) = schema.estimates(dataset, "cut_elsewhere", "draw"), KINDS["control"]
    n = len(kept.value)
    texts = [f"<b>as many other blocks cut, draw {i}</b><br>faithfulness {kept[i].text()}" for i in range(n)]
    return go.Scatter(
        name="other blocks cut",
        showlegend=False,
        x=kept.value,
        y=[y] * n,
        mode="markers",
        marker={"symbol": symbol, "color": colour, "size": 8, "line": {"width": 1.5, "color": colour}},
        hovertext=texts,
        hoverinfo="text",
        cliponaxis=False,
    )


def _hover(dataset: xr.Dataset, kept: schema.Estimates, name: str, place: int) -> str:
    text = f"<b>{name.replace('_', ' ')}</b><br>faithfulness {kept.text()}"
    if differences(dataset) is not None:
        paired = schema.estimates(dataset, "difference", "alternative")
        text += f"<br>minus the proposed (paired): {paired[place].text()}"
    return f"{text}<br>{schema.count_text(dataset)}"


def _reference(figure: go.Figure, dataset: xr.Dataset, rows: int) -> None:
    """Draw the proposed subgraph as a vertical line with its interval."""
    kept = schema.estimates(dataset, "faithfulness", "alternative")[proposed(dataset)]
    if not np.isfinite(kept.value):
        return
    if kept.low is not None and kept.high is not None:
        band: Any = {"fillcolor": look.faded(look.BLUE), "line": {"width": 0}, "layer": "below"}
        figure.add_vrect(x0=float(kept.low), x1=float(kept.high), **band)
    figure.add_trace(
        go.Scatter(
            name="proposed: CAMA and ABP",
            x=[float(kept.value)] * 2,
            y=[-0.6, rows - 0.4],
            mode="lines",
            line={"color": look.BLUE, "width": 3},
            hovertext=[f"<b>proposed: CAMA and ABP</b><br>faithfulness {kept.text()}"] * 2,
            hoverinfo="text",
        )
    )


def _separate(figure: go.Figure, kinds: list[str]) -> None:
    """Draw a thin line between the rows of two kinds."""
    for y, (above, below) in enumerate(itertools.pairwise(kinds)):
        if above != below:
            figure.add_hline(y=y + 0.5, line={"color": look.NULL, "width": 0.5})
