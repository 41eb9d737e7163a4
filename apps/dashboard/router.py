"""From an address to a page.

Dash's own pages live in a registry of the process, so two apps would share one store's pages; this router belongs to
its app. It also redraws a page only when the address changes by navigation: selections inside a page are written to
the address by the browser alone (`history.replaceState`), and no callback hears of them.
"""

from __future__ import annotations

import logging
from types import ModuleType
from typing import Any

from dash import ALL, ClientsideFunction, Dash, Input, Output, State, no_update
from dash.development.base_component import Component

from apps.dashboard import ids, mishaps
from apps.dashboard.components.notice import broken, empty
from apps.dashboard.components.shell import navigation
from apps.dashboard.library import Library
from apps.dashboard.page import Request, page
from apps.dashboard.pages import PAGES
from apps.dashboard.selection import Selection, parse, selected
from apps.dashboard.understood import understood
from interp.errors import InterpError, nearest

log = logging.getLogger(__name__)


def show(library: Library, pathname: str, search: str | None, theme: str) -> tuple[Component, list[Component]]:
    """Return the page at an address, and the navigation with that page marked."""
    selection, notices = parse(search)
    request = Request(selection, notices, "dark" if theme == "dark" else "light")
    path = pathname.rstrip("/") or "/"
    carried = Selection(model=selection.model, task=selection.task, style=selection.style).search
    links = navigation([(module.PATH, module.NAME) for module in PAGES], path, carried)
    for module in PAGES:
        if path == module.PATH:
            taken, strange = understood(library, path, module.NAME, selection)
            return _layout(module, library, Request(taken, [*notices, *strange], request.theme)), links
    options = [module.PATH for module in PAGES]
    nothing = empty("Nothing here", f"There is no page {path[:80]!r}. {nearest(path[:80], options)}")
    return page(path, "Page not found", Request(Selection(), [], request.theme), [nothing]), links


def _layout(module: ModuleType, library: Library, request: Request) -> Component:
    """Return the page, or a page that says it failed: never a page that loads for ever."""
    try:
        return module.layout(library, request)
    except Exception as error:
        log.error("Page %s failed", module.PATH, exc_info=error)
        library.errors.add(f"page {module.PATH}", error)
        text = f"This page failed ({type(error).__name__}); {mishaps.LOOK}."
        said = str(error) if isinstance(error, InterpError) else text
        return page(module.PATH, module.NAME, Request(Selection(), [], request.theme), [broken(said)])


def moved(chosen: dict | None, **choice: Any) -> Any:
    """Return the query of an address with only `choice`; no update where that is what the page already shows.

    Dash calls back not only when a reader chooses, but also when the control appears with its page.
    """
    shown = selected(chosen)
    if all(getattr(shown, name) == value for name, value in choice.items()):
        return no_update
    return parse(Selection(**choice).search)[0].search


def register(app: Dash, library: Library) -> None:
    """Route addresses; keep the address bar, the title of the tab and the theme in step."""

    @app.callback(
        Output(ids.PAGE, "children"),
        Output(ids.NAVIGATION, "children"),
        Input(ids.URL, "pathname"),
        Input(ids.URL, "search"),
        State(ids.THEME, "data"),
    )
    def route(pathname: str | None, search: str | None, theme: str) -> tuple:
        if pathname is None:
            return no_update, no_update
        found = show(library, pathname, search, theme)
        mishaps.count(library.errors)
        return found

    @app.callback(
        Output(ids.URL, "search", allow_duplicate=True),
        Input(ids.RUN_CHOICE, "value"),
        State(ids.SELECTION, "data"),
        prevent_initial_call=True,
    )
    def choose_run(run_id: str, chosen: dict) -> Any:
        return moved(chosen, run=str(run_id))

    @app.callback(
        Output(ids.URL, "search", allow_duplicate=True),
        Input(ids.MODEL_CHOICE, "value"),
        State(ids.SELECTION, "data"),
        prevent_initial_call=True,
    )
    def choose_model(model: str, chosen: dict) -> Any:
        return moved(chosen, model=str(model))

    _clientside(app)


def _clientside(app: Dash) -> None:
    app.clientside_callback(
        ClientsideFunction("arithmoscope", "writeAddress"),
        Output(ids.SELECTION, "modified_timestamp"),
        Input(ids.SELECTION, "data"),
    )
    app.clientside_callback(
        ClientsideFunction("arithmoscope", "toggleTheme"),
        Output(ids.THEME, "data"),
        Output(ids.PROVIDER, "forceColorScheme"),
        Input(ids.THEME_BUTTON, "n_clicks"),
        State(ids.THEME, "data"),
        prevent_initial_call=True,
    )
    app.clientside_callback(
        ClientsideFunction("arithmoscope", "drawInTheme"),
        Output({"type": "graph", "name": ALL}, "figure"),
        Input(ids.THEME, "data"),
        State(ids.TEMPLATES, "data"),
        State({"type": "graph", "name": ALL}, "figure"),
        prevent_initial_call=True,
    )
    app.clientside_callback(  # one for all pages: a callback without outputs is known by its inputs alone
        ClientsideFunction("cards", "clicked"),
        Input({"type": "graph", "name": ALL}, "clickData"),
        prevent_initial_call=True,
    )
    app.clientside_callback(
        ClientsideFunction("trying", "follow"),
        Output(ids.try_link(ALL), "href"),
        Input(ids.SELECTION, "data"),
        State(ids.try_from(ALL), "data"),
        prevent_initial_call=True,
    )
    app.clientside_callback(
        ClientsideFunction("arithmoscope", "copyLink"),
        Output(ids.COPIED, "children"),
        Input(ids.COPY_LINK, "n_clicks"),
        prevent_initial_call=True,
    )
    app.clientside_callback(
        ClientsideFunction("arithmoscope", "viewAsJson"),
        Input(ids.VIEW_JSON, "n_clicks"),
        prevent_initial_call=True,
    )
