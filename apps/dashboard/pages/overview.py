"""The study at a glance: what is computed, where and when, each with its null."""

from __future__ import annotations

from typing import Any

from dash import Dash, html
from dash.development.base_component import Component

from apps.dashboard import ids
from apps.dashboard.components import accuracy_table as table
from apps.dashboard.components.card import broken_card, figure_card, missing_card
from apps.dashboard.components.choice import choice, short
from apps.dashboard.library import Library
from apps.dashboard.page import Request, empty_store, page
from apps.dashboard.pages.fourier_runs import UNEMBEDDING, kind_of
from apps.dashboard.selection import Selection
from interp.errors import InterpError, nearest
from interp.figures import drawing
from interp.store import RunSummary

PATH, NAME = "/", "Overview"
# the small multiples of a cell, in the order in which they are read: when, where, in what variables, in what words
MULTIPLES = (
    ("af1", "Wait, transfer, compute", "/af1"),
    ("patching", "Patching map", "/patching"),
    ("probing", "Probes", "/probing"),
    ("lens", "Logit lens", None),
)
HEIGHT, SPECTRUM_HEIGHT = 197, 260
MOST_CELLS = 4


def layout(library: Library, request: Request) -> Component:
    """Return the overview of one model."""
    models = library.models()
    if not models:
        return page(PATH, "Where and when a language model computes", request, [empty_store(library)])
    asked = request.selection.model
    model = asked if asked in models else models[0]
    if asked and asked != model:
        request.notices.append(f"No runs of model {asked!r} in this store; {model} is shown instead.")
    newest = newest_runs(library, model)
    rows = [_cell_row(library, request, newest, model, task) for task in study_cells(newest)]
    top = html.Section([_accuracy(library, newest, model), _spectrum(library, request, model)], className="grid top")
    return page(
        PATH,
        f"Where and when {short(model)} computes",
        request,
        [top, *rows, _damaged(library)],
        controls=[choice(ids.MODEL_CHOICE, "Model", [(name, short(name)) for name in models], model)],
        selection=Selection(model=model, **_carried(newest, model, request)),
    )


def _carried(newest: dict[tuple[str, str | None, str], RunSummary], model: str, request: Request) -> dict[str, Any]:
    """Return the task and the style that the address carries to other pages; what no run of the model asks is said."""
    kept = {}
    for name, known in (("task", {task for _, task, _ in newest if task}), ("style", {style for *_, style in newest})):
        value = getattr(request.selection, name)
        if value in known:
            kept[name] = value
        elif value is not None:
            request.notices.append(f"No run of {model} has the {name} {value[:60]!r}. {nearest(value[:60], known)}")
    return kept


def newest_runs(library: Library, model: str) -> dict[tuple[str, str | None, str], RunSummary]:
    """Return the newest complete run of each (method, task, style) of `model`."""
    found: dict[tuple[str, str | None, str], RunSummary] = {}
    for line in library.runs():
        if line.model == model and line.status == "complete":
            found.setdefault((line.method, line.task, line.style), line)
    return found


def study_cells(newest: dict[tuple[str, str | None, str], RunSummary]) -> list[str]:
    """Return the tasks (plain style) that have a causal or reading method, at most `MOST_CELLS`."""
    methods = {method for method, _, _ in MULTIPLES}
    tasks = [task for method, task, style in newest if method in methods and task and style == "plain"]
    return table.in_order(tasks, table.TASKS)[:MOST_CELLS]


def _cell_row(library: Library, request: Request, newest: dict, model: str, task: str) -> Component:
    cards = []
    for method, title, path in MULTIPLES:
        line = newest.get((method, task, "plain"))
        command = f"interp run {method} --model {model} --task {task}"
        if line is None:
            cards.append(missing_card(title, f"Not run yet for {task}.", command))
            continue
        href = f"{path}{Selection(run=line.run_id).search}" if path else run_href(line.run_id)
        cards.append(_card(library, request, line, f"{method}-{task}", href))
    heading = html.H2([task, html.Span(" plain style", className="muted")])
    return html.Section([heading, html.Div(cards, className="grid cells")], className="cell")


def _card(
    library: Library, request: Request, line: RunSummary, name: str, href: str, height: int = HEIGHT
) -> Component:
    try:
        ready = library.drawn(line.run_id, drawing(line.method), request.theme)
    except InterpError as error:
        return broken_card(line.method, str(error))
    return figure_card(ready, name.replace("+", "p"), height, href=href)


def run_href(run_id: str) -> str:
    """Return the address of a run on the Runs page."""
    return f"/runs{Selection(run=run_id).search}"


def _spectrum(library: Library, request: Request, model: str) -> Component:
    """Return the spectrum of the number embeddings, which leads to the Fourier page."""
    lines = [line for line in library.of("spectrum") if line.model == model]
    if not lines:
        return missing_card("Spectrum of the number embeddings", "Not run yet.", f"interp run spectrum --model {model}")
    line = max(lines, key=lambda each: (kind_of(each) != UNEMBEDDING, each.task is None))  # of equals the newest
    href = f"/fourier{Selection(run=line.run_id, model=model).search}"
    return _card(library, request, line, "spectrum", href, SPECTRUM_HEIGHT)


def _accuracy(library: Library, newest: dict, model: str) -> Component:
    cells, problems = accuracy_cells(library, newest)
    if not cells:
        command = f"interp run accuracy --model {model} --task a+b --style plain"
        return missing_card("Accuracy", "Not run yet." + " ".join(problems), command)
    children = [
        html.H3("Accuracy by task and style"),
        html.P(
            "fraction correct with 95 % interval; n on hover; last column: always the commonest answer",
            className="subtitle",
        ),
        table.accuracy_table(cells, run_href),
        html.P(table.summary(cells), className="summary"),
        *(html.P(text, className="subtitle") for text in problems),
    ]
    return html.Section(children, className="card")


def accuracy_cells(library: Library, newest: dict) -> tuple[dict[tuple[str, str], table.Cell], list[str]]:
    """Return the accuracy of each (task, style), and one line for each run that could not be read."""
    cells, problems = {}, []
    for (method, task, style), line in newest.items():
        if method != "accuracy" or task is None:
            continue
        try:
            cells[task, style] = _accuracy_cell(library, line)
        except (InterpError, KeyError, TypeError, ValueError) as error:
            problems.append(f"{task}, {style}: {error}")
    return cells, problems


def _accuracy_cell(library: Library, line: RunSummary) -> table.Cell:
    names = ("accuracy", "accuracy_low", "accuracy_high", "n", "null_majority")
    found = line.summary if all(name in line.summary for name in names) else None
    if found is None:
        dataset = library.dataset(line.run_id)
        found = {name: dataset[name].item() for name in names}
    value, low, high, n, null = (found[name] for name in names)
    return table.Cell(float(value), float(low), float(high), int(n), float(null), line.run_id)


def _damaged(library: Library) -> Component:
    damaged = [line for line in library.runs() if line.status != "complete"]
    if not damaged:
        return html.Div()
    said = f"{len(damaged)} damaged runs are left out: {', '.join(line.run_id for line in damaged[:5])}."
    return html.P(f"{said} Check them with interp runs verify RUN, or see the Runs page.", className="summary")


def register(app: Dash, library: Library) -> None:
    """The choice of a model is handled by the router."""
