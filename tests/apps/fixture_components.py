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


def components(task: str) -> xr.Dataset:
    """Return effects of four heads a layer, two of them large, and a curve that lies above the random heads."""
    roles, size = ROLES[task], np.arange(4 * N_LAYERS + 1)
    heads = np.full((N_LAYERS, 4, len(roles)), 0.1)
    heads[3, 1, -1], heads[5, 2, -1] = 9.0, 4.0
    kept = step(size, 4.0, 2.0)
    data: dict = {}
    for suffix, factor in (("", 1.0), ("_null", 0.3)):
        data |= interval(f"head_effect{suffix}", ("layer", "head", "role"), factor * heads, 0.05, -9, 99)
    for name, value in (("faithfulness", kept), ("accuracy", kept**2), ("faithfulness_random", 0.6 * kept)):
        data |= interval(name, "size", value, 0.04)
    single = {"smallest": 9.0, "random_at_smallest": 0.6, "n": 200, "n_pairs": 100}
    data |= {name: ((), value) for name, value in single.items()} | interval("faithfulness_smallest", (), 0.96)
    added = ["", *(f"{i // 4}.{i % 4}" for i in range(4 * N_LAYERS))]
    return xr.Dataset(
        {**data, "accuracy_random": ("size", 0.4 * kept), "added": ("size", added)},
        coords={"layer": LAYER, "head": np.arange(4), "role": list(roles), "size": size},
        attrs={**attributes("components", task), "threshold": 0.95},
    )
