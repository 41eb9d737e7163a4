"""What does the model do at every pair of operands: its answers, its neurons, its heads?

Data flow: a run of `operands` (every map was recorded over the whole grid, with what explains it beside shuffled maps)
-> one map large, its mean by a property of the pair, what explains it. Slider and arrow keys go through the maps of a
family, ordered by what a chosen property explains; each step sends only the new numbers (`operands_moves`).
"""

from __future__ import annotations

from dash import Dash, dcc, html
from dash.development.base_component import Component

from apps.dashboard import ids
from apps.dashboard.components import operand_cards as made
from apps.dashboard.components.card import broken_card
from apps.dashboard.components.choice import choice, run_options
from apps.dashboard.components.notice import empty
from apps.dashboard.components.operand_pair import pair_card
from apps.dashboard.kin import question_of
from apps.dashboard.library import Library
from apps.dashboard.operand_choice import choice_of
from apps.dashboard.page import Request, page, picked
from apps.dashboard.pages import operands_links, operands_moves
from interp.errors import InterpError

PATH, NAME = operands_moves.PATH, "Operands"
HEADING = "Operands: what happens at every pair of numbers?"
METHOD = "operands"


def layout(library: Library, request: Request) -> Component:
    """Return one map of one run (default: the newest, its behaviour), and what explains it."""
    nothing = empty(
        "No operand maps yet", "Record them (half a minute for the shipped model), then reload this page:",
        "interp run operands --model mental-math --task a+b",
    )  # fmt: skip
    line, lines, instead = picked(library, (METHOD,), request, nothing)
    if line is None:
        return page(PATH, HEADING, request, instead)
    controls = [choice(ids.RUN_CHOICE, "Run", run_options(lines), line.run_id, width=None)]
    try:
        dataset = library.dataset(line.run_id)
        operands_moves.require(dataset)
        chosen, wrong = choice_of(dataset, line.run_id, request.selection)
        question = question_of(library, line.run_id)
        body = [
            made.families(dataset, chosen, PATH),
            made.bar(dataset, chosen),
            made.cards(dataset, chosen, request.theme),
            html.Div(pair_card(dataset, chosen, question), id=ids.OPERANDS_PAIR, className="after", role="status"),
            html.Div(made.pins_card(dataset, chosen, request.theme), id=ids.OPERANDS_PINS, className="after"),
            dcc.Store(id=ids.OPERANDS_CLICK),
            dcc.Store(id=ids.OPERANDS_FOLD),
            dcc.Store(id=ids.OPERANDS_TYPED),
        ]
    except InterpError as error:
        return page(PATH, HEADING, request, [broken_card("Operand maps", str(error))], controls=controls)
    request.notices.extend(wrong)
    return page(PATH, HEADING, request, body, controls=controls, selection=chosen.selection)


def register(app: Dash, library: Library) -> None:
    """What slider, keys, choices and clicks do."""
    operands_moves.register(app, library)
    operands_links.register(app, library)
