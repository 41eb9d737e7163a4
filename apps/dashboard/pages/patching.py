"""The patching map; a click on a cell shows what each prompt pair did there."""

from __future__ import annotations

from typing import Any

from dash import Dash, Input, Output, Patch, State, ctx, html, no_update
from dash.development.base_component import Component

from apps.dashboard import ids
from apps.dashboard.components.card import broken_card, figure_card
from apps.dashboard.components.choice import choice, run_options
from apps.dashboard.components.notice import empty
from apps.dashboard.components.pair_card import PATCHED, note, pair_card, rank_of
from apps.dashboard.drawn import drawn
from apps.dashboard.library import Library
from apps.dashboard.page import Request, address, empty_store, page, pick_run
from apps.dashboard.selection import Selection, parse
from interp.errors import InterpError
from interp.figures import drawing, pairs
from interp.figures.patching import turning_cell

PATH, NAME = "/patching", "Patching"
HEADING = "Patching: where does the answer travel?"
MAP_HEIGHT = 430


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
        layer, role, example, wrong = cell_of(dataset, request.selection)
        request.notices.extend(wrong)
        body = _body(dataset, layer, role, example, request.theme)
    except InterpError as error:
        return page(PATH, HEADING, request, [broken_card("Patching map", str(error))], controls=controls)
    chosen = Selection(run=line.run_id, layer=layer, role=role, example=example)
    return page(PATH, HEADING, request, [body], controls=controls, selection=chosen)


def cell_of(dataset: Any, asked: Selection) -> tuple[int, str, int | None, list[str]]:
    """Return layer, role and pair that the address asks for, and notices about what this run does not have.

    The default cell is the first layer at which the last role recovers half: there the answer has just arrived.
    """
    layers, roles = axes(dataset)
    layer, role = turning_cell(dataset)
    example, notices = asked.example, []
    if asked.layer is not None and asked.layer not in layers:
        notices.append(f"This run has no layer {asked.layer} (it has {layers[0]} to {layers[-1]}).")
    elif asked.layer is not None:
        layer = asked.layer
    if asked.role is not None and asked.role not in roles:
        notices.append(f"This run has no role {asked.role!r} (it has {', '.join(roles)}).")
    elif asked.role is not None:
        role = asked.role
    if example is not None and example >= dataset.sizes["prompt"]:
        notices.append(f"This run has {dataset.sizes['prompt']} pairs, so there is no pair {example}.")
        example = None
    return layer, role, example, notices


def _body(dataset: Any, layer: int, role: str, example: int | None, theme: str) -> Component:
    layers, roles = axes(dataset)
    ready = drawn(drawing("patching"), dataset, theme, shapes=frames(layers, roles, layer, role))
    keyboard = html.Div(
        [
            html.Span("Click a cell, or choose it:", className="muted"),
            choice(ids.PATCHING_LAYER, "Layer", [(str(v), str(v)) for v in layers], str(layer), 116),
            choice(ids.PATCHING_ROLE, "Role", [(v, v) for v in roles], role, 126),
        ],
        className="keyboard",
    )
    cards = [
        figure_card(ready, ids.PATCHING_MAP, MAP_HEIGHT, extra=[keyboard]),
        pair_card(dataset, layer, role, example, theme),
    ]
    return html.Div(cards, className="grid pair")


def axes(dataset: Any) -> tuple[list[int], list[str]]:
    """Return the layers and the roles of a map."""
    return [int(v) for v in dataset["layer"].to_numpy()], [str(v) for v in dataset["role"].to_numpy()]


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
        Output(ids.graph(ids.PATCHING_MAP), "figure", allow_duplicate=True),
        Output(ids.graph(ids.PATCHING_DETAIL), "figure", allow_duplicate=True),
        Output(ids.part(ids.PATCHING_DETAIL, "title"), "children"),
        Output(ids.part(ids.PATCHING_DETAIL, "summary"), "children"),
        Output(ids.PATCHING_ROWS, "rowData"),
        Input(ids.graph(ids.PATCHING_MAP), "clickData"),
        Input(ids.PATCHING_LAYER, "value"),
        Input(ids.PATCHING_ROLE, "value"),
        State(ids.SELECTION, "data"),
        prevent_initial_call=True,
    )
    def select(click: dict | None, layer: str, role: str, shown: dict) -> tuple:
        by_click = isinstance(ctx.triggered_id, dict)
        return selected(library, (shown or {}).get("search", ""), click if by_click else None, layer, role)

    @app.callback(
        Output(ids.SELECTION, "data", allow_duplicate=True),
        Output(ids.graph(ids.PATCHING_DETAIL), "figure", allow_duplicate=True),
        Input(ids.PATCHING_ROWS, "selectedRows"),
        State(ids.PATCHING_ROWS, "rowData"),
        State(ids.SELECTION, "data"),
        prevent_initial_call=True,
    )
    def select_pair(chosen: object, rows: list[dict], shown: dict) -> tuple:
        return pair_selected(chosen, rows, (shown or {}).get("search", ""))


def pair_selected(chosen: object, rows: list[dict], search: str) -> tuple:
    """Return the address with the chosen prompt pair in it, and the figure with that pair marked."""
    shown = parse(search)[0]
    if not (isinstance(chosen, list) and chosen and isinstance(chosen[0], dict)):
        return no_update, no_update
    picked = parse(f"?example={chosen[0].get('prompt_index')}")[0].example
    if picked is None or picked == shown.example:
        return no_update, no_update
    detail = Patch()
    detail["data"][PATCHED]["selectedpoints"] = rank_of(rows, picked)
    return address(PATH, shown.but(example=picked)), detail


def selected(library: Library, search: str, click: dict | None, layer: str, role: str) -> tuple:
    """Return the eight outputs of a selection: from the click where there was one, else from the two choices.

    `search` is what the page shows now; nothing is updated when that is selected again.
    """
    shown = parse(search)[0]
    run_id = shown.run or ""
    dataset = library.dataset(run_id)
    layers, roles = axes(dataset)
    if click is not None:
        found = clicked(click, layers, roles)
        if found is None:
            return (no_update,) * 8
    else:
        found = int(layer), str(role)
        if found[0] not in layers or found[1] not in roles:
            raise InterpError(f"Run {run_id} has no cell at layer {layer}, role {role}.")
    if found == (shown.layer, shown.role):
        return (no_update,) * 8
    data, rows = pairs.example_traces(dataset, *found), pairs.example_rows(dataset, *found)
    overlay, detail = Patch(), Patch()
    overlay["layout"]["shapes"] = frames(layers, roles, *found)
    for i, trace in enumerate(data["traces"]):
        for name, values in trace.items():
            detail["data"][i][name] = values
    detail["data"][PATCHED]["selectedpoints"] = rank_of(rows, shown.example)
    chosen = shown.but(layer=found[0], role=found[1])
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
