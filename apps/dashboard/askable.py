"""Which model, task and style of an address can be asked of interp? For the two pages that ask; the rest is said.

A model may also be a directory or a hub name, a task a file or a task with another range: these are left as they are,
and interp says what is wrong with them when they are asked.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from apps.dashboard.selection import Selection
from interp.errors import nearest

Told = dict[str, Any]
OWN = "plain"
"""The one style of a model that has a task of its own."""


def askable(asked: Selection, catalogue: Told, recorded: list[str]) -> tuple[Selection, list[str]]:
    """Return the selection with a model, task and style that can be asked; `recorded` are the models of the store."""
    notices: list[str] = []
    known = [model["name"] for model in catalogue["models"]]
    model = asked.model
    if model is not None and model not in (*known, *recorded) and not _elsewhere(model):
        notices.append(f"There is no model {model[:60]!r}. {nearest(model[:60], known)}")
        model = None
    own = own_task(model, catalogue)
    task = _task(asked.task, own, model, catalogue, notices)
    style = _style(asked.style, task, own, catalogue, notices)
    return asked.but(model=model, task=task, style=style), notices


def own_task(model: str | None, catalogue: Told) -> str | None:
    """Return the one task of a toy model, None for a model that takes tasks by name."""
    return next((each["task"] for each in catalogue["models"] if each["name"] == model), None)


def styles_of(task: str | None, catalogue: Told) -> list[str]:
    """Return the styles of a task; every style there is for a task without a name, or for none."""
    tasks = [each for each in catalogue["tasks"] if each["name"] == str(task).partition("@")[0]] or catalogue["tasks"]
    return sorted({style for each in tasks for style in each["styles"]})


def _elsewhere(model: str) -> bool:
    return "/" in model or "@" in model or model.startswith("planted:") or Path(model).is_dir()


def _task(task: str | None, own: str | None, model: str | None, catalogue: Told, notices: list[str]) -> str | None:
    known = [each["name"] for each in catalogue["tasks"]]
    if task is None or task == own:
        return task
    if own is not None:
        notices.append(f"{model} has one task, {own}; {task[:60]!r} was left out.")
        return None
    if task.partition("@")[0] in known or task.endswith((".json", ".jsonl")):
        return task
    notices.append(f"There is no task {task[:60]!r}. {nearest(task[:60], known)}")
    return None


def _style(style: str | None, task: str | None, own: str | None, catalogue: Told, notices: list[str]) -> str | None:
    known = [OWN] if own is not None else styles_of(task, catalogue)
    if style is None or style in known or str(task).endswith((".json", ".jsonl")):
        return style
    notices.append(f"There is no style {style[:60]!r} here. {nearest(style[:60], known)}")
    return None
