"""What every method says about the selected period and the pinned ones, side by side: a table of one row a question."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from dash import html
from dash.development.base_component import Component

from apps.dashboard.components.aria import aria
from interp.figures.period_facts import Fact, facts
from interp.figures.period_marks import LINES, name_of

if TYPE_CHECKING:
    import xarray as xr

HOW = "Click a peak, a point or a plane to select its period; shift-click pins it beside others; Esc lets go."
DASHES = {"solid": "solid", "dash": "dashed", "dot": "dotted", "dashdot": "dashed", "longdash": "dashed"}


def period_table(datasets: Mapping[str, xr.Dataset], periods: Sequence[float], selected: bool) -> list[Component]:
    """Return the table, or how to select a period; `selected`: the first period is the selected one, not a pin."""
    if not periods:
        return [html.P(HOW, className="muted")]
    rows = facts(datasets, periods)
    start = 0 if selected else 1
    head = [html.Th("", scope="col"), *(_head(t, start + i) for i, t in enumerate(periods))]
    body = [html.Tr([html.Th(words, scope="row"), *map(_cell, found)]) for words, found in rows]
    if not body:
        return [html.P(HOW, className="muted")]
    table = html.Table([html.Thead(html.Tr(head)), html.Tbody(body)], className="fourier-facts",
                       **aria(label="What is known of the chosen periods"))  # fmt: skip
    return [table]


def _head(period: float, place: int) -> Component:
    colour, dash = LINES[min(place, len(LINES) - 1)]
    line = {"borderTop": f"3px {DASHES[dash]} {colour}"}
    return html.Th([html.Span(className="fourier-key", style=line), name_of(period)], scope="col")


def _cell(fact: Fact) -> Component:
    if fact.beyond is None:
        return html.Td(fact.text, className="muted")
    words = "beyond the null" if fact.beyond else "not beyond"
    return html.Td([html.Span(words, className=f"fourier-{'yes' if fact.beyond else 'no'}"), fact.text])
