"""AF1: how long the tokens can wait, how briefly the last one must read, and what that subgraph keeps."""

from __future__ import annotations

from dataclasses import replace

from dash import Dash, html
from dash.development.base_component import Component

from apps.dashboard import ids
from apps.dashboard.components.card import broken_card, figure_card, missing_card
from apps.dashboard.components.choice import choice, run_options
from apps.dashboard.components.notice import empty
from apps.dashboard.drawn import drawn
from apps.dashboard.library import Library
from apps.dashboard.page import Request, empty_store, page, pick_run
from apps.dashboard.selection import Selection
from interp.errors import InterpError
from interp.figures import drawing
from interp.figures.af1 import mark_window
from interp.store import RunSummary

PATH, NAME = "/af1", "AF1"
HEADING = "AF1: wait, transfer, compute"
HEIGHT = 300
READING = (
    "Up to l_wait every token knows only itself: CAMA puts the mean of its residual over prompts that share the token. "
    "Then the last token alone reads the others for l_transfer blocks; after that it reads only itself and BOS. "
    "Faithfulness is the accuracy of this subgraph on prompts the full model answers. l_wait and l_transfer are "
    "searched on the selection split; the number reported is from the test split."
)


def layout(library: Library, request: Request) -> Component:
    """Return the page of one AF1 run, with the CAMA and peeking runs of the same model, task and style."""
    if not library.models():
        return page(PATH, HEADING, request, [empty_store(library)])
    line, lines, notices = pick_run(library, "af1", request)
    request.notices.extend(notices)
    if line is None:
        nothing = empty(
            "No AF1 run yet", "Search one, then reload this page:", "interp run af1 --model mental-math --task a+b"
        )
        return page(PATH, HEADING, request, [nothing])
    cards = [
        _card(library, request, line, "window"),
        _wait_card(library, request, line),
        _card(library, request, line, "transfer_curve"),
        _beside(library, request, line, "peeking", "Attention knockout, one block at a time"),
    ]
    return page(
        PATH,
        HEADING,
        request,
        [html.P(READING, className="lead"), html.Div(cards, className="grid wide")],
        controls=[choice(ids.RUN_CHOICE, "Run", run_options(lines), line.run_id, width=420)],
        selection=Selection(run=line.run_id),
    )


def _card(library: Library, request: Request, line: RunSummary, name: str | None = None) -> Component:
    try:
        found = drawing(line.method, name)
        return figure_card(library.drawn(line.run_id, found, request.theme), found.name, HEIGHT)
    except InterpError as error:
        return broken_card(name or line.method, str(error))


def _wait_card(library: Library, request: Request, line: RunSummary) -> Component:
    """Return the wait sweep: of the CAMA run, which has intervals, where there is one; else of the search."""
    try:
        found = same_cell(library, "cama", line) or line
        chosen, sweep = library.dataset(line.run_id), drawing(found.method, "wait_curve")
        marked = replace(sweep, draw=lambda dataset, theme: mark_window(sweep(dataset, theme=theme), chosen))
        return figure_card(drawn(marked, library.dataset(found.run_id), request.theme), "wait_curve", HEIGHT)
    except InterpError as error:
        return broken_card("Wait sweep", str(error))


def _beside(library: Library, request: Request, line: RunSummary, method: str, title: str) -> Component:
    found = same_cell(library, method, line)
    if found is not None:
        return _card(library, request, found)
    command = f"interp run {method} --model {line.model} --task {line.task} --style {line.style}"
    return missing_card(title, "Not run yet for this cell.", command)


def same_cell(library: Library, method: str, line: RunSummary) -> RunSummary | None:
    """Return the newest run of `method` on the model, task and style of `line`."""
    return next(
        (
            other
            for other in library.of(method)
            if (other.model, other.task, other.style) == (line.model, line.task, line.style)
        ),
        None,
    )


def register(app: Dash, library: Library) -> None:
    """The choice of a run is handled by the router, for every page alike."""
