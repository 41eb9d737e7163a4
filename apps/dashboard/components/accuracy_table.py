"""Accuracy of every task in every style, its interval under it, its null beside it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from dash import dcc, html
from dash.development.base_component import Component

from apps.dashboard.components.aria import aria

STYLES = ("plain", "verbal", "question", "instruction", "word_problem", "python")
TASKS = ("a+b", "a-b", "a+b+c", "a+b-c", "a-b+c", "a-b-c")


@dataclass(frozen=True)
class Cell:
    """One accuracy: the estimate, its 95 % interval, n, the majority null and the run it is from."""

    accuracy: float
    low: float
    high: float
    n: int
    null: float
    run_id: str


def accuracy_table(cells: dict[tuple[str, str], Cell], href: Callable[[str], str]) -> Component:
    """Return the table of `cells` keyed (task, style); a cell links to its run, a missing one is a dash."""
    tasks, styles = (
        in_order(names, known) for names, known in zip(zip(*cells, strict=True), (TASKS, STYLES), strict=True)
    )
    head = html.Tr([_head(text) for text in ("task", *(style.replace("_", " ") for style in styles), "majority null")])
    rows = [
        html.Tr(
            [
                html.Th(task, scope="row"),
                *(_cell(cells.get((task, style)), f"{task}, {style}", href) for style in styles),
                html.Td(_null(cells, task), className="null"),
            ]
        )
        for task in tasks
    ]
    return html.Table(
        [html.Thead(head), html.Tbody(rows)], className="accuracy", **aria(label="Accuracy by task and style")
    )


def in_order(names, known: tuple[str, ...]) -> list[str]:
    """Return the distinct `names`, those of `known` first and in its order."""
    found = list(dict.fromkeys(names))
    return [name for name in known if name in found] + [name for name in found if name not in known]


def _head(text: str) -> Component:
    return html.Th(text, scope="col")


def _cell(cell: Cell | None, what: str, href: Callable[[str], str]) -> Component:
    if cell is None:
        return html.Td("–", title=f"{what}: not run", className="null")
    text = f"{what}: {cell.accuracy:.4f} [{cell.low:.4f}, {cell.high:.4f}], n = {cell.n:,}"
    value = dcc.Link(f"{cell.accuracy:.3f}", href=href(cell.run_id), title=text)
    half = html.Small(f"{cell.low:.3f}–{cell.high:.3f}")
    return html.Td(
        [value, half], className="bar", style={"backgroundSize": f"{100 * cell.accuracy:.1f}% 3px, 100% 3px"}
    )


def _null(cells: dict[tuple[str, str], Cell], task: str) -> str:
    return f"{max(cell.null for (name, _), cell in cells.items() if name == task):.3f}"


def summary(cells: dict[tuple[str, str], Cell]) -> str:
    """Return the worst and the best cell in one sentence."""
    worst, best = (pick(cells, key=lambda key: cells[key].accuracy) for pick in (min, max))
    return (
        f"{len(cells)} cells from {cells[worst].accuracy:.3f} ({', '.join(worst)}) to {cells[best].accuracy:.3f} "
        f"({', '.join(best)}); the largest majority null is {max(cell.null for cell in cells.values()):.3f}."
    )
