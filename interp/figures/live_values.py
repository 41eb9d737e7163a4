"""Which values does the figure of one window show, and what do they say? Read from the grid of an `af1` dataset.

A move is a path in the figure and the value that belongs there.
"""

from __future__ import annotations

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


def known(dataset: xr.Dataset) -> list[tuple[int, int]]:
    """Return the windows of which the grid has a number, as (l_wait, l_transfer), in order."""
    value = schema.values(dataset, NAME, *DIMS)
    waits, lengths = (schema.labels(dataset, dim) for dim in DIMS)
    return [(int(waits[i]), int(lengths[j])) for i, j in np.argwhere(np.isfinite(value)).tolist()]


def at(dataset: xr.Dataset, wait: int, transfer: int) -> schema.Estimates:
    """Return faithfulness of one window with its interval."""
    waits, lengths = (schema.labels(dataset, dim) for dim in DIMS)
    return schema.estimates(dataset, NAME, *DIMS)[waits.index(wait), lengths.index(transfer)]


def window_moves(dataset: xr.Dataset, wait: int, transfer: int, places: Places) -> list[Move]:
    """Return the diagram of the window, its point, and its place on the row and the column."""
    here, moves = at(dataset, wait, transfer), []
    for k, (name, start, end) in enumerate(spans(wait, transfer, n_blocks(dataset))):
        for y in (1, 0):
            moves += _set(places[f"{name} {y}"], x=[end - start], base=[start - 0.5])
        moves.append((["layout", "annotations", k, "x"], (start + end - 1) / 2 if end > start else AWAY))
    value = round(float(here.value), DIGITS)
    moves += _point(places["this"], here, 4, f"<b>l_wait {wait}, l_transfer {transfer}</b><br>{{}}")
    return [*moves, *_set(places["here"], x=[transfer, wait], y=[value, value])]


def wait_moves(dataset: xr.Dataset, wait: int, places: Places) -> list[Move]:
    """Return what waiting costs alone, and the row of the grid."""
    variants = [str(v) for v in schema.labels(dataset, "variant")]
    waits = schema.labels(dataset, DIMS[0])
    kept, moves = schema.estimates(dataset, "wait_faithfulness", "variant", DIMS[0]), []
    for name, y in ALONE.items():
        if name in variants:
            alone = kept[variants.index(name), waits.index(wait)]
            moves += _point(places[name], alone, y, f"<b>{name} for {wait} blocks, the rest free</b><br>{{}}")
    lengths = [t for w, t in known(dataset) if w == wait]
    return [*moves, *_line(dataset, [(wait, t) for t in lengths], lengths, places, "row")]


def length_moves(dataset: xr.Dataset, transfer: int, places: Places) -> list[Move]:
    """Return all windows of this length, and the column of the grid."""
    waits = [w for w, t in known(dataset) if t == transfer]
    found = [at(dataset, w, transfer) for w in waits]
    hover = [f"l_wait {w}, l_transfer {transfer}<br>{each.text(2)}" for w, each in zip(waits, found, strict=True)]
    values = [round(float(each.value), DIGITS) for each in found]
    strip = _set(places["length"], x=values, y=[0] * len(values), hovertext=hover)
    return [*strip, *_line(dataset, [(w, transfer) for w in waits], waits, places, "column")]


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


def _line(dataset: xr.Dataset, cells: list[tuple[int, int]], x: list[int], places: Places, name: str) -> list[Move]:
    found = [at(dataset, *cell) for cell in cells]
    value = [round(float(each.value), DIGITS) for each in found]
    hover = [f"l_wait {w}, l_transfer {t}<br>{each.text(2)}" for (w, t), each in zip(cells, found, strict=True)]
    moves = _set(places[name], x=x, y=value, hovertext=hover)
    ends = [(each.low, each.high) for each in found]
    if any(low is None or high is None for low, high in ends):
        return moves
    low, high = ([round(float(end[i] or 0), DIGITS) for end in ends] for i in (0, 1))  # type: ignore[arg-type]
    return [*moves, *_set(places[f"{name} band"], x=[*x, *x[::-1]], y=[*high, *low[::-1]])]


def blocks_text(dataset: xr.Dataset, wait: int, transfer: int) -> str:
    """Return which blocks do what: `blocks 0-2 wait, 3-4 transfer, 5-7 read only themselves`."""
    does = {"wait": "wait", "transfer": "transfer", "self-peek": "read only themselves and BOS"}
    spans_ = [span for span in spans(wait, transfer, n_blocks(dataset)) if span[2] > span[1]]
    said = [f"{start}{f'–{end - 1}' if end - 1 > start else ''} {does[name]}" for name, start, end in spans_]
    return f"blocks {', '.join(said)}"


def said(dataset: xr.Dataset, wait: int, transfer: int) -> str:
    """Return what one window keeps, with interval, n, null and its place among all windows of the grid."""
    cells = known(dataset)
    if (wait, transfer) not in cells:
        return "No selection prompt was answered, so no window could be tried."
    here, value = at(dataset, wait, transfer), schema.values(dataset, NAME, *DIMS)
    rank = 1 + int((value[np.isfinite(value)] > float(here.value)).sum())
    null, n = null_of(dataset), schema.scalar(dataset, "n_selection")
    beside = "" if null is None else f", best constant answer {null:.2f}"
    return (
        f"AF1({wait}, {transfer}), {blocks_text(dataset, wait, transfer)} ({paper_index(wait)}): faithfulness "
        f"{here.text(2)} on the selection split{'' if n is None else f' (n = {int(n):,})'}{beside}; rank {rank} of "
        f"{len(cells)} windows.{_judged(dataset, wait, transfer)}"
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


def row(dataset: xr.Dataset, wait: int, transfer: int) -> tuple[str, ...]:
    """Return one window as the texts of a table, `COLUMNS` of them."""
    variants = [str(v) for v in schema.labels(dataset, "variant")]
    kept = schema.estimates(dataset, "wait_faithfulness", "variant", DIMS[0])
    i, here = schema.labels(dataset, DIMS[0]).index(wait), at(dataset, wait, transfer)
    alone = [kept[variants.index(name), i].text(2) if name in variants else "n/a" for name in ALONE]
    threshold = schema.scalar(dataset, "threshold")
    passes = "n/a" if threshold is None else "reached" if float(here.value) >= threshold else "missed"
    return (f"AF1({wait}, {transfer})", blocks_text(dataset, wait, transfer), here.text(2), *alone, passes)
