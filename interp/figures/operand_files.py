"""The numbers of one map over operands as columns: what each of its three figures shows, in full precision."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from interp.figures import schema
from interp.figures.operand_parts import Shown, marginal, operand_names, properties


def pair_map(dataset: xr.Dataset, one: Shown, by: str) -> xr.Dataset:
    """Return the map, a row a pair that there is."""
    a, b = (np.array(schema.labels(dataset, name)) for name in ("operand_a", "operand_b"))
    there = np.ones(one.values.shape, dtype=bool) if "text" not in dataset else dataset["text"].to_numpy() != ""
    i, j = np.nonzero(there)
    named = dict(zip(operand_names(dataset), (a[i], b[j]), strict=True))
    return _rows(one, **named, value=one.values[i, j], n=int(dataset["n"]))


def by_property(dataset: xr.Dataset, one: Shown, by: str) -> xr.Dataset:
    """Return the mean and the range of the cells at each value of property `by`, and the mean of the shuffled map."""
    found = marginal(dataset, one.values, by)
    null = float(np.nanmean(one.values)) if np.isfinite(one.values).any() else np.nan
    ends = {"cells_5": found.low, "cells_95": found.high}
    return _rows(one, **{by: found.at}, mean=found.mean, **ends, null=null, n=found.n)


def explained(dataset: xr.Dataset, one: Shown, by: str) -> xr.Dataset:
    """Return the share that each property explains, beside the mean and the largest of the shuffled maps."""
    nulls = {"null": one.null, "null_high": one.null_high}
    return _rows(one, by=properties(dataset), explained=one.share, **nulls, n=int(dataset["n"]))


def _rows(one: Shown, **columns: Any) -> xr.Dataset:
    """Return columns [row], before them the name and the unit of the map; one value stands in every row."""
    known = {"map": f"{one.family} {one.item}", "units": one.unit, **columns}
    return xr.Dataset({name: ("row" if np.ndim(each) else (), each) for name, each in known.items()})


NUMBERS = {"pair_map": pair_map, "by_property": by_property, "explained": explained}
"""Name of a drawing -> its numbers."""
