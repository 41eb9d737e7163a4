"""The queue as a table, and one job in detail: how it stands, how far it is, its log, what can be done with it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import dash_mantine_components as dmc
from dash import dcc, html
from dash.development.base_component import Component

from apps.dashboard import ids
from apps.dashboard.components.aria import aria
from apps.dashboard.components.choice import short
from apps.dashboard.components.grid import grid
from apps.dashboard.selection import Selection
from apps.dashboard.waiting import said_of
from apps.dashboard.workshop import Workshop
from interp.store import Job


def queue(jobs: list[Job], chosen: int | None) -> Component:
    """Return the table of jobs; the chosen one is selected."""
    widths = {"id": 66, "state": 96, "far": 84, "method": 116, "task": 96, "model": 120}
    heads = {"id": "job", "far": "done"}
    columns: list[dict] = [
        {"field": name, "headerName": heads.get(name, name), "width": w} for name, w in widths.items()
    ]
    columns[0] |= {"type": "rightAligned"}
    columns[1]["cellClassRules"] = {"bad": "params.value === 'failed'"}
    columns += [
        {"field": "message", "headerName": "message", "flex": 2, "minWidth": 140, "tooltipField": "message"},
        {"field": "created", "headerName": "asked (UTC)", "width": 140},
    ]
    return grid(
        ids.STUDY_GRID, columns, rows(jobs), "id", height="290px", chosen=None if chosen is None else str(chosen)
    )


def rows(jobs: list[Job]) -> list[dict[str, Any]]:
    """Return one row a job, newest first."""
    return [_row(job) for job in jobs]


def _row(job: Job) -> dict[str, Any]:
    asked = about(job)
    far = f"{job.fraction:.0%}" if job.total else ("100%" if job.state == "done" else "")
    return {
        "id": str(job.id),
        "state": job.state,
        "far": far,
        "method": asked.get("method", "?"),
        "task": asked.get("task") or "",
        "model": short(str(asked.get("model", "?"))),
        "message": job.error or job.message,
        "created": datetime.fromtimestamp(job.created, UTC).strftime("%Y-%m-%d %H:%M"),
    }


def about(job: Job) -> dict[str, Any]:
    """Return the question of a job as it was written, even where this release no longer knows it."""
    try:
        found = json.loads(job.spec_json)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def detail() -> Component:
    """Return the place where one job is shown; the callbacks fill it."""
    return html.Section(
        [
            html.Div(
                [
                    html.H2(id=ids.STUDY_NAME),
                    html.Span(id=ids.STUDY_RUN),
                    html.Button("Cancel", id=ids.STUDY_CANCEL, type="button", className="plain-button", disabled=True),
                    html.Button(
                        "Submit again", id=ids.STUDY_AGAIN, type="button", className="plain-button", disabled=True
                    ),
                ],
                className="job-head",
            ),
            html.P(id=ids.STUDY_STATE, role="status", className="status"),
            dmc.Progress(id=ids.STUDY_BAR, value=0, size="sm", **aria(label="How much of the job is done")),
            html.Pre(id=ids.STUDY_LOG, className="log", tabIndex="0"),
        ],
        className="card job",
    )


def told(work: Workshop, job: Job | None) -> tuple[Any, ...]:
    """Return what the detail shows: name, state, bar, log, run, whether cancel and again are disabled."""
    if job is None:
        return "No job yet", "", 0, "What is launched here, or by interp jobs submit, appears here.", "", True, True
    asked = about(job)
    where = f" on {asked['task']} ({asked.get('style', 'plain')})" if asked.get("task") else ""
    name = f"Job {job.id}: {asked.get('method', '?')}{where}, {short(str(asked.get('model', '?')))}"
    run = dcc.Link("open its run", href=f"/runs{Selection(run=job.run_id).search}") if job.run_id else ""
    wrong = job.state == "failed"
    state = html.Span(said_of(work, job), className="wrong" if wrong else None)
    log = work.log(job.id) or "It has written no log yet."
    bar = 100.0 if job.state == "done" else 100 * job.fraction
    ended = not job.active
    again = ended and job.state != "done" and not work.read_only
    return name, state, bar, log, run, ended or job.state == "cancelling" or work.read_only, not again
