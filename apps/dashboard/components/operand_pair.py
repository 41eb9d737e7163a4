"""One pair on the Operands page: the fields that choose it without a pointer, and the card of what happens there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import dash_mantine_components as dmc
from dash import html
from dash.development.base_component import Component

from apps.dashboard import ids
from apps.dashboard.components.try_link import try_link
from apps.dashboard.operand_choice import Choice, pinned
from apps.dashboard.selection import Selection
from interp.figures import operand_parts as parts
from interp.figures import schema

if TYPE_CHECKING:
    import xarray as xr

HOW = "← and → go through the maps; click a cell for its pair; shift-click pins the map; Esc lets go."
PAUSE = 500
"""Milliseconds after a key before a number counts as typed."""


def pair_fields(dataset: xr.Dataset, chosen: Choice) -> Component:
    """Return two numbers that choose a pair as a click does, and room for what is wrong with them."""
    fields = []
    for name, label, dim, value in zip(
        (ids.OPERANDS_A, ids.OPERANDS_B), parts.operand_names(dataset), ("operand_a", "operand_b"),
        chosen.cell or ("", ""), strict=True,
    ):  # fmt: skip
        known = schema.labels(dataset, dim)
        fields.append(
            dmc.NumberInput(
                id=name, label=label, value=value, min=known[0], max=known[-1], clampBehavior="none",
                allowDecimal=False, debounce=PAUSE, size="xs", w=104,
            )
        )  # fmt: skip
    said = html.Span(id=ids.OPERANDS_WRONG, className="wrong", role="status")
    return html.Div([html.Span("A pair:", className="muted"), *fields, said], className="keyboard")


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
