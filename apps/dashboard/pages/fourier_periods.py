"""The selected period and the pinned ones: which there are to choose, how they are written, what a click selects.

A period is one number (`period=10`), a pin its name (`T=10`); both are kept to six digits, and two that differ by less
than half a percent are one, because a frequency of 59 numbers has no short period.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from apps.dashboard.selection import Selection
from interp.figures import schema
from interp.figures.period_facts import known_periods
from interp.figures.period_marks import same

if TYPE_CHECKING:
    import xarray as xr

PIN = re.compile(r"T=([0-9]{1,6}(?:\.[0-9]{1,6})?)")
NONE = "none"
MOST = 10_000.0


def rounded(period: float) -> float:
    """Return a period as it is written in the address."""
    return float(f"{period:.6g}")


def pin_of(period: float) -> str:
    """Return the name of a pinned period."""
    return f"T={rounded(period):g}"


def pinned(selection: Selection) -> list[float]:
    """Return the pinned periods; pins of other things are left out."""
    return [float(found.group(1)) for name in selection.pin if (found := PIN.fullmatch(name)) and float(found.group(1))]


def periods_of(selection: Selection) -> list[float | None]:
    """Return the selected period (None: none) and after it the pinned ones, as marks are drawn."""
    return [selection.period, *pinned(selection)]


def compared(selection: Selection) -> list[float]:
    """Return the periods that are looked at, the selected one first, each once."""
    found: list[float] = []
    for period in periods_of(selection):
        if period is not None and not any(same(period, each) for each in found):
            found.append(period)
    return found


def choices(datasets: Mapping[str, xr.Dataset], chosen: Iterable[float]) -> list[float]:
    """Return every period that may be chosen, short ones first: those that results name, and `chosen`."""
    found = [rounded(period) for period in [*chosen, *known_periods(datasets)]]
    for method, name in (("spectrum", "period"), ("unembedding", "period"), ("spectra", "period_of")):
        if method in datasets:
            found += [rounded(t) for t in schema.values(datasets[method], name, "component")]
    kept: list[float] = []
    for period in found:
        if not any(same(period, each) for each in kept):
            kept.append(period)
    return sorted(kept)


def clicked(click: Mapping[str, Any], dataset: xr.Dataset | None, drawing: str) -> dict[str, Any]:
    """Return what a click selects: a period, and on the map of spectra also its layer and reading; {} for nothing."""
    if drawing == "excess" and dataset is not None:
        return _cell(click, dataset)
    period = number(click.get("custom"))
    at = click.get("x")
    layer = {"layer": at} if drawing == "by_period" and isinstance(at, int) and 0 <= at < MOST else {}
    return {"period": period, **layer} if period is not None else {}


def number(value: object) -> float | None:
    """Return a period that came from a browser, None for anything else."""
    while isinstance(value, list) and len(value) == 1:
        value = value[0]
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < MOST:
        return None
    return rounded(value)


def _cell(click: Mapping[str, Any], dataset: xr.Dataset) -> dict[str, Any]:
    layers, readings = schema.labels(dataset, "layer"), schema.labels(dataset, "reading")
    x, y, panel = (click.get(name) for name in ("x", "y", "curve"))
    if not all(isinstance(value, int) for value in (x, y, panel)):
        return {}
    if not (0 <= y < len(layers) and 0 <= x < len(readings) and 0 <= panel < dataset.sizes["variant"]):  # type: ignore[operator]
        return {}
    period = number(float(schema.values(dataset, "period", "layer", "reading", "variant")[y, x, panel]))  # type: ignore[index]
    place = {"layer": int(layers[y]), "role": str(readings[x])}  # type: ignore[index]
    return place | ({"period": period} if period else {})
