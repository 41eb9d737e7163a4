"""The cards of the Training page: curves of logs, measures of checkpoints that runs keep, all marked at one step.

cards(library, zoo, shown, theme)          every card of the page
patch(library, name, shown)                what changes in a graph when the slider moves
told(library, name, shown)                 what changes in the words and the table beside it
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import plotly.graph_objects as go
from dash import Patch, html
from dash.development.base_component import Component

from apps.dashboard import ids
from apps.dashboard.components.aria import titled
from apps.dashboard.components.card import broken_card, figure_card
from apps.dashboard.components.card_tools import FILES
from apps.dashboard.components.table import CELLS, cells_of
from apps.dashboard.drawn import HEAD, Drawn, untitled, words
from apps.dashboard.library import Library
from apps.dashboard.pages.training_choice import Shown
from apps.dashboard.pages.training_of_run import OF_TRAINER, of_run, patch_of_run, told_of_run
from interp.errors import InterpError
from interp.figures import training, training_parts
from interp.figures.maps import thinned
from interp.figures.step_marks import upright
from interp.figures.twin import twin
from interp.store.training_logs import LOG

HEIGHT, MOST_ROWS = 330, 40
CURVES = ("parts", "subtasks", "compared")


def cards(library: Library, zoo: Path, shown: Shown, theme: str) -> list[Component]:
    """Return the cards of what is shown: curves, the step in detail, other trainings beside it, runs."""
    found = [_curve(zoo, shown, "parts", theme), _curve(zoo, shown, "at_step", theme)]
    if len(shown.logs) > 1:
        found.append(html.Div(_curve(zoo, shown, "compared", theme), className="training-wide"))
    if "subtask_loss" in shown.log and shown.measure != "subtask_loss":
        found.append(_curve(zoo, shown, "subtasks", theme))
    return [*found, *(of_run(library, each, shown, theme) for each in OF_TRAINER.get(shown.log.attrs["trainer"], ()))]


def _curve(zoo: Path, shown: Shown, name: str, theme: str) -> Component:
    """Return a card of the logs themselves."""
    try:
        figure, said, table = drawn_of(shown, name, theme)
    except InterpError as error:
        return broken_card(training_parts.title_of(shown.measure), str(error))
    title, subtitle = words(figure, shown.log)
    drawn_as: Any = figure.layout
    height = max(0, (drawn_as.height or 0) - HEAD)
    made = Drawn(title, subtitle, untitled(figure), said, twin(table, measure_in(shown, name)), height)
    layout = {**made.figure["layout"], "shapes": shapes(shown, name)}
    made = replace(made, figure={**made.figure, "layout": layout})
    return figure_card(made, f"training-{name}", HEIGHT, extra=[_whence(zoo, shown, name)])


def measure_in(shown: Shown, name: str) -> str:
    """Return the measure that a card shows."""
    return "subtask_loss" if name == "subtasks" else shown.measure


def drawn_of(shown: Shown, name: str, theme: str) -> tuple[go.Figure, str, Any]:
    """Return figure, sentence and the part of the log for the table of a card of logs."""
    measure, log = measure_in(shown, name), shown.log
    few = log.isel(step=thinned(list(range(log.sizes["step"])), MOST_ROWS))
    one = {shown.name: log}
    if name == "at_step":
        figure = training.at_step(shown.logs, measure, shown.steps, theme=theme)
        return figure, training_parts.summary(shown.logs, measure, shown.steps), _at_steps(shown)
    if name == "compared":
        return training.compared(shown.logs, measure, theme=theme), training_parts.summary(shown.logs, measure), few
    return training.parts(log, measure, theme=theme), training_parts.summary(one, measure), few


def _at_steps(shown: Shown) -> Any:
    """Return the log at the steps that are compared."""
    at = [training_parts.nearest(shown.log, shown.measure, step) for step in shown.steps]
    return shown.log.isel(step=at)


def told(library: Library, name: str, shown: Shown) -> dict[str, dict[str, Any]]:
    """Return what changes in the words of a card when another step is selected or pinned: properties by id."""
    if name != "training-at_step":
        return told_of_run(library, name, shown)
    said = training_parts.summary(shown.logs, shown.measure, shown.steps)
    cells = cells_of(twin(_at_steps(shown), shown.measure))
    links = {ids.part(name, kind): {"href": file_of(shown, "at_step", kind)} for kind in FILES}
    return {ids.part(name, "summary"): {"children": said}, ids.part(name, "table"): {CELLS: cells}, **links}


def shapes(shown: Shown, name: str) -> list[dict]:
    """Return the marks of the steps in a card of logs."""
    if name not in CURVES:
        return []
    panels = 1
    if name == "compared":
        labels = {label for log in shown.logs.values() if shown.measure in log
                  for label in training_parts.values_of(log, shown.measure)}  # fmt: skip
        panels = min(3, len(labels))
    return upright([f"x{i or ''}" if i == 0 else f"x{i + 1}" for i in range(panels)], shown.marked)


def _whence(zoo: Path, shown: Shown, name: str) -> Component:
    """Return where the numbers of a log come from: the file, its sha256, its training."""
    names = list(shown.logs) if name in ("compared", "at_step") else [shown.name]
    parts = []
    for each in names:
        digest = hashlib.sha256((zoo / each / LOG).read_bytes()).hexdigest()[:12]
        parts.append(f"{each}/{LOG} (sha256 {digest}; {shown.logs[each].attrs['title'].partition(': ')[2]})")
    files: list[Any] = []
    for kind in FILES:
        known = titled(kind, f"training-{name}")
        link = html.A(kind.upper(), href=file_of(shown, name, kind), download="", className="tool", **known)
        files += [link, " "]
    held = "The steps shown" if name == "at_step" else "All"
    return html.P([f"Read from {'; '.join(parts)}. {held} of {shown.name}: ", *files], className="subtitle")


def file_of(shown: Shown, name: str, kind: str) -> str:
    """Return the address of the training that is shown as a file: all of its steps, or those that are compared."""
    at = "?" + "&".join(f"step={step}" for step in shown.steps) if name == "at_step" else ""
    return f"/download/log/{shown.name}/{measure_in(shown, name)}.{kind}{at}"


def patch(library: Library, name: str, shown: Shown) -> Any:
    """Return what changes in a graph when another step is selected or pinned; no update for a graph without steps."""
    changed = Patch()
    short = name.removeprefix("training-")
    if short in CURVES:
        changed["layout"]["shapes"] = shapes(shown, short)
        return changed
    if short == "at_step":
        having = {each: log for each, log in shown.logs.items() if shown.measure in log}
        traces = training.points(having, shown.measure, shown.steps)
        changed["data"] = [trace.to_plotly_json() for trace in traces]
        return changed
    return patch_of_run(library, name, shown)
