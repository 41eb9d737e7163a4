"""What went wrong, as the drawer of the header lists it: when, where, in a line, and the traceback where it helps."""

from __future__ import annotations

from dash import html
from dash.development.base_component import Component

from apps.dashboard import ids
from apps.dashboard.components.copied import copy_button
from apps.dashboard.error_log import MOST, Entry


def error_list(entries: list[Entry]) -> list[Component]:
    """Return the entries, newest first."""
    if not entries:
        return [html.P("Nothing went wrong since the app was started.", className="muted")]
    said = f"Newest first; times are UTC. The newest {MOST} are kept while the app runs; nothing of this leaves it."
    return [html.P(said, className="subtitle"), html.Ol([_entry(i, each) for i, each in enumerate(entries)])]


def button_text(count: int) -> str:
    """Return what the button in the header says."""
    return f"Errors: {count}"


def _entry(i: int, entry: Entry) -> Component:
    again = f", {entry.times} times" if entry.times > 1 else ""
    head = html.Div([html.Strong(entry.where), html.Span(f" {entry.time}{again}", className="muted")])
    return html.Li([head, html.P(entry.message, className="error-message"), *_trace(i, entry)], className="error-entry")


def _trace(i: int, entry: Entry) -> list[Component]:
    if not entry.trace:
        return []
    name = ids.part(ids.ERRORS_BODY, f"trace-{i}")
    text = html.Pre(entry.trace, id=name, tabIndex="0")
    body = html.Div([text, copy_button(name, "Copy the traceback")], className="copyable")
    return [html.Details([html.Summary("Traceback"), body], className="fold")]
