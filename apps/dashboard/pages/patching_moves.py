"""What a click on the map, a key and a choice of a cell do on the Patching page: functions of the address shown.

A click or a choice by keyboard moves the cell, shift-click pins it, Esc lets go of cell, pins and pair.
"""

from __future__ import annotations

from typing import Any

from dash import ClientsideFunction, Dash, Input, Output, Patch, State, ctx, no_update

from apps.dashboard import ids
from apps.dashboard.components.pair_card import PATCHED, note, pair_data, rank_of
from apps.dashboard.components.patching_cards import frames, pins_card
from apps.dashboard.library import Library
from apps.dashboard.page import address
from apps.dashboard.pages.patching_chosen import at, default_cell, line_of, metric_of, shown_cell
from apps.dashboard.patches import name_of
from apps.dashboard.selection import Selection, parse
from interp.errors import InterpError
from interp.figures import pairs, places
from interp.figures.places import Cell
from interp.store import RunSummary

PATH = "/patching"
NOTHING = (no_update,) * 11


def register(app: Dash, library: Library) -> None:
    """Install the callbacks."""

    @app.callback(
        Output(ids.SELECTION, "data", allow_duplicate=True),
        Output(ids.PATCHING_LAYER, "value"),
        Output(ids.PATCHING_HEAD, "value"),
        Output(ids.PATCHING_ROLE, "value"),
        Output(ids.graph(ids.PATCHING_MAP), "figure", allow_duplicate=True),
        Output(ids.graph(ids.PATCHING_DETAIL), "figure", allow_duplicate=True),
        Output(ids.part(ids.PATCHING_DETAIL, "title"), "children"),
        Output(ids.part(ids.PATCHING_DETAIL, "summary"), "children"),
        Output(ids.PATCHING_LISTED, "data"),
        Output(ids.PATCHING_PINS, "children"),
        Output(ids.part(ids.PATCHING_DETAIL, "subtitle"), "children"),
        Input(ids.PATCHING_CLICK, "data"),
        Input(ids.PATCHING_LAYER, "value"),
        Input(ids.PATCHING_HEAD, "value"),
        Input(ids.PATCHING_ROLE, "value"),
        State(ids.SELECTION, "data"),
        State(ids.THEME, "data"),
        prevent_initial_call=True,
    )
    def select(click: Any, layer: Any, head: Any, role: Any, shown: Any, theme: Any) -> tuple:
        search = (shown or {}).get("search", "")
        if ids.PATCHING_CLICK in ctx.triggered_prop_ids.values():
            return clicked(library, search, click, theme)
        return chosen(library, search, (layer, head, role), theme)

    app.clientside_callback(  # the words and the points are seen before the grid is filled
        ClientsideFunction("cells", "listed"),
        Input(ids.PATCHING_LISTED, "data"),
        prevent_initial_call=True,
    )


def clicked(library: Library, search: str, click: Any, theme: Any) -> tuple:
    """Return the eleven outputs of a click on the map, or of Esc; nothing changes for a click elsewhere."""
    shown = parse(search)[0]
    line = line_of(library, shown)
    if line is None or not isinstance(click, dict):
        return NOTHING
    dataset = library.dataset(line.run_id)
    if click.get("unlock"):
        free = at(shown, default_cell(dataset)).but(pin=(), example=None)
        return NOTHING if free == shown else moved(library, line, free, theme, pins=bool(shown.pin))
    if click.get("graph") != ids.PATCHING_MAP:
        return NOTHING
    cell = places.cell_at(dataset, click.get("x"), click.get("y"))
    if cell is None:
        return NOTHING
    if click.get("shift"):
        return moved(library, line, shown.pinned(name_of(line, cell)), theme, pins=True)
    return NOTHING if at(shown, cell) == shown else moved(library, line, at(shown, cell), theme, pins=bool(shown.pin))


def chosen(library: Library, search: str, place: tuple[Any, Any, Any], theme: Any) -> tuple:
    """Return the eleven outputs of a choice of (layer, head, role); nothing changes where it is shown already."""
    shown = parse(search)[0]
    line = line_of(library, shown)
    if line is None:
        return NOTHING
    layer, head, role = place
    try:
        cell = Cell(int(layer), str(role), None if head is None else int(head))
    except (TypeError, ValueError):
        raise InterpError(f"Layer {layer!r} and head {head!r} are not numbers.") from None
    places.index_of(library.dataset(line.run_id), cell)
    return NOTHING if at(shown, cell) == shown else moved(library, line, at(shown, cell), theme, pins=bool(shown.pin))


def moved(library: Library, line: RunSummary, shown: Selection, theme: Any, *, pins: bool) -> tuple:
    """Return the eleven outputs of a new selection; the comparison is drawn again where `pins` asks for it."""
    dataset = library.dataset(line.run_id)
    cell, metric = shown_cell(dataset, shown), metric_of(dataset, shown)
    data, rows = pair_data(dataset, cell, metric)
    overlay, detail = Patch(), Patch()
    overlay["layout"]["shapes"] = frames(library, line, dataset, cell, shown.pin)
    for i, trace in enumerate(data["traces"]):
        for name, values in trace.items():
            detail["data"][i][name] = values
    detail["data"][PATCHED]["selectedpoints"] = rank_of(rows, shown.example)
    look = "dark" if theme == "dark" else "light"
    return (
        address(PATH, shown),
        str(cell.layer),
        None if cell.head is None else str(cell.head),
        cell.role,
        overlay,
        detail,
        data["title"],
        note(data, rows, metric),
        rows,
        pins_card(library, line, cell, shown, look) if pins else no_update,
        pairs.heading(dataset, data, metric)["subtitle"]["text"],
    )
