"""The patching map; a click on a cell shows what each prompt pair did there."""

from __future__ import annotations

from typing import Any

import dash_ag_grid as dag
from dash import Dash, Input, Output, Patch, State, ctx, dcc, html, no_update
from dash.development.base_component import Component

from apps.dashboard import ids
from apps.dashboard.components.card import broken_card, figure_card
from apps.dashboard.components.choice import choice, run_options
from apps.dashboard.components.grid import grid
from apps.dashboard.components.notice import empty
from apps.dashboard.drawn import drawn, untitled
from apps.dashboard.library import Library
from apps.dashboard.page import Request, address, empty_store, page, pick_run
from apps.dashboard.selection import Selection
from interp.errors import InterpError
from interp.figures import GRAPH_CONFIG, drawing, pairs
from interp.figures.patching import turning_cell

PATH, NAME = "/patching", "Patching"
HEADING = "Patching: where does the answer travel?"
MAP, DETAIL = "patching-map", "patching-detail"
MAP_HEIGHT, DETAIL_HEIGHT = 430, 260


def layout(library: Library, request: Request) -> Component:
    """Return the map of one patching run and the pairs of the selected cell (default: the largest)."""
    if not library.models():
        return page(PATH, HEADING, request, [empty_store(library)])
    line, lines, notices = pick_run(library, "patching", request)
    request.notices.extend(notices)
    if line is None:
        nothing = empty(
            "No patching run yet",
            "Run one, then reload this page:",
            "interp run patching --model mental-math --task a+b",
        )
        return page(PATH, HEADING, request, [nothing])
    controls = [choice(ids.RUN_CHOICE, "Run", run_options(lines), line.run_id, width=420)]
    try:
        dataset = library.dataset(line.run_id)
        layer, role, wrong = cell_of(dataset, request.selection)
        request.notices.extend(wrong)
        chosen = request.selection.but(run=line.run_id, model=None, task=None, style=None, layer=layer, role=role)
        body = _body(dataset, chosen, request.theme)
    except InterpError as error:
        return page(PATH, HEADING, request, [broken_card("Patching map", str(error))], controls=controls)
    return page(PATH, HEADING, request, [body], controls=controls, selection=chosen)


def cell_of(dataset: Any, asked: Selection) -> tuple[int, str, list[str]]:
    """Return the cell the address asks for, else the largest, and notices about what does not exist."""
    layers, roles = dataset["layer"].to_numpy().tolist(), [str(r) for r in dataset["role"].to_numpy().tolist()]
    layer, role = turning_cell(dataset)
    notices: list[str] = []
    if asked.layer is not None and asked.layer not in layers:
        notices.append(f"This run has no layer {asked.layer} (it has {layers[0]} to {layers[-1]}).")
    elif asked.layer is not None:
        layer = asked.layer
    if asked.role is not None and asked.role not in roles:
        notices.append(f"This run has no role {asked.role!r} (it has {', '.join(roles)}).")
    elif asked.role is not None:
        role = asked.role
    return int(layer), role, notices


def _body(dataset: Any, chosen: Selection, theme: str) -> Component:
    layers, roles = dataset["layer"].to_numpy().tolist(), [str(r) for r in dataset["role"].to_numpy().tolist()]
    assert chosen.layer is not None
    assert chosen.role is not None
    ready = drawn(drawing("patching"), dataset, theme, shapes=frames(layers, roles, chosen.layer, chosen.role))
    keyboard = html.Div(
        [
            html.Span("Click a cell, or choose it:", className="muted"),
            choice(ids.PATCHING_LAYER, "Layer", [(str(v), str(v)) for v in layers], str(chosen.layer), 116),
            choice(ids.PATCHING_ROLE, "Role", [(v, v) for v in roles], chosen.role, 126),
        ],
        className="keyboard",
    )
    cards = [
        dcc.Store(id=ids.PATCHING_CELL, data={"run": chosen.run}),
        figure_card(ready, MAP, MAP_HEIGHT, extra=[keyboard]),
        _detail(dataset, chosen, theme),
    ]
    return html.Div(cards, className="grid pair")


def _detail(dataset: Any, chosen: Selection, theme: str) -> Component:
    assert chosen.layer is not None
    assert chosen.role is not None
    figure = pairs.examples(dataset, chosen.layer, chosen.role, theme=theme)
    data = pairs.example_traces(dataset, chosen.layer, chosen.role)
    rows = pairs.example_rows(dataset, chosen.layer, chosen.role)
    return html.Figure(
        [
            html.Figcaption(
                [
                    html.H3(data["title"], id=ids.PATCHING_TITLE, **{"aria-live": "polite"}),
                    html.P("logit of the clean answer minus logit of the corrupted answer", className="subtitle"),
                ]
            ),
            dcc.Graph(
                id=ids.graph(DETAIL),
                figure=untitled(figure),
                config=GRAPH_CONFIG,
                responsive=True,
                style={"flex": f"1 1 {DETAIL_HEIGHT}px", "minHeight": f"{DETAIL_HEIGHT}px"},
            ),
            html.P(note(data, rows), id=ids.PATCHING_NOTE, className="summary"),
            _rows_grid(rows),
        ],
        className="card",
        **{"aria-labelledby": ids.PATCHING_TITLE, "aria-describedby": ids.PATCHING_NOTE},
    )


def _rows_grid(rows: list[dict]) -> dag.AgGrid:
    number = {"type": "rightAligned", "valueFormatter": {"function": "d3.format('.2f')(params.value)"}, "width": 92}
    columns = [
        {"field": "prompt", "headerName": "clean prompt", "flex": 1, "minWidth": 110, "filter": True},
        {"field": "prompt_corrupted", "headerName": "corrupted prompt", "flex": 1, "minWidth": 130, "filter": True},
        *({"field": name, "headerName": name, **number} for name in ("clean", "corrupted", "patched", "recovered")),
    ]
    return grid(ids.PATCHING_ROWS, columns, rows, "prompt_index", height="258px", flex=True)


def note(data: dict, rows: list[dict]) -> str:
    """Return the mean, and how many pairs moved more than half way."""
    known = [row["recovered"] for row in rows if row["recovered"] == row["recovered"]]
    half = sum(value > 0.5 for value in known)
    return f"{data['interval'].capitalize()}; {half} of {len(known)} pairs move more than half way to the clean run."


def frames(layers: list[int], roles: list[str], layer: int, role: str) -> list[dict]:
    """Return the frames that mark the selected cell, on the map and on its null."""
    x, y = roles.index(role), layers.index(layer)
    box = {"type": "rect", "x0": x - 0.5, "x1": x + 0.5, "y0": y - 0.5, "y1": y + 0.5}
    line = {"line": {"color": "#D55E00", "width": 3}}
    return [{**box, **line, "xref": axis, "yref": "y"} for axis in ("x", "x2")]


def clicked(click: dict | None, layers: list[int], roles: list[str]) -> tuple[int, str] | None:
    """Return the cell of a click on a map, None for a click that hits none; columns and rows are integers."""
    try:
        point = (click or {})["points"][0]
        x, y = int(point["x"]), int(point["y"])
    except (KeyError, IndexError, TypeError, ValueError):
        return None
    return (layers[y], roles[x]) if 0 <= y < len(layers) and 0 <= x < len(roles) else None


def register(app: Dash, library: Library) -> None:
    """A click, or a choice by keyboard, moves the selection; everything else follows from it."""

    @app.callback(
        Output(ids.SELECTION, "data", allow_duplicate=True),
        Output(ids.PATCHING_LAYER, "value"),
        Output(ids.PATCHING_ROLE, "value"),
        Output(ids.graph(MAP), "figure", allow_duplicate=True),
        Output(ids.graph(DETAIL), "figure", allow_duplicate=True),
        Output(ids.PATCHING_TITLE, "children"),
        Output(ids.PATCHING_NOTE, "children"),
        Output(ids.PATCHING_ROWS, "rowData"),
        Input(ids.graph(MAP), "clickData"),
        Input(ids.PATCHING_LAYER, "value"),
        Input(ids.PATCHING_ROLE, "value"),
        State(ids.PATCHING_CELL, "data"),
        prevent_initial_call=True,
    )
    def select(click: dict | None, layer: str, role: str, cell: dict) -> tuple:
        by_click = isinstance(ctx.triggered_id, dict)
        return selected(library, str((cell or {}).get("run")), click if by_click else None, layer, role)


def selected(library: Library, run_id: str, click: dict | None, layer: str, role: str) -> tuple:
    """Return the eight outputs of a selection: from the click where there was one, else from the two choices."""
    dataset = library.dataset(run_id)
    layers, roles = dataset["layer"].to_numpy().tolist(), [str(r) for r in dataset["role"].to_numpy().tolist()]
    if click is not None:
        found = clicked(click, layers, roles)
        if found is None:
            return (no_update,) * 8
    else:
        found = int(layer), str(role)
        if found[0] not in layers or found[1] not in roles:
            raise InterpError(f"Run {run_id} has no cell at layer {layer}, role {role}.")
    data, rows = pairs.example_traces(dataset, *found), pairs.example_rows(dataset, *found)
    overlay, detail = Patch(), Patch()
    overlay["layout"]["shapes"] = frames(layers, roles, *found)
    for i, trace in enumerate(data["traces"]):
        for name, values in trace.items():
            detail["data"][i][name] = values
    chosen = Selection(run=run_id, layer=found[0], role=found[1])
    return (
        address(PATH, chosen),
        str(found[0]),
        found[1],
        overlay,
        detail,
        data["title"],
        note(data, rows),
        rows,
    )
