"""Where does the answer travel? The patching map of any component and metric, its pairs, and the circuit.

Data flow: a run of `patching` or `head_patching` -> the map and its null; a click on a cell -> what each prompt pair
did there; shift-click pins cells, which are compared pair by pair. Beside it: every component of the same question on
one scale, the heads one by one, attribution against exact effects. The view `circuit` shows the edges (circuit_view).
"""

from __future__ import annotations

from dash import Dash, dcc, html
from dash.development.base_component import Component

from apps.dashboard import ids
from apps.dashboard.components import patching_cards as cards
from apps.dashboard.components.aria import aria
from apps.dashboard.components.card import arranged, broken_card
from apps.dashboard.components.choice import choice, run_label
from apps.dashboard.components.notice import empty
from apps.dashboard.components.pair_card import pair_card
from apps.dashboard.drawn import Source
from apps.dashboard.library import Library
from apps.dashboard.page import Request, page, picked
from apps.dashboard.pages import circuit_view, patching_leads, patching_moves
from apps.dashboard.pages.patching_chosen import chosen_of, metric_of, shown_cell
from apps.dashboard.patches import METHODS, component_of, label_of, siblings
from apps.dashboard.selection import Selection
from interp.errors import InterpError
from interp.figures import pairs, places
from interp.store import RunSummary

PATH, NAME = "/patching", "Patching"
HEADING = "Patching: where does the answer travel?"


def layout(library: Library, request: Request) -> Component:
    """Return the map of one patching run and the pairs of the selected cell (default: where the answer arrives)."""
    if in_circuit(library, request.selection):
        return circuit_view.layout(library, request, tabs(request.selection, circuit_view.VIEW))
    nothing = empty(
        "No patching run yet",
        "Run one, then reload this page:",
        "interp run patching --model mental-math --task a+b",
    )
    line, lines, instead = picked(library, METHODS, request, nothing)
    if line is None:
        return page(PATH, HEADING, request, [tabs(request.selection, None), *instead])
    if request.selection.run != line.run_id:
        line = usual(lines, line)
    options = [(each.run_id, f"{run_label(each)} · {label_of(each)}") for each in lines]
    controls: list[Component] = [choice(ids.RUN_CHOICE, "Run", options, line.run_id, width=None)]
    try:
        dataset = library.dataset(line.run_id)
        chosen, wrong = chosen_of(library, line, request.selection)
        request.notices.extend(wrong)
        where = Selection(model=line.model, task=line.task, style=line.style)
        body = [tabs(where, None), *_body(library, line, chosen, request.theme)]
        controls += _choices(library, line, metric_of(dataset, chosen))
    except InterpError as error:
        return page(PATH, HEADING, request, [broken_card("Patching map", str(error))], controls=controls)
    return page(PATH, HEADING, request, body, controls=controls, selection=chosen)


def in_circuit(library: Library, asked: Selection) -> bool:
    """Return whether the address asks for the circuit: by its view, or by a run of that method."""
    return asked.view == circuit_view.VIEW or asked.run in {line.run_id for line in library.of("circuits")}


def tabs(where: Selection, current: str | None) -> Component:
    """Return the links to the two views of the page, on the same model, task and style."""
    kept = Selection(model=where.model, task=where.task, style=where.style)
    links = [
        dcc.Link(
            [name, html.Span(" (this view)", className="unseen")] if view == current else name,
            href=f"{PATH}{kept.but(view=view).search}",
            className="view view-current" if view == current else "view",
        )
        for view, name in ((None, "Maps"), (circuit_view.VIEW, "Circuit"))
    ]
    return html.Nav(links, className="views", **aria(label="Views of patching"))


def usual(lines: list[RunSummary], line: RunSummary) -> RunSummary:
    """Return the newest run of the residual stream on the cell of `line`, denoising from the twin, else `line`."""
    cell = (line.model, line.task, line.style)
    fitting = [each for each in lines if (each.model, each.task, each.style) == cell]
    return next((each for each in fitting if label_of(each) == "resid_pre"), line)


def _choices(library: Library, line: RunSummary, metric: str) -> list[Component]:
    dataset, others = library.dataset(line.run_id), siblings(library, line)
    components = [(run.run_id, name) for name, run in others.items()]
    metrics = [(name, pairs.AXES[name].removesuffix(" (nats)")) for name in places.kept(dataset)]
    return [
        choice(ids.PATCHING_COMPONENT, "Component", components, others[component_of(line)].run_id, 190),
        choice(ids.PATCHING_METRIC, "Metric", metrics, metric, 270),
    ]


def _body(library: Library, line: RunSummary, chosen: Selection, theme: str) -> list[Component]:
    dataset = library.dataset(line.run_id)
    cell, metric = shown_cell(dataset, chosen), metric_of(dataset, chosen)
    top = [
        cards.map_card(library, line, cell, chosen, theme),
        pair_card(dataset, cell, metric, chosen.example, theme, Source(line.run_id, None)),
    ]
    beside = [] if places.of_heads(dataset) else [cards.heads_card(library, line, metric, theme)]
    beside += cards.attribution_cards(library, line, theme)
    name = ids.part("patching", "more")
    return [
        *(dcc.Store(id=name) for name in (ids.PATCHING_CLICK, ids.PATCHING_POINT, ids.PATCHING_LEAD)),
        html.Div(top, className="grid pair"),
        html.Div(cards.pins_card(library, line, cell, chosen, theme), id=ids.PATCHING_PINS, className="after"),
        html.Div(cards.components_card(library, line, metric, theme), className="after"),
        html.Section(
            [
                html.H2("Heads, and estimates against exact effects", id=name),
                *arranged(beside, "grid patch-more"),
            ],
            className="cell after",
            **aria(labelledby=name),
        ),
    ]


def register(app: Dash, library: Library) -> None:
    """A click, or a choice by keyboard, moves the selection; everything else follows from it."""
    patching_moves.register(app, library)
    patching_leads.register(app, library)
    circuit_view.register(app, library)
