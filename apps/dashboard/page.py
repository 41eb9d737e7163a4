"""What a page is asked and what it returns: one h1, its controls, notices about the link, and its selection."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dash import dcc, html
from dash.development.base_component import Component

from apps.dashboard import ids
from apps.dashboard.components.notice import broken, empty, link_notices
from apps.dashboard.library import Library
from apps.dashboard.selection import CARRIED, KNOWN, Selection
from interp.errors import nearest
from interp.store import RunSummary


@dataclass(frozen=True)
class Request:
    """What the address asks for, what in it was not understood, and the theme the figures are drawn in."""

    selection: Selection
    notices: list[str]
    theme: str


def page(
    path: str,
    heading: str,
    request: Request,
    children: list[Component],
    *,
    controls: Sequence[Component] = (),
    selection: Selection | None = None,
) -> Component:
    """Return a page: heading and controls on one line, then notices, then `children`."""
    shown = selection or request.selection
    notices = [*request.notices, *_lost(request, shown)]
    top = html.Div([html.H1(heading), html.Div(list(controls), className="controls")], className="page-head")
    store = dcc.Store(id=ids.SELECTION, data=address(path, shown))
    return html.Div([store, top, *link_notices(notices), *children], className="page")


def _lost(request: Request, shown: Selection) -> list[str]:
    """Return a line for each thing that the address names, the page does not show, and no notice speaks of yet."""
    said, asked = " ".join(request.notices), request.selection
    lost = [name for name in KNOWN if name not in (*CARRIED, "pin") and getattr(shown, name) is None]
    named = [f"{name}={getattr(asked, name)}" for name in lost if getattr(asked, name) is not None]
    named += [f"pin={pin}" for pin in asked.pin if pin not in shown.pin]
    return [f"{each[:60]} does not go with what is shown; left out." for each in named if _value(each) not in said]


def _value(named: str) -> str:
    return named.partition("=")[2][:40]


def address(path: str, selection: Selection) -> dict[str, str]:
    """Return what the clientside callback writes into the address bar."""
    return {"path": path, "search": selection.search}


def pick_run(library: Library, method: str, request: Request) -> tuple[RunSummary | None, list[RunSummary], list[str]]:
    """Return the run of `method` that the address asks for (else the newest that fits), all of them, and notices."""
    lines = library.of(method)
    asked, notices = request.selection, []
    if asked.run is not None:
        found = next((line for line in lines if line.run_id == asked.run), None)
        if found is not None:
            return found, lines, of_another(found, asked)
        notices.append(_no_such_run(library, method, asked.run))
    wanted = {name: getattr(asked, name) for name in ("model", "task", "style") if getattr(asked, name) is not None}
    fitting = [line for line in lines if all(getattr(line, name) == value for name, value in wanted.items())]
    if lines and not fitting:
        said = ", ".join(f"{name} {value}" for name, value in wanted.items())
        notices.append(f"No {method} run for {said}; the newest {method} run is shown instead.")
    return next(iter(fitting or lines), None), lines, notices


def pick_among(
    library: Library, methods: tuple[str, ...], request: Request
) -> tuple[RunSummary | None, list[RunSummary], list[str]]:
    """Return the run that the address asks for among those of `methods`, all of these, and notices.

    Without a run in the address it is the newest of the first method that has one.
    """
    lines = [line for method in methods for line in library.of(method)]
    asked = next((line for line in lines if line.run_id == request.selection.run), None)
    if asked is not None:
        return asked, lines, of_another(asked, request.selection)
    having = next((method for method in methods if library.of(method)), methods[0])
    line, _, notices = pick_run(library, having, request)
    return line, lines, notices


def picked(
    library: Library, methods: tuple[str, ...], request: Request, nothing: Component
) -> tuple[RunSummary | None, list[RunSummary], list[Component]]:
    """Return the run to show, all runs of `methods`, and what the page shows in its place where there is none.

    `nothing` says that no such run was made yet, and how to make one; an empty store says so itself.
    """
    if not library.models():
        return None, [], [empty_store(library)]
    line, lines, notices = pick_among(library, methods, request)
    request.notices.extend(notices)
    return line, lines, [] if line else [nothing]


def of_another(line: RunSummary, asked: Selection) -> list[str]:
    """Return a notice for model, task and style where the address names others than those of the run it names."""
    named = [(name, getattr(asked, name), getattr(line, name)) for name in ("model", "task", "style")]
    return [
        f"Run {line.run_id} is of {name} {own}, not {value[:60]}; the run is shown."
        for name, value, own in named
        if value not in (None, own)
    ]


def _no_such_run(library: Library, method: str, run_id: str) -> str:
    lines = library.runs()
    found = next((line for line in lines if line.run_id == run_id), None)
    if found is None:
        return f"There is no run {run_id!r} in this store. {nearest(run_id, [line.run_id for line in lines])}"
    if found.status != "complete":
        return f"Run {run_id} is damaged ({found.problem}). Check it: interp runs verify {run_id}"
    return f"Run {run_id} is a {found.method} run, not {method}; see it on the Runs page."


def empty_store(library: Library) -> Component:
    """Return what an empty or absent store shows on every page."""
    damaged = [line for line in library.runs() if line.status != "complete"]
    if damaged:
        return broken(
            f"All {len(damaged)} runs of this store are damaged. Look at each, and restore or remove it:",
            *(f"interp runs verify {line.run_id}" for line in damaged[:8]),
        )
    return empty(
        "No results yet",
        f"The store {library.root} holds no runs. Make some, then reload this page:",
        "interp study --model mental-math",
        "interp run accuracy --model mental-math --task a+b --style plain",
    )
