"""AF1: how long the tokens can wait, how briefly the last one must read, and what that subgraph keeps."""

from __future__ import annotations

from dataclasses import replace

from dash import Dash, html
from dash.development.base_component import Component

from apps.dashboard import ids
from apps.dashboard.components.aria import aria
from apps.dashboard.components.card import arranged, broken_card, figure_card, missing_card
from apps.dashboard.components.choice import choice, run_options
from apps.dashboard.components.live_window import (
    Window,
    chosen_window,
    live_card,
    live_stores,
    marked,
    register_live,
)
from apps.dashboard.components.notice import empty
from apps.dashboard.components.still import still_card
from apps.dashboard.components.try_link import following
from apps.dashboard.drawn import Drawn, Source, drawn
from apps.dashboard.kin import command, question_of, same_cell
from apps.dashboard.library import Library
from apps.dashboard.page import Request, page, picked
from apps.dashboard.pages.af1_beside import elsewhere_card, needs
from apps.dashboard.selection import Selection
from interp.errors import InterpError
from interp.figures import drawing, live_values
from interp.figures.af1 import mark_window
from interp.figures.live_values import Grid
from interp.store import RunSummary

PATH, NAME = "/af1", "AF1"
HEADING = "AF1: wait, transfer, compute"
HEIGHT = 300
READING = (
    "Up to l_wait every token knows only itself: CAMA puts the mean of its residual over prompts that share the token. "
    "Then the last token alone reads the others for l_transfer blocks; after that it reads only itself and BOS. "
    "Faithfulness is the accuracy of this subgraph on prompts the full model answers. l_wait and l_transfer are "
    "searched on the selection split; the number reported is from the test split. A paper that counts blocks from 0 "
    "writes l_wait - 1."
)
# section -> its cards as (method, figure, what it is called where there is no run yet)
BESIDE = {
    "Instead of CAMA and ABP": (
        ("alternatives", "alternatives", "Alternatives side by side"),
        ("peeking", "single_layer", "Attention knockout, one block at a time"),
    ),
    "Heads": (
        ("heads", "elimination", "Transfer heads removed one by one"),
        ("heads", "attention", "What the surviving heads read"),
        ("heads", "knockout", "Knockout of single heads in the full model"),
    ),
}


def layout(library: Library, request: Request) -> Component:
    """Return the page of one AF1 run, with the runs of the other AF1 methods on the same model, task and style."""
    nothing = empty(
        "No AF1 run yet", "Search one, then reload this page:", "interp run af1 --model mental-math --task a+b"
    )
    line, lines, instead = picked(library, ("af1",), request, nothing)
    if line is None:
        return page(PATH, HEADING, request, instead)
    selection, search = _search(library, request, line)
    sections = [_section(library, request, line, title) for title in BESIDE]
    return page(
        PATH,
        HEADING,
        request,
        [html.P(READING, className="lead"), *search, *sections],
        controls=[choice(ids.RUN_CHOICE, "Run", run_options(lines), line.run_id, width=None)],
        selection=selection,
    )


def _search(library: Library, request: Request, line: RunSummary) -> tuple[Selection, list[Component]]:
    """Return the figures of the search, with the window under the sliders marked in all of them, and its address."""
    asked = request.selection
    try:
        grid = Grid.of(library.dataset(line.run_id))
        shown, wrong = chosen_window(grid, asked)
    except InterpError as error:  # without a grid there is nothing to slide over
        cards = [broken_card("Any window", str(error)), still_card(library, line, "grid", request.theme, HEIGHT)]
        return Selection(run=line.run_id), _rows(cards, _curves(library, request, line, None)[0])
    request.notices.extend(wrong)
    curves, found = _curves(library, request, line, shown)
    still = library.drawn(line.run_id, drawing("af1", "grid"), request.theme)
    ready, found["grid"] = marked(still, grid.dataset, "grid", shown)
    random = _random_windows(library, line, grid.judged)
    more = random if shown == grid.judged else ""
    window = None if shown == grid.judged and asked.window is None else live_values.key(*shown)
    pins = _pins(grid, asked.pin, request)
    selection = Selection(run=line.run_id, window=window, pin=pins)
    link = _try(library, selection, live_values.key(*grid.judged))
    live = live_card(grid, selection, shown, request.theme, more, (link,))
    stores = live_stores(grid, found, random)
    top = [live, figure_card(ready, "grid", HEIGHT)]
    return selection, [*_rows(top, curves), *stores]


def _pins(grid: Grid, asked: tuple[str, ...], request: Request) -> tuple[str, ...]:
    """Return the pinned windows that the grid has; a notice for each other."""
    known = {live_values.key(*cell) for cell in grid.cells}
    wrong = [pin for pin in asked if pin not in known]
    request.notices.extend(f"The grid of this run has no window {pin[:40]!r} to pin; it was left out." for pin in wrong)
    return tuple(pin for pin in asked if pin in known)


def _try(library: Library, shown: Selection, judged: str) -> Component:
    """Return the link of the window under the sliders."""
    asked = question_of(library, shown.run or "").but(view="window", window=judged)
    return following("window", asked, shown, ("window",), "this window in one prompt, beside the clean run.")


def _random_windows(library: Library, line: RunSummary, judged: Window) -> str:
    """Return what random windows keep, from the alternatives run that judged the same window."""
    run = same_cell(library, "alternatives", line)
    if run is None or (run.summary.get("l_wait"), run.summary.get("l_transfer")) != judged:
        return ""
    try:
        return live_values.random_windows(library.dataset(run.run_id))
    except InterpError:
        return ""  # the card of that run says what is wrong with it


def _rows(top: list[Component], under: list[Component]) -> list[Component]:
    return [html.Div(top, className="grid af1-top"), html.Div(under, className="grid af1-under")]


def _curves(
    library: Library, request: Request, line: RunSummary, shown: Window | None
) -> tuple[list[Component], dict[str, int]]:
    """Return the judged window and the two sweeps, and which shape of each sweep marks the window `shown`."""
    cards, found = [still_card(library, line, "window", request.theme, HEIGHT)], {}
    for title, ready in (("Wait sweep", _wait), ("Transfer sweep", _transfer)):
        try:
            name, drawn_, extra = ready(library, request, line)
            if shown is not None:
                drawn_, found[name] = marked(drawn_, library.dataset(line.run_id), name, shown)
            cards.append(figure_card(drawn_, name, HEIGHT, extra=extra))
        except InterpError as error:
            cards.append(broken_card(title, str(error)))
    return cards, found


def _section(library: Library, request: Request, line: RunSummary, title: str) -> Component:
    name = ids.part(title.split()[0].lower(), "section")
    cards = [_beside(library, request, line, *card) for card in BESIDE[title]]
    if title == "Heads":
        cards.append(elsewhere_card(library, request, line))
    body = [html.H2(title, id=name), *arranged(cards)]
    return html.Section(body, className="cell after", **aria(labelledby=name))


def _wait(library: Library, request: Request, line: RunSummary) -> tuple[str, Drawn, tuple[Component, ...]]:
    """Return the wait sweep: of the CAMA run, which has every variant, where there is one; else of the search."""
    run = same_cell(library, "cama", line)
    of = run or line
    chosen, sweep = library.dataset(line.run_id), drawing(of.method, "wait_curve")
    judged = replace(sweep, draw=lambda dataset, theme: mark_window(sweep(dataset, theme=theme), chosen))
    ready = replace(drawn(judged, library.dataset(of.run_id), request.theme), source=Source(of.run_id, sweep.name))
    return "wait_curve", ready, () if run else needs("Every variant:", "cama", line)


def _transfer(library: Library, request: Request, line: RunSummary) -> tuple[str, Drawn, tuple[Component, ...]]:
    """Return the transfer sweep: of the ABP run, which has every variant, where there is one; else of the search."""
    run = same_cell(library, "abp", line)
    of, name = (line, "transfer_curve") if run is None else (run, "peek_curve")
    ready = library.drawn(of.run_id, drawing(of.method, name), request.theme)
    return name, ready, () if run else needs("Every variant:", "abp", line)


def _beside(library: Library, request: Request, line: RunSummary, method: str, name: str, title: str) -> Component:
    run = same_cell(library, method, line)
    if run is not None:
        return still_card(library, run, name, request.theme, HEIGHT)
    return missing_card(title, "Not run yet for this cell.", command(method, line))


def register(app: Dash, library: Library) -> None:
    """The sliders and clicks move the window in the browser; the choice of a run is handled by the router."""
    register_live(app)
