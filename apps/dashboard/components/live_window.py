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
from interp.figures.af1 import window_of

if TYPE_CHECKING:
    import xarray as xr

HEIGHT = 330
LIVE = "any_window"
MARK = {"color": look.PURPLE, "width": 3}
Window = tuple[int, int]


def chosen_window(dataset: xr.Dataset, asked: Selection) -> tuple[Window, Window, list[str]]:
    """Return the window shown, the one that the search judged, and a notice where the grid has not what is asked.

    Raises InterpError when the grid holds no number at all.
    """
    known = live_values.known(dataset)
    if not known:
        raise InterpError("No selection prompt was answered, so the grid of windows is empty.")
    wait, transfer, _ = window_of(dataset)
    judged = (wait, transfer) if (wait, transfer) in known else known[0]
    if asked.window is None:
        return judged, judged, []
    wait, transfer = (int(part) for part in asked.window.split("-"))
    if (wait, transfer) in known:
        return (wait, transfer), judged, []
    return judged, judged, [f"The grid of this run has no window {asked.window}; the judged one is shown."]


def live_card(dataset: xr.Dataset, run_id: str, shown: Window, pins: tuple[str, ...], theme: str) -> Component:
    """Return the card with the sliders, the figure of the window `shown` and the table of pinned windows."""
    ready = ready_window(dataset, run_id, shown, theme)
    known = live_values.known(dataset)
    waits, lengths = sorted({w for w, _ in known}), sorted({t for _, t in known})
    sliders = html.Div(
        [
            _slider(ids.AF1_WAIT, "l_wait: blocks that wait", waits, shown[0]),
            _slider(ids.AF1_TRANSFER, "l_transfer: blocks that transfer", lengths, shown[1]),
            html.Button("Pin window", id=ids.AF1_PIN, type="button", className="plain-button"),
            html.Button("Judged window", id=ids.AF1_BACK, type="button", className="plain-button"),
        ],
        className="sliders",
    )
    return figure_card(ready, LIVE, HEIGHT, extra=[sliders, _table(dataset, shown, pins)])


def ready_window(dataset: xr.Dataset, run_id: str, shown: Window, theme: str) -> Drawn:
    """Return the figure of one window for a card."""
    of = drawing("af1", LIVE)

    def draw(data: xr.Dataset, theme: str) -> Any:
        return live_window.live(data, wait=shown[0], transfer=shown[1], theme=theme)

    ready = drawn(replace(of, draw=draw), dataset, theme)
    return replace(ready, summary=live_values.said(dataset, *shown), source=Source(run_id, LIVE))


def _slider(name: str, label: str, values: list[int], value: int) -> Component:
    every = max(1, -(-len(values) // 9))
    slider = dmc.Slider(
        id=name, value=value, min=values[0], max=values[-1], step=1, updatemode="drag", size="sm", thumbLabel=label,
        marks=[{"value": each, "label": str(each)} for each in values[::every]], showLabelOnHover=True,
    )  # fmt: skip
    return html.Div([html.Span(label, className="muted"), slider], className="slider")


def _table(dataset: xr.Dataset, shown: Window, pins: tuple[str, ...]) -> Component:
    head = html.Thead(html.Tr([html.Th(text, scope="col") for text in ("", *live_values.COLUMNS)]))
    body = html.Tbody(table_rows(dataset, shown, pins), id=ids.AF1_ROWS)
    return html.Div(html.Table([head, body], className="windows", **aria(label="Windows compared")), className="twin")


def table_rows(dataset: xr.Dataset, shown: Window, pins: tuple[str, ...]) -> list[Component]:
    """Return the rows of the window shown, the judged one, and the pinned ones."""
    known = {live_values.key(*cell): cell for cell in live_values.known(dataset)}
    judged = chosen_window(dataset, Selection())[1]
    named = [("shown", shown), ("judged", judged), *(("pinned", known[pin]) for pin in pins if pin in known)]
    return [
        html.Tr([html.Th(name, scope="row"), *(html.Td(text) for text in live_values.row(dataset, *cell))])
        for name, cell in named
    ]


def live_data(dataset: xr.Dataset, graphs: dict[str, int], judged: Window) -> dict[str, Any]:
    """Return what the browser needs to show any window: the moves of every graph, words and rows by window.

    `graphs` names the graphs with a mark, and which of their shapes it is.
    """
    known = live_values.known(dataset)
    keys = [live_values.key(*cell) for cell in known]
    moves = {LIVE: live_window.moves(dataset), **{name: marks(dataset, name, k) for name, k in graphs.items()}}
    axes = {
        name: [int(v) for v in dataset[dim].to_numpy()]
        for name, dim in zip(("wait", "transfer"), live_values.DIMS, strict=True)
    }
    return {
        "moves": moves,
        "said": {key: live_values.said(dataset, *cell) for key, cell in zip(keys, known, strict=True)},
        "rows": {key: live_values.row(dataset, *cell) for key, cell in zip(keys, known, strict=True)},
        "judged": live_values.key(*judged),
        "axes": axes,
    }


def marks(dataset: xr.Dataset, name: str, k: int) -> dict[str, dict[str, list]]:
    """Return the moves of shape `k`, the mark in graph `name`."""
    known = live_values.known(dataset)
    if name == "grid":
        return {
            "window": {live_values.key(*cell): [(["layout", "shapes", k], mark(dataset, name, cell))] for cell in known}
        }
    of = "wait" if name == "wait_curve" else "transfer"
    cells = {cell[of == "transfer"]: cell for cell in known}
    return {of: {str(value): [(["layout", "shapes", k], mark(dataset, name, cell))] for value, cell in cells.items()}}


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


def live_stores(dataset: xr.Dataset, graphs: dict[str, int], judged: Window) -> list[Component]:
    """Return what lies in the page unseen: the moves, and the last click on it."""
    return [dcc.Store(id=ids.AF1_LIVE, data=live_data(dataset, graphs, judged)), dcc.Store(id=ids.AF1_CLICK)]


def register_live(app: Dash) -> None:
    """Let the browser move the window; the server hears of nothing."""
    app.clientside_callback(
        ClientsideFunction("live", "relay"),
        Input(ids.CLICK, "data"),
        State(ids.SELECTION, "data"),
        prevent_initial_call=True,
    )
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
