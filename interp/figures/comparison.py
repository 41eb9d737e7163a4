"""Which alternatives are as good as the proposed subgraph?

The rows of an `alternatives` run, grouped by what they change; an alternative is as good where its interval, or that
of the paired difference where one was recorded, does not lie below the proposed one. Random controls are not counted,
nor is the complement: it cuts the window out of the full model, and high there means that the window is not needed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from interp.figures import schema, variants
from interp.figures.af1 import window_text

if TYPE_CHECKING:
    import xarray as xr

ORDER = ("wait", "peek", "window", "control")
PROPOSED = ("cama", "abp", "af1", "proposed")
DRAWN = ("random_window", "random_head")
COMPLEMENT = "complement"


def proposed(dataset: xr.Dataset) -> int:
    """Return the place of the proposed subgraph among the alternatives."""
    names = [str(name) for name in schema.labels(dataset, "alternative")]
    return next((names.index(name) for name in PROPOSED if name in names), 0)


def rows_of(dataset: xr.Dataset) -> list[tuple[str, str, list[int]]]:
    """Return `(kind, label, places)` a row, in the order of the kinds; the draws of one control share a row."""
    schema.need(dataset, "kind", "alternative")
    names, kinds = ([str(v) for v in schema.labels(dataset, name)] for name in ("alternative", "kind"))
    found: dict[tuple[str, str], list[int]] = {}
    for i, (name, kind) in enumerate(zip(names, kinds, strict=True)):
        if name in PROPOSED or i == proposed(dataset):
            continue  # the line shows it
        found.setdefault((kind, _label(name)), []).append(i)
    order = [*ORDER, *dict.fromkeys(kinds)]
    sorted_rows = sorted(found.items(), key=lambda item: order.index(item[0][0]))
    return [(kind if kind in ORDER else "control", label, places) for (kind, label), places in sorted_rows]


def _label(name: str) -> str:
    """Return the words of a row; the draws of one random control have the same."""
    if name == COMPLEMENT:
        return "cut from the full model"
    for drawn in DRAWN:
        if name.startswith(drawn):
            return f"{drawn.replace('_', ' ')}s"
    known = variants.WAITS.get(name) or variants.PEEKS.get(name)
    return known.short if known else name.replace("_", " ")


def as_good(dataset: xr.Dataset) -> list[int]:
    """Return the places of the alternatives that are not told apart from the proposed one from below.

    Where paired differences were recorded, their interval reaches 0; else the two intervals overlap.
    """
    kept = schema.estimates(dataset, "faithfulness", "alternative")
    reference = kept[proposed(dataset)]
    gap = schema.optional(dataset, "difference_high", "alternative")
    if gap is not None:
        near = gap >= 0
    elif kept.high is not None and reference.low is not None:
        near = kept.high >= reference.low
    else:
        near = kept.value >= reference.value
    return [i for i in judged(dataset) if near[i]]


def judged(dataset: xr.Dataset) -> list[int]:
    """Return the places of the alternatives that could be as good: no controls, and not the complement."""
    names = [str(name) for name in schema.labels(dataset, "alternative")]
    rows = [places for kind, _, places in rows_of(dataset) if kind != "control"]
    return sorted(i for places in rows for i in places if names[i] != COMPLEMENT)


def title(dataset: xr.Dataset) -> str:
    """Return how many alternatives are as good, in a few words."""
    kept = schema.values(dataset, "faithfulness", "alternative")
    if not np.isfinite(kept).any():
        return "No answered prompt, so nothing to compare"
    total, good = len(judged(dataset)), len(as_good(dataset))
    if not good:
        return f"None of {total} alternatives keeps as much as CAMA and ABP"
    return f"{good} of {total} alternatives {'keeps' if good == 1 else 'keep'} as much as CAMA and ABP"


def summary(dataset: xr.Dataset) -> str:
    """Return the proposed subgraph's faithfulness, the alternatives as good, the best control, the null and n."""
    kept, n = schema.estimates(dataset, "faithfulness", "alternative"), schema.count_text(dataset)
    if not np.isfinite(kept.value).any():
        return f"No prompt was answered, so nothing can be compared; {n}."
    where = window_text(dataset) and f"{window_text(dataset)}: "
    names, good = [str(name) for name in schema.labels(dataset, "alternative")], as_good(dataset)
    said = [f"{names[i].replace('_', ' ')} {kept[i].text(2)}" for i in sorted(good, key=lambda i: -kept.value[i])]
    more = f" and {len(said) - 4} more" if len(said) > 4 else ""
    alike = f"as good: {', '.join(said[:4])}{more}" if said else "no alternative is as good"
    null = schema.scalar(dataset, "null_majority")
    beside = "" if null is None else f"; best constant answer {null:.2f}"
    return (
        f"{where}CAMA and ABP keep {kept[proposed(dataset)].text(2)}; {alike}{_controls(dataset, kept)}"
        f"{_necessity(dataset, kept, names)}{beside}; {n}."
    )


def _necessity(dataset: xr.Dataset, kept: schema.Estimates, names: list[str]) -> str:
    """Return what the full model keeps without the last token's reads in the window, and in as many other blocks."""
    if COMPLEMENT not in names:
        return ""
    elsewhere = schema.optional(dataset, "cut_elsewhere", "draw")
    control = ""
    if elsewhere is not None and np.isfinite(elsewhere).any():
        control = f" (as many other blocks {schema.number(float(np.nanmean(elsewhere)), 2)})"
    return f"; full model with the window cut {kept[names.index(COMPLEMENT)].text(2)}{control}"


def _controls(dataset: xr.Dataset, kept: schema.Estimates) -> str:
    """Return the best draw of each random control, and of how many."""
    said = []
    for kind, label, places in rows_of(dataset):
        if kind == "control" and np.isfinite(kept.value[places]).any():
            best = max(places, key=lambda i: kept.value[i])
            draws = f"best of {len(places)} " if len(places) > 1 else ""
            said.append(f"{draws}{label} {kept[best].text(2)}")
    return f"; control: {', '.join(said)}" if said else ""
