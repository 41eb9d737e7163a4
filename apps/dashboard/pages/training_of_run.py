"""The cards of the Training page of recorded runs of the trained model, marked or drawn at the selected step."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from dash import Patch, html, no_update
from dash.development.base_component import Component

from apps.dashboard import ids
from apps.dashboard.components.card import broken_card, figure_card, missing_card
from apps.dashboard.components.table import CELLS, cells_of
from apps.dashboard.drawn import Drawn, Source, untitled, words
from apps.dashboard.library import Library
from apps.dashboard.pages.training_choice import Shown
from apps.dashboard.selection import Selection
from interp.errors import InterpError
from interp.figures import drawing, grokking_circles, grokking_neurons
from interp.figures.step_marks import at_index, upright
from interp.store import RunSummary

HEIGHT = 330


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
        said = summary_at(dataset, each, shown) or made.summary
        table = AT_CHECKPOINT[each.figure].table(dataset, shown.step)
        return Drawn(title, subtitle, untitled(figure), said, table, 0, Source(line.run_id, each.figure))
    if each.marks is None:
        return made
    layout = made.figure["layout"]
    marked = [*layout.get("shapes", ()), *each.marks(dataset, shown.marked)]
    return replace(made, figure={**made.figure, "layout": {**layout, "shapes": marked}})


def summary_at(dataset: Any, each: OfRun, shown: Shown) -> str | None:
    """Return what a figure shows at the selected step; None where its sentence is of the whole training."""
    return grokking_neurons.summary(dataset, shown.step) if each.figure == "clusters" else None


def told_of_run(library: Library, name: str, shown: Shown) -> dict[str, dict[str, Any]]:
    """Return what changes in the words and the table of such a card, properties by id."""
    each, line = _of_name(library, name, shown)
    if each is None or line is None or each.figure not in AT_CHECKPOINT:
        return {}
    dataset = library.dataset(line.run_id)
    said, cells = summary_at(dataset, each, shown), cells_of(AT_CHECKPOINT[each.figure].table(dataset, shown.step))
    words = {ids.part(name, "summary"): {"children": said}} if said else {}
    return {**words, ids.part(name, "table"): {CELLS: cells}}


def _of_name(library: Library, name: str, shown: Shown) -> tuple[OfRun | None, RunSummary | None]:
    """Return the card of a graph and its run, None where there is none."""
    each = next((one for cards in OF_TRAINER.values() for one in cards if one.name == name), None)
    return each, run_of(library, each.method, shown.name) if each else None


def patch_of_run(library: Library, name: str, shown: Shown) -> Any:
    """Return what changes in the graph of such a card; no update for a graph without steps."""
    changed = Patch()
    each, line = _of_name(library, name, shown)
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
