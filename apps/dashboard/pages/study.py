"""What should be computed next, what will it cost, and how far is what was launched?

form (from the schema of the method) -> dry run of interp -> job in the store's queue -> the worker -> a recorded run

The command line and this page share the queue: a job of either is in the table, survives a reload and a restart of the
server, and stops at its next batch when cancelled. The address names the job that is looked at.
"""

from __future__ import annotations

import re

from dash import Dash, dcc, html
from dash.development.base_component import Component

from apps.dashboard import ids, study_form
from apps.dashboard.askable import askable
from apps.dashboard.components import job_table, study_controls
from apps.dashboard.components.notice import empty
from apps.dashboard.desk import desk
from apps.dashboard.library import Library
from apps.dashboard.page import Request, page
from apps.dashboard.pages import study_moves
from apps.dashboard.pages.study_moves import BUSY, worker_line
from apps.dashboard.selection import Selection
from apps.dashboard.waiting import poll
from apps.dashboard.workshop import READ_ONLY, Workshop, workshop
from interp.errors import InterpError
from interp.store import Job

PATH, NAME = study_moves.PATH, "New study"
HEADING = "New study: ask, launch, watch"
DEFAULTS: study_form.Values = {
    "method": "study", "model": "mental-math", "task": "a+b", "style": "plain", "seed": 0, "device": "cpu",
    "dtype": "float32",
}  # fmt: skip


def layout(library: Library, request: Request) -> Component:
    """Return the form, the queue, and the job that the address names (else the newest)."""
    work = workshop(library)
    jobs = work.jobs()
    asked = _asked(library, request)
    chosen = _chosen(jobs, request)
    values, given = _form(asked, next((job for job in jobs if job.id == chosen), None))
    stores = [dcc.Store(id=ids.STUDY_JOB, data=chosen), *poll(ids.STUDY_AWAIT, ids.STUDY_LOOK, BUSY)]
    worker = html.Div(
        [
            html.P(worker_line(work), id=ids.STUDY_WORKER, className="status", role="status"),
            html.Button(
                "Start a worker", id=ids.STUDY_START, type="button", className="plain-button", disabled=work.read_only
            ),
        ],
        className="status-line",
    )
    notices = _notices(library, work)
    right = html.Div([*notices, worker, job_table.queue(jobs, chosen), job_table.detail()], className="jobs")
    body = html.Div(
        [study_controls.controls(values, given, desk().catalogue(), work.read_only), right], className="bench"
    )
    return page(PATH, HEADING, request, [*stores, body], selection=asked.but(view=f"job-{chosen}" if chosen else None))


def _asked(library: Library, request: Request) -> Selection:
    """What the address asks of the form, as far as it can be asked: model, task, style, and a method as `metric`."""
    asked, wrong = askable(request.selection, desk().catalogue(), library.models())
    request.notices.extend(wrong)
    if asked.metric is not None and asked.metric not in study_form.ASKED:
        request.notices.append(f"There is no method {asked.metric[:40]!r} to launch.")
        asked = asked.but(metric=None)
    return asked


def _form(asked: Selection, job: Job | None) -> tuple[study_form.Values, study_form.Values]:
    """The form, and the parameters in it: as the address asks for it, else as the job that is shown was asked."""
    named = {"method": asked.metric, "model": asked.model, "task": asked.task, "style": asked.style}
    found = {name: value for name, value in named.items() if value is not None}
    if found or job is None:
        return {**DEFAULTS, **found}, {}
    try:
        spec = job.spec
    except InterpError:  # a question that this release no longer knows
        return DEFAULTS, {}
    values, given = study_form.values_of(spec)
    return ({**DEFAULTS, **values}, given) if spec.method in study_form.ASKED else (DEFAULTS, {})


def _chosen(jobs: list[Job], request: Request) -> int | None:
    """The job that the address names; else one that is at work, else the newest."""
    number = re.fullmatch(r"job-(\d{1,9})", request.selection.view or "")
    known = [job.id for job in jobs]
    if number is None and request.selection.view is not None:
        request.notices.append(f"view={request.selection.view[:40]} names no job, such as job-3; it was left out.")
    if number is not None:
        if int(number[1]) in known:
            return int(number[1])
        request.notices.append(f"There is no job {number[1]} in the queue of this store.")
    return next((job.id for job in jobs if job.state in ("running", "cancelling")), known[0] if known else None)


def _notices(library: Library, work: Workshop) -> list[Component]:
    """What stands above the queue: that the app only reads, or that the store holds nothing yet."""
    if work.read_only:
        text = f"{READ_ONLY} Launch in a terminal, or start the app without --read-only:"
        lines = ("interp jobs submit patching --task a+b", "interp worker", "interp jobs list")
        found = [empty("This app only reads", text, *lines)]
    else:
        found = []
    if not library.runs():
        said = "This store holds no runs. Launch a study here, or in a terminal:"
        found.append(empty("No results yet", said, "interp study --model mental-math"))
    return found


def register(app: Dash, library: Library) -> None:
    """Make the fields of a method, tell the cost, launch, watch, cancel."""
    study_moves.register(app, library)
