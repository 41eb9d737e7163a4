"""Where does the corrupted run become the clean one when its residual stream is replaced: said in a sentence.

    recovered[l, r] = (m_patched[l, r] - m_corrupted) / (m_clean - m_corrupted),  m = logit difference

1 = the patched position carries all of the difference at that layer, 0 = none of it, below 0 = it points away.
The null patches the residual of an unrelated pair at the same place. The maps are those of `patch_maps`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from interp.figures import maps, schema

if TYPE_CHECKING:
    import xarray as xr


def summary(dataset: xr.Dataset) -> str:
    """Return at which roles the difference sits in which layers, the largest cell, and the reach of the null."""
    recovered = schema.estimates(dataset, "recovered", "layer", "role")
    value, null = recovered.value, schema.values(dataset, "recovered_null", "layer", "role")
    if not np.isfinite(value).any():
        return "No cell has a recovered value: the clean and corrupted runs do not differ."
    layers, roles = schema.labels(dataset, "layer"), schema.labels(dataset, "role")
    i, j = maps.largest(value)
    beyond = _beyond_null(dataset)
    carried = [f"{role} ({_ranges(layers, beyond[:, k])})" for k, role in enumerate(roles) if beyond[:, k].any()]
    where = f"Recovered beyond the null anywhere at {', '.join(carried)}" if carried else "No cell is beyond the null"
    return (
        f"{where}; max {recovered[i, j].text(2)} at layer {layers[i]}, {roles[j]}; the null reaches "
        f"{schema.number(float(np.nanmax(null)), 2)}; {schema.count_text(dataset)}."
    )


def _beyond_null(dataset: xr.Dataset) -> np.ndarray:
    """Return the cells [layer, role] whose interval lies above the interval of the null in every cell of the map."""
    place = ("layer", "role")
    low, null_high = (
        schema.optional(dataset, "recovered_low", *place),
        schema.optional(dataset, "recovered_null_high", *place),
    )
    value, null = schema.values(dataset, "recovered", *place), schema.values(dataset, "recovered_null", *place)
    return (value if low is None else low) > np.nanmax(null if null_high is None else null_high)


def _ranges(layers: list, where: np.ndarray) -> str:
    """Return the layers that hold as `layer 3`, `layers 0–2, 5`."""
    runs: list[list] = []
    for k, (layer, holds) in enumerate(zip(layers, where, strict=True)):
        if holds and k and where[k - 1]:
            runs[-1].append(layer)
        elif holds:
            runs.append([layer])
    said = [str(run[0]) if len(run) == 1 else f"{run[0]}–{run[-1]}" for run in runs]
    return f"layer{'s' if len(said) > 1 or '–' in said[0] else ''} {', '.join(said)}"


def turning_cell(dataset: xr.Dataset) -> tuple[int, str]:
    """Return the most telling cell: the first layer at which the last role is beyond the null, else the largest."""
    value = schema.values(dataset, "recovered", "layer", "role")
    layers, roles = schema.labels(dataset, "layer"), schema.labels(dataset, "role")
    passed = np.flatnonzero(_beyond_null(dataset)[:, -1])
    i, j = (int(passed[0]), len(roles) - 1) if len(passed) else maps.largest(value)
    return int(layers[i]), str(roles[j])
