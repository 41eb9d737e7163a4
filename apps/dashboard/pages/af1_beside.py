"""What stands beside an AF1 search: other methods on its cell, its window on other cells, and how to get them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import plotly.graph_objects as go
from dash import html
from dash.development.base_component import Component

from apps.dashboard.components.card import broken_card, figure_card, missing_card
from apps.dashboard.components.notice import commands
from apps.dashboard.drawn import Drawn, untitled
from apps.dashboard.kin import command
from apps.dashboard.library import Library
from apps.dashboard.page import Request
from interp.errors import InterpError
from interp.figures import elsewhere
from interp.figures.af1 import window_of
from interp.figures.twin import Twin
from interp.store import RunSummary

if TYPE_CHECKING:
    import xarray as xr

TITLE = "The same window elsewhere"
HEIGHT = 300
MOST = 40


def needs(text: str, method: str, line: RunSummary) -> tuple[Component]:
    """Return a line that says what a card lacks and the command that makes it."""
    return (html.Div([html.P(text, className="subtitle"), commands(command(method, line))], className="needs"),)


def elsewhere_card(library: Library, request: Request, line: RunSummary) -> Component:
    """Return the card of the `window` runs that judge the window of search `line`, on any cell and model."""
    try:
        wait, transfer, _ = window_of(library.dataset(line.run_id))
        runs = window_runs(library, wait, transfer)
        if not runs:
            other = "a-b" if line.task != "a-b" else "a+b"
            text = "Not run yet on any other task, style or model."
            return missing_card(TITLE, text, command("window", line, other, l_wait=wait, l_transfer=transfer))
        datasets = [library.dataset(run.run_id) for run in runs]
        figure = elsewhere.elsewhere(datasets, theme=request.theme)
        said, rows = elsewhere.summary(datasets), 22 * len(runs)
        ready = Drawn(TITLE, _words(figure), untitled(figure), said, _twin(datasets), 120 + rows)
        return figure_card(ready, "elsewhere", HEIGHT)
    except InterpError as error:
        return broken_card(TITLE, str(error))


def window_runs(library: Library, wait: int, transfer: int) -> list[RunSummary]:
    """Return the newest `window` run of each model, task and style that judges exactly this window."""
    found: dict[tuple, RunSummary] = {}
    for run in library.of("window"):
        if (run.summary.get("l_wait"), run.summary.get("l_transfer")) == (wait, transfer):
            found.setdefault((run.model, run.task, run.style), run)
    return [found[cell] for cell in sorted(found, key=str)][:MOST]


def _words(figure: go.Figure) -> str:
    title: Any = figure["layout"]["title"]
    return f"{title.text} · {title.subtitle.text}"


def _twin(datasets: list[xr.Dataset]) -> Twin:
    """Return the rows of the card as a table."""
    columns = ("cell", "faithfulness", "mean control", "zero control", "n")
    return Twin(f"{TITLE}, 95 % interval in brackets", columns, tuple(map(elsewhere.row, datasets)), 1)
