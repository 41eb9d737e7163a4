"""Which runs ask of the same cell of a study (model, task, style) as one that is shown, and how to make one more."""

from __future__ import annotations

import shlex

from apps.dashboard.library import Library
from apps.dashboard.selection import Selection
from interp.store import RunSummary


def same_question(library: Library, line: RunSummary, methods: tuple[str, ...]) -> list[RunSummary]:
    """Return the runs of `methods` on the model, task and style of `line`, newest first."""
    cell = (line.model, line.task, line.style)
    return [
        run for run in library.runs()
        if run.method in methods and run.status == "complete" and (run.model, run.task, run.style) == cell
    ]  # fmt: skip


def same_cell(library: Library, method: str, line: RunSummary) -> RunSummary | None:
    """Return the newest run of `method` on the model, task and style of `line`."""
    return next(iter(same_question(library, line, (method,))), None)


def question_of(library: Library, run_id: str) -> Selection:
    """Return the model, task and style that a run asks about, as an address names them; InterpError where it is gone.

    It is read from the run itself: the list of all runs takes longer than a click may.
    """
    spec = library.opened(run_id).manifest["spec"]
    return Selection(model=spec["model"], task=spec["task"], style=spec["style"] if spec["task"] else None)


def command(method: str, line: RunSummary, task: str | None = None, **settings: object) -> str:
    """Return what to type to run `method` on the cell of `line`, or on another task of its model."""
    words = ["interp", "run", method, "--model", line.model]
    words += ["--task", task or line.task] if task or line.task else []
    words += ["--style", line.style] if line.task else []
    for name, value in settings.items():
        words += ["--set", f"{name}={value}"]
    return shlex.join(words)
