"""What asking, waiting, stopping, keeping and the choice of a head do on the Try it page.

Ask puts a job in the queue; while it is awaited the page looks every 200 ms; the finding is shown as soon as it is
there, the figures follow. Keeping is a second job, of the same question, that records a run.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from dash import ALL, Dash, Input, Output, State, dcc, no_update

from apps.dashboard import ids, try_form
from apps.dashboard.components import try_controls, try_result
from apps.dashboard.components.card_tools import FILES
from apps.dashboard.components.table import CELLS, cells_of
from apps.dashboard.desk import desk
from apps.dashboard.library import Library
from apps.dashboard.page import address
from apps.dashboard.pages.try_answer import can_be_kept, dataset_of, finding, shown, source, wrong
from apps.dashboard.selection import Selection
from apps.dashboard.try_address import PATH
from apps.dashboard.try_files import add_try_files
from apps.dashboard.waiting import Await, asks_again, job_number, said_of
from apps.dashboard.workshop import Workshop, workshop
from interp.errors import InterpError
from interp.store import Job

if TYPE_CHECKING:
    import xarray as xr

TRYING = Await(ids.TRY_LOOK, ids.TRY_STATUS, 200)
KEEPING = Await(ids.TRY_KEEP_LOOK, ids.TRY_KEPT, 500)
FORM = try_controls.FORM


def ask(work: Workshop, names: list[dict[str, str]], values: list[Any]) -> Job:
    """Return the job of what the form asks. Raises InterpError for the first field that is wrong."""
    said = {each["name"]: value for each, value in zip(names, values, strict=True)}
    return work.submit(try_form.spec_of(said), "try")


def register(app: Dash, library: Library) -> None:
    """Ask, look while something is awaited, stop, keep; show the fields that an intervention has."""
    asks_again(app, ids.TRY_AWAIT)
    asks_again(app, ids.TRY_KEEP_AWAIT)
    work = workshop(library)
    _asking(app, work, library)
    _keeping(app, work)
    _looking(app, work, library)
    add_try_files(app.server, library)


def _asking(app: Dash, work: Workshop, library: Library) -> None:
    form = [State(ids.field(FORM, ALL), "id"), State(ids.field(FORM, ALL), "value")]

    @app.callback(
        Output(ids.TRY_JOB, "data"),
        Output(ids.TRY_AWAIT, "data", allow_duplicate=True),
        Output(ids.TRY_STATUS, "children", allow_duplicate=True),
        Output(ids.TRY_STOP, "disabled", allow_duplicate=True),
        Output(ids.TRY_KEEP, "disabled", allow_duplicate=True),
        Output(ids.TRY_KEPT, "children", allow_duplicate=True),
        Output(ids.TRY_RESULT, "className", allow_duplicate=True),
        Output(ids.SELECTION, "data", allow_duplicate=True),
        Input(ids.TRY_ASK, "n_clicks"),
        Input(ids.field(FORM, ALL), "n_submit"),
        *form,
        prevent_initial_call=True,
    )
    def press(clicks: int | None, submits: list[Any], names: list[dict[str, str]], values: list[Any]) -> tuple:
        if not clicks and not any(submits):
            return (no_update,) * 8
        try:
            job = ask(work, names, values)
        except InterpError as error:
            return no_update, TRYING.over, wrong(str(error)), True, no_update, "", no_update, no_update
        return (
            job.id,
            TRYING.on,
            said_of(work, job),
            False,
            True,
            "",
            "stale",
            address(PATH, Selection(view=f"job-{job.id}")),
        )

    @app.callback(
        Output(ids.TRY_AWAIT, "data"),
        Output(ids.TRY_STATUS, "children"),
        Output(ids.TRY_STOP, "disabled"),
        Output(ids.TRY_KEEP, "disabled"),
        Output(ids.TRY_FINDING, "children"),
        Output(ids.TRY_RESULT, "className"),
        Output(ids.TRY_DONE, "data"),
        Input(ids.TRY_LOOK, "data"),
        State(ids.TRY_JOB, "data"),
        prevent_initial_call=True,
    )
    def look(asked: Any, number: Any) -> tuple:
        if asked is None or number is None:
            return (no_update,) * 7
        job = work.job(job_number(number))
        if job.active:
            return TRYING.on, said_of(work, job), False, True, *(no_update,) * 3
        if job.state != "done":
            return TRYING.over, wrong(said_of(work, job)), True, True, "", "stale", no_update  # of the question before
        found = finding(work, library, job)
        return TRYING.over, said_of(work, job), True, not can_be_kept(job), found, no_update, job.id

    @app.callback(
        Output(ids.TRY_RESULT, "children"),
        Output(ids.TRY_RESULT, "className", allow_duplicate=True),
        Input(ids.TRY_DONE, "data"),
        State(ids.THEME, "data"),
        prevent_initial_call=True,
    )
    def show(number: Any, theme: str) -> tuple:
        if number is None:
            return no_update, no_update
        return shown(work, library, work.job(job_number(number)), str(theme)), ""

    @app.callback(
        Output(ids.TRY_STATUS, "children", allow_duplicate=True),
        Input(ids.TRY_STOP, "n_clicks"),
        State(ids.TRY_JOB, "data"),
        prevent_initial_call=True,
    )
    def stop(clicks: int | None, number: Any) -> Any:
        return no_update if not clicks or number is None else said_of(work, work.cancel(job_number(number)))


def _keeping(app: Dash, work: Workshop) -> None:
    @app.callback(
        Output(ids.TRY_KEEPING, "data"),
        Output(ids.TRY_KEEP_AWAIT, "data", allow_duplicate=True),
        Output(ids.TRY_KEPT, "children", allow_duplicate=True),
        Output(ids.TRY_KEEP, "disabled", allow_duplicate=True),
        Input(ids.TRY_KEEP, "n_clicks"),
        State(ids.TRY_JOB, "data"),
        prevent_initial_call=True,
    )
    def keep(clicks: int | None, number: Any) -> tuple:
        if not clicks or number is None:
            return (no_update,) * 4
        kept = work.submit(work.job(job_number(number)).spec, "method")
        return kept.id, KEEPING.on, "recording ...", True

    @app.callback(
        Output(ids.TRY_KEEP_AWAIT, "data"),
        Output(ids.TRY_KEPT, "children"),
        Input(ids.TRY_KEEP_LOOK, "data"),
        State(ids.TRY_KEEPING, "data"),
        prevent_initial_call=True,
    )
    def kept(asked: Any, number: Any) -> tuple:
        if asked is None or number is None:
            return no_update, no_update
        job = work.job(job_number(number))
        if job.active:
            return KEEPING.on, "recording ..."
        if job.run_id is None:
            return KEEPING.over, job.error or f"job {job.id} was {job.state}"
        return KEEPING.over, dcc.Link(f"kept as {job.run_id}", href=f"/runs{Selection(run=job.run_id).search}")


def _looking(app: Dash, work: Workshop, library: Library) -> None:
    @app.callback(
        *(Output(ids.shown_with(FORM, name), "hidden") for name in try_controls.HIDEABLE),
        Output(ids.TRY_HINT, "children"),
        Input(ids.field(FORM, "kind"), "value"),
        Input(ids.field(FORM, "by"), "value"),
        Input(ids.field(FORM, "model"), "value"),
        Input(ids.field(FORM, "task"), "value"),
        Input(ids.field(FORM, "style"), "value"),
    )
    def fit(kind: Any, by: Any, model: Any, task: Any, style: Any) -> tuple:
        values = {"model": model, "task": task, "style": style, "by": by}
        return (*try_controls.hidden(kind, by), try_controls.hint(values, desk().catalogue()))

    @app.callback(
        Output(ids.graph(ids.TRY_ATTENTION), "figure", allow_duplicate=True),
        Output(ids.part(ids.TRY_ATTENTION, "title"), "children"),
        Output(ids.part(ids.TRY_ATTENTION, "summary"), "children"),
        Output(ids.part(ids.TRY_ATTENTION, "table"), CELLS),
        *(Output(ids.part(ids.TRY_ATTENTION, kind), "href") for kind in FILES),
        Output(ids.SELECTION, "data", allow_duplicate=True),
        Input(ids.TRY_BLOCK, "value"),
        Input(ids.TRY_HEAD, "value"),
        State(ids.TRY_JOB, "data"),
        State(ids.THEME, "data"),
        prevent_initial_call=True,
    )
    def choose_head(block: Any, head: Any, number: Any, theme: str) -> tuple:
        job = work.job(job_number(number))
        dataset = dataset_of(work, library, job)
        if dataset is None:
            return (no_update,) * 7
        layer, number = try_result.head_of(block, head)
        at = replace(source(job, dataset), drawing="attention", query=try_result.at_head(layer, number))
        there = address(PATH, Selection(view=f"job-{job.id}", layer=layer, head=number))
        return (*headed(dataset, block, head, str(theme)), *(at.file(kind) for kind in FILES), there)


def headed(dataset: xr.Dataset, block: Any, head: Any, theme: str) -> tuple:
    """Return figure, title, summary and table of another head."""
    drawn = try_result.attention(dataset, theme, *try_result.head_of(block, head))
    return drawn.figure, drawn.title, drawn.summary, cells_of(drawn.table)
