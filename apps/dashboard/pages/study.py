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
    chosen = _chosen(jobs, request)
    values = _values(request)
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
    body = html.Div([study_controls.controls(values, desk().catalogue(), work.read_only), right], className="bench")
    return page(PATH, HEADING, request, [*stores, body], selection=_selection(request.selection, chosen))


def _selection(asked: Selection, chosen: int | None) -> Selection:
    return Selection(model=asked.model, task=asked.task, style=asked.style, view=f"job-{chosen}" if chosen else None)


def _values(request: Request) -> study_form.Values:
    """The form as the address asks for it: model, task, style, and a method as `metric`."""
    asked = request.selection
    found = {name: getattr(asked, name) for name in ("model", "task", "style") if getattr(asked, name) is not None}
    if asked.metric is not None:
        if asked.metric in study_form.ASKED:
            found["method"] = asked.metric
        else:
            request.notices.append(f"There is no method {asked.metric[:40]!r} to launch.")
    return {**DEFAULTS, **found}


def _chosen(jobs: list[Job], request: Request) -> int | None:
    """The job that the address names; else one that is at work, else the newest."""
    number = re.fullmatch(r"job-(\d{1,9})", request.selection.view or "")
    known = [job.id for job in jobs]
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
