"""Is arithmetic done with waves? Spectra with nulls, circles and helices, neurons, causal planes, digits.

Data flow: model and task -> the newest run of each Fourier method -> the figures of one view. One period is selected,
others pinned; both are marks, colours and rows, so that a click anywhere shows the same period in every figure. Only
marks and colours travel on a click. The page reads runs; a card without a run says the command that makes it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import dash_mantine_components as dmc
from dash import ALL, Dash, Input, Output, State, ctx, dcc, html, no_update, set_props
from dash.development.base_component import Component

from apps.dashboard import ids
from apps.dashboard.components.aria import aria
from apps.dashboard.components.card import arranged
from apps.dashboard.components.choice import choice, short
from apps.dashboard.components.period_table import period_table
from apps.dashboard.components.try_link import following
from apps.dashboard.library import Library
from apps.dashboard.page import Request, empty_store, page
from apps.dashboard.pages.fourier_asked import known_places, pins_known
from apps.dashboard.pages.fourier_cards import card
from apps.dashboard.pages.fourier_moves import changed, outputs, pins_shown, places, readable, said
from apps.dashboard.pages.fourier_periods import NONE, choices, compared, pin_of
from apps.dashboard.pages.fourier_runs import Chosen, cards_for, chosen
from apps.dashboard.pages.fourier_views import PATH, VIEWS
from apps.dashboard.selection import MOST_PINS, Selection, parse, selected
from interp.errors import nearest

NAME = "Fourier"
OPERANDS = ("a", "b", "c")
HEADING = "Fourier: is arithmetic done with waves?"


def layout(library: Library, request: Request) -> Component:
    """Return one view of the Fourier runs of a model and task."""
    if not library.models():
        return page(PATH, HEADING, request, [empty_store(library)])
    found = chosen(library, request)
    datasets = readable(library, found)
    shown = known_places(datasets, pins_known(selection_of(found, request), request), request)
    view = VIEWS[shown.view or next(iter(VIEWS))]
    cards = [card(library, found, asked, shown, request.theme) for asked in cards_for(view, found)]
    body = [
        html.P(view.question, className="lead"),
        _chosen_periods(datasets, shown, _try(found, datasets, shown)),
        *arranged(cards),
        dcc.Store(id=ids.FOURIER_CLICK),
    ]
    return page(PATH, HEADING, request, body, controls=_controls(found, shown), selection=shown)


def selection_of(found: Chosen, request: Request) -> Selection:
    """Return what the page shows, from what the address asks for; adds a notice for a view that is not there."""
    asked = request.selection
    view = asked.view if asked.view in VIEWS else next(iter(VIEWS))
    if asked.view not in (None, *VIEWS):
        request.notices.append(f"The Fourier page has no view {asked.view!r}. {nearest(asked.view, VIEWS)}")
    run = asked.run if any(line.run_id == asked.run for line in found.runs.values()) else None
    return asked.but(model=found.model, task=found.task, view=view, run=run)


def _controls(found: Chosen, shown: Selection) -> list[Component]:
    controls: list[Component] = [choice(ids.MODEL_CHOICE, "Model", [(m, short(m)) for m in found.models], found.model)]
    if found.task is not None:
        controls.append(choice(ids.FOURIER_TASK, "Task", [(t, t) for t in found.tasks], found.task, 170))
    views = dmc.SegmentedControl(
        id=ids.FOURIER_VIEW,
        data=[{"value": name, "label": view.label} for name, view in VIEWS.items()],
        value=shown.view,
        size="xs",
        **aria(label="Part of the page"),
    )
    return [*controls, views]


def _try(found: Chosen, datasets: Mapping[str, Any], shown: Selection) -> list[Component]:
    """Return the link to Try it: the plane of the period taken out of one prompt; nothing for a model without tasks."""
    if found.task is None or shown.view not in ("spectra", "circles", "causal"):
        return []
    known = {name: value for name, (_, value) in places(datasets, shown).items()}
    role = known.get("place", "").partition(" at ")[0]
    asked = Selection(
        model=found.model, task=found.task, style="plain", view="plane", layer=int(known.get("layer", 0)),
        role=role if role in OPERANDS else "b", period=10.0,
    )  # fmt: skip
    return [following("period", asked, shown, ("period", "layer"), "the plane of a period taken out of one prompt.")]


def _chosen_periods(datasets: Mapping[str, Any], shown: Selection, link: list[Component]) -> Component:
    """Return the line of choices of periods, and what is known of them."""
    periods = compared(shown)
    options = choices(datasets, periods)
    data = [{"value": f"{t:g}", "label": f"T = {t:.4g}"} for t in options]
    picked = dmc.Select(
        id=ids.fourier("period"), label="Period", size="xs", w=150, searchable=True, allowDeselect=False,
        data=[{"value": NONE, "label": NONE}, *data], value=NONE if shown.period is None else f"{shown.period:g}",
        nothingFoundMessage="no such period",
    )  # fmt: skip
    beside = dmc.MultiSelect(
        id=ids.fourier("pins"), label="Pinned beside it", size="xs", w=420, maxValues=MOST_PINS, searchable=True,
        data=[{"value": pin_of(t), "label": f"T = {t:.4g}"} for t in options], value=pins_shown(shown),
        nothingFoundMessage="no such period", placeholder="" if shown.pin else "none",
    )  # fmt: skip
    table = html.Div(
        period_table(datasets, periods, shown.period is not None), id=ids.fourier_part("facts"), **aria(live="polite")
    )
    where = [
        choice(ids.fourier(name), name.capitalize(), [(each, each) for each in known], value, 150)
        for name, (known, value) in places(datasets, shown).items()
    ]
    line = html.Div([picked, beside, *where], className="controls")
    return html.Section([line, table, *link], className="card fourier-periods")


def register(app: Dash, library: Library) -> None:
    """A click or a choice moves the periods; view and task are other addresses."""

    @app.callback(
        Output(ids.SELECTION, "data", allow_duplicate=True),
        Output({"type": "fourier-choice", "name": ALL}, "value"),
        Output({"type": "fourier-part", "name": ALL}, "children"),
        Output({"type": "graph", "name": ALL}, "figure", allow_duplicate=True),
        Input(ids.FOURIER_CLICK, "data"),
        Input({"type": "fourier-choice", "name": ALL}, "value"),
        State(ids.SELECTION, "data"),
        prevent_initial_call=True,
    )
    def select(click: dict | None, values: list, shown: dict | None) -> tuple:
        picked_ids, parts, graphs = ([out["id"] for out in outs] for outs in ctx.outputs_list[1:])
        nothing = no_update, [no_update] * len(picked_ids), [no_update] * len(parts), [no_update] * len(graphs)
        if not picked_ids or (shown or {}).get("path") != PATH:
            return nothing
        before = selected(shown)
        by_click = ctx.triggered_id == ids.FOURIER_CLICK
        if by_click and not isinstance(click, dict):
            return nothing
        named = dict(zip((each["name"] for each in picked_ids), values, strict=True))
        after = changed(library, before, click if by_click else None, together(named, ctx.triggered_id))
        names = [graph["name"] for graph in graphs]
        for part, props in said(library, before, after, names).items():
            set_props(part, props)
        return outputs(library, before, after, list(named), names)

    @app.callback(
        Output(ids.URL, "search", allow_duplicate=True),
        Input(ids.FOURIER_VIEW, "value"),
        State(ids.SELECTION, "data"),
        prevent_initial_call=True,
    )
    def choose_view(view: str, shown: dict | None) -> Any:
        return elsewhere(shown, view=view if view in VIEWS else None)

    @app.callback(
        Output(ids.URL, "search", allow_duplicate=True),
        Input(ids.FOURIER_TASK, "value"),
        State(ids.SELECTION, "data"),
        prevent_initial_call=True,
    )
    def choose_task(task: str, shown: dict | None) -> Any:
        return elsewhere(shown, task=str(task), run=None)


def together(values: dict[str, Any], moved: Any) -> dict[str, Any]:
    """Return the values of the choice that moved, with those it is one choice with: a layer and its place."""
    name = moved.get("name") if isinstance(moved, dict) else None
    chosen = ("layer", "place") if name in ("layer", "place") else (name,)
    return {each: value for each, value in values.items() if each in chosen}


def elsewhere(shown: dict | None, **choice: Any) -> Any:
    """Return the query of the present address with `choice`; no update where that is what the page shows."""
    before = selected(shown)
    first = next(iter(choice))
    if choice[first] is None or getattr(before, first) == choice[first]:
        return no_update
    return parse(before.but(**choice).search)[0].search
