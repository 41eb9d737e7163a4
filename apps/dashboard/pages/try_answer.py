"""What a job of the Try it page shows: the finding in words, then the figures, or why there are none.

job -> its answer (from the worker's answers, or from the run it was kept as) -> finding, shown
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from dash import html
from dash.development.base_component import Component

from apps.dashboard import try_form
from apps.dashboard.components import try_result
from apps.dashboard.components.notice import broken, empty
from apps.dashboard.drawn import Answer
from apps.dashboard.library import Library
from apps.dashboard.workshop import Workshop
from interp.store import Job

if TYPE_CHECKING:
    import xarray as xr


def dataset_of(work: Workshop, library: Library, job: Job) -> xr.Dataset | None:
    """Return the answer of a finished job, from its run where it was kept; None where there is none."""
    return library.dataset(job.run_id) if job.run_id else work.answer(job)


def finding(work: Workshop, library: Library, job: Job) -> list[Component]:
    """Return what was found, in words: it is there before the figures are drawn."""
    dataset = dataset_of(work, library, job) if job.state == "done" else None
    return [] if dataset is None else [try_result.tokens(dataset)]


def shown(
    work: Workshop, library: Library, job: Job, theme: str, at: tuple[int | None, int | None] = (None, None)
) -> Any:
    """Return the figures of a job's answer, or why there are none; nothing while it is awaited.

    `at` is the block and head whose attention is looked at.
    """
    if job.active:
        return []
    if job.state != "done":
        return broken(job.error or f"Job {job.id} was {job.state}.")
    dataset = dataset_of(work, library, job)
    if dataset is None:
        return empty(
            "This answer has expired", "An answer that is not kept stays for a day. Press Ask to have it again."
        )
    return try_result.result(dataset, theme, try_form.command(job.spec), source(job, dataset), at)


def source(job: Job, dataset: xr.Dataset) -> Answer:
    """Return where an answer is from: what was asked of which weights, when, by which code; "" where not recorded."""
    spec, attrs = job.spec, dataset.attrs
    when = f"{datetime.fromtimestamp(job.created, UTC):%Y-%m-%d %H:%M:%S} (UTC)"
    weights = attrs.get("weights_sha256") or spec.weights_sha256
    told = {
        "asked": f"{when}, job {job.id}",
        "model": spec.model,
        "weights sha256": weights or "not recorded",
        "git commit": attrs.get("git_commit") or "not recorded",
        "question (spec hash)": spec.hash,
        "run": job.run_id or "none: the answer was not kept",
    }
    return Answer(job.id, "", tuple((name, str(text)) for name, text in told.items()))


def can_be_kept(job: Job | None) -> bool:
    """Return whether the answer can be kept."""
    return job is not None and job.state == "done" and job.run_id is None


def wrong(text: str) -> Component:
    """Return a mistake, as the status line says it."""
    return html.Span(text, className="wrong")
