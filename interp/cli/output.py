"""What the terminal shows: one JSON object on stdout when asked, tables for people, everything else on stderr.

Exit codes: 0 done; 1 a check found something wrong; 2 a mistake in what was asked; 130 interrupted.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterable, Sequence
from typing import Any

DIGITS = 4


def as_json(value: dict[str, Any]) -> None:
    """Print one JSON object on stdout; a number that is none (nan, infinite) is null."""
    print(json.dumps(_finite(value), default=str, allow_nan=False))


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(name): _finite(each) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def say(text: str) -> None:
    """Print a line for people on stderr, so that stdout stays clean."""
    print(text, file=sys.stderr)


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print a table on stdout, as wide as the terminal."""
    from rich.console import Console
    from rich.table import Table

    drawn = Table(header_style="bold", box=None, pad_edge=False)
    for column in columns:
        drawn.add_column(column, overflow="fold")
    for row in rows:
        drawn.add_row(*(number(value) for value in row))
    console = Console()
    if not console.is_terminal:
        console.width = 160  # a pipe has no width of its own
    console.print(title, style="bold underline", highlight=False, markup=False)
    console.print(drawn, highlight=False, markup=False)


def number(value: object) -> str:
    """Return a value as short text: four significant digits, "-" for nothing."""
    if value is None or value == "":
        return "-"
    if not isinstance(value, float) or not math.isfinite(value):
        return str(value)
    if abs(value) >= 10**DIGITS - 0.5:
        return f"{value:,.0f}"
    return f"{value:#.{DIGITS}g}".rstrip(".")


def with_interval(numbers: dict[str, Any], name: str) -> str:
    """Return "0.9930 [0.9810, 0.9980]" of a headline number and its 95 % interval."""
    if numbers.get(name) is None:
        return "undefined"
    ends = [numbers.get(f"{name}_{end}") for end in ("low", "high")]
    return number(numbers[name]) + (f" [{number(ends[0])}, {number(ends[1])}]" if None not in ends else "")
