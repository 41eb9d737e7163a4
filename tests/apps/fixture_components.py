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


def neurons(task: str) -> xr.Dataset:
    """Return eight late neurons, of which one fires on b mod 5 = 3; shuffled maps pass the fixed threshold too."""
    rng, kept = np.random.default_rng(7), np.array([0, 1, 10, 48])
    maps = rng.normal(0, 1, (8, 20, 20))
    maps[1, :, 3::5] += 6
    share = np.array([[1.0, 1.0], [0.5, 0.3], [0.2, 0.1]])
    data: dict = interval("share", ("rule", "group"), share, 0.1)
    data |= interval("effect", "neuron", np.arange(8.0), 0.2, -1, 9)
    for name, value in (("faithfulness", kept / 48), ("accuracy", (kept / 48) ** 2), ("faithfulness_random", 0 * kept)):
        data |= interval(name, "kept", value, 0.05)
    for name, value in (("associated", [0.4, 0.6]), ("unassociated", [0.97, 0.95])):
        data |= interval(f"knockout_{name}", "knocked", value, 0.05)
        data |= {f"n_{name}": ("knocked", [40, 160]), f"knockout_{name}_control": ("knocked", [0.95, 0.9])}
    of_neurons = {"best_score": 0.9, "best_null": 0.21, "best_bound": 0.3, "best_excess": 0.8}
    data |= {name: ("neuron", np.full(8, value)) for name, value in of_neurons.items()}
    return xr.Dataset(
        {
            **data, "activation": (("neuron", "operand_a", "operand_b"), maps), "best": ("neuron", ["b mod 5 = 3"] * 8),
            "share_shuffled": ("rule", [1.0, 0.05, 0.05]), "accuracy_random": ("kept", 0.2 * kept / 48),
            "n": ((), 200), "n_pairs": ((), 100),
        },
        coords={
            "neuron": [f"6.{i}" for i in range(8)], "heuristic": [f"h{i}" for i in range(30)],
            "rule": ["fixed", "calibrated", "corrected"], "group": ["top", "random"], "kept": kept,
            "operand_a": np.arange(20), "operand_b": np.arange(20), "knocked": ["b mod 5 = 3", "result in 20..29"],
        },
        attrs={**attributes("neurons", task), "operands": "a b", "threshold": 0.6},
    )  # fmt: skip
