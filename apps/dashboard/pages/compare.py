"""What changed between two runs: A, B and A - B on one scale, and what was asked differently.

Data flow: two runs of one method (`run` is A, `against` is B: the baseline) -> one array of both, subtracted by
`interp.store.differences`, which refuses arrays that do not match -> maps or curves. Array (`metric`) and the label of
every further dim (`view`, as `kind=mean,component=z`) are in the address.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import dash_mantine_components as dmc
from dash import ALL, Dash, Input, Output, State, html
from dash.development.base_component import Component

from apps.dashboard import ids
from apps.dashboard.components.card import broken_card, figure_card
from apps.dashboard.components.choice import choice, run_options
from apps.dashboard.components.compare_tables import headline_table, made_table, question_table, sides
from apps.dashboard.components.dressed import dressed
from apps.dashboard.components.notice import broken, empty
from apps.dashboard.drawn import Source
from apps.dashboard.library import Library
from apps.dashboard.page import Request, empty_store, page
from apps.dashboard.pages.compare_choice import array_of, chosen, pick_two, places_of, view_of
from apps.dashboard.selection import Selection
from interp.errors import InterpError
from interp.figures import FIGURES
from interp.figures import differences as figures
from interp.store import RunSummary
from interp.store.compare import diff
from interp.store.differences import choices, difference, names

if TYPE_CHECKING:
    import xarray as xr

PATH, NAME = "/compare", "Compare"
HEADING = "Compare: what changed between two runs?"
HEIGHT = 400


def layout(library: Library, request: Request) -> Component:
    """Return two runs side by side; without runs in the address the newest with a second one of its method."""
    if not library.models():
        return page(PATH, HEADING, request, [empty_store(library)])
    one, two, notices = pick_two(library, request.selection)
    request.notices.extend(notices)
    if one is None:
        nothing = empty(
            "Nothing to compare yet", "No method has two runs. Run one twice, then reload this page:",
            "interp run patching --model mental-math --task a+b", "interp run patching --model mental-math --task a-b",
        )  # fmt: skip
        return page(PATH, HEADING, request, [nothing])
    shown = request.selection.but(run=one.run_id, against=two.run_id if two else None)
    controls = _runs(library, one, two)
    if two is None:
        text = f"{one.run_id} is the only {one.method} run of this store: there is nothing to compare it with."
        return page(PATH, HEADING, request, [broken(text)], controls=controls, selection=shown)
    try:
        body, shown = _body(library, one, two, shown, request)
    except InterpError as error:
        body = [sides(one, two, _swapped(shown)), broken_card("These runs cannot be read", str(error))]
    return page(PATH, HEADING, request, body, controls=controls, selection=shown)


def _runs(library: Library, one: RunSummary, two: RunSummary | None) -> list[Component]:
    lines = [line for line in library.runs() if line.status == "complete"]
    many = [line for line in lines if len(library.of(line.method)) > 1 or line == one]
    first = [(line.run_id, f"{line.method}: {label}") for line, (_, label) in zip(many, run_options(many), strict=True)]
    others = [line for line in library.of(one.method) if line.run_id != one.run_id]
    others += [two] if two is not None and two not in others and two != one else []
    return [
        choice(ids.RUN_CHOICE, "A", first, one.run_id, width=None),
        choice(ids.COMPARE_AGAINST, "B", run_options(others), two.run_id if two else None, width=None),
    ]


def _body(
    library: Library, one: RunSummary, two: RunSummary, shown: Selection, request: Request
) -> tuple[list[Component], Selection]:
    differ = diff(library.opened(one.run_id), library.opened(two.run_id))
    tables = [
        html.Div([headline_table(differ["summary"]), question_table(differ["spec"])], className="grid two after"),
        made_table(differ["made"]),
    ]
    first, second = library.dataset(one.run_id), library.dataset(two.run_id)
    array, notices = array_of(first, one.method, shown.metric)
    places, wrong = places_of(first, array, shown.view) if array else ({}, [])
    request.notices.extend([*notices, *wrong])
    shown = shown.but(metric=array, view=view_of(places))
    top = sides(one, two, _swapped(shown))
    if one.run_id == two.run_id:
        return [top, broken_card("A and B are one run", "Choose another run for B."), *tables], shown
    try:
        if array is None:
            raise InterpError(f"Run A ({one.method}) keeps no array of numbers.")
        card = _card(difference(first, second, array, places), (one, two), array, request.theme)
    except InterpError as error:
        card = broken_card("These two arrays cannot be subtracted", str(error))
    return [top, _arrays(first, array, places), card, *tables], shown


def _arrays(dataset: xr.Dataset, array: str | None, places: dict[str, str]) -> Component:
    parts = [
        choice(
            ids.COMPARE_ARRAY, "Array", [(name, name.replace("_", " ")) for name in names(dataset)], array, width=300
        )
    ]
    for dim, labels in (choices(dataset, array) if array else {}).items():
        known: Any = ids.compare_place(dim)
        parts.append(
            dmc.Select(
                id=known, label=dim, data=labels, value=places.get(dim), allowDeselect=False, size="xs", w=190,
                searchable=len(labels) > 8, nothingFoundMessage="nothing of that name",
            )
        )  # fmt: skip
    return html.Div(parts, className="keyboard compare-array")


def _card(made: xr.Dataset, runs: tuple[RunSummary, RunSummary], array: str, theme: str) -> Component:
    known = FIGURES.get(runs[0].method, ())
    drawing = next((each.name for each in known if each.shows == array), None)
    one, two = (Source(run.run_id, drawing) for run in runs)
    figure = figures.beside(made, theme=theme)
    ready = dressed(figure, made, figures.summary(made), table=figures.table(made), source=one)
    return figure_card(replace(ready, against=two), ids.COMPARE_FIGURE, HEIGHT)


def _swapped(shown: Selection) -> str:
    return f"{PATH}{shown.but(run=shown.against, against=shown.run).search}"


def register(app: Dash, library: Library) -> None:
    """A choice of B, of an array or of a place is a new address of this page."""

    @app.callback(
        Output(ids.URL, "search", allow_duplicate=True),
        Input(ids.COMPARE_AGAINST, "value"),
        State(ids.SELECTION, "data"),
        prevent_initial_call=True,
    )
    def choose_run(against: Any, shown: Any) -> Any:
        return chosen(shown, against=against)

    @app.callback(
        Output(ids.URL, "search", allow_duplicate=True),
        Input(ids.COMPARE_ARRAY, "value"),
        Input(ids.compare_place(ALL), "value"),
        State(ids.compare_place(ALL), "id"),
        State(ids.SELECTION, "data"),
        prevent_initial_call=True,
    )
    def choose_array(array: Any, labels: list, dims: list, shown: Any) -> Any:
        places = {str(each["name"]): str(label) for each, label in zip(dims, labels, strict=True) if label}
        return chosen(shown, array=array, places=places)
