"""Where can a label be read, does it stand above every control, and what is said where it is wrong?

Data flow: a run of `probe_controls` (or of `probing`, which has shuffled labels alone) and one of its labels -> maps by
layer and role, every control's map beside them. One cell is selected: its curve by layer with all controls, its errors
by class and by digit follow (probing_cell.py), and pinned cells stand beside it. Below: all labels of the run, and what
other probe runs of the same model, task and style say (probing_beside.py). The label and the kind navigate; a click, a
shift-click and Esc only change the figures of the cell.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from dash import ALL, ClientsideFunction, Dash, Input, Output, State, ctx, dcc, html, no_update
from dash.development.base_component import Component

from apps.dashboard import ids
from apps.dashboard.components.card import broken_card
from apps.dashboard.components.choice import choice, run_options
from apps.dashboard.components.notice import empty
from apps.dashboard.library import Library
from apps.dashboard.page import Request, address, page, picked
from apps.dashboard.pages import probing_beside, probing_cell
from apps.dashboard.pages.probing_cell import Cell
from apps.dashboard.pages.probing_choice import METHODS, choices, label_of
from apps.dashboard.selection import Selection, layer_of, parse, role_of, selected
from interp.errors import InterpError, nearest
from interp.figures.probe_map import best_cell

if TYPE_CHECKING:
    import xarray as xr

PATH, NAME = "/probing", "Probing"
HEADING = "Probing: what can be read, and is it more than every control?"
READING = (
    "A probe is a linear reading of the residual stream, fitted on train prompts and scored on test prompts. A cell "
    "counts where it stands above every control of the same labels and above shuffled labels anywhere on the map. The "
    "control task is a memory of tokens under labels of its own. What can be read need not be used: see the causal "
    "figure below."
)


def layout(library: Library, request: Request) -> Component:
    """Return the maps of one label of one run, the selected cell, and what stands beside."""
    nothing = empty(
        "No probes yet",
        "Run them, then reload this page; the first with every control, the second with shuffled labels alone:",
        "interp run probe_controls --model mental-math --task a+b --set kind=classification",
        "interp run probing --model mental-math --task a+b",
    )
    line, lines, instead = picked(library, METHODS, request, nothing)
    if line is None:
        return page(PATH, HEADING, request, instead)
    controls: list[Component] = [choice(ids.RUN_CHOICE, "Run", run_options(lines), line.run_id, width=None)]
    try:
        dataset = library.dataset(line.run_id)
        cell, wrong = cell_of(dataset, request.selection)
        request.notices.extend(wrong)
        pins, unknown = pins_of(dataset, request.selection)
        request.notices.extend(unknown)
        cards = probing_cell.cards(library, line, cell, pins, request.theme)
    except InterpError as error:
        return page(PATH, HEADING, request, [broken_card("Probes", str(error))], controls=controls)
    chosen = Selection(run=line.run_id, target=cell[0], layer=cell[1], role=cell[2], pin=tuple(map(named, pins)))
    stores = [dcc.Store(id=ids.PROBING_CLICK), dcc.Store(id=ids.PROBING_DRAWN)]
    beside = probing_beside.sections(library, request, line, cell)
    body = [html.P(READING, className="lead"), *cards, *beside, *stores]
    return page(PATH, HEADING, request, body, controls=[*choices(library, line, cell), *controls], selection=chosen)


def cell_of(dataset: xr.Dataset, asked: Selection) -> tuple[Cell, list[str]]:
    """Return the cell that the address asks for, else the best of the label, and notices about what is not there."""
    names, notices = [str(name) for name in dataset["target"].to_numpy()], []
    if asked.target is not None and asked.target not in names:
        notices.append(f"This run has no label {asked.target!r}. {nearest(asked.target, names)}")
    target, layer, role = best_cell(dataset, asked.target if asked.target in names else None)
    layers, roles = axes(dataset)
    wanted, place = layer_of(asked.layer, layers, notices), role_of(asked.role, roles, notices)
    return (target, layer if wanted is None else wanted, place or role), notices


def pins_of(dataset: xr.Dataset, asked: Selection) -> tuple[list[Cell], list[str]]:
    """Return the pinned cells that this run has, and a notice for each that it has not."""
    layers, roles = axes(dataset)
    names, kept, notices = [str(name) for name in dataset["target"].to_numpy()], [], []
    for pin in asked.pin:
        target, _, place = pin.partition("@")
        layer, _, role = place.partition("@")
        if target in names and layer.isdecimal() and int(layer) in layers and role in roles:
            kept.append((target, int(layer), role))
        else:
            notices.append(f"This run has no cell {pin!r} (label@layer@role); the pin was left out.")
    return kept, notices


def named(cell: Cell) -> str:
    """Return the name of a pinned cell, e.g. "result0@5@eq"."""
    return "@".join(map(str, cell))


def axes(dataset: xr.Dataset) -> tuple[list[int], list[str]]:
    """Return the layers and the roles of a run."""
    return [int(v) for v in dataset["layer"].to_numpy()], [str(v) for v in dataset["role"].to_numpy()]


def moved(
    library: Library, search: str, click: Any, layer: Any, role: Any, runs: Mapping[str, str] | None = None
) -> tuple:
    """Return the address, what is drawn anew, layer and role, after a click on this page or (None) a choice by key.

    `runs` says which run each card of the page shows.
    """
    same = (no_update,) * 4
    shown = parse(search)[0]
    dataset = library.dataset(shown.run or "")
    cell, pins = cell_of(dataset, shown)[0], pins_of(dataset, shown)[0]
    layers, roles = axes(dataset)
    if click is None:
        if not (str(layer).isdecimal() and int(layer) in layers and role in roles):
            raise InterpError(f"Run {shown.run} has no cell at layer {layer}, role {role}.")
        found, kept = (cell[0], int(layer), str(role)), pins
    elif click.get("unlock"):
        found, kept = best_cell(dataset, cell[0]), []
    else:
        there = probing_cell.clicked(click, cell, layers, roles)
        if there is None:
            return same
        found = cell if click.get("shift") else there
        kept = pins_of(dataset, shown.pinned(named(there)))[0] if click.get("shift") else pins
    if (found, kept) == (cell, pins):
        return same
    chosen = shown.but(layer=found[1], role=found[2], pin=tuple(map(named, kept)))
    beside = probing_beside.drawn_anew(library, runs or {}, found) if found != cell else {}
    drawn = probing_cell.drawn_anew(dataset, cell, found, kept, beside)
    return address(PATH, chosen), drawn, str(found[1]), found[2]


def register(app: Dash, library: Library) -> None:
    """A label or a kind navigates; a click or a key moves the cell: the server draws, the browser puts it in place."""

    @app.callback(
        Output(ids.SELECTION, "data", allow_duplicate=True),
        Output(ids.PROBING_DRAWN, "data"),
        Output(ids.PROBING_LAYER, "value"),
        Output(ids.PROBING_ROLE, "value"),
        Input(ids.PROBING_CLICK, "data"),
        Input(ids.PROBING_LAYER, "value"),
        Input(ids.PROBING_ROLE, "value"),
        State(ids.SELECTION, "data"),
        State(ids.whence(ALL, ALL), "id"),
        prevent_initial_call=True,
    )
    def move(click: Any, layer: Any, role: Any, shown: Any, cards: list[dict[str, str]]) -> tuple:
        by_click = ctx.triggered_id == ids.PROBING_CLICK
        if by_click and not isinstance(click, dict):
            return (no_update,) * 4
        runs = {str(card["card"]): str(card["run"]) for card in cards}
        return moved(library, (shown or {}).get("search", ""), click if by_click else None, layer, role, runs)

    @app.callback(
        Output(ids.URL, "search", allow_duplicate=True),
        Input(ids.PROBING_TARGET, "value"),
        Input(ids.PROBING_KIND, "value"),
        Input(ids.PROBING_CLICK, "data"),
        State(ids.SELECTION, "data"),
        prevent_initial_call=True,
    )
    def choose(target: Any, run_id: Any, click: Any, shown: Any) -> Any:
        now = selected(shown)
        if ctx.triggered_id == ids.PROBING_CLICK:
            there = label_of(library, now.run or "", click)
            if there is None:
                return no_update
            chosen = now.but(target=there[0], layer=there[1], role=there[2])
        elif (target, run_id) == (now.target, now.run):
            return no_update
        else:
            chosen = now.but(target=str(target), run=str(run_id), layer=None, role=None)
        return parse(chosen.search)[0].search

    app.clientside_callback(
        ClientsideFunction("live", "redraw"),
        Output({"type": "graph", "name": ALL}, "figure", allow_duplicate=True),
        Input(ids.PROBING_DRAWN, "data"),
        State({"type": "graph", "name": ALL}, "id"),
        prevent_initial_call=True,
    )
