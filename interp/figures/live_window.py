"""What if the window were another? One cell of the grid at a time, in a figure that a slider can move.

    faithfulness[l_wait, l_transfer] on the selection split, read from the grid that the search recorded

Left above: which block does what. Left below: this window beside what it is read against: the same wait with the rest
of the model free (CAMA: what waiting alone costs; mean and zeros: waiting without the tokens' own identity), and all
windows of the same length. Right: the row and the column of the grid through this window.

A search looked at every cell, so a cell is not evidence by itself: the number reported is that of the chosen window on
the test split. `moves` holds, for each l_wait, l_transfer and window, the few values in which the figure differs, so
that a browser can show any window at once; `live` draws a window with the same moves.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from interp.errors import InterpError
from interp.figures import curves, schema
from interp.figures import theme as look
from interp.figures.live_values import Grid, Move, key, length_moves, said, wait_moves, window_moves
from interp.figures.waiting import null_of
from interp.figures.window import STAGES, n_blocks

if TYPE_CHECKING:
    import xarray as xr

ROWS = ("windows as long", "alone, zeros", "alone, mean", "waiting alone", "this window")


def live(
    dataset: xr.Dataset, *, wait: int | None = None, transfer: int | None = None, theme: str = "light"
) -> go.Figure:
    """Return the figure of one window, by default the one that the search judged; an empty one for an empty grid.

    Raises InterpError for a window that is not in the grid.
    """
    grid = Grid.of(dataset)
    if not grid.cells:
        title = schema.heading(dataset, "No window could be tried", "no selection prompt was answered")
        return go.Figure(layout={"template": look.template(theme), "title": title})
    judged = grid.judged
    wait, transfer = judged[0] if wait is None else wait, judged[1] if transfer is None else transfer
    if (wait, transfer) not in grid.cells:
        raise InterpError(f"The grid has no window of {wait} waiting and {transfer} transfer blocks.")
    drawn = _base(dataset, theme).to_dict()
    for path, value in [
        *wait_moves(grid, wait, PLACES),
        *length_moves(grid, transfer, PLACES),
        *window_moves(grid, wait, transfer, PLACES),
    ]:
        put(drawn, path, value)
    return go.Figure(drawn)


def moves(grid: Grid) -> dict[str, dict[str, list[Move]]]:
    """Return the moves of every `wait`, `transfer` and `window`, by their names ("3", "2", "3-2")."""
    return {
        "wait": {str(w): wait_moves(grid, w, PLACES) for w in grid.waits},
        "transfer": {str(t): length_moves(grid, t, PLACES) for t in grid.lengths},
        "window": {key(w, t): window_moves(grid, w, t, PLACES) for w, t in grid.cells},
    }


def put(figure: dict[str, Any], path: list[str | int], value: Any) -> None:
    """Put `value` where `path` leads in a figure."""
    at: Any = figure
    for step in path[:-1]:
        at = at[step]
    at[path[-1]] = value


# the traces of the figure, in their order; the stages of the diagram come first, two bars each
PLACES = {name: i for i, name in enumerate((
    *(f"{stage} {row}" for stage in STAGES for row in (1, 0)),
    "this", "cama", "mean", "zero", "length", "row band", "row", "column band", "column", "here",
))}  # fmt: skip


def _base(dataset: xr.Dataset, theme: str) -> go.Figure:
    """Return the figure without what moves."""
    figure = make_subplots(
        rows=2, cols=2, specs=[[{}, {"rowspan": 2}], [{}, None]], column_widths=[0.6, 0.4], row_heights=[0.44, 0.56],
        vertical_spacing=0.22, horizontal_spacing=0.09,
    )  # fmt: skip
    _diagram(figure, n_blocks(dataset))
    _points(figure)
    _slices(figure, n_blocks(dataset))
    for place in ({"row": 2, "col": 1}, {"row": 1, "col": 2}):
        _levels(figure, dataset, place)
    n = schema.scalar(dataset, "n_selection")
    under = ("selection split", "n not recorded" if n is None else f"n = {int(n):,}", "95 % interval",
             "grey: what it is read against", "dashed: null (best constant)", "dotted: threshold")  # fmt: skip
    title = schema.heading(dataset, "Any window, from the recorded grid", *under)
    figure.update_layout(template=look.template(theme), title=title)
    return figure


def _diagram(figure: go.Figure, total: int) -> None:
    place: Any = {"row": 1, "col": 1}
    for name, (colour, fill, last, others) in STAGES.items():
        for y, who in ((1, last), (0, others)):
            reads = f"<b>{name}</b><br>{('other tokens', 'last token')[y]} read {who}"
            bar = go.Bar(
                name=name, x=[0], base=[0], y=[y], hovertext=reads, orientation="h", width=0.86, text=[who],
                textposition="inside", insidetextanchor="middle", textangle=0,
                textfont={"size": 11, "color": "#212529"},
                marker={"color": fill, "line": {"color": colour, "width": 1.5}}, hoverinfo="text", showlegend=False,
            )  # fmt: skip
            figure.add_trace(bar, **place)
        label = {"text": name, "showarrow": False, "yanchor": "bottom", "font": {"size": 11}}
        figure.add_annotation(x=0, y=1.5, **label, **place)
    figure.update_layout(barmode="overlay", uniformtext={"minsize": 9, "mode": "hide"})
    ticks = list(range(0, total, max(1, total // 16)))
    figure.update_xaxes(title={"text": "block", "standoff": 0}, tickvals=ticks, range=[-0.5, total - 0.5],
                        showgrid=False, **place)  # fmt: skip
    rows = {"tickvals": [0, 1], "ticktext": ["other tokens", "last token"]}
    figure.update_yaxes(**rows, showgrid=False, range=[-0.5, 2.1], **place)


def _points(figure: go.Figure) -> None:
    place: Any = {"row": 2, "col": 1}
    looks = {"this": (look.BLUE, "circle", 11), "cama": (look.SKY, "square", 9), "mean": (look.NULL, "diamond", 9),
             "zero": (look.NULL, "diamond-open", 9), "length": (look.NULL, "line-ns-open", 11)}  # fmt: skip
    for name, (colour, symbol, size) in looks.items():
        marker = {"color": colour, "symbol": symbol, "size": size, "line": {"width": 1.5, "color": colour}}
        trace = go.Scatter(name=name, x=[], y=[], mode="markers", marker=marker, hoverinfo="text", showlegend=False,
                           cliponaxis=False)  # fmt: skip
        figure.add_trace(trace, **place)
    figure.update_xaxes(title={"text": "faithfulness", "standoff": 0}, range=[-0.03, 1.03], **place)
    ticks = {"tickvals": list(range(len(ROWS))), "ticktext": list(ROWS)}
    figure.update_yaxes(**ticks, showgrid=False, range=[-0.6, len(ROWS) - 0.4], **place)


def _slices(figure: go.Figure, total: int) -> None:
    place: Any = {"row": 1, "col": 2}
    for name, colour, dash, symbol in (
        ("l_transfer, at this l_wait", look.BLUE, "solid", 0), ("l_wait, at this l_transfer", look.ORANGE, "dot", 1),
    ):  # fmt: skip
        band = go.Scatter(name=f"{name}: 95 % interval", x=[], y=[], fill="toself", fillcolor=look.faded(colour),
                          line={"width": 0}, mode="lines", hoverinfo="skip", showlegend=False)  # fmt: skip
        line = go.Scatter(name=name, x=[], y=[], mode="lines+markers", line={"color": colour, "width": 2, "dash": dash},
                          marker={"symbol": look.symbol(symbol), "size": 6}, hoverinfo="text")  # fmt: skip
        figure.add_traces([band, line], rows=[1, 1], cols=[2, 2])
    here = go.Scatter(name="this window", x=[], y=[], mode="markers", hoverinfo="skip", showlegend=False,
                      marker={"symbol": "circle-open", "size": 15, "color": look.PURPLE, "line": {"width": 3}},
                      )  # fmt: skip
    figure.add_trace(here, **place)
    curves.layer_axis(figure, "blocks", list(range(total + 1)), **place)
    curves.accuracy_axis(figure, "faithfulness", **place)


def _levels(figure: go.Figure, dataset: xr.Dataset, place: Any) -> None:
    add = figure.add_vline if place["col"] == 1 else figure.add_hline
    axis = "x" if place["col"] == 1 else "y"
    null, threshold = null_of(dataset), schema.scalar(dataset, "threshold")
    if null is not None:
        add(**{axis: null}, line={"color": look.NULL, "width": 1.5, "dash": "dash"}, **place)
    if threshold is not None:
        add(**{axis: threshold}, line={"color": look.GREEN, "width": 1, "dash": "dot"}, **place)


def summary(dataset: xr.Dataset) -> str:
    """Return how the window that the search judged stands among all windows."""
    grid = Grid.of(dataset)
    if not grid.cells:
        return "No selection prompt was answered, so no window could be tried."
    return said(grid, *grid.judged)
