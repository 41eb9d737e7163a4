"""In what two runs differ, as tables: their questions, their headline numbers, the code and machine that made them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dash import dcc, html
from dash.development.base_component import Component

from apps.dashboard.components.aria import aria
from apps.dashboard.components.choice import run_label
from apps.dashboard.selection import Selection
from interp.store import RunSummary

LONGEST = 240
NUMBERS = (int, float)


def sides(one: RunSummary, two: RunSummary, swap: str) -> Component:
    """Return which run is A and which is B, with the way to each on the Runs page, and to B - A."""
    told: list[Any] = []
    for side, line in (("A", one), ("B", two)):
        link = dcc.Link(run_label(line), href=f"/runs{Selection(run=line.run_id).search}")
        told += [html.B(f"{side} "), link, " "]
    return html.P([*told, dcc.Link("Swap A and B", href=swap)], className="lead compare-sides")


def question_table(differing: Mapping[str, tuple[Any, Any]]) -> Component:
    """Return the fields of the two questions that are not equal, and no others."""
    if not differing:
        said = "Both runs ask the same question with the same parameters and seed."
        return _section("Configuration", html.P(said, className="muted"))
    rows = [(name.removeprefix("parameters."), _said(one), _said(two)) for name, (one, two) in differing.items()]
    return _section("Configuration: what differs", _table(("field", "A", "B"), rows))


def headline_table(numbers: Mapping[str, tuple[Any, Any]]) -> Component:
    """Return every headline number of the two runs side by side, and A - B where both have one."""
    rows = []
    for name, (one, two) in numbers.items():
        values = [_number(each) for each in (one, two)]
        away = "" if None in values else f"{values[0] - values[1]:+.3g}"  # type: ignore[operator]
        rows.append((name.replace("_", " "), _said(one), _said(two), away))
    if not rows:
        return _section("Headline numbers", html.P("Neither run wrote down headline numbers.", className="muted"))
    return _section("Headline numbers", _table(("number", "A", "B", "A - B"), rows))


def made_table(made: Mapping[str, tuple[Any, Any]]) -> Component:
    """Return what differs in code, packages and machine, folded."""
    if not made:
        return html.P("Both were made by the same code, packages and machine.", className="muted")
    rows = [(name, _said(one), _said(two)) for name, (one, two) in made.items()]
    title = f"Code, packages and machine: {len(rows)} differ"
    return html.Details([html.Summary(title), _table(("field", "A", "B"), rows)], className="compare-made")


def _section(title: str, body: Component) -> Component:
    return html.Section([html.H3(title), body], className="card")


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> Component:
    top = html.Thead(html.Tr([html.Th(name, scope="col") for name in head]))
    body = html.Tbody(
        [html.Tr([html.Th(first, scope="row"), *(html.Td(cell) for cell in others)]) for first, *others in rows]
    )
    return html.Table([top, body], className="compare-table", **aria(label=" and ".join(head)))


def _number(value: Any) -> float | None:
    """Return a headline number: a number, or the value of one with its interval."""
    if isinstance(value, Mapping):
        value = value.get("value")
    return float(value) if isinstance(value, NUMBERS) and not isinstance(value, bool) else None


def _said(value: Any) -> str:
    if value is None:
        return "not set"
    if isinstance(value, Mapping) and "value" in value:
        low, high, n = (value.get(name) for name in ("low", "high", "n"))
        ends = f" [{_said(low)}, {_said(high)}]" if low is not None and high is not None else ""
        return f"{_said(value['value'])}{ends}{f', n = {n}' if n is not None else ''}"
    text = f"{value:.4g}" if isinstance(value, float) else str(value)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}..."
