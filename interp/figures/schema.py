"""What a figure reads from a Dataset: variables by name, intervals by the names beside them, n, words for titles.

A mean `m` comes with `m_low` and `m_high` (a 95 % interval), `n`, and a null whose name starts with `null` or
`m_null`. A figure that lacks what it draws says which variable is missing; it never guesses.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from interp.counted import count_name, on_selection
from interp.errors import InterpError

if TYPE_CHECKING:
    import xarray as xr


def need(dataset: xr.Dataset, *names: str) -> None:
    """Raise `InterpError` naming the variables or coordinates of `names` that `dataset` lacks."""
    missing = [name for name in names if name not in dataset.variables]
    if missing:
        found = ", ".join(str(name) for name in dataset.data_vars) or "none"
        raise InterpError(
            f"This {dataset.attrs.get('method', 'dataset')} has no {', '.join(missing)} (it has {found}). "
            "Draw it with a figure of its own method, or run the method again."
        )


def values(dataset: xr.Dataset, name: str, *dims: str) -> np.ndarray:
    """Return variable `name` as float64 with its dims in the order `dims`."""
    need(dataset, name)
    array = dataset[name]
    if set(array.dims) != set(dims):
        raise InterpError(
            f"{name} has dims {tuple(array.dims)}; the figure reads {dims}. Select the other dims first, "
            "with dataset.sel(...)."
        )
    return array.transpose(*dims).to_numpy().astype(np.float64)


def optional(dataset: xr.Dataset, name: str, *dims: str) -> np.ndarray | None:
    """Return `values(...)`, or None where the dataset does not carry `name`."""
    return values(dataset, name, *dims) if name in dataset.variables else None


@dataclass(frozen=True)
class Estimates:
    """Means and the ends of their 95 % intervals, all of one shape; the ends are None where not recorded."""

    value: np.ndarray
    low: np.ndarray | None
    high: np.ndarray | None

    def __getitem__(self, index: Any) -> Estimates:
        """Return the estimates at `index`, of an array or of one cell."""
        low, high = (None if end is None else np.asarray(end[index]) for end in (self.low, self.high))
        return Estimates(np.asarray(self.value[index]), low, high)

    @classmethod
    def joined(cls, parts: Sequence[Estimates]) -> Estimates:
        """Return single estimates, or rows of them, as one row; without ends where one of them has none."""
        rows = [[getattr(part, name) for part in parts] for name in ("value", "low", "high")]
        value, low, high = (
            None if any(end is None for end in row) else np.concatenate([np.atleast_1d(end) for end in row])
            for row in rows
        )
        return cls(np.asarray(value), low, high)

    def bars(self, **style: Any) -> dict[str, Any] | None:
        """Return plotly's error bars of a row of estimates, None where the ends were not recorded."""
        if self.low is None or self.high is None:
            return None
        ends = {"array": self.high - self.value, "arrayminus": self.value - self.low}
        return {"type": "data", "symmetric": False, **style, **ends}

    def text(self, digits: int = 3) -> str:
        """Return one estimate for a person: `0.930 [0.900, 0.950]`."""
        low, high = (None if end is None else float(end) for end in (self.low, self.high))
        return estimate(float(self.value), low, high, digits)


def estimates(dataset: xr.Dataset, name: str, *dims: str) -> Estimates:
    """Return variable `name` and its `_low` and `_high`, with dims in the order `dims`."""
    low, high = (optional(dataset, f"{name}_{end}", *dims) for end in ("low", "high"))
    return Estimates(values(dataset, name, *dims), low, high)


def scalar(dataset: xr.Dataset, name: str) -> float | None:
    """Return the scalar variable `name` as float, None where absent or NaN."""
    if name not in dataset.variables or dataset[name].ndim:
        return None
    value = float(dataset[name])
    return None if np.isnan(value) else value


def labels(dataset: xr.Dataset, dim: str) -> list[Any]:
    """Return the coordinate of `dim` as plain Python values."""
    need(dataset, dim)
    return dataset[dim].to_numpy().tolist()


def count(dataset: xr.Dataset) -> int | None:
    """Return n: the variable `n` (its largest value), else the number of prompts, else None."""
    if "n" in dataset.variables and dataset["n"].size:
        return int(dataset["n"].max())
    return dataset.sizes.get("prompt")


def count_text(dataset: xr.Dataset, name: str | None = None) -> str:
    """Return `n = 200`, or that n was not recorded: of the run, or of what stands behind variable `name`."""
    if name is not None and on_selection(name):
        n = scalar(dataset, count_name(name))
        return f"selection split, {'n not recorded' if n is None else f'n = {int(n):,}'}"
    n = count(dataset)
    return "n not recorded" if n is None else f"n = {n:,}"


def cell(dataset: xr.Dataset) -> str:
    """Return which cell of a study this is, e.g. `a+b, plain, mental-math`."""
    model = str(dataset.attrs.get("model") or "").rstrip("/").rsplit("/", 1)[-1]
    task = dataset.attrs.get("task")
    parts = [task, dataset.attrs.get("style") if task else None, model]
    return ", ".join(str(part) for part in parts if part)


def heading(dataset: xr.Dataset, title: str, *parts: str) -> dict:
    """Return a plotly title: `title · cell`, and under it units, n, interval and null from `parts`."""
    where = cell(dataset)
    return {"text": f"{title} · {where}" if where else title, "subtitle": {"text": " · ".join(p for p in parts if p)}}


def number(value: float | None, digits: int = 3) -> str:
    """Return `value` for a person: `0.930`, `-12.4`, `n/a` for None and NaN."""
    if value is None or not np.isfinite(value):
        return "n/a"
    return f"{round(value, digits) + 0.0:.{digits}f}" if abs(value) < 10 else f"{value:.4g}"  # no -0.000


def spread(low: float | None, high: float | None, digits: int = 3) -> str:
    """Return `[0.90, 0.95]`, or nothing where no interval was recorded."""
    if low is None or high is None or not (np.isfinite(low) and np.isfinite(high)):
        return ""
    return f"[{number(low, digits)}, {number(high, digits)}]"


def estimate(value: float | None, low: float | None, high: float | None, digits: int = 3) -> str:
    """Return `0.930 [0.900, 0.950]`."""
    return f"{number(value, digits)} {spread(low, high, digits)}".strip()
