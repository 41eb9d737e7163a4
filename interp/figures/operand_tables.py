"""The figures of a map over operands as rows: its means, its mean by one property, what explains it, pinned maps.

A map of 100 x 100 has too many cells to listen to: its table holds the means over the pairs of each operand and of each
result; single pairs are asked for by their two numbers, and the file of the map holds all of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from interp.figures import schema
from interp.figures.operand_parts import Shown, marginal, operand_names, properties
from interp.figures.twin import Twin

if TYPE_CHECKING:
    import xarray as xr

ENDS = ("5 % of cells", "95 % of cells", "pairs")


def means(dataset: xr.Dataset, one: Shown) -> Twin:
    """Return the means of a map over the pairs of each a, of each b and of each result."""
    named = [name for name in (*operand_names(dataset), "result") if name in properties(dataset)]
    rows = [(by, *cells) for by in named for cells in _marginal(dataset, one, by)]
    said = f"{one.title}: means over the pairs of each {', '.join(named)}; the CSV has every pair"
    return Twin(said, ("mean by", "value", f"mean ({one.unit})", *ENDS), tuple(rows), 2)


def by_property(dataset: xr.Dataset, one: Shown, by: str) -> Twin:
    """Return the mean by property `by`, and the mean of the shuffled map, which is that of all cells."""
    known = one.values[np.isfinite(one.values)]
    null = schema.number(float(known.mean())) if known.size else "n/a"
    rows = tuple((at, mean, null, *rest) for at, mean, *rest in _marginal(dataset, one, by))
    return Twin(f"{one.title} by {by}", (by, f"mean ({one.unit})", "null: shuffled map", *ENDS), rows, 1)


def explained(dataset: xr.Dataset, one: Shown) -> Twin:
    """Return the share of the variance that each property explains, beside the mean and largest of shuffled maps."""
    rows = tuple(
        (name, *(schema.number(float(each)) for each in shares))
        for name, *shares in zip(properties(dataset), one.share, one.null, one.null_high, strict=True)
    )
    columns = ("property", "share of the variance", "null: mean of shuffled maps", "null: largest of shuffled maps")
    return Twin(f"{one.title}: what explains it, {schema.count_text(dataset)} pairs", columns, rows, 1)


def compared(dataset: xr.Dataset, maps: list[Shown], by: str) -> Twin:
    """Return the mean of each map at each value of property `by`; a map without a value there has n/a."""
    found = [marginal(dataset, one.values, by) for one in maps]
    means_at = [dict(zip(each.at.tolist(), each.mean.tolist(), strict=True)) for each in found]
    values = sorted({value for each in means_at for value in each})
    rows = tuple((f"{value:g}", *(schema.number(each.get(value)) for each in means_at)) for value in values)
    columns = (by, *(f"{one.item} ({one.unit})" for one in maps))
    return Twin(f"Pinned maps: means over the pairs of each {by}", columns, rows, 1)


def _marginal(dataset: xr.Dataset, one: Shown, by: str) -> list[tuple[str, ...]]:
    found = marginal(dataset, one.values, by)
    return [
        (f"{at:g}", schema.number(mean), schema.number(low), schema.number(high), str(n))
        for at, mean, low, high, n in zip(*found, strict=True)
    ]
