"""What is A minus B, for one array of two runs, and why can it not be taken?

    difference(A, B, "accuracy", {"kind": "mean"})  -> Dataset of a, b, difference, its interval where rows are paired

Two arrays are subtracted only when they are of one method and agree in dims, coordinates and units; otherwise the
refusal says what differs. The interval of a difference needs the same examples in both runs: it is that of the mean of
the paired differences (0/1 values: the adjusted Wald interval), each cell by itself, without correction for many cells.

Sources: Student's t; Bonett & Price, J. Educ. Behav. Stat. 37 (2012) 479.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import ndtri, stdtrit

from interp.counted import count_name
from interp.errors import InterpError, nearest

if TYPE_CHECKING:
    import xarray as xr

EXAMPLES = ("prompt", "problem")
OF_ALL = ("operands",)
"""Methods that ask every pair there is: their numbers are of no sample, so their differences have no interval."""
ENDS = ("_low", "_high")
MOST_DIMS = 2


def names(dataset: xr.Dataset) -> list[str]:
    """Return the arrays of numbers that can be subtracted: no ends of intervals, no counts of prompts alone."""
    found = []
    for name, array in dataset.data_vars.items():
        name = str(name)
        interval = any(name.endswith(end) and name.removesuffix(end) in dataset.data_vars for end in ENDS)
        if array.dtype.kind in "fiub" and not interval and not (array.ndim == 0 and name.startswith("n")):
            found.append(name)
    return found


def choices(dataset: xr.Dataset, name: str) -> dict[str, list[str]]:
    """Return the dims of an array of which one value is looked at, each with its labels: all but its last two.

    Examples are averaged over; `layer` stays among the two that are shown.
    """
    dims = [str(dim) for dim in dataset[name].dims if dim not in EXAMPLES]
    shown = dims[-MOST_DIMS:]
    if "layer" in dims and "layer" not in shown:
        shown = ["layer", dims[-1]]
    return {dim: _labels(dataset, dim) for dim in dims if dim not in shown}


def difference(first: xr.Dataset, second: xr.Dataset, name: str, at: Mapping[str, str] | None = None) -> xr.Dataset:
    """Return `a`, `b` and `difference` of array `name` at `at` (default: the first label of each choice).

    `difference_low` and `difference_high` are there where the same examples stand behind both; `every` in the
    attributes is 1 where the numbers are of all pairs there are, not of a sample. Raises InterpError
    where the arrays do not match, saying in what.
    """
    refuse(first, second, name)
    places = {dim: _place(dim, known, (at or {}).get(dim)) for dim, known in choices(first, name).items()}
    one, two = (_mean(dataset[name]).isel(places) for dataset in (first, second))
    made = one.to_dataset(name="a").assign(b=two, difference=one - two).drop_vars(list(places), errors="ignore")
    ends = _paired(first, second, name, places)
    for end, values in (ends or {}).items():
        made[f"difference_{end}"] = (made["difference"].dims, values)
    for side, dataset in (("a", first), ("b", second)):
        for end in ENDS:
            if f"{name}{end}" in dataset:
                made[f"{side}{end}"] = (made[side].dims, dataset[f"{name}{end}"].isel(places).to_numpy())
    said = {"units": _units(first, name, places), "paired": int(ends is not None), "array": name}
    drawn = name.endswith("_null_high")  # the largest of shuffled maps, however many pairs they are of
    said["every"] = int(first.attrs.get("method") in OF_ALL and not drawn)
    where = ", ".join(f"{dim} {choices(first, name)[dim][i]}" for dim, i in places.items())
    return made.assign_attrs(first.attrs, **said, where=where, n_a=_n(first, name), n_b=_n(second, name))


def _units(dataset: xr.Dataset, name: str, places: Mapping[str, int]) -> str:
    """Return the units of array `name` at `places`: those of the chosen label where each has its own."""
    own = [str(dataset[f"{dim}_units"].to_numpy()[i]) for dim, i in places.items() if f"{dim}_units" in dataset.coords]
    return ", ".join(own) or str(dataset[name].attrs.get("units", ""))


def refuse(first: xr.Dataset, second: xr.Dataset, name: str) -> None:
    """Raise InterpError saying in what array `name` of two results does not match."""
    methods = [str(dataset.attrs.get("method")) for dataset in (first, second)]
    if methods[0] != methods[1]:
        raise InterpError(f"A is a {methods[0]} run, B a {methods[1]} run: choose two runs of one method.")
    for side, dataset in (("A", first), ("B", second)):
        if name not in dataset.data_vars:
            raise InterpError(f"Run {side} has no {name[:60]!r}. {nearest(name[:60], names(dataset))}")
    one, two = first[name], second[name]
    dims = [tuple(str(dim) for dim in array.dims if dim not in EXAMPLES) for array in (one, two)]
    if dims[0] != dims[1]:
        raise InterpError(f"{name} is over {_listed(dims[0])} in A and over {_listed(dims[1])} in B.")
    units = [str(array.attrs.get("units", "")) for array in (one, two)]
    if units[0] != units[1]:
        raise InterpError(f"{name} is in {units[0] or 'no unit'} in A and in {units[1] or 'no unit'} in B.")
    for dim in dims[0]:
        labels = [_labels(dataset, dim) for dataset in (first, second)]
        if labels[0] != labels[1]:
            raise InterpError(
                f"{name} of A and B cannot be subtracted, their {dim} differs: A has {_span(labels[0])}, "
                f"B has {_span(labels[1])}."
            )


def _labels(dataset: xr.Dataset, dim: str) -> list[str]:
    return [str(each) for each in (dataset[dim].to_numpy() if dim in dataset.coords else range(dataset.sizes[dim]))]


def _span(labels: list[str]) -> str:
    shown = ", ".join(labels) if len(labels) < 9 else f"{', '.join(labels[:3])} ... {labels[-1]}"
    return f"{len(labels)} ({shown})"


def _listed(dims: tuple[str, ...]) -> str:
    return " x ".join(dims) or "nothing (one number)"


def _place(dim: str, labels: list[str], wanted: str | None) -> int:
    if wanted is not None and wanted not in labels:
        raise InterpError(f"There is no {dim} {wanted[:40]!r}. {nearest(wanted[:40], labels)}")
    return labels.index(wanted) if wanted is not None else 0


def _mean(array: xr.DataArray) -> xr.DataArray:
    over = [dim for dim in array.dims if dim in EXAMPLES]
    return array.astype(float).mean(over, skipna=True) if over else array.astype(float)


def _n(dataset: xr.Dataset, name: str) -> int:
    """Return how many prompts stand behind array `name`, 0 where that was not recorded."""
    count = count_name(name)
    return int(dataset[count].max()) if count in dataset and dataset[count].size else 0


def _paired(first: xr.Dataset, second: xr.Dataset, name: str, places: dict[str, int]) -> dict[str, np.ndarray] | None:
    """Return the ends of the interval of the mean of paired differences; None where examples are not the same."""
    for dim in EXAMPLES:
        known = [dataset.coords[dim].to_numpy() if dim in dataset.coords else None for dataset in (first, second)]
        if known[0] is None or known[1] is None or not np.array_equal(known[0], known[1]):
            continue
        each = _behind(first, second, name, dim)
        if each is not None:
            over = [str(other) for other in first[name].dims if other != dim and other not in places]
            rows = [dataset[each].isel(places).transpose(dim, *over).to_numpy().astype(float)
                    for dataset in (first, second)]  # fmt: skip
            return _ends(*rows)
    return None


def _behind(first: xr.Dataset, second: xr.Dataset, name: str, dim: str) -> str | None:
    """Return the per-example array whose mean over examples is `name` in both runs, for it is nowhere written down."""
    if dim in first[name].dims:
        return name
    dims = {*first[name].dims, dim}
    for other in (str(each) for each in first.data_vars):
        if other not in second or set(first[other].dims) != dims or first[other].dtype.kind not in "fiub":
            continue
        order = [str(each) for each in first[name].dims]
        if all(
            np.allclose(d[other].astype(float).mean(dim).transpose(*order), d[name], rtol=0, atol=1e-6, equal_nan=True)
            for d in (first, second)
        ):
            return other
    return None


def _ends(first: np.ndarray, second: np.ndarray) -> dict[str, np.ndarray]:
    """Return the ends of 95 % intervals of the mean of `first - second` [example, ...]."""
    n = len(first)
    if n < 2:
        return {end: np.full(first.shape[1:], np.nan) for end in ("low", "high")}
    away = first - second
    if np.isin(first, (0, 1)).all() and np.isin(second, (0, 1)).all():
        p10, p01 = ((away > 0).sum(axis=0) + 1) / (n + 2), ((away < 0).sum(axis=0) + 1) / (n + 2)
        half, centre = ndtri(0.975) * np.sqrt((p10 + p01 - (p10 - p01) ** 2) / (n + 2)), p10 - p01
        return {"low": np.maximum(centre - half, -1), "high": np.minimum(centre + half, 1)}
    centre, half = away.mean(axis=0), stdtrit(n - 1, 0.975) * away.std(axis=0, ddof=1) / np.sqrt(n)
    return {"low": centre - half, "high": centre + half}
