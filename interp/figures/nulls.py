"""Which nulls and controls stand beside an array, ready for the columns of a table?

    nulls_of(dataset, "recovered")  ->  [Null("null", ("layer", "role"), value, low, high)]

The null of `m` is `m_null` (else that of what `m` is a part of: `score_null` of `score_by`), `m_uniform`, `m_random`
or `m_constant`; controls are `m_control` [control, ...], nulls of the whole result `null_majority` and the like.
Several nulls or controls are one column each; of draws the range is told.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from interp.counted import on_selection

if TYPE_CHECKING:
    import xarray as xr

KINDS = ("null", "uniform", "random", "constant", "control")
EACH = ("null", "control")
"""Dims along which a result keeps several nulls: a column each."""
DRAWS = ("draw", "untrained")
"""Dims along which a null was drawn again: their range is told."""
ENDS = ("_low", "_high")


@dataclass(frozen=True)
class Null:
    """A null over `dims`: its values and the ends of its interval (or of its draws, then `value` is None)."""

    label: str
    dims: tuple[str, ...]
    value: np.ndarray | None
    low: np.ndarray | None
    high: np.ndarray | None

    def text(self, at: dict[str, int], write: Callable[[float | None], str]) -> str:
        """Return the null at the indices `at` of the dims of a table, its numbers as `write` writes them."""
        place = tuple(at[dim] for dim in self.dims)
        value, low, high = (None if part is None else float(part[place]) for part in (self.value, self.low, self.high))
        if value is None:
            return f"{write(low)} to {write(high)}"
        return write(value) if low is None else f"{write(value)} [{write(low)}, {write(high)}]"


def nulls_of(dataset: xr.Dataset, shows: str) -> list[Null]:
    """Return the nulls and controls of array `shows`, none that belongs to another array or has dims of its own."""
    known = {str(dim) for dim in dataset[shows].dims}
    found = []
    for name in _names(dataset, shows):
        extra = [str(dim) for dim in dataset[name].dims if dim not in known]
        if len(extra) < 2 and {*extra} <= {*EACH, *DRAWS}:
            found += _columns(dataset, shows, name, next(iter(extra), None))
    return found


def _names(dataset: xr.Dataset, shows: str) -> list[str]:
    names = [str(name) for name in dataset.data_vars if dataset[name].dtype.kind in "fiub"]
    whole = [
        name
        for name in names
        if name.startswith("null_")
        and (not name.startswith("null_majority") or on_selection(name) == on_selection(shows))
    ]
    bases = [shows, *(shows[:i] for i in range(len(shows) - 1, 0, -1) if shows[i] == "_")]
    own: list[str] = []
    for base in bases:
        own = own or [name for name in names if any(name.startswith(f"{base}_{kind}") for kind in KINDS)]
    every = dict.fromkeys([*own, *whole])
    ends = {end for name in every for end in _ends(dataset, name)}
    return [name for name in every if name not in ends]


def _ends(dataset: xr.Dataset, name: str) -> list[str]:
    """Return the two arrays that are the interval of array `name`, none where one of them is lacking."""
    ends = [f"{name}{end}" for end in ENDS]
    return ends if all(end in dataset and dataset[end].dims == dataset[name].dims for end in ends) else []


def _columns(dataset: xr.Dataset, shows: str, name: str, over: str | None) -> list[Null]:
    dims = tuple(str(dim) for dim in dataset[name].dims if dim != over)
    label = name.removeprefix(f"{shows}_").replace("_", " ")
    arrays = [dataset[name], *([dataset[end] for end in _ends(dataset, name)] or [None, None])]
    if over in DRAWS:
        count, values = dataset.sizes[over], dataset[name].transpose(..., over).to_numpy().astype(float)
        if not count:
            return []
        return [Null(f"{label}, {count} draws", dims, None, np.fmin.reduce(values, -1), np.fmax.reduce(values, -1))]
    if over is None:
        return [Null(label, dims, *(_numbers(array, dims) for array in arrays))]
    labels = dataset[over].to_numpy().tolist() if over in dataset.coords else list(range(dataset.sizes[over]))
    return [
        Null(f"{label}: {each}", dims, *(_numbers(array, dims, {over: i}) for array in arrays))
        for i, each in enumerate(labels)
    ]


def _numbers(
    array: xr.DataArray | None, dims: tuple[str, ...], at: Mapping[str, int] | None = None
) -> np.ndarray | None:
    """Return an array at `at` with its dims in that order, None where there is none of these dims."""
    if array is None or {*map(str, array.dims)} != {*dims, *(at or {})}:
        return None
    return array.isel(at).transpose(*dims).to_numpy().astype(float)
