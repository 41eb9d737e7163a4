"""The cards of the Operands page: the bar that browses, the map, its marginal, what explains it, the pins."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import dash_mantine_components as dmc
from dash import dcc, html
from dash.development.base_component import Component

from apps.dashboard import ids
from apps.dashboard.components.aria import aria
from apps.dashboard.components.card import figure_card
from apps.dashboard.components.choice import choice
from apps.dashboard.components.dressed import dressed
from apps.dashboard.components.operand_pair import pair_fields
from apps.dashboard.drawn import Source
from apps.dashboard.operand_choice import Choice, pinned
from interp.figures import operand_parts as parts
from interp.figures import operand_tables, operands
from interp.figures.twin import Twin

if TYPE_CHECKING:
    import xarray as xr

MAP_HEIGHT, LINE_HEIGHT = 560, 210
NAMES = {
    "behaviour": "Behaviour", "neurons": "Neurons", "attention": "Attention", "added": "Written by heads",
    "probes": "Read by probes",
}  # fmt: skip
UNFOLDED = Twin("made when it is unfolded", (), (), 0)


def families(dataset: xr.Dataset, chosen: Choice, path: str) -> Component:
    """Return the families as links, the shown one marked."""
    links = []
    for family in parts.families(dataset):
        base = chosen.selection.but(view=family, metric=None, node=None, layer=None, head=None, role=None)
        current = " view-current" if family == chosen.family else ""
        count = len(parts.items(dataset, family))
        links.append(dcc.Link(f"{NAMES[family]} ({count})", href=f"{path}{base.search}", className=f"view{current}"))
    return html.Div(links, className="views", role="navigation", **aria(label="Families of maps"))


def bar(dataset: xr.Dataset, chosen: Choice) -> Component:
    """Return what goes through the maps of a family: buttons, slider, choice of one, order, pin."""
    order = parts.ordered(dataset, chosen.family, chosen.by)
    rank = order.index(chosen.item)
    slider = dmc.Slider(
        id=ids.OPERANDS_RANK, value=rank, min=0, max=max(1, len(order) - 1), step=1, updatemode="drag", size="sm",
        label=None, thumbLabel="Map, by its place in the order", disabled=len(order) < 2,
    )  # fmt: skip
    said = html.Span(rank_text(chosen, rank, len(order)), id=ids.OPERANDS_SAID, className="muted operands-said")
    steps = [_step("←", "Previous map", -1), _step("→", "Next map", 1)]
    known = [(name, name.replace("_", " ")) for name in order]
    by = [(name, name) for name in parts.properties(dataset)]
    pin = html.Button("Pin map", id=ids.OPERANDS_PIN, type="button", className="plain-button", n_clicks=0)
    return html.Div(
        [
            *steps, html.Div(slider, className="operands-slider"), said,
            choice(ids.OPERANDS_ITEM, "Map", known, chosen.item, 170),
            choice(ids.OPERANDS_BY, "Sorted and averaged by", by, chosen.by, 280), pin,
        ],
        className="card operands-bar",
    )  # fmt: skip


def _step(sign: str, label: str, by: int) -> Component:
    does: Any = {"data-step": str(by), **aria(label=label)}
    return html.Button(sign, type="button", className="plain-button", **does)


def rank_text(chosen: Choice, rank: int, count: int) -> str:
    """Return which map of how many is shown, and what orders them."""
    order = "" if chosen.family == "behaviour" else f", by variance explained by {chosen.by}"
    return f"{rank + 1} of {count}{order}"


def cards(dataset: xr.Dataset, chosen: Choice, theme: str) -> Component:
    """Return map, marginal and explained shares of the chosen map."""
    one = parts.shown(dataset, chosen.family, chosen.item)
    place = parts.cell_of(dataset, *chosen.cell) if chosen.cell else None
    said = operands.says(dataset, one)
    tables = {
        ids.OPERANDS_MAP: UNFOLDED,
        ids.OPERANDS_LINE: operand_tables.by_property(dataset, one, chosen.by),
        ids.OPERANDS_BARS: operand_tables.explained(dataset, one),
    }
    made = [
        (ids.OPERANDS_MAP, "pair_map", operands.pair_map(dataset, one, place, theme=theme), said, MAP_HEIGHT),
        (ids.OPERANDS_LINE, "by_property", operands.by_property(dataset, one, chosen.by, theme=theme),
         "Mean of the cells; band: 5 to 95 % of them.", LINE_HEIGHT),
        (ids.OPERANDS_BARS, "explained", operands.explained(dataset, one, chosen.by, theme=theme),
         "Grey: largest of the shuffled maps. Click a bar to sort and average by that property.", 330),
    ]  # fmt: skip
    found = []
    for name, drawing, figure, words, height in made:
        ready = dressed(figure, dataset, words, source=source(chosen, drawing))
        shown = replace(ready, subtitle=under(dataset), table=tables[name], height=0)
        extra = [pair_fields(dataset, chosen)] if name == ids.OPERANDS_MAP else []
        found.append(figure_card(shown, name, height, extra=extra))
    return html.Div([found[0], html.Div(found[1:], className="operands-side later")], className="operands-grid")


def source(chosen: Choice, drawing: str) -> Source:
    """Return where a figure of the chosen map comes from; its files are of that map."""
    return Source(chosen.run, drawing, chosen.but(pins=()).selection.search)


def under(dataset: xr.Dataset) -> str:
    """Return the subtitle that holds for every map of a run."""
    return f"n = {int(dataset['n']):,} pairs: all there are · null: the same map with its cells shuffled"


def pins_card(dataset: xr.Dataset, chosen: Choice, theme: str) -> list[Component]:
    """Return the pinned maps and the shown one side by side; nothing where nothing is pinned."""
    if not chosen.pins:
        return []
    names = list(dict.fromkeys((*chosen.pins, chosen.name)))
    maps = [pinned(dataset, name) for name in names]
    figure = operands.compared(dataset, maps, theme=theme)
    said = " ".join(operands.says(dataset, one) for one in maps)
    table = operand_tables.compared(dataset, maps, chosen.by)
    ready = dressed(figure, dataset, said, table=table, source=Source(chosen.run, None))
    return [figure_card(ready, ids.OPERANDS_PINNED, 330)]
