"""The cards of the Operands page: the bar that browses, the map, its marginal, what explains it, a pair, the pins."""

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
from apps.dashboard.components.try_link import try_link
from apps.dashboard.drawn import Source
from apps.dashboard.operand_choice import Choice, pinned
from apps.dashboard.selection import Selection
from interp.figures import operand_parts as parts
from interp.figures import operands, schema

if TYPE_CHECKING:
    import xarray as xr

MAP_HEIGHT, LINE_HEIGHT = 560, 210
NAMES = {
    "behaviour": "Behaviour", "neurons": "Neurons", "attention": "Attention", "added": "Written by heads",
    "probes": "Read by probes",
}  # fmt: skip
HOW = "← and → go through the maps; click a cell for its pair; shift-click pins the map; Esc lets go."


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
    said, table = operands.says(dataset, one), operands.table(dataset, one, chosen.by)
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
        shown = replace(ready, subtitle=under(dataset), table=table if name == ids.OPERANDS_LINE else None, height=0)
        found.append(figure_card(shown, name, height))
    return html.Div([found[0], html.Div(found[1:], className="operands-side later")], className="operands-grid")


def source(chosen: Choice, drawing: str) -> Source:
    """Return where a figure of the chosen map comes from; its files are of that map."""
    return Source(chosen.run, drawing, chosen.but(pins=()).selection.search)


def under(dataset: xr.Dataset) -> str:
    """Return the subtitle that holds for every map of a run."""
    return f"n = {int(dataset['n']):,} pairs: all there are · null: the same map with its cells shuffled"


def pair_card(dataset: xr.Dataset, chosen: Choice, question: Selection) -> list[Component]:
    """Return the selected pair: its prompt, what is answered, every kept scalar there, and the way to try it."""
    if chosen.cell is None:
        return [html.P(HOW, className="muted")]
    i, j = parts.cell_of(dataset, *chosen.cell)
    names = parts.operand_names(dataset)
    text, right, answered = (str(dataset[name].to_numpy()[i, j]) for name in ("text", "answer", "answered"))
    rows = [("prompt", text), ("right answer", right.strip()), ("answered", answered.strip() or repr(answered))]
    behaviour = dataset["behaviour"].to_numpy()[:, i, j]
    units = schema.labels(dataset, "scalar_units")
    for name, unit, value in zip(schema.labels(dataset, "scalar"), units, behaviour, strict=True):
        if name not in ("right", "said"):
            said = name.replace("_", " ")
            rows.append((said if said == unit else f"{said} ({unit})", schema.number(float(value))))
    for pin in dict.fromkeys((chosen.name, *chosen.pins)):
        one = pinned(dataset, pin)
        if one.family != "behaviour":
            rows.append((f"{one.title} ({one.unit})", schema.number(float(one.values[i, j]))))
    where = dataset["group"].to_numpy()[:, i, j]
    facts = ", ".join(f"{name} {value:g}" for name, value in zip(parts.properties(dataset), where, strict=True))
    body = [html.Tr([html.Th(name, scope="row"), html.Td(value)]) for name, value in rows]
    title = html.H3(f"{names[0]} = {chosen.cell[0]}, {names[1]} = {chosen.cell[1]}")
    return [
        html.Section(
            [
                title,
                html.P(facts, className="subtitle"),
                html.Table(html.Tbody(body), className="compare-table"),
                _try(chosen, question),
            ],
            className="card operands-pair",
        )
    ]


def _try(chosen: Choice, question: Selection) -> Component:
    """Return the link to Try it: this pair as it is, or without the head whose map is shown."""
    a, b = chosen.cell or (None, None)
    at = chosen.selection
    if at.head is not None:
        asked = question.but(a=a, b=b, view="head", layer=at.layer, head=at.head)
        return try_link(asked, "this pair, and what it is without the head shown above.")
    return try_link(question.but(a=a, b=b, view="none"), "what the model says to this pair, layer by layer.")


def pins_card(dataset: xr.Dataset, chosen: Choice, theme: str) -> list[Component]:
    """Return the pinned maps and the shown one side by side; nothing where nothing is pinned."""
    if not chosen.pins:
        return []
    names = list(dict.fromkeys((*chosen.pins, chosen.name)))
    maps = [pinned(dataset, name) for name in names]
    figure = operands.compared(dataset, maps, theme=theme)
    said = " ".join(operands.says(dataset, one) for one in maps)
    ready = dressed(figure, dataset, said, source=Source(chosen.run, None))
    return [figure_card(ready, ids.OPERANDS_PINNED, 330)]
