"""What the form, the queue and their buttons do on the New study page: tell the cost, launch, watch, cancel, again.

form -> `estimate` (a dry run of interp) -> `launch` -> the queue; while a job is at work the page looks every second.
"""

from __future__ import annotations

from typing import Any

from dash import ALL, Dash, Input, Output, State, html, no_update
from dash.development.base_component import Component

from apps.dashboard import ids, study_form
from apps.dashboard.components import job_table, study_controls
from apps.dashboard.desk import desk
from apps.dashboard.library import Library
from apps.dashboard.pace import pace, recorded
from apps.dashboard.page import address
from apps.dashboard.selection import Selection, selected
from apps.dashboard.waiting import Await, asks_again, job_number
from apps.dashboard.workshop import READ_ONLY, Workshop, workshop
from interp.errors import InterpError
from interp.store import Job, spec_from

PATH = "/study"
BUSY = Await(ids.STUDY_LOOK, ids.STUDY_STATE, 1000)
IDLE = Await(ids.STUDY_LOOK, ids.STUDY_STATE, 5000)
"""While nothing is at work the table is still looked at now and then: the command line may submit too."""


def worker_line(work: Workshop) -> str:
    """Return who works for this store now, in a sentence."""
    alive = work.workers()
    if not alive:
        return "A worker is starting." if work.starting() else "No worker lives; launching a job starts one."
    said = []
    for worker in alive:
        doing = f"at job {worker.job}" if worker.job else "waits for a job"
        said.append(f"Worker {worker.pid} {doing}" + (f", {worker.model} open" if worker.model else ""))
    return "; ".join(said) + "."


def estimate(library: Library, values: study_form.Values, parameters: study_form.Values) -> list[Component]:
    """Return the cost of what the form asks; a mistake in it as one line."""
    try:
        spec = study_form.spec_of(values, parameters)
        told = desk().plan(spec)
    except InterpError as error:
        return [html.P(str(error), className="wrong", role="alert")]
    spec, plan = spec_from(told["spec"]), told["plan"]
    found = None if plan is None else pace(library, spec, plan)
    return study_controls.cost(spec, plan, found, recorded(library, spec))


def launch(work: Workshop, values: study_form.Values, parameters: study_form.Values) -> Job:
    """Return the job of what the form asks, once interp has checked it. Raises InterpError."""
    spec = study_form.spec_of(values, parameters)
    if work.read_only:
        raise InterpError(READ_ONLY)
    desk().plan(spec)
    return work.submit(spec, "study" if spec.method == "study" else "method")


def _said(names: list[dict[str, str]], values: list[Any]) -> study_form.Values:
    return {each["name"]: value for each, value in zip(names, values, strict=True)}


def register(app: Dash, library: Library) -> None:
    """Make the fields of a method, tell the cost, launch, watch, cancel."""
    work = workshop(library)
    asks_again(app, ids.STUDY_AWAIT)
    _asking(app, work, library)
    _watching(app, work)
    _doing(app, work)


FORM = [
    State(ids.field("study", ALL), "id"), State(ids.field("study", ALL), "value"),
    State(ids.field("parameter", ALL), "id"), State(ids.field("parameter", ALL), "value"),
]  # fmt: skip


def _asking(app: Dash, work: Workshop, library: Library) -> None:
    @app.callback(
        Output(ids.STUDY_PARAMETERS, "children"),
        Output(ids.shown_with("study", "task"), "hidden"),
        Input(ids.field("study", "method"), "value"),
        prevent_initial_call=True,
    )
    def choose_method(method: Any) -> tuple[list[Component], bool]:
        study_form.fields(str(method))  # raises for a method that is none
        return study_controls.parameters(str(method), {}), not study_form.has_task(str(method))

    @app.callback(
        Output(ids.STUDY_COST, "children"),
        Input(ids.field("study", ALL), "value"),
        Input(ids.field("parameter", ALL), "value"),
        State(ids.field("study", ALL), "id"),
        State(ids.field("parameter", ALL), "id"),
    )
    def tell_cost(values: list, given: list, names: list, parameters: list) -> list[Component]:
        return estimate(library, _said(names, values), _said(parameters, given))

    @app.callback(
        Output(ids.STUDY_SAID, "children"),
        Output(ids.STUDY_JOB, "data", allow_duplicate=True),
        Input(ids.STUDY_LAUNCH, "n_clicks"),
        *FORM,
        prevent_initial_call=True,
    )
    def press(clicks: int | None, names: list, values: list, parameters: list, given: list) -> tuple:
        if not clicks:
            return no_update, no_update
        try:
            job = launch(work, _said(names, values), _said(parameters, given))
        except InterpError as error:
            return html.Span(str(error), className="wrong"), no_update
        return f"job {job.id} is {job.state}", job.id


def _watching(app: Dash, work: Workshop) -> None:
    @app.callback(
        Output(ids.STUDY_GRID, "rowData"),
        Output(ids.STUDY_WORKER, "children"),
        Output(ids.STUDY_NAME, "children"),
        Output(ids.STUDY_STATE, "children"),
        Output(ids.STUDY_BAR, "value"),
        Output(ids.STUDY_LOG, "children"),
        Output(ids.STUDY_RUN, "children"),
        Output(ids.STUDY_CANCEL, "disabled"),
        Output(ids.STUDY_AGAIN, "disabled"),
        Output(ids.STUDY_AWAIT, "data"),
        Output(ids.SELECTION, "data", allow_duplicate=True),
        Input(ids.STUDY_LOOK, "data"),
        Input(ids.STUDY_JOB, "data"),
        State(ids.SELECTION, "data"),
        prevent_initial_call=True,
    )
    def look(_: Any, number: Any, shown: Any) -> tuple:
        jobs = work.jobs()
        job = None if number is None else next((each for each in jobs if each.id == job_number(number)), None)
        busy = any(each.active for each in jobs) or work.starting()
        view = f"job-{job.id}" if job else None
        moved = no_update if selected(shown).view == view else address(PATH, Selection(view=view))
        return (
            job_table.rows(jobs), worker_line(work), *job_table.told(work, job), BUSY.on if busy else IDLE.on, moved,
        )  # fmt: skip

    @app.callback(
        Output(ids.STUDY_JOB, "data", allow_duplicate=True),
        Input(ids.STUDY_GRID, "selectedRows"),
        State(ids.STUDY_JOB, "data"),
        prevent_initial_call=True,
    )
    def choose(picked: Any, number: Any) -> Any:
        found = picked[0].get("id") if isinstance(picked, list) and picked and isinstance(picked[0], dict) else None
        if not isinstance(found, str) or not found.isdigit() or int(found) == number:
            return no_update
        return job_number(int(found))


def _doing(app: Dash, work: Workshop) -> None:
    @app.callback(
        Output(ids.STUDY_LOOK, "data", allow_duplicate=True),
        Input(ids.STUDY_CANCEL, "n_clicks"),
        State(ids.STUDY_JOB, "data"),
        prevent_initial_call=True,
    )
    def cancel(clicks: int | None, number: Any) -> Any:
        return no_update if not clicks else f"cancel {work.cancel(job_number(number)).id} {clicks}"

    @app.callback(
        Output(ids.STUDY_JOB, "data", allow_duplicate=True),
        Input(ids.STUDY_AGAIN, "n_clicks"),
        State(ids.STUDY_JOB, "data"),
        prevent_initial_call=True,
    )
    def again(clicks: int | None, number: Any) -> Any:
        return no_update if not clicks else work.again(job_number(number)).id

    @app.callback(
        Output(ids.STUDY_LOOK, "data", allow_duplicate=True),
        Input(ids.STUDY_START, "n_clicks"),
        prevent_initial_call=True,
    )
    def start(clicks: int | None) -> Any:
        if not clicks:
            return no_update
        if work.read_only:
            raise InterpError(READ_ONLY)
        work.see_to_a_worker()
        return f"start {clicks}"
