"""Synthetic results of number codes: helices, filters and planes."""

from __future__ import annotations

import numpy as np
import xarray as xr

from tests.apps.fixture_parts import attributes, interval

FORMS = ("helix", "circle", "polynomial", "pca")


def helix(task: str) -> xr.Dataset:
    """Return a helix of the periods 5 and 10 that is found before block 0 and used there."""
    number = np.arange(20.0)
    turn = 2 * np.pi * number / np.array([5.0, 10.0])[:, None]
    axes = ["linear", "cos 5", "sin 5", "cos 10", "sin 10"]
    places = np.stack([number / 20, *(f(row) for row in turn for f in (np.cos, np.sin))])
    shape = (2, 2, len(FORMS))
    moved = np.array([8.0, 6.0, 1.0, 5.0]) * np.array([0.6, 1.0])[:, None] * np.array([1.0, 0.1])[:, None, None]
    fits = ("layer", "scheme", "model")
    return xr.Dataset(
        {
            "gain": (fits, np.full((2, 2, 3), 0.2)), "partial": (fits, np.full((2, 2, 3), 0.4)),
            "partial_null_high": (fits, np.full((2, 2, 3), 0.05)),
            "partial_null_median": (fits, np.full((2, 2, 3), -0.05)),
            "p_corrected": (fits, np.full((2, 2, 3), 0.01)), "p_value": (("null", *fits), np.full((3, 2, 2, 3), 0.005)),
            "r2_base": (("layer", "scheme"), np.full((2, 2), 0.4)), "r2_full": (fits, np.full((2, 2, 3), 0.6)),
            "significant": (("layer", "scheme"), np.array([[1, 1], [0, 0]])),
            "total": ("layer", [0.9, 0.5]), "total_smooth": ("layer", [0.5, 0.5]),
            "coordinate": (("layer", "axis", "number"), np.stack([places, places])),
            "n_per_number": ("number", np.full(20, 30)), "n_numbers": ((), 20),
            **interval("moved", ("layer", "k", "form"), np.broadcast_to(moved, shape), 0.5, -20, 20),
            **interval("moved_true", ("layer",), [8.2, 0.5], 0.5, -20, 20),
            **interval("moved_mean", ("layer",), [0.4, 0.1], 0.5, -20, 20),
            **interval("recovered", ("layer", "k", "form"), np.broadcast_to(moved / 8.2, shape), 0.05, -1, 2),
            **interval("recovered_true", ("layer",), [1.0, 0.1], 0.05, -1, 2),
            **interval("recovered_mean", ("layer",), [0.5, 0.0], 0.05, -1, 2),
            **interval("follows", ("layer", "k", "form"), np.broadcast_to(moved / 9, shape), 0.05),
            "follows_true": ("layer", [1.0, 0.0]), "follows_mean": ("layer", [0.05, 0.0]),
            "follows_null": (("layer", "k", "draw"), np.full((2, 2, 3), 0.1)),
            "recovered_null": (("layer", "k", "draw"), np.full((2, 2, 3), 0.5)),
            "moved_null": (("layer", "k", "draw"), np.full((2, 2, 3), 0.3)),
            "chosen": (("layer", "k", "fitted"), np.array([[["10", "10"], ["5 10", "5 10"]]] * 2)),
            "rank": (("layer", "k"), [[3, 5], [3, 5]]), "n": ((), 150),
        },
        coords={
            "layer": np.arange(2), "scheme": ["block", "interleaved"], "model": ["all", "T=5", "T=10"],
            "null": ["white noise", "shuffled", "number line"], "axis": axes, "number": number, "k": [1, 2],
            "form": list(FORMS), "fitted": ["helix", "circle"], "draw": np.arange(3),
        },
        attrs={**attributes("helix", task), "role": "a", "number_of": "a", "targets": [5.0, 10.0]},
    )  # fmt: skip


def filters(task: str) -> xr.Dataset:
    """Return filters that cost the answers, high ones more than as many random directions."""
    cells, null = ("removed", "module"), ("removed", "module", "control", "draw")
    accuracy = np.array([[0.9, 0.4, 0.2], [0.7, 0.3, 0.05]])
    return xr.Dataset(
        {
            **interval("accuracy", cells, accuracy), **interval("loss", cells, 3 - 3 * accuracy, 0.1, 0, 20),
            **interval("accuracy_base", (), 0.99), **interval("loss_base", (), 0.05, 0.01, 0, 1),
            "accuracy_null": (null, np.linspace(0.3, 0.9, 24).reshape(2, 3, 2, 2)),
            "loss_null": (null, np.linspace(0.3, 2, 24).reshape(2, 3, 2, 2)),
            "p_value": (("removed", "module", "control"), np.full((2, 3, 2), 0.05)),
            "error_share": ((*cells, "kind"), np.full((2, 3, 2), 0.6)),
            "error_share_null": ((*cells, "kind"), np.full((2, 3, 2), 0.1)),
            "n_wrong": (cells, np.full((2, 3), 120)), "rank": ("removed", [18, 81]), "n": ((), 200),
            **interval("kept_same", ("kept",), [0.9, 0.4]), **interval("kept_accuracy", ("kept",), [0.0, 0.1]),
            "kept_same_null": ("kept", [0.5, 0.2]), "kept_same_chance": ("kept", [0.5, 0.2]),
        },
        coords={
            "removed": ["low", "high"], "module": ["attn", "mlp", "both"], "draw": np.arange(2),
            "control": ["random subspace", "shuffled numbers"], "kind": ["multiple of 10", "same parity"],
            "kept": [2.0, 5.0],
        },
        attrs={**attributes("filters", task), "cut": 10, "by": "component", "numbers": 100, "d_model": 128},
    )  # fmt: skip


def planes(task: str) -> xr.Dataset:
    """Return one plane that the answers need, and a line that they do not."""
    cells = ("subspace", "mode")
    value, null = np.array([[0.2, 0.2, 0.6], [0.98, 0.97, 0.02]]), (*cells, "control", "draw")
    p = np.array([[0.05, 0.05, 0.05], [0.9, 0.9, 0.9]])[..., None] * np.ones(2)
    return xr.Dataset(
        {
            **interval("accuracy", cells, value), **interval("loss", cells, 4 - 4 * value, 0.1, 0, 20),
            **interval("drop", cells, 0.99 - value, 0.03, -1),
            "accuracy_base": ((), 0.99), "loss_base": ((), 0.03),
            "accuracy_null": (null, np.linspace(0.3, 0.9, 36).reshape(2, 3, 2, 3)),
            "loss_null": (null, np.linspace(0.3, 2, 36).reshape(2, 3, 2, 3)),
            "p_value": ((*cells, "control"), p), "p_corrected": ((*cells, "control"), p),
            "rank": ("subspace", [2, 1]), "share": ("subspace", [0.2, 0.1]),
            "share_matched": ("subspace", [0.2, 0.1]), "n": ((), 200),
        },
        coords={
            "subspace": ["T=5, layer 0", "line, layer 0"], "mode": ["mean", "zero", "keep"],
            "control": ["random", "matched"], "draw": np.arange(3),
        },
        attrs=attributes("planes", task),
    )  # fmt: skip
