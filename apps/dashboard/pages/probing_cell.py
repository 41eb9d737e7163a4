"""The selected cell of the Probing page: the maps that it is chosen on, its curve, its errors, and pinned cells."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import plotly.graph_objects as go
from dash import html
from dash.development.base_component import Component

from apps.dashboard import ids
from apps.dashboard.components.card import arranged, broken_card, figure_card, missing_card
from apps.dashboard.components.choice import choice
from apps.dashboard.components.dressed import dressed
from apps.dashboard.components.table import cells_of
from apps.dashboard.components.try_link import following
from apps.dashboard.drawn import Drawn, Source
from apps.dashboard.kin import command, question_of
from apps.dashboard.library import Library
from apps.dashboard.selection import Selection
from interp.errors import InterpError
from interp.figures import probe_cell, probe_errors, probe_map
from interp.figures.twin import INTERVAL, Twin, twin
from interp.store import RunSummary

if TYPE_CHECKING:
    import xarray as xr

Cell = tuple[str, int, str]
MAP_HEIGHT, HEIGHT = 300, 280
MAP, CURVE, CLASSES, CONFUSION, PINS = "target_map", "cell_curve", "by_class", "confusion", "beside"
FRAME = {"color": "#D55E00", "width": 3}
PINNED = {"color": "#CC79A7", "width": 2, "dash": "dot"}
# name -> the figure of a cell, what it says, and the variable behind it
OF_CELL: dict[str, tuple[Callable[..., go.Figure], Callable[..., str], str]] = {
    CURVE: (probe_cell.cell_curve, probe_cell.curve_summary, "score"),
    CLASSES: (probe_errors.by_class, probe_errors.class_summary, "score_by"),
    CONFUSION: (probe_errors.confusion, probe_errors.confusion_summary, "confusion"),
}
ROW = ("label", "layer", "role", "score", *INTERVAL)
TITLES = {CURVE: "By layer", CLASSES: "Errors by class", CONFUSION: "What is said instead"}


def cards(library: Library, line: RunSummary, cell: Cell, pins: list[Cell], theme: str) -> list[Component]:
    """Return the maps of the label, then the figures of the cell."""
    dataset = library.dataset(line.run_id)
    figure = probe_map.target_map(dataset, target=cell[0], theme=theme).update_layout(
        shapes=frames(dataset, cell, pins)
    )
    said, table = probe_map.summary(dataset, cell[0]), twin(dataset.sel(target=cell[0]), "score")
    ready = dressed(figure, dataset, said, table=table, source=Source(line.run_id, MAP))
    top = figure_card(ready, MAP, MAP_HEIGHT, extra=[_keyboard(dataset, cell), _try(library, line, cell)])
    under = [_card(dataset, line, name, cell, theme) for name in OF_CELL]
    compared = replace(_compared(dataset, cell, pins, theme), source=Source(line.run_id, PINS))
    if line.method == "probing":  # which has no figure of that name
        compared = replace(compared, source=Source(line.run_id, MAP))
    under.append(figure_card(compared, "pinned", HEIGHT))
    return [html.Div(top, className="cell"), *arranged(under)]


def _keyboard(dataset: xr.Dataset, cell: Cell) -> Component:
    layers, roles = ([str(v) for v in dataset[name].to_numpy()] for name in ("layer", "role"))
    return html.Div(
        [
            html.Span("Click a cell of any map, or choose it; shift-click pins, Esc lets go:", className="muted"),
            choice(ids.PROBING_LAYER, "Layer", [(v, v) for v in layers], str(cell[1]), 116),
            choice(ids.PROBING_ROLE, "Role", [(v, v) for v in roles], cell[2], 126),
        ],
        className="keyboard",
    )


def _try(library: Library, line: RunSummary, cell: Cell) -> Component:
    """Return the link of the cell: is what is read there also used? Patch the stream in one prompt."""
    asked = question_of(library, line.run_id).but(view="patch", node="resid_pre")
    shown = Selection(layer=cell[1], role=cell[2])
    return following("cell", asked, shown, ("layer", "role"), "this cell patched in one prompt: is what is read used?")


def _card(dataset: xr.Dataset, line: RunSummary, name: str, cell: Cell, theme: str) -> Component:
    """Return one figure of the cell, or what to type to have it."""
    if OF_CELL[name][2] not in dataset:
        text = (
            "This run does not keep it; probes beside every control do (labels of values 0 to 9, tasks with carries)."
        )
        return missing_card(TITLES[name], text, f"{command('probe_controls', line)} --set kind=classification --fresh")
    try:
        ready = _ready(dataset, name, cell, theme)
    except InterpError as error:
        return broken_card(TITLES[name], str(error))
    return figure_card(replace(ready, source=Source(line.run_id, name)), name, HEIGHT)


def table_of(dataset: xr.Dataset, name: str, cell: Cell) -> Twin:
    """Return the numbers that a figure of a cell shows; its caption says of which cell."""
    target, layer, role = cell
    if name == CONFUSION:
        return probe_errors.confusion_table(dataset, cell)
    here, place = dataset.sel(target=target, role=role), f"{target} at {role}"
    if name == CLASSES:
        here, place = here.sel(layer=layer), f"{target} at layer {layer}, {role}"
    found = twin(here, OF_CELL[name][2])
    return replace(found, caption=f"{place}: {found.caption}")


def _ready(dataset: xr.Dataset, name: str, cell: Cell, theme: str) -> Drawn:
    draw, say, _ = OF_CELL[name]
    figure, table = draw(dataset, cell=cell, theme=theme), table_of(dataset, name, cell)
    return dressed(figure, dataset, say(dataset, cell), table=table)


def _compared(dataset: xr.Dataset, cell: Cell, pins: list[Cell], theme: str) -> Drawn:
    """Return the selected cell and the pinned ones beside each other."""
    places = [cell, *(pin for pin in pins if pin != cell)]
    figure = probe_cell.cells(dataset, places, theme=theme)
    rows = tuple(probe_cell.row(dataset, place) for place in places)
    controls = tuple(probe_map.controls_of(dataset.sel(target=cell[0])))
    unit = probe_map.unit_of(dataset)
    table = Twin(f"{unit} of the selected place and the pinned ones", (*ROW, *controls), rows, 3)
    said = (
        f"{len(places)} places; the first is selected, the others are pinned."
        if pins
        else "Shift-click cells to pin them here."
    )
    return dressed(figure, dataset, said, table=table)


def frames(dataset: xr.Dataset, cell: Cell, pins: list[Cell]) -> list[dict]:
    """Return the frames around the selected cell and the pinned ones of the same label, on every map."""
    layers, roles = ([v.item() for v in dataset[name].to_numpy()] for name in ("layer", "role"))
    n = 1 + len(probe_map.controls_of(dataset.sel(target=cell[0])))
    marks = [(pin, PINNED) for pin in pins if pin[0] == cell[0] and pin != cell] + [(cell, FRAME)]
    found = []
    for (_, layer, role), line in marks:
        x, y = roles.index(role), layers.index(layer)
        box = {"type": "rect", "x0": x - 0.5, "x1": x + 0.5, "y0": y - 0.5, "y1": y + 0.5, "line": line, "yref": "y"}
        found += [{**box, "xref": f"x{k or ''}"} for k in (0, *range(2, n + 1))]
    return found


def clicked(click: dict, cell: Cell, layers: list[int], roles: list[str]) -> Cell | None:
    """Return the cell of a click in a map or on the curve, None where it means none."""
    try:
        if click.get("graph") == MAP:
            x, y = int(click["x"]), int(click["y"])
            return (cell[0], layers[y], roles[x]) if 0 <= y < len(layers) and 0 <= x < len(roles) else None
        if click.get("graph") == CURVE:
            layer = int(click["x"])
            return (cell[0], layer, cell[2]) if layer in layers else None
    except (KeyError, TypeError, ValueError):
        return None
    return None


def drawn_anew(
    dataset: xr.Dataset, before: Cell, cell: Cell, pins: list[Cell], beside: Mapping[str, Drawn]
) -> dict[str, Any]:
    """Return what changes where `cell` is selected after `before`: figures by graph (without theme), texts and tables
    by id.

    `beside` are figures of other runs that were drawn at that cell.
    """
    figures: dict[str, Any] = {MAP: {"layout": {"shapes": frames(dataset, cell, pins)}}}
    texts: dict[str, str] = {}
    tables: dict[str, str] = {}
    ready, names = {"pinned": _compared(dataset, cell, pins, "bare"), **beside}, list(OF_CELL) if cell != before else []
    if names and cell[2] == before[2]:  # the curve of that role is drawn already
        names.remove(CURVE)
        figures[CURVE] = {"layout": {"shapes": [probe_cell.mark(cell[1])]}}
        texts[ids.part(CURVE, "summary")] = probe_cell.curve_summary(dataset, cell)
    for name in names:
        try:
            ready[name] = _ready(dataset, name, cell, "bare")
        except InterpError:
            continue  # its card said so when the page was drawn
    for name, each in ready.items():
        layout = {key: value for key, value in each.figure["layout"].items() if key != "template"}
        figures[name] = {"data": each.figure["data"], "layout": layout}
        words = {"title": each.title, "subtitle": each.subtitle, "summary": each.summary}
        texts |= {ids.part(name, part): said for part, said in words.items()}
        if each.table:
            tables[ids.part(name, "table")] = cells_of(each.table)
    return {"figures": figures, "texts": texts, "tables": tables}
