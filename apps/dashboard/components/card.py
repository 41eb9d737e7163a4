"""The one card: title, subtitle, graph, a sentence that says what it shows, and its tools (table, export, ...).

The sentence is the accessible description of the graph, which a screen reader cannot enter.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dash import dcc, html
from dash.development.base_component import Component

from apps.dashboard import ids
from apps.dashboard.components.aria import aria
from apps.dashboard.components.card_tools import card_tools
from apps.dashboard.components.notice import broken, commands
from apps.dashboard.drawn import Drawn
from interp.figures import GRAPH_CONFIG

MISSING = "card card-missing"


def figure_card(
    drawn: Drawn, name: str, height: int, *, href: str | None = None, extra: Sequence[Component] = ()
) -> Component:
    """Return the card of a figure, at least `height` tall and as tall as the figure needs.

    `name` is unique on the page, `href` leads to the page that shows more.
    """
    height = max(height, drawn.height)
    title_id, summary_id = ids.part(name, "title"), ids.part(name, "summary")
    title = dcc.Link(drawn.title, href=href) if href else drawn.title
    graph = dcc.Graph(
        id=ids.graph(name),
        figure=drawn.figure,
        config=GRAPH_CONFIG,
        responsive=True,
        style={"flex": f"1 1 {height}px", "minHeight": f"{height}px"},
    )
    subtitle = html.P(drawn.subtitle, id=ids.part(name, "subtitle"), className="subtitle")
    children: list[Component] = [
        html.Figcaption([html.H3(title, id=title_id), subtitle]),
        graph,
        html.P(drawn.summary, id=summary_id, className="summary", **aria(live="polite")),
        *extra,
        card_tools(drawn, name),
    ]
    return html.Figure(children, className="card", **aria(labelledby=title_id, describedby=summary_id))


def missing_card(title: str, text: str, *lines: str) -> Component:
    """Return a card for a result that is not there, with the command that makes it."""
    return html.Section(
        [html.H3(title), html.P(text, className="subtitle"), *([commands(*lines)] if lines else [])],
        className=MISSING,
    )


def arranged(cards: list[Component], grid: str = "grid two") -> list[Component]:
    """Return cards in rows: what is shown first, then what was not run; one card for what one command fills."""
    there, lacking = [], dict[str, list[Component]]()
    for card in cards:
        children: Any = card.children
        if getattr(card, "className", "") == MISSING:
            lacking.setdefault(str(children[1:]), []).append(card)
        else:
            there.append(card)
    missing = [same[0] if len(same) == 1 else _merged(same) for same in lacking.values()]
    return [html.Div(row, className=f"{grid} cards-row") for row in (there, missing) if row]


def _merged(cards: list[Any]) -> Component:
    title = " · ".join(card.children[0].children for card in cards)
    return html.Section([html.H3(title), *cards[0].children[1:]], className=MISSING)


def broken_card(title: str, text: str) -> Component:
    """Return a card for a result that cannot be shown, and why."""
    return html.Section([html.H3(title), broken(text)], className="card")
