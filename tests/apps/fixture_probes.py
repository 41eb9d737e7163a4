"""Synthetic results of probes beside controls, codes, transfer, directions and causal checks."""

from __future__ import annotations

import numpy as np
import xarray as xr

from tests.apps.fixture_parts import attributes, interval

LAYERS, ROLES = np.arange(3), ["b", "eq"]


def probe_controls(task: str) -> xr.Dataset:
    """Return a carry that is read late and beats its controls, and an operand that its embedding gives."""
    cell, shape = ("target", "layer", "role"), (2, 3, 2)
    score = np.full(shape, 0.1)
    score[0, 2, 1], score[1, :, 0] = 0.8, 0.95
    controls = np.full((2, *shape), 0.3)
    controls[1, 1] = 0.95
    said = np.broadcast_to([[200, 50], [150, 100]], (1, 3, 2, 2, 2)).copy()
    said[0, 2, 1] = [[240, 10], [20, 230]]
    right = said[..., [0, 1], [0, 1]] / 250
    by = np.stack([score + 0.1, score, np.full(shape, np.nan)], axis=-1)
    return xr.Dataset(
        {
            **interval("score", cell, score), "score_selection": (cell, score), "score_null": (cell, np.zeros(shape)),
            "score_null_high": ((), 0.05), "score_control": (("control", *cell), controls),
            "margin": (cell, score - controls.max(axis=0)), **interval("selectivity", cell, score - 0.3, low=-1),
            "n": ((), 500), "n_train": ((), 1000),
            **interval("score_by", (*cell, "class"), by), "n_by": ("class", [200, 200, 100]),
            "confusion": (("counted", "layer", "role", "level", "said"), said),
            "n_level": (("counted", "level"), [[250, 250]]),
            **interval("right", ("counted", "layer", "role", "level"), right),
        },
        coords={"target": ["carry", "b"], "layer": LAYERS, "role": ROLES, "control": ["tokens", "untrained"],
                "class": [0, 1, 2], "counted": ["carry"], "level": [0, 1], "said": [0, 1]},
        attrs={**attributes("probe_controls", task), "unit": "accuracy", "kind": "classification",
               "by": "result_carries"},
    )  # fmt: skip


def probe_learning(task: str) -> xr.Dataset:
    """Return a digit that is learned from few prompts at the last layer."""
    cell, bits = ("target", "layer", "role"), np.array([[[1.0], [1.2], [4.0]]])
    accuracy = np.array([0.2, 0.5, 0.9])[None, None, None] * np.array([0.2, 0.3, 1.0])[None, :, None, None]
    return xr.Dataset(
        {
            **interval("accuracy", (*cell, "size"), accuracy), "majority_null": ("target", [0.12]),
            "compression": (cell, bits), "compression_null": (cell, np.full(bits.shape, 0.9)),
            "compression_null_high": ((), 0.95), "n": ((), 200),
        },
        coords={"target": ["result0"], "layer": LAYERS, "role": ["eq"], "size": [16, 32, 64]},
        attrs=attributes("probe_learning", task),
    )  # fmt: skip


def probe_transfer(task: str) -> xr.Dataset:
    """Return a code that two styles share and another task does not."""
    cell, shape = ("fit", "on", "layer", "role"), (3, 3, 3, 1)
    score = np.full(shape, -2.0)
    score[:2, :2], score[2, 2] = 0.9, 0.8
    return xr.Dataset(
        {
            **interval("score", cell, score, low=-5), "score_constant": (cell, np.full(shape, -0.1)),
            "score_null": (cell, np.full(shape, -0.2)), "score_null_high": ((), 0.04),
            "cosine": (cell, np.full(shape, 0.3)), "cosine_null_high": ((), 0.2), "r": (cell, np.full(shape, 0.5)),
            "n": ((), 280), "n_test": ("on", [300, 300, 280]),
        },
        coords={"fit": ["a+b plain", "a+b verbal", "a-b plain"], "on": ["a+b plain", "a+b verbal", "a-b plain"],
                "layer": LAYERS, "role": ["last"]},
        attrs={**attributes("probe_transfer", task), "target": "result", "kind": "regression"},
    )  # fmt: skip


def probe_directions(task: str) -> xr.Dataset:
    """Return two variables that share a direction and a third that does not."""
    cell, names = ("space", "target", "other", "layer", "role"), ["a", "b", "result"]
    table = np.broadcast_to(
        np.array([[1, 0.1, 0.6], [0.1, 1, 0.5], [0.6, 0.5, 1]])[None, ..., None, None], (2, 3, 3, 3, 1)
    )
    return xr.Dataset(
        {
            "overlap": (cell, table), "angle": (cell, 90 * (1 - table)),
            "overlap_random": (cell, np.full(table.shape, 0.01)),
            "overlap_null_high": ("space", [0.2, 0.3]), "n": ((), 1000),
        },
        coords={"space": ["reads", "means"], "target": names, "other": names, "layer": LAYERS, "role": ["eq"]},
        attrs=attributes("probe_directions", task),
    )  # fmt: skip


def probe_causal(task: str) -> xr.Dataset:
    """Return a probe that answers follow at one layer, and a decoy that reads as well and is not followed."""
    cell, shape = ("way", "dose", "layer"), (3, 2, 3)
    follows = np.zeros(shape)
    follows[0, 0, 1] = 0.95
    return xr.Dataset(
        {
            **interval("follows", cell, follows), **interval("moved", cell, 8 * follows, low=-9, high=20),
            "follows_null": (("draw", "dose", "layer"), np.full((2, 2, 3), 0.01)), "r2": ("layer", [0.3, 1.0, 1.0]),
            "decoy_r2": ("layer", [0.3, 0.99, 0.99]), "n": ((), 100),
        },
        coords={"way": ["probe", "means", "decoy"], "dose": [1.0, 2.0], "layer": LAYERS, "draw": np.arange(2)},
        attrs={**attributes("probe_causal", task), "variable": "carry", "role": "b"},
    )  # fmt: skip
