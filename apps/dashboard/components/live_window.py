"""Two sliders for the window of AF1, and what moves with them: a figure of their own, a mark in every other figure.

The numbers of every window travel with the page (they were recorded by the search), so a slider asks no server:
assets/live.js puts the values of the window under it into the figures.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import dash_mantine_components as dmc
from dash import ALL, ClientsideFunction, Dash, Input, Output, State, dcc, html
from dash.development.base_component import Component

from apps.dashboard import ids
from apps.dashboard.components.aria import aria
from apps.dashboard.components.card import figure_card
from apps.dashboard.drawn import Drawn, Source, drawn
from apps.dashboard.selection import Selection
from interp.errors import InterpError
from interp.figures import drawing, live_values, live_window
from interp.figures import theme as look
from interp.figures.live_values import Grid

if TYPE_CHECKING:
    import xarray as xr

HEIGHT = 330
LIVE = "any_window"
MARK = {"color": look.PURPLE, "width": 3}
Window = tuple[int, int]


def chosen_window(grid: Grid, asked: Selection) -> tuple[Window, list[str]]:
    """Return the window shown, and a notice where the grid has not what is asked.

    Raises InterpError when the grid holds no number at all.
    """
    if not grid.cells:
        raise InterpError("No selection prompt was answered, so the grid of windows is empty.")
    if asked.window is None:
        return grid.judged, []
    wait, transfer = (int(part) for part in asked.window.split("-"))
    if (wait, transfer) in grid.cells:
        return (wait, transfer), []
    return grid.judged, [f"The grid of this run has no window {asked.window}; the judged one is shown."]


def live_card(
    grid: Grid, asked: Selection, shown: Window, theme: str, more: str = "", under: tuple[Component, ...] = ()
) -> Component:
    """Return the card with the sliders, the figure of the window `shown`, and the windows that `asked` pins.

    `more` is said of the window, `under` stands below its numbers.
    """
    ready = ready_window(grid, asked.run or "", shown, theme)
    ready = replace(ready, summary=ready.summary + more)
    sliders = html.Div(
        [
            _slider(ids.AF1_WAIT, "l_wait: blocks that wait", grid.waits, shown[0]),
            _slider(ids.AF1_TRANSFER, "l_transfer: blocks that transfer", grid.lengths, shown[1]),
            html.Button("Pin window", id=ids.AF1_PIN, type="button", className="plain-button"),
            html.Button("Judged window", id=ids.AF1_BACK, type="button", className="plain-button"),
        ],
        className="af1-sliders",
    )
    return figure_card(ready, LIVE, HEIGHT, extra=[sliders, _table(grid, shown, asked.pin), *under])


def ready_window(grid: Grid, run_id: str, shown: Window, theme: str) -> Drawn:
    """Return the figure of one window for a card."""
    of = drawing("af1", LIVE)

    def draw(data: xr.Dataset, theme: str) -> Any:
        return live_window.live(data, wait=shown[0], transfer=shown[1], theme=theme)

    ready = drawn(replace(of, draw=draw), grid.dataset, theme)
    return replace(ready, summary=live_values.said(grid, *shown), source=Source(run_id, LIVE))


def _slider(name: str, label: str, values: list[int], value: int) -> Component:
    every = max(1, -(-len(values) // 9))
    slider = dmc.Slider(
        id=name, value=value, min=values[0], max=values[-1], step=1, updatemode="drag", size="sm", thumbLabel=label,
        marks=[{"value": each, "label": str(each)} for each in values[::every]], showLabelOnHover=True,
    )  # fmt: skip
    return html.Div([html.Span(label, className="muted"), slider], className="af1-slider")


def _table(grid: Grid, shown: Window, pins: tuple[str, ...]) -> Component:
    head = html.Thead(html.Tr([html.Th(text, scope="col") for text in ("", *live_values.COLUMNS)]))
    body = html.Tbody(table_rows(grid, shown, pins), id=ids.AF1_ROWS)
    return html.Div(
        html.Table([head, body], className="af1-windows", **aria(label="Windows compared")), className="twin"
    )


def table_rows(grid: Grid, shown: Window, pins: tuple[str, ...]) -> list[Component]:
    """Return the rows of the window shown, the judged one, and the pinned ones."""
    known = {live_values.key(*cell): cell for cell in grid.cells}
    named = [("shown", shown), ("judged", grid.judged), *(("pinned", known[pin]) for pin in pins if pin in known)]
    return [
        html.Tr([html.Th(name, scope="row"), *(html.Td(text) for text in live_values.row(grid, *cell))])
        for name, cell in named
    ]


def live_data(grid: Grid, graphs: dict[str, int]) -> dict[str, Any]:
    """Return what the browser needs to show any window: the moves of every graph, words and rows by window.

    `graphs` names the graphs with a mark, and which of their shapes it is.
    """
    keys = {live_values.key(*cell): cell for cell in grid.cells}
    axes = zip(("wait", "transfer"), live_values.DIMS, strict=True)
    return {
        "moves": {LIVE: live_window.moves(grid), **{name: marks(grid, name, k) for name, k in graphs.items()}},
        "said": {key: live_values.said(grid, *cell) for key, cell in keys.items()},
        "rows": {key: live_values.row(grid, *cell) for key, cell in keys.items()},
        "judged": live_values.key(*grid.judged),
        "axes": {name: [int(v) for v in grid.dataset[dim].to_numpy()] for name, dim in axes},
    }


def marks(grid: Grid, name: str, k: int) -> dict[str, dict[str, list]]:
    """Return the moves of shape `k`, the mark in graph `name`."""
    path = ["layout", "shapes", k]
    if name == "grid":
        places = {live_values.key(*cell): mark(grid.dataset, name, cell) for cell in grid.cells}
        return {"window": {key: [(path, made)] for key, made in places.items()}}
    of = "wait" if name == "wait_curve" else "transfer"
    cells = {cell[of == "transfer"]: cell for cell in grid.cells}
    return {of: {str(value): [(path, mark(grid.dataset, name, cell))] for value, cell in cells.items()}}


def mark(dataset: xr.Dataset, name: str, shown: Window) -> dict[str, Any]:
    """Return the mark of a window in graph `name`: a frame in the grid, a line in a curve."""
    if name == "grid":
        waits, lengths = ([int(v) for v in dataset[dim].to_numpy()] for dim in live_values.DIMS)
        x, y = lengths.index(shown[1]), waits.index(shown[0])
        return {"type": "rect", "x0": x - 0.48, "x1": x + 0.48, "y0": y - 0.48, "y1": y + 0.48, "line": MARK}
    x = shown[0] if name == "wait_curve" else shown[1]
    return {"type": "line", "x0": x, "x1": x, "y0": 0, "y1": 1, "yref": "paper", "line": MARK, "layer": "below"}


def marked(ready: Drawn, dataset: xr.Dataset, name: str, shown: Window) -> tuple[Drawn, int]:
    """Return the figure of graph `name` with the mark of a window, and which of its shapes that is."""
    layout = ready.figure.get("layout", {})
    shapes = [*layout.get("shapes", ()), mark(dataset, name, shown)]
    figure = {**ready.figure, "layout": {**layout, "shapes": shapes}}
    return replace(ready, figure=figure), len(shapes) - 1


def live_stores(grid: Grid, graphs: dict[str, int], random: str = "") -> list[Component]:
    """Return what lies in the page unseen: the moves and the last click; `random` is said of the judged window."""
    data = live_data(grid, graphs)
    data["said"][data["judged"]] += random
    return [dcc.Store(id=ids.AF1_LIVE, data=data), dcc.Store(id=ids.AF1_CLICK)]


def register_live(app: Dash) -> None:
    """Let the browser move the window; the server hears of nothing."""
    app.clientside_callback(
        ClientsideFunction("live", "move"),
        Output(ids.AF1_WAIT, "value"),
        Output(ids.AF1_TRANSFER, "value"),
        Output(ids.SELECTION, "data", allow_duplicate=True),
        Output({"type": "graph", "name": ALL}, "figure", allow_duplicate=True),
        Output(ids.part(LIVE, "summary"), "children"),
        Output(ids.AF1_ROWS, "children"),
        Input(ids.AF1_WAIT, "value"),
        Input(ids.AF1_TRANSFER, "value"),
        Input(ids.AF1_CLICK, "data"),
        Input(ids.AF1_PIN, "n_clicks"),
        Input(ids.AF1_BACK, "n_clicks"),
        State(ids.AF1_LIVE, "data"),
        State(ids.SELECTION, "data"),
        State({"type": "graph", "name": ALL}, "id"),
        prevent_initial_call=True,
    )
