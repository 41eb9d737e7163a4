"""Where is a step in a figure of a training? The marks of the selected step and of the pinned ones, as shapes.

    upright(["x", "x2"], [400, None])      lines at steps on axes of steps
    at_index(["x"], [0, 50, 100], [400])   the same on a map whose columns are checkpoints

Marks are shapes, so that a slider moves them without sending a figure again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from interp.figures.period_marks import LINES


def upright(axes: Sequence[str], steps: Sequence[int | None], at: Sequence[float | None] | None = None) -> list[dict]:
    """Return a line at every step on every axis of `axes`; `at` places them elsewhere than at the step itself."""
    shapes: list[dict[str, Any]] = []
    for step, place, (colour, dash) in zip(steps, at or steps, LINES, strict=False):
        if step is None or place is None:
            continue
        line = {"type": "line", "x0": place, "x1": place, "y0": 0, "y1": 1, "yref": "paper",
                "line": {"color": colour, "dash": dash, "width": 1.5}}  # fmt: skip
        shapes += [line | {"xref": axis} for axis in axes]
    return shapes


def at_index(axes: Sequence[str], columns: Sequence[float], steps: Sequence[int | None]) -> list[dict]:
    """Return the marks on maps whose columns are the checkpoints `columns`, each at the nearest one."""
    near = [None if step is None else min(range(len(columns)), key=lambda i: abs(columns[i] - step)) for step in steps]
    return upright(axes, steps, near)
