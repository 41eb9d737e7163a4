"""What every head reads: all heads as small maps, one in full, a few side by side.

Data flow: a run of `attention` (or another method that keeps the same means) -> the mosaic of all heads. The pointer
over a tile shows its head in full; a click locks it, Esc lets it go, shift-click pins heads, which are then compared.
Head and pins are in the address, so a link opens what was locked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dash import Dash, dcc, html
from dash.development.base_component import Component

from apps.dashboard import ids
from apps.dashboard.components.attention_cards import head_card, lock_line, mosaic_card, pins_card, query_card
from apps.dashboard.components.card import broken_card
from apps.dashboard.components.choice import choice, run_options
from apps.dashboard.components.notice import empty
from apps.dashboard.kin import question_of
from apps.dashboard.library import Library
from apps.dashboard.page import Request, page, picked
from apps.dashboard.pages import attention_moves
from apps.dashboard.selection import Selection, role_of
from interp.errors import InterpError
from interp.figures.attention_heads import named, place
from interp.figures.attention_mosaic import span

if TYPE_CHECKING:
    import xarray as xr

PATH, NAME = "/attention", "Attention"
HEADING = "Attention: which token reads which?"
METHODS = ("attention", "attention_tree")
READING = (
    "Attention says where a head looks, not what it moves. Zero on the scale is the null: a head that looks at every "
    "token it can see alike. What a head moves is on the Patching page, what is lost without it on the AF1 page."
)


def layout(library: Library, request: Request) -> Component:
    """Return the mosaic of one run, the head that is locked (default: the hardest looking) and the pinned ones."""
    nothing = empty(
        "No attention run yet",
        "Run one, then reload this page:",
        "interp run attention --model mental-math --task a+b",
    )
    line, lines, instead = picked(library, METHODS, request, nothing)
    if line is None:
        return page(PATH, HEADING, request, instead)
    controls = [choice(ids.RUN_CHOICE, "Run", run_options(lines), line.run_id, width=None)]
    try:
        dataset = library.dataset(line.run_id)
        chosen, wrong = chosen_of(dataset, request.selection)
        chosen = chosen.but(run=line.run_id)
        body = _body(library, dataset, chosen, request.theme)
    except InterpError as error:
        return page(PATH, HEADING, request, [broken_card("Attention", str(error))], controls=controls)
    request.notices.extend(wrong)
    return page(PATH, HEADING, request, body, controls=controls, selection=chosen)


def chosen_of(dataset: xr.Dataset, asked: Selection) -> tuple[Selection, list[str]]:
    """Return head, pins and query of the address as far as the run has them, and notices about the rest."""
    notices, head = [], (asked.layer, asked.head)
    if asked.layer is not None or asked.head is not None:
        try:
            place(dataset, asked.layer or 0, asked.head or 0)
            head = asked.layer or 0, asked.head or 0
        except InterpError as error:
            notices.append(str(error))
            head = None, None
    pins = []
    for name in asked.pin:
        try:
            named(dataset, name)
            pins.append(name)
        except InterpError as error:
            notices.append(str(error))
    role = role_of(asked.role, [str(each) for each in dataset["role"].to_numpy()], notices)
    return Selection(layer=head[0], head=head[1], role=role, pin=tuple(pins)), notices


def _body(library: Library, dataset: xr.Dataset, chosen: Selection, theme: str) -> list[Component]:
    cards = [mosaic_card(dataset, chosen, theme), head_card(dataset, chosen, theme)]
    said = lock_line(question_of(library, chosen.run or ""), chosen)
    lock = html.P(said, id=ids.ATTENTION_LOCK, className="lead", role="status")
    return [
        html.P(READING, className="lead"),
        lock,
        dcc.Store(id=ids.ATTENTION_CLICK),
        dcc.Store(id=ids.ATTENTION_HOVER, data=dict(zip(("down", "across"), span(dataset), strict=True))),
        html.Div(cards, className="grid pair"),
        html.Div(pins_card(dataset, chosen, theme), id=ids.ATTENTION_PINS, className="after"),
        html.Div(query_card(dataset, chosen, theme), className="after"),
    ]


def register(app: Dash, library: Library) -> None:
    """What the pointer, a click, a key and a choice do."""
    attention_moves.register(app, library)
