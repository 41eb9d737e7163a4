"""How does a page wait? It asks again a moment after each answer, and says what the job table and the workers tell.

    answer -> Await.on -> (assets/waiting.js, `ms` later) -> look -> the next answer ... -> Await.over

One question is on its way at a time: a timer that went on asking would have Dash drop every answer that is slower.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from dash import ClientsideFunction, Dash, Input, Output, dcc
from dash.development.base_component import Component

from apps.dashboard.workshop import Workshop
from interp.errors import InterpError
from interp.store import Job


@dataclass(frozen=True)
class Await:
    """Which store is written to ask again, the element that must still be there, and after how many milliseconds."""

    look: str
    present: str
    ms: int

    @property
    def on(self) -> dict[str, Any]:
        """Return what makes the browser ask again."""
        return {"look": self.look, "on": self.present, "ms": self.ms, "wait": True}

    @property
    def over(self) -> dict[str, Any]:
        """Return what makes it stop."""
        return self.on | {"wait": False}


def poll(await_id: str, look_id: str, awaited: Await | None) -> list[Component]:
    """Return the two stores of a page that waits; `awaited` when it waits from the start."""
    return [dcc.Store(id=await_id, data=awaited.on if awaited else None), dcc.Store(id=look_id)]


def asks_again(app: Dash, await_id: str) -> None:
    """Let the browser ask again whenever that store says so."""
    app.clientside_callback(
        ClientsideFunction("waiting", "again"), Output(await_id, "modified_timestamp"), Input(await_id, "data")
    )


def job_number(value: Any) -> int:
    """Return the number of a job that the browser names. Raises InterpError for what is none."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 10**9:
        return value
    raise InterpError(f"{str(value)[:40]!r} is no number of a job.")


def said_of(work: Workshop, job: Job) -> str:
    """Return how a job stands, in a sentence."""
    name = f"Job {job.id}"
    if job.state == "queued":
        return f"{name} waits: {_why(work)}"
    if job.state == "running":
        done = f", {job.done} of {job.total}" if job.total else ""
        return f"{name} runs{done}{f': {job.message}' if job.message else ''} ({seconds(_took(job))})."
    if job.state == "cancelling":
        return f"{name} was asked to stop; it does so at its next step."
    if job.state == "done":
        return f"{name} answered in {seconds(_took(job))}" + (f", run {job.run_id}." if job.run_id else ".")
    if job.state == "failed":
        return job.error
    ended = f"{name} was cancelled"
    why = job.error.removesuffix(".")  # most say no more than that
    return f"{ended}." if why.lower() in ("", ended.lower()) else f"{ended}: {why}."


def _why(work: Workshop) -> str:
    """Why a queued job does not run yet."""
    at_work = work.at_work()
    if at_work is not None:
        far = f" ({at_work.fraction:.0%})" if at_work.total else ""
        return f"the worker is at job {at_work.id}{far}; a try is next after it."
    if work.workers():
        return "the worker takes it now."
    if work.starting():
        return "a worker starts; with its model that takes some ten seconds."
    return "no worker lives for this store; one is started with the next job, or by `interp worker`."


def _took(job: Job) -> float:
    return max(0.0, (job.finished or time.time()) - (job.started or job.created))


def seconds(value: float) -> str:
    """Return a duration for people."""
    if value < 10:
        return f"{value:.2f} s"
    return f"{value:.0f} s" if value < 120 else f"{value / 60:.0f} min" if value < 7200 else f"{value / 3600:.1f} h"
