"""Which runs belong on one page: those of several methods, and those that ask of the same cell of a study."""

from __future__ import annotations

import shlex

from apps.dashboard.library import Library
from apps.dashboard.page import Request, pick_run
from interp.store import RunSummary


def pick_among(
    library: Library, methods: tuple[str, ...], request: Request
) -> tuple[RunSummary | None, list[RunSummary], list[str]]:
    """Return the run that the address asks for among those of `methods`, all of these, and notices.

    Without a run in the address it is the newest of the first method that has one.
    """
    lines = [line for method in methods for line in library.of(method)]
    asked = next((line for line in lines if line.run_id == request.selection.run), None)
    if asked is not None:
        return asked, lines, []
    having = next((method for method in methods if library.of(method)), methods[0])
    line, _, notices = pick_run(library, having, request)
    return line, lines, notices


def same_question(library: Library, line: RunSummary, methods: tuple[str, ...]) -> list[RunSummary]:
    """Return the runs of `methods` on the model, task and style of `line`, newest first."""
    cell = (line.model, line.task, line.style)
    return [
        run for run in library.runs()
        if run.method in methods and run.status == "complete" and (run.model, run.task, run.style) == cell
    ]  # fmt: skip


def command(method: str, line: RunSummary, **settings: str) -> str:
    """Return what to type to run `method` on the model, task and style of `line`."""
    words = ["interp", "run", method, "--model", line.model]
    words += ["--task", line.task, "--style", line.style] if line.task else []
    for name, value in settings.items():
        words += ["--set", f"{name}={value}"]
    return shlex.join(words)
