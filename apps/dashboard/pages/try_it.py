"""What does a model make of one prompt, and what when something inside it is changed?

form -> Spec -> job "try" in the store's queue -> the worker answers (the model stays open) -> this page asks every
200 ms while it waits, and shows the answer. The address names the job, so a reload shows the same; the answer is kept
as a run only when asked.
"""

from __future__ import annotations

from typing import Any

from dash import Dash, dcc, html
from dash.development.base_component import Component

from apps.dashboard import ids, try_form
from apps.dashboard.components import try_controls
from apps.dashboard.components.notice import empty
from apps.dashboard.desk import desk
from apps.dashboard.library import Library
from apps.dashboard.page import Request, page
from apps.dashboard.pages import try_moves
from apps.dashboard.pages.try_answer import can_be_kept, dataset_of, finding, shown
from apps.dashboard.pages.try_moves import TRYING
from apps.dashboard.selection import Selection
from apps.dashboard.try_address import PATH, values_at
from apps.dashboard.try_asked import JOB, checked
from apps.dashboard.waiting import poll, said_of
from apps.dashboard.workshop import READ_ONLY, Workshop, workshop
from interp.errors import InterpError
from interp.figures import trial
from interp.store import Job

NAME = "Try it"
HEADING = "Try it: one prompt, one intervention"


def layout(library: Library, request: Request) -> Component:
    """Return the form, filled from the job or the cell that the address names, and the answer of that job."""
    work = workshop(library)
    if work.read_only:
        return page(PATH, HEADING, request, [_read_only()])
    values, job, selection = _asked(work, library, request)
    waits = job is not None and job.active
    figures: Any = (
        _first(library) if job is None else shown(work, library, job, request.theme, (selection.layer, selection.head))
    )
    right = html.Div(
        [
            _status(work, job),
            html.Div(finding(work, library, job) if job else [], id=ids.TRY_FINDING),
            html.Div(figures, id=ids.TRY_RESULT),
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
    return page(PATH, HEADING, request, [*timers, body], selection=selection)


def _status(work: Workshop, job: Job | None) -> Component:
    keep = html.Button(
        "Keep as a run", id=ids.TRY_KEEP, type="button", className="plain-button", disabled=not can_be_kept(job)
    )
    parts = [
        html.P(said_of(work, job) if job else "", id=ids.TRY_STATUS, className="status", role="status"),
        html.Span(id=ids.TRY_KEPT, className="muted", role="status"),
        keep,
    ]
    return html.Div(parts, className="status-line")


def _asked(work: Workshop, library: Library, request: Request) -> tuple[try_form.Values, Job | None, Selection]:
    """The form's values, the job that the address names, and what of it is valid; a job that is gone is a notice."""
    number, asked = JOB.fullmatch(request.selection.view or ""), request.selection
    form = asked if number is None else asked.but(layer=None, head=None)  # of a job: whose attention is looked at
    chosen, wrong = checked(form, desk().catalogue(), library.models())
    request.notices.extend(wrong)
    values = values_at(chosen, desk().catalogue())
    if number is None:
        return values, None, chosen
    try:
        job = work.job(int(number[1]))
        if job.spec.method != "try":
            raise InterpError(f"job {job.id} is no try; see it on New study.")
        answer = dataset_of(work, library, job) if job.state == "done" else None
        at = _looked_at(answer, asked, request.notices)
        return try_form.values_of(job.spec), job, Selection(view=chosen.view, layer=at[0], head=at[1])
    except InterpError as error:
        request.notices.append(f"The link names job {number[1]}: {error}")
        return values, None, chosen.but(view=None)


def _looked_at(answer: Any, asked: Selection, notices: list[str]) -> tuple[int | None, int | None]:
    """Return the block and head of an address, where the answer has them both."""
    if answer is None or asked.layer is None or asked.head is None:
        return None, None
    try:
        return trial.chosen_head(answer, asked.layer, asked.head)
    except InterpError as error:
        notices.append(f"The answer has {error}")
        return None, None


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


def register(app: Dash, library: Library) -> None:
    """Ask, look while something is awaited, stop, keep; show the fields that an intervention has."""
    try_moves.register(app, library)
