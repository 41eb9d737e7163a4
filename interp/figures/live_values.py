"""Which values does the figure of one window show, and what do they say? Read from the grid of an `af1` dataset.

A move is a path in the figure and the value that belongs there.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from interp.figures import schema
from interp.figures.af1 import paper_index, window_of
from interp.figures.waiting import null_of
from interp.figures.window import n_blocks, spans

if TYPE_CHECKING:
    import xarray as xr

NAME, DIMS = "grid_faithfulness", ("l_wait_tried", "l_transfer_grid")
ALONE = {"cama": 3, "mean": 2, "zero": 1}  # variant -> its row in the figure
DIGITS = 4
AWAY = -9  # where a label is that has nothing to say: outside the figure

Move = tuple[list[str | int], Any]
Places = dict[str, int]


def key(wait: int, transfer: int) -> str:
    """Return the name of a window, e.g. "3-2"."""
    return f"{wait}-{transfer}"


@dataclass(frozen=True)
class Grid:
    """The grid of one search, read once: windows as (l_wait, l_transfer) in order, each with its estimate."""

    dataset: xr.Dataset
    cells: dict[tuple[int, int], schema.Estimates]
    alone: dict[str, dict[int, schema.Estimates]]
    total: int

    @classmethod
    def of(cls, dataset: xr.Dataset) -> Grid:
        """Return the grid of an `af1` dataset; windows of which it has no number are left out."""
        kept = schema.estimates(dataset, NAME, *DIMS)
        waits, lengths = ([int(v) for v in schema.labels(dataset, dim)] for dim in DIMS)
        cells = {(waits[i], lengths[j]): kept[i, j] for i, j in np.argwhere(np.isfinite(kept.value)).tolist()}
        variants = [str(v) for v in schema.labels(dataset, "variant")]
        swept = schema.estimates(dataset, "wait_faithfulness", "variant", DIMS[0])
        alone = {
            name: {wait: swept[variants.index(name), i] for i, wait in enumerate(waits)}
            for name in ALONE if name in variants
        }  # fmt: skip
        return cls(dataset, cells, alone, n_blocks(dataset))

    @property
    def waits(self) -> list[int]:
        """Return the values of l_wait that have a window."""
        return sorted({wait for wait, _ in self.cells})

    @property
    def lengths(self) -> list[int]:
        """Return the values of l_transfer that have a window."""
        return sorted({length for _, length in self.cells})

    @cached_property
    def values(self) -> np.ndarray:
        """Return faithfulness of all windows."""
        return np.array([float(each.value) for each in self.cells.values()])

    @property
    def judged(self) -> tuple[int, int]:
        """Return the window that the search judged, the first of the grid where that is not in it."""
        wait, transfer, _ = window_of(self.dataset)
        return (wait, transfer) if (wait, transfer) in self.cells else next(iter(self.cells))


def window_moves(grid: Grid, wait: int, transfer: int, places: Places) -> list[Move]:
    """Return the diagram of the window, its point, and its place on the row and the column."""
    here, moves = grid.cells[wait, transfer], []
    for k, (name, start, end) in enumerate(spans(wait, transfer, grid.total)):
        for y in (1, 0):
            moves += _set(places[f"{name} {y}"], x=[end - start], base=[start - 0.5])
        moves.append((["layout", "annotations", k, "x"], (start + end - 1) / 2 if end > start else AWAY))
    value = round(float(here.value), DIGITS)
    moves += _point(places["this"], here, 4, f"<b>l_wait {wait}, l_transfer {transfer}</b><br>{{}}")
    return [*moves, *_set(places["here"], x=[transfer, wait], y=[value, value])]


def wait_moves(grid: Grid, wait: int, places: Places) -> list[Move]:
    """Return what waiting costs alone, and the row of the grid."""
    moves: list[Move] = []
    for name, kept in grid.alone.items():
        moves += _point(
            places[name], kept[wait], ALONE[name], f"<b>{name} for {wait} blocks, the rest free</b><br>{{}}"
        )
    row = {t: found for (w, t), found in grid.cells.items() if w == wait}
    return [*moves, *_line(row, f"l_wait {wait}, l_transfer {{}}", places, "row")]


def length_moves(grid: Grid, transfer: int, places: Places) -> list[Move]:
    """Return all windows of this length, and the column of the grid."""
    column = {w: found for (w, t), found in grid.cells.items() if t == transfer}
    hover = [f"l_wait {w}, l_transfer {transfer}<br>{each.text(2)}" for w, each in column.items()]
    values = [round(float(each.value), DIGITS) for each in column.values()]
    strip = _set(places["length"], x=values, y=[0] * len(values), hovertext=hover)
    return [*strip, *_line(column, f"l_wait {{}}, l_transfer {transfer}", places, "column")]


def _set(trace: int, **values: Any) -> list[Move]:
    return [(["data", trace, name], value) for name, value in values.items()]


def _point(trace: int, found: schema.Estimates, y: int, hover: str) -> list[Move]:
    value = round(float(found.value), DIGITS)
    moves = _set(trace, x=[value], y=[y], hovertext=[hover.replace("{}", found.text())])
    if found.low is None or found.high is None:
        return moves
    ends = {
        "array": [round(float(found.high) - value, DIGITS)],
        "arrayminus": [round(value - float(found.low), DIGITS)],
    }
    return [*moves, *_set(trace, error_x={"type": "data", "symmetric": False, "thickness": 1.5, "width": 3, **ends})]


def _line(found: dict[int, schema.Estimates], what: str, places: Places, name: str) -> list[Move]:
    x, value = list(found), [round(float(each.value), DIGITS) for each in found.values()]
    hover = [f"{what.format(at)}<br>{each.text(2)}" for at, each in found.items()]
    moves = _set(places[name], x=x, y=value, hovertext=hover)
    if any(each.low is None or each.high is None for each in found.values()):
        return moves
    low, high = (
        [round(float(np.asarray(getattr(each, end))), DIGITS) for each in found.values()] for end in ("low", "high")
    )
    return [*moves, *_set(places[f"{name} band"], x=[*x, *x[::-1]], y=[*high, *low[::-1]])]


def blocks_text(grid: Grid, wait: int, transfer: int) -> str:
    """Return which blocks do what: `blocks 0-2 wait, 3-4 transfer, 5-7 read only themselves`."""
    does = {"wait": "wait", "transfer": "transfer", "self-peek": "read only themselves and BOS"}
    spans_ = [span for span in spans(wait, transfer, grid.total) if span[2] > span[1]]
    said = [f"{start}{f'–{end - 1}' if end - 1 > start else ''} {does[name]}" for name, start, end in spans_]
    return f"blocks {', '.join(said)}"


def said(grid: Grid, wait: int, transfer: int) -> str:
    """Return what one window keeps, with interval, n, null and its place among all windows of the grid."""
    here, dataset = grid.cells[wait, transfer], grid.dataset
    rank = 1 + int((grid.values > float(here.value)).sum())
    null, n = null_of(dataset), schema.scalar(dataset, "n_selection")
    beside = "" if null is None else f", best constant answer {null:.2f}"
    return (
        f"AF1({wait}, {transfer}), {blocks_text(grid, wait, transfer)} ({paper_index(wait)}): faithfulness "
        f"{here.text(2)} on the selection split{'' if n is None else f' (n = {int(n):,})'}{beside}; rank {rank} of "
        f"{len(grid.cells)} windows.{_judged(dataset, wait, transfer)}"
    )


def _judged(dataset: xr.Dataset, wait: int, transfer: int) -> str:
    """Return the test number of the window that the search judged; of another there is none."""
    judged_wait, judged_transfer, found = window_of(dataset)
    if (wait, transfer) != (judged_wait, judged_transfer):
        return " Not judged on the test split."
    value, low, high = (schema.scalar(dataset, f"faithfulness{end}") for end in ("", "_low", "_high"))
    mean, zero = (schema.number(schema.scalar(dataset, f"faithfulness_{name}"), 2) for name in ("mean", "zero"))
    chosen = "The search chose it" if found else "None passed and it came closest"
    return (
        f" {chosen}: {schema.estimate(value, low, high, 2)} on the test split ({schema.count_text(dataset)}; with the "
        f"mean {mean}, with zeros {zero})."
    )


COLUMNS = ("window", "blocks", "faithfulness", "waiting alone", "alone, mean", "alone, zeros", "threshold")


def row(grid: Grid, wait: int, transfer: int) -> tuple[str, ...]:
    """Return one window as the texts of a table, `COLUMNS` of them."""
    here, threshold = grid.cells[wait, transfer], schema.scalar(grid.dataset, "threshold")
    alone = [grid.alone[name][wait].text(2) if name in grid.alone else "n/a" for name in ALONE]
    passes = "n/a" if threshold is None else "reached" if float(here.value) >= threshold else "missed"
    return (f"AF1({wait}, {transfer})", blocks_text(grid, wait, transfer), here.text(2), *alone, passes)


def random_windows(alternatives: xr.Dataset) -> str:
    """Return what random windows of the same length keep, as an `alternatives` run recorded it; nothing where none."""
    names = [str(name) for name in schema.labels(alternatives, "alternative")]
    value = schema.values(alternatives, "faithfulness", "alternative")
    drawn = [float(value[i]) for i, name in enumerate(names) if name.startswith("random_window")]
    if not drawn:
        return ""
    n = schema.count_text(alternatives)
    return f" Random windows of its length keep {min(drawn):.2f} to {max(drawn):.2f} ({len(drawn)} draws, {n})."
