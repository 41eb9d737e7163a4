"""Synthetic results of attribution and circuits."""

from __future__ import annotations

import numpy as np
import xarray as xr

from interp.methods.circuit_area import SHARES, areas
from tests.apps.fixture_parts import ROLES, attributes, interval

SENDERS = ["embed", "z.0.0", "z.0.1", "mlp_out.0", "z.1.0", "z.1.1", "mlp_out.1"]
RECEIVERS = ["q.0.0", "q.0.1", "k.0.0", "v.0.0", "mlp.0", "q.1.0", "q.1.1", "k.1.0", "v.1.0", "mlp.1", "logits"]


def edge_scores() -> np.ndarray:
    """Return scores of edges with one path far above the rest."""
    scores = np.random.default_rng(3).normal(0, 0.05, (len(SENDERS), len(RECEIVERS)))
    for sender, receiver, value in (("embed", "v.0.0", 4.0), ("z.0.1", "mlp.1", 3.0), ("mlp_out.1", "logits", 5.0)):
        scores[SENDERS.index(sender), RECEIVERS.index(receiver)] = value
    return scores


def attribution(task: str) -> xr.Dataset:
    """Return estimates that follow the exact effects but for one node."""
    rng, roles = np.random.default_rng(2), list(ROLES[task])
    effect = rng.normal(0, 0.2, (len(SENDERS), len(roles)))
    effect[0, 3], effect[6, 4], effect[4, 4] = 8.0, 6.0, 3.0
    score = 0.9 * effect + rng.normal(0, 0.1, effect.shape)
    score[4, 4] = 0.0
    dims = ("node", "role")
    return xr.Dataset(
        {
            **interval("score", dims, score, 0.3, -20, 20),
            **interval("effect", dims, effect, 0.3, -20, 20),
            **interval("score_null", dims, 0.1 * score, 0.3, -20, 20),
            "edge": (("sender", "receiver"), edge_scores()),
            "pearson": ((), 0.93), "spearman": ((), 0.71), "n_missed": ((), 1), "n": ((), 200),
        },
        coords={"node": SENDERS, "role": roles, "sender": SENDERS, "receiver": RECEIVERS},
        attrs={**attributes("attribution", task), "variant": "gradient", "k": 10, "missed": "z.1.0@eq"},
    )  # fmt: skip


def circuits(task: str) -> xr.Dataset:
    """Return a ranking that finds most of the effect in a few edges."""
    shares = np.array(SHARES)
    f = np.stack([shares ** (1 / 6), shares ** (1 / 4)])
    random = np.clip(np.stack([shares**3, shares**2, shares**4]), 0, 1)
    area, chance = areas(shares, f), areas(shares, random)
    found = {name: (("ranking",), getattr(area, name)) for name in area._fields}
    found |= {f"{name}_null": (("draw",), getattr(chance, name)) for name in area._fields}
    place = ("ranking", "share")
    return xr.Dataset(
        {
            **interval("faithfulness", place, f, 0.05),
            **interval("complement", place, (1 - f) ** 2, 0.05),
            "faithfulness_null": (("draw", "share"), random),
            "accuracy": (place, f), "accuracy_null": (("draw", "share"), random),
            "n_edges": (place, np.round(0.9 * 784 * np.stack([shares, shares]))),
            "n_kept": (("share",), np.round(784 * shares)),
            "score": (("sender", "receiver"), edge_scores()),
            "n": ((), 200), "n_discovery": ((), 100), **found,
        },
        coords={
            "ranking": ["size", "signed"], "share": shares, "draw": np.arange(3), "sender": SENDERS,
            "receiver": RECEIVERS,
        },
        attrs={**attributes("circuits", task), "ablation": "counterfactual", "attribution": "ig_inputs", "edges": 784},
    )  # fmt: skip


def head_patching(task: str) -> xr.Dataset:
    """Return three layers of four heads, of which one at the last role brings nearly everything."""
    roles = list(ROLES[task])
    value = np.random.default_rng(5).normal(0, 0.02, (3, 4, len(roles)))
    value[1, 2, -1] = 0.9
    dims = ("layer", "head", "role")
    return xr.Dataset(
        {
            **interval("recovered", dims, value, 0.04, -1, 2),
            **interval("recovered_null", dims, 0.3 * value, 0.04, -1, 2),
            "n": ((), 200),
        },
        coords={"layer": np.arange(3), "head": np.arange(4), "role": roles},
        attrs={**attributes("head_patching", task), "component": "z", "direction": "denoising", "source": "twin"},
    )


def interchange(task: str) -> xr.Dataset:
    """Return a variable that stands at one role in the middle layers, found by the learned subspace."""
    roles = list(ROLES[task])
    shape, value, null = (2, 5, len(roles)), np.zeros((2, 5, len(roles))), np.zeros((3, 5, len(roles)))
    value[1, 2:4, 3] = 0.97
    value[0, 2:4, 3] = 0.1
    null[2, 2, 3] = 0.08
    place, beside = ("featuriser", "layer", "role"), ("control", "layer", "role")
    return xr.Dataset(
        {
            **interval("iia", place, value), **interval("iia_null", beside, null),
            **interval("kept", place, np.full(shape, 0.95)), **interval("kept_null", beside, np.full(null.shape, 0.95)),
            "n": ((), 200), "n_agreeing": ((), 180), "n_train": ((), 400),
        },
        coords={
            "featuriser": ["full", "das"], "control": ["none", "random", "shuffled"], "layer": np.arange(5),
            "role": roles,
        },
        attrs={**attributes("interchange", task), "variable": "carry", "rank": 16},
    )  # fmt: skip


def key_heads(task: str) -> xr.Dataset:
    """Return two key heads whose removal costs half of the accuracy, and random heads that cost little."""
    rng, place = np.random.default_rng(4), ("counterfactual", "variant", "layer", "head")
    effect = rng.normal(0, 0.01, (2, 2, 3, 4))
    effect[..., 1, 2], effect[..., 2, 0] = -0.3, -0.12
    return xr.Dataset(
        {
            **interval("effect", place, effect, 0.02, -1, 1),
            **interval("effect_null", place, 0.2 * effect, 0.02, -1, 1),
            **interval("accuracy", ("n_removed",), [0.99, 0.6, 0.4, 0.35]),
            "accuracy_null_layers": (("draw", "n_removed"), np.full((2, 4), 0.95)),
            "accuracy_null_other": (("draw", "n_removed"), np.full((2, 4), 0.97)),
            **interval("towards_operand", ("layer", "operand"), [[0.3, 0.25], [0.1, 0.1], [0.0, 0.0]], 0.02, -1),
            "towards_operand_null": (("layer", "operand"), np.full((3, 2), 0.02)),
            **interval("towards_answer", ("layer",), [0.0, 0.1, 0.4], 0.02, -1),
            "towards_answer_null": (("layer",), np.full(3, 0.01)), "n_pairs": (("counterfactual",), [200, 180]),
            "n_key": ((), 2), "n": ((), 500),
        },
        coords={
            "counterfactual": ["swap_operand", "swap_operator"], "variant": ["mlps_frozen", "mlps_recomputed"],
            "layer": np.arange(3), "head": np.arange(4), "n_removed": np.arange(4), "draw": np.arange(2),
            "rank": ["1.2", "2.0", "0.1"], "operand": ["a", "b"],
        },
        attrs=attributes("key_heads", task),
    )  # fmt: skip


def steering(task: str) -> xr.Dataset:
    """Return a direction along which answers follow from dose 1 on."""
    doses = [-2.0, -1.0, 0.0, 1.0, 2.0]
    return xr.Dataset(
        {
            **interval("moved", ("dose",), [-12.0, -6.0, 0.0, 7.0, 12.0], 0.8, -20, 20),
            **interval("follows", ("dose",), [0.0, 0.0, 0.0, 0.9, 0.7]),
            **interval("kept", ("dose",), [0.5, 0.9, 0.99, 0.05, 0.0]),
            "moved_null": (("draw", "dose"), np.zeros((3, 5))), "follows_null": (("draw", "dose"), np.zeros((3, 5))),
            "n": ((), 200),
        },
        coords={"dose": doses, "draw": np.arange(3)},
        attrs={**attributes("steering", task), "layer": 1, "role": "b", "variable": "carry"},
    )  # fmt: skip
