"""The cards of the Training page: curves of logs, measures of checkpoints that runs keep, all marked at one step.

cards(library, zoo, shown, theme)          every card of the page
patch(library, name, before, after)        what changes in a graph when the slider moves
"""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import plotly.graph_objects as go
from dash import Patch, html, no_update
from dash.development.base_component import Component

from apps.dashboard.components.card import broken_card, figure_card, missing_card
from apps.dashboard.drawn import HEAD, Drawn, Source, untitled, words
from apps.dashboard.library import Library
from apps.dashboard.pages.training_choice import Shown
from apps.dashboard.selection import Selection
from interp.errors import InterpError
from interp.figures import drawing, grokking_circles, grokking_neurons, training, training_parts
from interp.figures.maps import thinned
from interp.figures.step_marks import at_index, upright
from interp.figures.twin import twin
from interp.store import RunSummary
from interp.store.training_logs import LOG

HEIGHT = 330
MOST_ROWS = 40
CURVES = ("parts", "subtasks", "compared")


@dataclass(frozen=True)
class OfRun:
    """A card of a recorded run: method, figure, title when missing, and where a step stands in it (None: nowhere)."""

    method: str
    figure: str
    title: str
    marks: Callable[[Any, list], list[dict]] | None = None

    @property
    def name(self) -> str:
        """Return the name of the card's graph."""
        return f"training-{self.method}-{self.figure}"


def _on_steps(dataset: Any, steps: list) -> list[dict]:
    return upright(["x"], steps)


def _on_maps(dataset: Any, steps: list) -> list[dict]:
    return at_index(["x", "x2", "x3"], dataset["step"].to_numpy().tolist(), steps)


MODULAR = (
    OfRun("grokking", "losses", "Losses with and without the key frequencies", _on_steps),
    OfRun("grokking", "structure", "Structure before and after grokking", _on_steps),
    OfRun("grokking", "spectra", "Spectra over training", _on_maps),
    OfRun("grokking", "clusters", "Neurons by frequency at the checkpoint"),
    OfRun("grokking", "circles", "Embeddings on the circles of the keys at the checkpoint"),
)
PRODUCTS = (OfRun("learning_order", "gradients", "Gradient norm of every digit's loss", _on_steps),)
AT_CHECKPOINT = {"clusters": grokking_neurons, "circles": grokking_circles}
"""Figures of one checkpoint of a run: drawn anew where another step is selected."""
OF_TRAINER = {"modular": MODULAR, "multiplication": PRODUCTS}


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
    extra = [] if name == "at_step" else [_whence(zoo, shown, name)]
    return figure_card(made, f"training-{name}", HEIGHT, extra=extra)


def measure_in(shown: Shown, name: str) -> str:
    """Return the measure that a card shows."""
    return "subtask_loss" if name == "subtasks" else shown.measure


def drawn_of(shown: Shown, name: str, theme: str) -> tuple[go.Figure, str, Any]:
    """Return figure, sentence and the part of the log for the table of a card of logs."""
    measure, log = measure_in(shown, name), shown.log
    few = log.isel(step=thinned(list(range(log.sizes["step"])), MOST_ROWS))
    one = {shown.name: log}
    if name == "at_step":
        at = [training_parts.nearest(log, measure, step) for step in shown.steps]
        figure = training.at_step(shown.logs, measure, shown.steps, theme=theme)
        return figure, training_parts.summary(shown.logs, measure), log.isel(step=at)
    if name == "compared":
        return training.compared(shown.logs, measure, theme=theme), training_parts.summary(shown.logs, measure), few
    return training.parts(log, measure, theme=theme), training_parts.summary(one, measure), few


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
    names = list(shown.logs) if name == "compared" else [shown.name]
    parts = []
    for each in names:
        digest = hashlib.sha256((zoo / each / LOG).read_bytes()).hexdigest()[:12]
        parts.append(f"{each}/{LOG} (sha256 {digest}; {shown.logs[each].attrs['title'].partition(': ')[2]})")
    stem = f"/download/log/{shown.name}/{measure_in(shown, name)}"
    files = [html.A(kind, href=f"{stem}.{kind.lower()}", download="", className="tool") for kind in ("CSV", "HTML")]
    return html.P(
        [f"Read from {'; '.join(parts)}. All of {shown.name}: ", files[0], " ", files[1]], className="subtitle"
    )


def run_of(library: Library, method: str, model: str) -> RunSummary | None:
    """Return the newest run of `method` on the model that was trained."""
    return next((line for line in library.of(method) if line.model == model), None)


def of_run(library: Library, each: OfRun, shown: Shown, theme: str) -> Component:
    """Return a card of a recorded run, or the command that makes it."""
    line = run_of(library, each.method, shown.name)
    if line is None:
        command = shlex.join(["interp", "run", each.method, "--model", shown.name])
        return missing_card(each.title, f"Not run yet for {shown.name}.", command)
    try:
        if each.figure == "circles" and "place" not in library.dataset(line.run_id):
            command = shlex.join(["interp", "run", each.method, "--model", shown.name, "--fresh"])
            return missing_card(each.title, "The run was recorded before this was measured; run it again.", command)
        waves = f"/fourier{Selection(model=shown.name, view='neurons').search}" if each.method == "grokking" else None
        made = figure_card(_ready(library, line, each, shown, theme), each.name, HEIGHT, href=waves)
        return html.Div(made, className="training-wide") if each.figure == "circles" else made
    except InterpError as error:
        return broken_card(each.title, str(error))


def _ready(library: Library, line: RunSummary, each: OfRun, shown: Shown, theme: str) -> Drawn:
    dataset, plain = library.dataset(line.run_id), drawing(each.method, each.figure)
    made = library.drawn(line.run_id, plain, theme)
    if each.figure in AT_CHECKPOINT and shown.step is not None:
        figure = getattr(AT_CHECKPOINT[each.figure], each.figure)(dataset, theme=theme, step=shown.step)
        title, subtitle = words(figure, dataset)
        return Drawn(title, subtitle, untitled(figure), made.summary, made.table, 0, Source(line.run_id, each.figure))
    if each.marks is None:
        return made
    layout = made.figure["layout"]
    marked = [*layout.get("shapes", ()), *each.marks(dataset, shown.marked)]
    return replace(made, figure={**made.figure, "layout": {**layout, "shapes": marked}})


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
    each = next((one for cards in OF_TRAINER.values() for one in cards if one.name == name), None)
    line = run_of(library, each.method, shown.name) if each else None
    if each is None or line is None:
        return no_update
    dataset = library.dataset(line.run_id)
    if each.figure in AT_CHECKPOINT:
        module = AT_CHECKPOINT[each.figure]
        changed["data"] = [trace.to_plotly_json() for trace in module.traces(dataset, shown.step)]
        for i, text in enumerate(module.titles(dataset, shown.step)):
            changed["layout"]["annotations"][i]["text"] = text
        return changed
    if each.marks is None:
        return no_update
    base = library.drawn(line.run_id, drawing(each.method, each.figure), "light").figure["layout"].get("shapes", ())
    changed["layout"]["shapes"] = [*base, *each.marks(dataset, shown.marked)]
    return changed
