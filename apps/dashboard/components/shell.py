"""What surrounds every page: the name, the way to the other pages, the theme, messages."""

from __future__ import annotations

from typing import Any, Literal

import dash_mantine_components as dmc
from dash import dcc, html
from dash.development.base_component import Component

from apps.dashboard import ids
from apps.dashboard.components.aria import aria
from interp.figures.theme import FONT, template

Theme = Literal["light", "dark"]

MANTINE: Any = {
    "fontFamily": FONT,
    "primaryColor": "indigo",
    "primaryShade": {"light": 8, "dark": 4},  # white on indigo 8: 6.0 to 1
    "autoContrast": True,
    "defaultRadius": "sm",
}


def shell(theme: Theme, store: str, read_only: bool) -> Component:
    """Return the frame of the app in `theme`; the router fills `ids.NAVIGATION` and `ids.PAGE`."""
    templates = {name: template(name).to_plotly_json() for name in ("light", "dark")}
    return dmc.MantineProvider(
        [
            dcc.Location(id=ids.URL, refresh=False),
            dcc.Store(id=ids.THEME, data=theme),
            dcc.Store(id=ids.TEMPLATES, data=templates),
            html.A("Skip to the content", href="#main", className="skip"),
            html.Header([_brand(), html.Nav(id=ids.NAVIGATION, **aria(label="Pages")), _tools(store, read_only)]),
            html.Main(id="main", children=html.Div(id=ids.PAGE, children=html.P("Loading ...", className="loading"))),
            _drawer(ids.WHENCE_DRAWER, ids.WHENCE_BODY, "Where from"),
            _drawer(ids.ERRORS_DRAWER, ids.ERRORS_BODY, "What went wrong"),
            dmc.NotificationContainer(id=ids.TOAST, position="bottom-right", autoClose=10_000, limit=4),
        ],
        id=ids.PROVIDER,
        theme=MANTINE,
        forceColorScheme=theme,
    )


def _drawer(name: str, body: str, title: str) -> Component:
    """A drawer for all pages; what opens it fills its body."""
    return dmc.Drawer(
        html.Div(id=body),
        id=name,
        title=title,
        position="right",
        size="620px",
        opened=False,
        closeButtonProps={"aria-label": "Close"},
        overlayProps={"backgroundOpacity": 0.25},
    )


def _brand() -> Component:
    return dcc.Link("Arithmoscope", href="/", className="brand")


def _tools(store: str, read_only: bool) -> Component:
    where = html.Span(["store ", html.Code(store)], className="where", title="The root of the store that is shown")
    return html.Div(
        [
            where,
            *([html.Span("read only", className="tag")] if read_only else []),
            html.Button(id=ids.ERRORS, className="plain-button error-button", type="button", hidden=True),
            html.Button("Copy link", id=ids.COPY_LINK, className="plain-button", type="button"),
            _view_json(),
            html.Span(id=ids.COPIED, role="status", className="copied"),
            html.Button("Light / dark", id=ids.THEME_BUTTON, className="plain-button", type="button"),
        ],
        className="tools",
    )


def _view_json() -> Component:
    """The button that downloads what is shown; on a narrow screen its first words are for screen readers alone."""
    words = [html.Span("View as ", className="spare"), "JSON"]
    return html.Button(
        words, id=ids.VIEW_JSON, className="plain-button", type="button", **aria(label="View as JSON: what is shown")
    )


def navigation(pages: list[tuple[str, str]], current: str, search: str) -> list[Component]:
    """Return the links to the pages; `search` carries model, task and style along."""
    return [
        dcc.Link(
            [name, html.Span(" (this page)", className="unseen")] if path == current else name,
            href=f"{path}{search}",
            className="nav-link nav-current" if path == current else "nav-link",
        )
        for path, name in pages
    ]
