"""The table twin of a figure: the same numbers in rows and columns, for a keyboard, a screen reader or a spreadsheet."""

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


def twin(dataset: xr.Dataset, variable: str) -> Twin:
    """Return variable `variable` as a table: its last dim across, the others down, intervals in brackets."""
    schema.need(dataset, variable)
    array = dataset[variable]
    dims = [str(dim) for dim in array.dims]
    low, high = (
        dataset[name].to_numpy() if (name := f"{variable}_{end}") in dataset.variables else None
        for end in ("low", "high")
    )
    values = array.to_numpy()
    across = dims[-1:] and [f"{dims[-1]} {label}" for label in _labels(dataset, dims[-1])]
    rows = []
    for index in np.ndindex(*values.shape[:-1]):
        names = [str(_labels(dataset, dim)[i]) for dim, i in zip(dims[:-1], index, strict=True)]
        cells = [_cell(values, low, high, (*index, j)) for j in range(len(across))] or [_cell(values, low, high, ())]
        rows.append((*names, *cells))
    units = array.attrs.get("units", "")
    interval = ", 95 % interval in brackets" if low is not None and high is not None else ""
    caption = f"{variable}{f' ({units})' if units else ''}, {schema.count_text(dataset)}{interval}"
    return Twin(caption, (*dims[:-1], *(across or [variable])), tuple(rows), max(len(dims) - 1, 0))


def _labels(dataset: xr.Dataset, dim: str) -> list:
    return schema.labels(dataset, dim) if dim in dataset.variables else list(range(dataset.sizes[dim]))


def _cell(values: np.ndarray, low: np.ndarray | None, high: np.ndarray | None, index: tuple[int, ...]) -> str:
    bounds = (None if b is None else float(b[index]) for b in (low, high))
    return schema.estimate(float(values[index]), *bounds, digits=2)
