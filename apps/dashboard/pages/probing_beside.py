"""What stands beside one run of probes: all its labels, shared directions, other cells, examples needed, and use."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from dash import html
from dash.development.base_component import Component

from apps.dashboard import ids
from apps.dashboard.components.aria import aria
from apps.dashboard.components.card import arranged, broken_card, figure_card, missing_card
from apps.dashboard.components.dressed import dressed
from apps.dashboard.components.still import still_card
from apps.dashboard.drawn import Drawn, Source
from apps.dashboard.kin import command, same_question
from apps.dashboard.library import Library
from apps.dashboard.page import Request
from apps.dashboard.pages.probing_cell import Cell
from apps.dashboard.selection import RUN_ID
from interp.errors import InterpError
from interp.figures import drawing, probe_tables
from interp.figures.twin import twin
from interp.store import RunSummary

if TYPE_CHECKING:
    import xarray as xr

HEIGHT, ALL_HEIGHT = 320, 400
ALL = {"probe_controls": ("beside", "by_layer"), "probing": ("readable", "score_by_layer")}
# section -> its cards as (method, figure, what it is called where there is no run yet, what to add to the command)
BESIDE = {
    "Same direction, same code?": (
        ("probe_directions", "overlap_map", "Directions that variables share", ""),
        ("probe_transfer", "transfer_map", "Probes on other tasks and styles", ""),
    ),
    "From how few examples, and is it used?": (
        ("probe_learning", "learned", "Learning curves and code lengths", ""),
        ("probe_causal", "followed", "Answers that follow the probe", " --set variable=carry"),
    ),
}


# what the causal check calls the labels of the others
CALLED = {"result0": "ones", "result1": "tens", "result_carry0": "carry"}


# the figures that are drawn at the layer and role of the selected cell, and what they say there
AT_CELL = {
    "overlap_map": (probe_tables.overlap_map, probe_tables.overlap_summary),
    "transfer_map": (probe_tables.transfer_map, probe_tables.transfer_summary),
}


# where they are drawn at what their run does not have
USUAL: dict[str, Callable[[xr.Dataset], tuple[int, int]]] = {
    "overlap_map": lambda _: probe_tables.LAST, "transfer_map": probe_tables.best_place,
}  # fmt: skip


def sections(library: Library, request: Request, line: RunSummary, cell: Cell) -> list[Component]:
    """Return the sections below the selected cell; of several runs of one method, the one about its label."""
    first = [still_card(library, line, name, request.theme, ALL_HEIGHT) for name in ALL[line.method]]
    made = [_section("All labels of this run", first)]
    for title, cards in BESIDE.items():
        made.append(_section(title, [_beside(library, request, line, cell, card) for card in cards]))
    return made


def _section(title: str, cards: list[Component]) -> Component:
    name = ids.part(title.split()[0].lower(), "section")
    body = [html.H2(title, id=name), *arranged(cards)]
    return html.Section(body, className="cell after", **aria(labelledby=name))


def _beside(
    library: Library, request: Request, line: RunSummary, cell: Cell, card: tuple[str, str, str, str]
) -> Component:
    method, name, title, more = card
    run = about(library, same_question(library, line, (method,)), cell[0])
    if run is None:
        return missing_card(title, "Not run yet for this model, task and style.", command(method, line) + more)
    if name not in AT_CELL:
        return still_card(library, run, name, request.theme, HEIGHT)
    try:
        return figure_card(at_cell(library, run.run_id, name, cell, request.theme), name, HEIGHT)
    except InterpError as error:
        return broken_card(title, str(error))


def at_cell(library: Library, run_id: str, name: str, cell: Cell, theme: str) -> Drawn:
    """Return a figure of another run at the layer and role of the selected cell, as far as that run has them."""
    dataset, (draw, say) = library.dataset(run_id), AT_CELL[name]
    place, shows = cell[1:], drawing(str(dataset.attrs["method"]), name).shows
    figure, source = draw(dataset, at=place, theme=theme), Source(run_id, name)
    j, k = probe_tables.place_of(dataset, place, USUAL[name](dataset))
    layer, role = dataset["layer"].to_numpy()[j], dataset["role"].to_numpy()[k]
    table = twin(dataset.isel(layer=j, role=k), shows)
    table = replace(table, caption=f"layer {layer}, {role}: {table.caption}")
    return dressed(figure, dataset, say(dataset, place), table=table, source=source)


def drawn_anew(library: Library, runs: Mapping[str, str], cell: Cell) -> dict[str, Drawn]:
    """Return the figures that follow the cell, of the runs that the cards of the page show (card -> run)."""
    found = {}
    for name in (name for name in AT_CELL if RUN_ID.fullmatch(runs.get(name, ""))):
        try:
            found[name] = at_cell(library, runs[name], name, cell, "bare")
        except InterpError:
            continue  # its card said so when the page was drawn
    return found


def about(library: Library, runs: list[RunSummary], target: str) -> RunSummary | None:
    """Return the newest run that is about `target`, else the newest; None where there is none."""
    for run in runs:
        try:
            attrs = library.dataset(run.run_id).attrs
        except InterpError:
            continue  # its own card will say what is wrong with it
        if {target, CALLED.get(target, target)} & {attrs.get("target"), attrs.get("variable")}:
            return run
    return next(iter(runs), None)
