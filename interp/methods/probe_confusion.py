"""What does a probe say instead of the truth?

    confusion[t, l, r, level, said]   test prompts of label `level` for which `said` is nearest to what the probe says
    right[t, l, r, level]             the share of them on the diagonal, with Wilson's interval

For labels whose values are all among 0 .. 9 (digits, carries, small residues), of any kind: a number is rounded to the
nearest value that training had, an angle to the nearest one around the circle.

How to read: errors beside the diagonal are a code by size, errors in whole rows a level that is not told apart; a probe
that says one level whatever the truth fills a column, and its share is right for that level alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

from interp.methods.intervals import wilson
from interp.methods.probe_kinds import Code
from interp.methods.result import mean_variables, variable

LEVELS = 10
DIMS = "counted layer role level"


def confusion(
    codes: Sequence[Code], said: np.ndarray, truth: np.ndarray, names: Sequence[str]
) -> tuple[dict[str, xr.Variable], dict[str, Any]]:
    """Return the variables and the coordinates of what was said; none where no label is counted.

    `said` [prompt, target, layer, role] are levels, `truth` [prompt, target] labels of the same prompts.
    """
    kept = [i for i, code in enumerate(codes) if code.counted and truth[:, i].min() >= 0 and truth[:, i].max() < LEVELS]
    if not kept:
        return {}, {}
    counts = np.stack([_counts(said[:, i], truth[:, i]) for i in kept])
    n = counts.sum(axis=-1)[:, 0, 0]  # of each level, the same at every place
    right, low, high = np.full((3, *counts.shape[:-1]), np.nan)
    for i, level in np.argwhere(n > 0).tolist():
        hits = counts[i, :, :, level, level]
        right[i, :, :, level] = hits / n[i, level]
        low[i, :, :, level], high[i, :, :, level] = wilson(hits, int(n[i, level]))
    data = {
        "confusion": variable(f"{DIMS} said", counts, "prompts", "of each level for which each level is said"),
        **mean_variables("right", DIMS, right, (low, high), "fraction", "prompts of a level for which it is said"),
        "n_level": variable("counted level", n, "prompts", "test prompts of each level"),
    }
    return data, {"counted": [names[i] for i in kept], "level": range(LEVELS), "said": range(LEVELS)}


def _counts(said: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Return how often each level is said for each [layer, role, level, said], from levels [prompt, layer, role]."""
    found = np.zeros((*said.shape[1:], LEVELS, LEVELS), dtype=np.int32)
    layer, role = np.indices(said.shape[1:])
    for here, level in zip(said, truth, strict=True):
        found[layer, role, level, here] += 1
    return found
