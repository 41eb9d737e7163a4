"""The table twin of a figure: the same numbers in rows and columns, for a keyboard or a screen reader.

Where there is an interval or a null, each has a column and every point a row; else the last dim goes across.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from interp.figures import schema
from interp.figures.nulls import Null, nulls_of

if TYPE_CHECKING:
    import xarray as xr


@dataclass(frozen=True)
class Twin:
    """A table: its caption, the column heads (those of the row labels first), and rows of text of that length."""

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    n_labels: int


WIDEST = 12
LONGEST = 1500
"""Rows of a table with a row a point; of a larger array the last dim goes across, with intervals in brackets."""
SHARES = ("fraction", "share", "probability", "accuracy", "R²", "0 or 1", "recovered")
"""Words in the units of what is a share of something."""
INTERVAL = ("95 % from", "95 % to")


def twin(dataset: xr.Dataset, variable: str) -> Twin:
    """Return variable `variable` as a table with its intervals and nulls.

    A large array, or one without either, has a dim across: its last, or its shortest where the last has more than
    `WIDEST` labels; a lone dim of more labels goes down.
    """
    schema.need(dataset, variable)
    nulls = nulls_of(dataset, variable)
    if (nulls or f"{variable}_low" in dataset.variables) and dataset[variable].size <= LONGEST:
        return _long(dataset, variable, nulls)
    return _wide(dataset, variable, nulls)


def seen(table: Twin, tokens: Sequence[object]) -> Twin:
    """Return a table of attention without the keys that a query cannot see: those after it among `tokens`."""
    at = {str(token): k for k, token in enumerate(tokens)}
    last = table.columns[table.n_labels - 1]
    if last == "key":
        query, key = table.n_labels - 2, table.n_labels - 1
        return replace(table, rows=tuple(row for row in table.rows if at[row[key]] <= at[row[query]]))
    hidden = {j: at[name.removeprefix("key ")] for j, name in enumerate(table.columns) if name.startswith("key ")}
    rows = (
        tuple("" if hidden.get(j, -1) > at[row[table.n_labels - 1]] else cell for j, cell in enumerate(row))
        for row in table.rows
    )
    return replace(table, rows=tuple(rows))


def _long(dataset: xr.Dataset, variable: str, nulls: list[Null]) -> Twin:
    """Return a row for each point: labels, value, interval, nulls."""
    dims = [str(dim) for dim in dataset[variable].dims]
    cells, labels = schema.estimates(dataset, variable, *dims), [_labels(dataset, dim) for dim in dims]
    ends = [end for end in (cells.low, cells.high) if end is not None]
    write, rows = _writer(dataset, variable), []
    for index in np.ndindex(*cells.value.shape):
        names = (str(known[i]) for known, i in zip(labels, index, strict=True))
        numbers = (write(float(part[index])) for part in (cells.value, *ends))
        at = dict(zip(dims, index, strict=True))
        rows.append((*names, *numbers, *(null.text(at, write) for null in nulls)))
    heads = (variable, *INTERVAL[: len(ends)], *(null.label for null in nulls))
    return Twin(_caption(dataset, variable), (*dims, *heads), tuple(rows), len(dims))


def _wide(dataset: xr.Dataset, variable: str, nulls: list[Null]) -> Twin:
    dims = _down_and_across(dataset, variable)
    cells = schema.estimates(dataset, variable, *dims)
    write, caption = _writer(dataset, variable), _caption(dataset, variable)
    caption += ", 95 % interval in brackets" if cells.low is not None else ""
    beside = [null for null in nulls if {*null.dims} <= {*dims[:-1]}]
    left = [null.label for null in nulls if null not in beside]
    caption += f"; not listed here: {', '.join(left)}" if left else ""
    if len(dims) == 1 and dataset.sizes[dims[0]] > WIDEST:
        column = tuple((str(label), _cell(cells[i], write)) for i, label in enumerate(_labels(dataset, dims[0])))
        return Twin(caption, (dims[0], variable), column, 1)
    labels = [_labels(dataset, dim) for dim in dims]
    across = [f"{dims[-1]} {label}" for label in labels[-1]] if dims else []
    rows = []
    for index in np.ndindex(*cells.value.shape[:-1]):
        names = [str(known[i]) for known, i in zip(labels, index, strict=False)]
        places = [(*index, j) for j in range(len(across))] or [()]
        at = dict(zip(dims, index, strict=False))
        told = (null.text(at, write) for null in beside)
        rows.append((*names, *(_cell(cells[place], write) for place in places), *told))
    heads = (*(across or [variable]), *(null.label for null in beside))
    return Twin(caption, (*dims[:-1], *heads), tuple(rows), max(len(dims) - 1, 0))


def _writer(dataset: xr.Dataset, variable: str) -> Callable[[float | None], str]:
    """Return how the numbers of a table are written: shares to three decimals, others to three digits at least.

    Shares that are all below a tenth have as many decimals as the largest needs for three digits.
    """
    units = str(dataset[variable].attrs.get("units", ""))
    values = np.abs(dataset[variable].to_numpy().astype(float))
    largest = float(np.max(values, initial=0.0, where=np.isfinite(values)))
    if not any(word in units for word in SHARES) and (units or largest > 1):
        return lambda value: _significant(value)
    digits = 3 if largest == 0 else min(9, max(3, 2 - int(np.floor(np.log10(largest)))))
    return lambda value: schema.number(value, digits)


def _significant(value: float | None) -> str:
    small = value is not None and 0 < abs(value) < 0.1
    return f"{value:.3g}" if small else schema.number(value)


def _cell(one: schema.Estimates, write: Callable[[float | None], str]) -> str:
    """Return one estimate, its interval in brackets."""
    if one.low is None or one.high is None or not np.isfinite([one.low, one.high]).all():
        return write(float(one.value))
    return f"{write(float(one.value))} [{write(float(one.low))}, {write(float(one.high))}]"


def _down_and_across(dataset: xr.Dataset, variable: str) -> list[str]:
    dims = [str(dim) for dim in dataset[variable].dims]
    if dims and dataset.sizes[dims[-1]] > WIDEST:
        shortest = min(dims, key=lambda dim: dataset.sizes[dim])
        dims.append(dims.pop(dims.index(shortest)))
    return dims


def _caption(dataset: xr.Dataset, variable: str) -> str:
    units = dataset[variable].attrs.get("units", "")
    return f"{variable}{f' ({units})' if units else ''}, {schema.count_text(dataset, variable)}"


def _labels(dataset: xr.Dataset, dim: str) -> list:
    return schema.labels(dataset, dim) if dim in dataset.variables else list(range(dataset.sizes[dim]))
