"""What can be done with any figure: its table, full screen, export, and where it comes from.

Pictures are drawn by the browser from what the card shows (assets/cards.js); data and the page that stands alone come
from the server (downloads.py), in full precision. Nothing leaves the machine.
"""

from __future__ import annotations

from typing import Any

from dash import html
from dash.development.base_component import Component

from apps.dashboard import ids
from apps.dashboard.components.aria import aria, titled
from apps.dashboard.components.table import twin_table
from apps.dashboard.drawn import Answer, Drawn, Source

FILES = ("csv", "html")


def card_tools(drawn: Drawn, name: str) -> Component:
    """Return the line of tools below the figure `name`."""
    parts: list[Component] = [twin_table(drawn.table, name)] if drawn.table else []
    parts += [_export(drawn, name), _button("Full screen", "full", name)]
    parts += [_whence(side, each, name) for side, each in sources(drawn)]
    return html.Div(parts, className="tools-line")


def _whence(side: str, source: Source | Answer, name: str) -> Component:
    """Return what opens the provenance of a run; that of an answer which is no run is told in place."""
    if isinstance(source, Answer):
        rows = [html.Tr([html.Th(fact, scope="row"), html.Td(text)]) for fact, text in source.facts]
        body = html.Table(html.Tbody(rows), className="pairs")
        return html.Details([html.Summary("Where from", **titled("whence", name)), body], className="fold")
    return html.Button(
        f"Where {side} is from" if side else "Where from",
        id=ids.whence(source.run_id, name),
        type="button",
        className="tool",
        **aria(describedby=ids.part(name, "title")),
    )


def sources(drawn: Drawn) -> list[tuple[str, Source | Answer]]:
    """Return what is behind a figure: one run or answer without a name, or the runs A and B."""
    if drawn.source is None:
        return []
    return [("", drawn.source)] if drawn.against is None else [("A", drawn.source), ("B", drawn.against)]


def _export(drawn: Drawn, name: str) -> Component:
    choices: list[Component] = [_button(kind.upper(), kind, name) for kind in ("png", "svg")]
    for side, source in sources(drawn):
        choices += [_file(source, kind, side, name) for kind in FILES if source.drawing]
    summary = html.Summary("Export", **titled("export", name))
    return html.Details([summary, html.Span(choices, className="choices")], className="fold export")


def _file(source: Source | Answer, kind: str, side: str, name: str) -> Component:
    text = f"{kind.upper()}{side and f' of {side}'}"
    return html.A(text, href=source.file(kind), download="", className="tool", **titled(f"{kind}{side}", name))


def _button(text: str, act: str, name: str) -> Component:
    does: Any = {"data-act": act, **titled(act, name)}
    return html.Button(text, type="button", className="tool", **does)
