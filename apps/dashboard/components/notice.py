"""What stands where a result would be: nothing yet, something broken, or a link that was not understood.

Every notice says what to type next.
"""

from __future__ import annotations

from dash import html
from dash.development.base_component import Component

LINK = "notice notice-link"


def commands(*lines: str) -> Component:
    """Return commands to type, one a line."""
    return html.Pre(html.Code("\n".join(lines)), className="commands")


def empty(title: str, text: str, *lines: str) -> Component:
    """Return a calm notice that nothing is here yet, and how to make it."""
    body = [html.H2(title), html.P(text), *([commands(*lines)] if lines else [])]
    return html.Section(body, className="notice notice-empty")


def broken(text: str, *lines: str) -> Component:
    """Return a notice that something is wrong with what should be here."""
    return html.Section(
        [html.P(text), *([commands(*lines)] if lines else [])], className="notice notice-broken", role="alert"
    )


def link_notices(notices: list[str]) -> list[Component]:
    """Return what could not be taken from the address, visibly; an empty list when all was understood."""
    if not notices:
        return []
    return [html.Section([html.P(text) for text in notices], className=LINK, role="status")]
