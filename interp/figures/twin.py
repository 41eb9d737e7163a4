"""The table twin of a figure: the same numbers in rows and columns, for a keyboard or a screen reader."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from interp.figures import schema

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


def twin(dataset: xr.Dataset, variable: str) -> Twin:
    """Return variable `variable` as a table, intervals in brackets.

    Its last dim goes across, or its shortest where the last has more than `WIDEST` labels; the others go down. A lone
    dim of more labels goes down.
    """
    schema.need(dataset, variable)
    dims = _down_and_across(dataset, variable)
    cells = schema.estimates(dataset, variable, *dims)
    if len(dims) == 1 and dataset.sizes[dims[0]] > WIDEST:
        column = tuple((str(label), cells[i].text(2)) for i, label in enumerate(_labels(dataset, dims[0])))
        return Twin(_caption(dataset, variable), (dims[0], variable), column, 1)
    labels = [_labels(dataset, dim) for dim in dims]
    across = [f"{dims[-1]} {label}" for label in labels[-1]] if dims else []
    rows = []
    for index in np.ndindex(*cells.value.shape[:-1]):
        names = [str(known[i]) for known, i in zip(labels, index, strict=False)]
        places = [(*index, j) for j in range(len(across))] or [()]
        rows.append((*names, *(cells[place].text(2) for place in places)))
    return Twin(_caption(dataset, variable), (*dims[:-1], *(across or [variable])), tuple(rows), max(len(dims) - 1, 0))


def _down_and_across(dataset: xr.Dataset, variable: str) -> list[str]:
    dims = [str(dim) for dim in dataset[variable].dims]
    if dims and dataset.sizes[dims[-1]] > WIDEST:
        shortest = min(dims, key=lambda dim: dataset.sizes[dim])
        dims.append(dims.pop(dims.index(shortest)))
    return dims


def _caption(dataset: xr.Dataset, variable: str) -> str:
    units = dataset[variable].attrs.get("units", "")
    interval = ", 95 % interval in brackets" if f"{variable}_low" in dataset.variables else ""
    return f"{variable}{f' ({units})' if units else ''}, {schema.count_text(dataset, variable)}{interval}"


def _labels(dataset: xr.Dataset, dim: str) -> list:
    return schema.labels(dataset, dim) if dim in dataset.variables else list(range(dataset.sizes[dim]))
