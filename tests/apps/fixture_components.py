"""Synthetic results of the components of arithmetic: mediation, circuits of heads and MLPs, heuristic neurons."""

from __future__ import annotations

import numpy as np
import xarray as xr

from tests.apps.fixture_parts import N_LAYERS, ROLES, attributes, interval, step

LAYER = np.arange(N_LAYERS)


def mediation(task: str) -> xr.Dataset:
    """Return effects whose late MLPs matter when the result changes and hardly when it stays."""
    roles = ROLES[task]
    shape = (2, 2, N_LAYERS, len(roles))
    effect = np.full(shape, 0.02)
    effect[0, 1, :, -1] = 1e6 * step(LAYER, 5.5)
    effect[:, 0, 2, 1] = 40.0
    cell, share = ("change", "component", "layer", "role"), ("change", "component", "aggregate", "floor")
    portion = np.full((2, 2, 2, 2), 0.4)
    portion[1] = 0.07
    data: dict = {}
    for suffix, factor in (("", 1.0), ("_null", 0.5)):
        data |= interval(f"effect{suffix}", cell, factor * effect, 0.01, -1, np.inf)
        data[f"effect_median{suffix}"] = (cell, 0.01 * factor * effect)
        data |= interval(f"relative_importance{suffix}", share, factor * portion)
        data |= interval(f"relative_importance_log{suffix}", ("change", "component"), factor * portion[..., 0, 0])
    return xr.Dataset(
        {**data, "chance": ((), 0.1), "n": ((), 200), "n_pairs": ("change", [200, 200])},
        coords={
            "change": ["operands", "result_kept"], "component": ["attn_out", "mlp_out"], "layer": LAYER,
            "role": list(roles), "aggregate": ["mean", "median"], "floor": [0.1, 0.0],
        },
        attrs={**attributes("mediation", task), "late": "4 5 6 7"},
    )  # fmt: skip
