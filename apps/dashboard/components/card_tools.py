"""What can be done with any figure: its table, full screen, export, and where it comes from.

Pictures are drawn by the browser from what the card shows (assets/cards.js); data and the page that stands alone come
from the server (downloads.py), in full precision. Nothing leaves the machine.
"""

from __future__ import annotations

from typing import Any

from dash import html
from dash.development.base_component import Component

from apps.dashboard import ids
from apps.dashboard.components.aria import aria
from apps.dashboard.components.table import twin_table
from apps.dashboard.drawn import Drawn


def card_tools(drawn: Drawn, name: str) -> Component:
    """Return the line of tools below the figure `name`."""
    title, source = drawn.title, drawn.source
    parts: list[Component] = [twin_table(drawn.table)] if drawn.table else []
    parts += [_export(drawn, name), _button("Full screen", "full", f"{title}: full screen")]
    if source is not None:
        whence = html.Button(
            "Where from",
            id=ids.whence(source.run_id, name),
            type="button",
            className="tool",
            **aria(label=f"{title}: where the numbers come from"),
        )
        parts.append(whence)
    return html.Div(parts, className="tools-line")


def _export(drawn: Drawn, name: str) -> Component:
    choices: list[Component] = [
        _button(kind.upper(), kind, f"{drawn.title} as {kind.upper()}") for kind in ("png", "svg")
    ]
    if drawn.source is not None:
        stem = f"/download/{drawn.source.run_id}/{drawn.source.drawing}"
        choices += [
            html.A("CSV", href=f"{stem}.csv", download="", className="tool"),
            html.A("HTML", href=f"{stem}.html", download="", className="tool"),
        ]
    summary = html.Summary("Export", **aria(label=f"Export {drawn.title}"))
    return html.Details([summary, html.Span(choices, className="choices")], className="fold export")


def _button(text: str, act: str, label: str) -> Component:
    does: Any = {"data-act": act}
    return html.Button(text, type="button", className="tool", **does, **aria(label=label))
