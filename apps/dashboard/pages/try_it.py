"""What does a model make of one prompt, and what when something inside it is changed?

form -> Spec -> job "try" in the store's queue -> the worker answers (the model stays open) -> this page asks every
200 ms while it waits, and shows the answer. The address names the job, so a reload shows the same; the answer is kept
as a run only when asked.
"""

from __future__ import annotations

import re
from typing import Any

from dash import ALL, Dash, Input, Output, State, dcc, html, no_update
from dash.development.base_component import Component

from apps.dashboard import ids, try_form
from apps.dashboard.components import try_controls, try_result
from apps.dashboard.components.notice import broken, empty
from apps.dashboard.desk import desk
from apps.dashboard.library import Library
from apps.dashboard.page import Request, address, page
from apps.dashboard.selection import Selection
from apps.dashboard.waiting import Await, asks_again, job_number, poll, said_of
from apps.dashboard.workshop import READ_ONLY, Workshop, workshop
from interp.errors import InterpError
from interp.store import Job

PATH, NAME = "/try", "Try it"
HEADING = "Try it: one prompt, one intervention"
TRYING = Await(ids.TRY_LOOK, ids.TRY_STATUS, 200)
KEEPING = Await(ids.TRY_KEEP_LOOK, ids.TRY_KEPT, 500)
FORM = try_controls.FORM


def layout(library: Library, request: Request) -> Component:
    """Return the form, filled from the job or the cell that the address names, and the answer of that job."""
    work = workshop(library)
    if work.read_only:
        return page(PATH, HEADING, request, [_read_only()])
    values, job = _asked(work, request)
    if values["kind"] not in try_form.FIELDS:
        values["kind"] = "none"
    waits = job is not None and job.active
    shown: Any = _first(library) if job is None else _shown(work, library, job, request.theme)
    finding: Any = [] if job is None else _finding(work, library, job)
    right = html.Div(
        [
            html.Div(
                [
                    html.P(said_of(work, job) if job else "", id=ids.TRY_STATUS, className="status", role="status"),
                    html.Span(id=ids.TRY_KEPT, className="muted", role="status"),
                    html.Button(
                        "Keep as a run",
                        id=ids.TRY_KEEP,
                        type="button",
                        className="plain-button",
                        disabled=not _kept(job),
                    ),
                ],
                className="status-line",
            ),
            html.Div(finding, id=ids.TRY_FINDING),
            html.Div(shown, id=ids.TRY_RESULT),
        ]
    )
    timers = [
        dcc.Store(id=ids.TRY_JOB, data=job.id if job else None),
        dcc.Store(id=ids.TRY_KEEPING),
        dcc.Store(id=ids.TRY_DONE),
        *poll(ids.TRY_AWAIT, ids.TRY_LOOK, TRYING if waits else None),
        *poll(ids.TRY_KEEP_AWAIT, ids.TRY_KEEP_LOOK, None),
    ]
    body = html.Div([try_controls.controls(values, desk().catalogue()), right], className="bench")
    return page(PATH, HEADING, request, [*timers, body], selection=request.selection)


def _asked(work: Workshop, request: Request) -> tuple[try_form.Values, Job | None]:
    """The form's values and the job that the address names; a job that is gone is a notice."""
    chosen = request.selection
    named = {name: getattr(chosen, name) for name in ("model", "task", "style", "layer", "role", "head")}
    values = {**try_form.DEFAULTS, **{name: value for name, value in named.items() if value is not None}}
    if chosen.a is not None and chosen.b is not None:
        values["operands"] = f"{chosen.a}, {chosen.b}"
    if chosen.view in try_form.FIELDS:
        values["kind"] = chosen.view
    number = re.fullmatch(r"job-(\d{1,9})", chosen.view or "")
    if number is None:
        return values, None
    try:
        job = work.job(int(number[1]))
        if job.spec.method != "try":
            raise InterpError(f"job {job.id} is no try; see it on New study.")
        return try_form.values_of(job.spec), job
    except InterpError as error:
        request.notices.append(f"The link names job {number[1]}: {error}")
        return values, None


def _first(library: Library) -> list[Component]:
    first = empty(
        "Nothing asked yet",
        "Choose a question and press Ask: the prompt runs plainly, under the intervention, and under a control of "
        "the same kind. The first answer of a model takes until it is open; later ones are there at once.",
    )
    if library.runs():
        return [first]
    none = empty(
        "No results yet",
        "This store holds no runs. A try needs none; the other pages do:",
        "interp study --model mental-math",
    )
    return [first, none]


def _read_only() -> Component:
    return empty(
        "This app only reads",
        f"{READ_ONLY} Ask in a terminal, or start the app without --read-only:",
        "interp try 17,25 --patch resid_pre.3@b --from 17,62",
        "interp try 17,25 --window 2,2",
        'interp try "12+34=" --head 2.1 --keep',
    )


def _dataset(work: Workshop, library: Library, job: Job) -> Any:
    """The answer of a finished job, from its run where it was kept; None where there is none."""
    return library.dataset(job.run_id) if job.run_id else work.answer(job)


def _finding(work: Workshop, library: Library, job: Job) -> list[Component]:
    """What was found, in words: it is there before the figures are drawn."""
    dataset = _dataset(work, library, job) if job.state == "done" else None
    return [] if dataset is None else [try_result.tokens(dataset)]


def _shown(work: Workshop, library: Library, job: Job, theme: str) -> Any:
    """The figures of a job's answer, or why there are none; nothing while it is awaited."""
    if job.active:
        return []
    if job.state != "done":
        return broken(job.error or f"Job {job.id} was {job.state}.")
    dataset = _dataset(work, library, job)
    if dataset is None:
        return empty(
            "This answer has expired", "An answer that is not kept stays for a day. Press Ask to have it again."
        )
    return try_result.result(dataset, theme, try_form.command(job.spec))


def _kept(job: Job | None) -> bool:
    """Whether the answer can be kept."""
    return job is not None and job.state == "done" and job.run_id is None


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
            return no_update, TRYING.over, _wrong(str(error)), True, no_update, "", no_update, no_update
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
            return TRYING.over, _wrong(said_of(work, job)), True, True, no_update, "", no_update
        found = _finding(work, library, job)
        return TRYING.over, said_of(work, job), True, not _kept(job), found, no_update, job.id

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
        return _shown(work, library, work.job(job_number(number)), str(theme)), ""

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
        Input(ids.TRY_BLOCK, "value"),
        Input(ids.TRY_HEAD, "value"),
        State(ids.TRY_JOB, "data"),
        State(ids.THEME, "data"),
        prevent_initial_call=True,
    )
    def choose_head(block: Any, head: Any, number: Any, theme: str) -> tuple:
        job = work.job(job_number(number))
        dataset = _dataset(work, library, job)
        if dataset is None:
            return (no_update,) * 3
        drawn = try_result.attention(dataset, str(theme), *try_result.head_of(block, head))
        return drawn.figure, drawn.title, drawn.summary


def _wrong(text: str) -> Component:
    return html.Span(text, className="wrong")
