"""What is known about one period, in one row: is it in the embeddings, in the stream, on a circle, and is it used?

    facts({"spectrum": dataset, ...}, [10.0, 5.0]) -> one Fact a period and method, with its null in the same words

How to read: a period may be written and not used (a spectrum above its null, a plane that costs nothing), or used
without standing out. A method without a run says nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from interp.figures import schema
from interp.figures.helix_places import targets
from interp.figures.period_marks import numbers_of, same
from interp.figures.planes import period_in
from interp.figures.spectra_places import nearest_component

if TYPE_CHECKING:
    import xarray as xr


@dataclass(frozen=True)
class Fact:
    """What one method says about one period; `beyond`: whether it stands beyond the null, None: not asked."""

    text: str
    beyond: bool | None = None


NOT_MEASURED = Fact("not measured")


def in_embeddings(dataset: xr.Dataset, period: float) -> Fact:
    """Return the power of the embeddings (or unembeddings) at a period beside the largest null."""
    raw = dataset.sel(variant="raw") if "variant" in dataset.dims else dataset
    here = nearest_component(schema.values(raw, "period", "component"), period)
    if abs(numbers_of(raw) / period - float(schema.labels(raw, "component")[here])) >= 0.5:
        return NOT_MEASURED
    power = float(schema.values(raw, "power", "component")[here])
    limit = "null_high_corrected" if "null_high_corrected" in raw.variables else "null_high"
    null = float(schema.values(raw, limit, "null", "component")[:, here].max())
    return Fact(f"{power:.3f} of the power [null {null:.3f}]", power > null)


def in_stream(dataset: xr.Dataset, period: float) -> Fact:
    """Return the place where a period stands out most in the stream."""
    raw = dataset.sel(variant="raw")
    here = nearest_component(schema.values(raw, "period_of", "component"), period)
    if abs(numbers_of(raw) / period - float(schema.labels(raw, "component")[here])) >= 0.5:
        return NOT_MEASURED
    power, null = (schema.values(raw, name, "layer", "reading", "component") for name in ("power", "null_level"))
    ratio = np.nan_to_num(power[:, :, here] / null[:, :, here], nan=-1)
    i, j = np.unravel_index(int(ratio.argmax()), ratio.shape)
    where = f"layer {schema.labels(raw, 'layer')[i]}, {schema.labels(raw, 'reading')[j]}"
    return Fact(f"{ratio[i, j]:.2f} times the null level at {where}", bool(ratio[i, j] > 1))


def on_circle(dataset: xr.Dataset, period: float) -> Fact:
    """Return the layer where the circle of a period explains most of what a number line leaves."""
    found = next((t for t in targets(dataset) if same(t, period)), None)
    if found is None:
        return NOT_MEASURED
    here = dataset.sel(model=f"T={found:.4g}", scheme="interleaved")
    value, null = (schema.values(here, name, "layer") for name in ("partial", "partial_null_high"))
    i = int(np.argmax(value - null))
    layer = schema.labels(dataset, "layer")[i]
    return Fact(f"{value[i]:.3f} of the rest at layer {layer} [null {null[i]:.3f}]", bool(value[i] > null[i]))


def _plane(dataset: xr.Dataset, period: float, mode: str, words: str) -> Fact:
    names = [str(name) for name in schema.labels(dataset, "subspace")]
    own = [name for name in names if (t := period_in(name)) is not None and same(t, period)]
    if not own or mode not in schema.labels(dataset, "mode"):
        return NOT_MEASURED
    here = dataset.sel(mode=mode)
    p = schema.values(here, "p_corrected", "subspace", "control")[[names.index(name) for name in own]]
    value = schema.values(here, "accuracy", "subspace")[[names.index(name) for name in own]]
    i = int(value.argmin() if mode == "mean" else value.argmax())
    null = schema.values(here, "accuracy_null", "subspace", "control", "draw")[names.index(own[i]), 1].mean()
    place = own[i].partition(", ")[2]
    text = f"{value[i]:.3f} {words}{f' at {place}' if place else ''} [planes of equal variance {null:.3f}]"
    return Fact(text, bool(p[i, 1] <= 0.05))


def taken_out(dataset: xr.Dataset, period: float) -> Fact:
    """Return the lowest accuracy with the plane of a period taken out, beside planes of equal variance."""
    return _plane(dataset, period, "mean", "right")


def kept_alone(dataset: xr.Dataset, period: float) -> Fact:
    """Return the highest accuracy with nothing but the plane of a period, beside planes of equal variance."""
    return _plane(dataset, period, "keep", "right")


ASKED: tuple[tuple[str, str, Callable[[xr.Dataset, float], Fact]], ...] = (
    ("spectrum", "in the embeddings", in_embeddings),
    ("unembedding", "in the unembeddings", in_embeddings),
    ("spectra", "in the stream", in_stream),
    ("helix", "variance on its circle", on_circle),
    ("planes", "accuracy without its plane", taken_out),
    ("planes", "accuracy with its plane alone", kept_alone),
)


def facts(datasets: Mapping[str, xr.Dataset], periods: Sequence[float]) -> list[tuple[str, list[Fact]]]:
    """Return for each question its words and one Fact a period; questions without a dataset are left out."""
    return [(words, [ask(datasets[method], t) for t in periods]) for method, words, ask in ASKED if method in datasets]


def known_periods(datasets: Mapping[str, xr.Dataset], most: int = 30) -> list[float]:
    """Return the periods that any of the results names, short ones first: peaks, targets, planes, keys."""
    from interp.figures.spectra_places import strongest
    from interp.figures.spectrum import above_nulls

    found: list[float] = []
    for kind in (kind for kind in ("spectrum", "unembedding") if kind in datasets):
        raw = datasets[kind]
        raw = raw.sel(variant="raw") if "variant" in raw.dims else raw
        found += [float(schema.values(raw, "period", "component")[i]) for i in above_nulls(raw)[:10]]
    if "spectra" in datasets:
        found += strongest(datasets["spectra"], 6)
    if "helix" in datasets:
        found += targets(datasets["helix"])
    if "planes" in datasets:
        found += [t for name in schema.labels(datasets["planes"], "subspace") if (t := period_in(str(name)))]
    if "grokking" in datasets:
        found += [datasets["grokking"].attrs["p"] / int(k) for k in datasets["grokking"].attrs["keys"]]
    kept: list[float] = []
    for period in found:
        if not any(same(period, each) for each in kept):
            kept.append(period)
    return sorted(kept[:most])
