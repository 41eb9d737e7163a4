"""What of a run of `operands` is looked at: one map of a family, the order of its maps, and means by a property.

shown(dataset, "neurons", "5.161")        -> Shown: values [a, b], unit, words, what properties explain of it
ordered(dataset, "neurons", "result")     -> the neurons, those of which the result explains most first
marginal(dataset, values, "result")       -> mean and 5 to 95 % range of the cells at each value of the result
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from interp.errors import InterpError, nearest
from interp.figures import schema

if TYPE_CHECKING:
    import xarray as xr

FAMILIES = {
    "behaviour": "behaviour", "neurons": "activation", "attention": "attention", "added": "added", "probes": "probed",
}  # fmt: skip
"""Family -> the array that holds its maps."""
DIMS = {"behaviour": "scalar", "neurons": "neuron", "attention": "head", "added": "head", "probes": "probe"}
SECOND = {"attention": "operand", "probes": "reading"}
"""Families whose maps have two names: `3.1 a`, `result@6 error`."""
WORDS = {
    "logit_diff": "Logit of the answer less that of the best other token",
    "probability": "Probability of the right answer",
    "logit": "Logit of the right answer",
    "right": "Right or wrong",
    "error": "Number said less the truth",
    "said": "Number said",
}
READ = {"value": "what it reads at the last token", "error": "what it reads less the truth"}


@dataclass(frozen=True)
class Shown:
    """One map: values float32 [a, b] (nan where there is no pair), and of each property the share it explains, the
    mean of shuffled maps, and the largest of them."""

    family: str
    item: str
    title: str
    unit: str
    values: np.ndarray
    share: np.ndarray
    null: np.ndarray
    null_high: np.ndarray


class Marginal(NamedTuple):
    """At each value of a property: mean, 5 % and 95 % quantile and number of the cells."""

    at: np.ndarray
    mean: np.ndarray
    low: np.ndarray
    high: np.ndarray
    n: np.ndarray


def families(dataset: xr.Dataset) -> list[str]:
    """Return the families that this run kept."""
    return [name for name, array in FAMILIES.items() if array in dataset]


def items(dataset: xr.Dataset, family: str) -> list[str]:
    """Return the names of the maps of a family: `logit_diff`, `5.161`, `3.1 a`, `result@6 error`."""
    if family not in families(dataset):
        raise InterpError(f"This run keeps no {family[:40]!r} maps. {nearest(family[:40], families(dataset))}")
    names = [str(name) for name in schema.labels(dataset, DIMS[family])]
    if family in SECOND:
        return [f"{name} {second}" for name in names for second in schema.labels(dataset, SECOND[family])]
    return names


def shown(dataset: xr.Dataset, family: str, item: str) -> Shown:
    """Return one map of a family. Raises InterpError naming the nearest where there is none of that name."""
    known = items(dataset, family)
    if item not in known:
        raise InterpError(f"This run has no {family} map {item[:40]!r}. {nearest(item[:40], known)}")
    array, i = FAMILIES[family], known.index(item)
    size = dataset[array].shape[-2:]
    share, high = (
        dataset[f"explained_{array}{end}"].to_numpy().reshape(len(known), -1)[i] for end in ("", "_null_high")
    )
    values = dataset[array].to_numpy().reshape(len(known), *size)[i]
    return Shown(
        family, item, title_of(dataset, family, item), unit_of(dataset, family, item), values, share,
        dataset["explained_null"].to_numpy(), high,
    )  # fmt: skip


def ordered(dataset: xr.Dataset, family: str, by: str) -> list[str]:
    """Return the maps of a family, those of which property `by` explains most first; behaviour as it was kept."""
    known = items(dataset, family)
    if family == "behaviour":
        return known
    share = dataset[f"explained_{FAMILIES[family]}"].to_numpy().reshape(len(known), -1)[:, place_of(dataset, by)]
    return [known[i] for i in np.argsort(-np.nan_to_num(share, nan=-1.0), kind="stable")]


def properties(dataset: xr.Dataset) -> list[str]:
    """Return the properties of a pair that maps are explained by."""
    return [str(name) for name in schema.labels(dataset, "by")]


def place_of(dataset: xr.Dataset, by: str) -> int:
    """Return which property `by` is. Raises InterpError where it is none."""
    known = properties(dataset)
    if by not in known:
        raise InterpError(f"This run knows no property {by[:40]!r}. {nearest(by[:40], known)}")
    return known.index(by)


def best(dataset: xr.Dataset, one: Shown) -> str:
    """Return the property that explains most of a map above its shuffles; the first where none has a value."""
    over = np.nan_to_num(one.share - one.null, nan=-1.0)
    return properties(dataset)[int(np.argmax(over))]


def marginal(dataset: xr.Dataset, values: np.ndarray, by: str) -> Marginal:
    """Return what a map does at each value of a property."""
    group = dataset["group"].to_numpy()[place_of(dataset, by)]
    known = np.isfinite(values) & np.isfinite(group)
    cells, kinds = values[known].astype(np.float64), group[known]
    at, codes = np.unique(kinds, return_inverse=True)
    order = np.lexsort((cells, codes))
    n = np.bincount(codes, minlength=len(at))
    start, sorted_cells = np.concatenate([[0], np.cumsum(n)[:-1]]), cells[order]
    low, high = (sorted_cells[start + np.round(q * (n - 1)).astype(int)] for q in (0.05, 0.95))
    return Marginal(at, np.bincount(codes, weights=cells, minlength=len(at)) / n, low, high, n)


def title_of(dataset: xr.Dataset, family: str, item: str) -> str:
    """Return what a map shows."""
    if family == "behaviour":
        return WORDS.get(item, item)
    if family == "neurons":
        return f"Neuron {item}: activation at the last token"
    first, _, second = item.partition(" ")
    if family == "probes":
        target, _, layer = first.partition("@")
        return f"Probe of {target}, layer {layer}: {READ[second]}"
    if family == "attention":
        return f"Head {first}: attention of the last token to {second}"
    return f"Head {first}: what it adds towards the answer"


def unit_of(dataset: xr.Dataset, family: str, item: str) -> str:
    """Return the unit of a map."""
    if family == "behaviour":
        units = dict(zip(schema.labels(dataset, "scalar"), schema.labels(dataset, "scalar_units"), strict=True))
        return str(units[item])
    return str(dataset[FAMILIES[family]].attrs.get("units", ""))


def operand_names(dataset: xr.Dataset) -> tuple[str, str]:
    """Return how the two operands are called."""
    first, second = ([*str(dataset.attrs.get("operands", "a b")).split(), "a", "b"])[:2]
    return first, second


def cell_of(dataset: xr.Dataset, a: int, b: int) -> tuple[int, int]:
    """Return the row and column of a pair. Raises InterpError for a pair that the run has not."""
    rows, columns = (schema.labels(dataset, name) for name in ("operand_a", "operand_b"))
    if a not in rows or b not in columns or not str(dataset["text"].to_numpy()[rows.index(a), columns.index(b)]):
        raise InterpError(f"This run has no pair {a}, {b} ({rows[0]}..{rows[-1]} and {columns[0]}..{columns[-1]}).")
    return rows.index(a), columns.index(b)
