"""A figure made ready for a page of its own: title and subtitle as text, the figure as small JSON, its numbers as rows.

    card("f1a", figure, said=..., table=..., facts=(("model", "mental-math"), ...))

The template is taken out (the page has one of each theme), and numbers keep seven digits.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from interp.figures.twin import Twin

if TYPE_CHECKING:
    import plotly.graph_objects as go

HEIGHT, HEAD = 480, 70
"""The height of a figure that names none, and the pixels that a title takes, which a page writes itself."""
WIDEST, LETTER = 560, 7
"""The pixels of a card across, and of a letter of a panel's title: titles that need more get a line of their own."""
BREAK = re.compile(r"<br\s*/?>", re.IGNORECASE)
MARKUP = re.compile(r"</?(?:b|i|em|strong|sub|sup|span)(?:\s[^>]*)?>", re.IGNORECASE)
LONGEST = 1000
"""Rows of a table twin on a page; where there are more the caption says so."""
Facts = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Card:
    """What a page shows of one figure: words, the figure as JSON, the same numbers as a table, and its caption."""

    name: str
    title: str
    told: str
    said: str
    figure: dict[str, Any]
    table: Twin | None
    height: int
    width: int
    facts: Facts

    def to_json(self) -> dict[str, Any]:
        """Return the card as plain values; `Card.from_json` turns them back."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Card:
        """Return the card of `to_json`."""
        table = value["table"]
        twin = table and Twin(
            table["caption"], tuple(table["columns"]), tuple(map(tuple, table["rows"])), table["n_labels"]
        )
        return cls(**{**value, "table": twin, "facts": tuple((name, text) for name, text in value["facts"])})


def card(name: str, figure: go.Figure, *, said: str = "", table: Twin | None = None, facts: Facts = ()) -> Card:
    """Return the card `name` of a figure; without a table its traces are written out as one."""
    drawn = json.loads(figure.to_json() or "{}")
    layout = drawn["layout"]
    title = layout.pop("title", None) or {}
    layout.pop("template", None)
    height, width = int(layout.pop("height", None) or HEIGHT), int(layout.pop("width", None) or 0)
    titles = _panel_titles(layout.get("annotations", ()))
    across = sum(max(map(len, BREAK.split(text))) for text in titles) * LETTER
    width = max(width, across if across > WIDEST else 0)
    layout["margin"] = {**layout.get("margin", {}), "t": 10 + max((14 * _lines(text) for text in titles), default=2)}
    layout["autosize"] = True
    rows = table if table is not None else traces(figure)
    return Card(
        name,
        plain(title.get("text") or name),
        plain((title.get("subtitle") or {}).get("text") or ""),
        said,
        small(drawn),
        _shortened(rows) if rows else None,
        max(height - HEAD, 240),
        width,
        facts,
    )


def _panel_titles(notes: Iterable[dict[str, Any]]) -> list[str]:
    """Return the titles above the panels of the first row."""
    return [str(note.get("text")) for note in notes if note.get("yref") == "paper" and note.get("y") == 1]


def _lines(text: str) -> int:
    return 1 + len(BREAK.findall(text))


def plain(text: str) -> str:
    """Return text of a figure on one line, without plotly's markup."""
    return " ".join(MARKUP.sub("", BREAK.sub(" · ", text)).split())


def small(value: Any) -> Any:
    """Return a figure's JSON with numbers of seven digits."""
    if isinstance(value, dict):
        if value.get("dtype") == "f8" and "bdata" in value:
            numbers = np.frombuffer(base64.b64decode(value["bdata"]), "<f8").astype("<f4")
            return {**value, "dtype": "f4", "bdata": base64.b64encode(numbers.tobytes()).decode()}
        return {name: small(each) for name, each in value.items()}
    if isinstance(value, list):
        return [small(each) for each in value]
    return float(f"{value:.7g}") if isinstance(value, float) else value


def traces(figure: go.Figure) -> Twin | None:
    """Return what a figure's traces show as rows: series, x, y and value or interval. None where there is nothing."""
    rows: list[tuple[str, ...]] = []
    drawn: Any = figure.data
    for i, trace in enumerate(drawn):
        rows += _rows(trace, str(trace.name or f"series {i + 1}"))
    if not rows:
        return None
    names = ("series", "x", "y", "value", "low", "high")
    kept = [i for i in range(len(names)) if i < 3 or any(row[i] for row in rows)]
    return Twin("what is drawn", tuple(names[i] for i in kept), tuple(tuple(r[i] for i in kept) for r in rows), 1)


def _rows(trace: Any, name: str) -> Iterable[tuple[str, ...]]:
    """Yield (series, x, y, value, low, high) of each point of a trace as text."""
    if trace.type == "heatmap":
        z = np.asarray(trace.z)
        across = _labels(trace.x, z.shape[1])
        for i, y in enumerate(_labels(trace.y, z.shape[0])):
            yield from ((name, x, y, _text(z[i, j]), "", "") for j, x in enumerate(across))
    elif trace.type in ("scatter", "bar", "scattergl") and trace.y is not None:
        y = np.asarray(trace.y)
        low, high = _interval(trace.error_y, y)
        for j, x in enumerate(_labels(trace.x, len(y))):
            yield name, x, _text(y[j]), "", low[j], high[j]


def _interval(error: Any, y: np.ndarray) -> tuple[list[str], list[str]]:
    if error is None or error.array is None:
        return [""] * len(y), [""] * len(y)
    up = np.asarray(error.array, dtype=float)
    down = up if error.arrayminus is None else np.asarray(error.arrayminus, dtype=float)
    middle = y.astype(float)
    return [_text(v) for v in middle - down], [_text(v) for v in middle + up]


def _labels(values: Any, count: int) -> list[str]:
    return [str(i) for i in range(count)] if values is None else [plain(_text(value)) for value in values]


def _text(value: Any) -> str:
    if isinstance(value, (float, np.floating)):
        return "n/a" if not np.isfinite(value) else f"{value:.5g}"
    return str(value)


def _shortened(table: Twin) -> Twin:
    if len(table.rows) <= LONGEST:
        return table
    said = f"{table.caption}; the first {LONGEST:,} of {len(table.rows):,} rows, all are in the recorded run"
    return replace(table, caption=said, rows=table.rows[:LONGEST])
