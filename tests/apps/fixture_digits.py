"""Synthetic results of digits and residues."""

from __future__ import annotations

import numpy as np
import xarray as xr

from tests.apps.fixture_parts import attributes, interval


def digit_probes(task: str) -> xr.Dataset:
    """Return digits that are read in base 10 at the operand's own role and nowhere else."""
    bases, roles, cell = [2, 9, 10, 11], ["a", "eq"], ("target", "base", "layer", "role")
    accuracy = np.full((2, 4, 3, 2), 0.05)
    accuracy[:, 2, :, 0] = 0.9
    return xr.Dataset(
        {
            **interval("accuracy", cell, accuracy), "accuracy_null": (cell, np.full(accuracy.shape, 0.01)),
            "accuracy_null_high": ("base", np.full(4, 0.06)),
            "accuracy_line": (("target", "base"), np.full((2, 4), 0.08)),
            "accuracy_rounded": (("target", "layer", "role"), np.full((2, 3, 2), 0.4)),
            "digit_accuracy": (("target", "base", "place", "layer", "role"), np.full((2, 4, 2, 3, 2), 0.5)),
            "n": ((), 200), "n_numbers": ("target", [100, 100]),
        },
        coords={"target": ["a", "result"], "base": bases, "layer": np.arange(3), "role": roles},
        attrs={**attributes("digit_probes", task), "right_base": 10},
    )  # fmt: skip


def digit_rotation(task: str) -> xr.Dataset:
    """Return a code whose turns the answer follows, a circle and a probe that it does not."""
    cell, shape = ("kind", "rotated", "steps"), (3, 2, 10)
    follows = np.broadcast_to(np.array([0.02, 0.1, 0.95])[:, None, None], shape)
    return xr.Dataset(
        {
            **interval("follows", cell, follows), **interval("kept", cell, 0.9 * (1 - follows)),
            "follows_null": (("draw", *cell), np.full((2, *shape), 0.03)),
            "wrong": (("kind", "rotated", "read", "steps"), np.full((3, 2, 2, 10), 0.02)),
            "said": ((*cell, "shift"), np.full((*shape, 10), 0.1)),
            "follows_by_layer": (("kind", "rotated", "layer"), np.full((3, 2, 2), 0.5)),
            "layer_used": ("kind", [0, 0, 1]), "n": ((), 200),
        },
        coords={
            "kind": ["probe", "circle", "code"], "rotated": [0, 1], "read": [0, 1], "steps": np.arange(10),
            "shift": np.arange(10), "draw": np.arange(2), "layer": np.arange(2),
        },
        attrs={**attributes("digit_rotation", task), "variable": "b", "role": "b", "base": 10},
    )  # fmt: skip


def digit_codes(task: str) -> xr.Dataset:
    """Return an embedding that is a prism and an unembedding that is not."""
    cell = ("site", "subset")
    return xr.Dataset(
        {
            **interval("r2", cell, [[0.95, 0.9, 0.6], [0.6, 0.35, 0.55]], 0.03), "r2_p": (cell, np.full((2, 3), 0.01)),
            "r2_null": (cell, np.full((2, 3), 0.5)), "r2_null_high": (cell, np.full((2, 3), 0.6)),
            "prism": ("site", [0.9, 0.3]), "prism_null": ("site", [0.3, 0.3]), "prism_null_high": ("site", [0.5, 0.5]),
            "prism_p": ("site", [0.0001, 0.4]), "n_rows": ("site", [128, 128]), "n": ((), 256),
            "white_null": ("subset", [0.556, 0.333, 0.556]), "white_null_high": ("subset", [0.887, 0.704, 0.887]),
            "line_score": (("line", "subset"), [[0.84, 0.206, 0.19], [0.794, 0.24, 0.25]]),
            "line_is_rewarded": ("subset", [1, 0, 0]),
        },
        coords={
            "site": ["embedding", "unembedding"], "subset": ["0,1,2,5", "0,2,5", "0,3,4,5"],
            "line": ["number line", "log(n + 1)"],
        },
        attrs=attributes("digit_codes", task),
    )  # fmt: skip


def convergence(task: str) -> xr.Dataset:
    """Return an embedding that holds the residues mod 10 and one whose energy no probe can use."""
    cell = ("site", "variant", "period")
    kappa = np.zeros((2, 2, 2, 3))
    kappa[0, :, :, 2] = 0.95
    return xr.Dataset(
        {
            "phi": (cell, np.ones((2, 2, 3))), "share": (cell, np.full((2, 2, 3), [0.01, 0.02, 0.4])),
            "share_null": (cell, np.full((2, 2, 3), 0.02)), "share_null_high": (cell, np.full((2, 2, 3), 0.05)),
            "fisher": (cell, np.array([[[0.1, 0.2, 9.0]] * 2, [[0.1, 0.2, 0.3]] * 2])),
            "fisher_null": (cell, np.full((2, 2, 3), 0.2)), "fisher_null_high": (cell, np.full((2, 2, 3), 0.4)),
            **interval("kappa", ("site", "variant", "split", "period"), kappa, 0.05, -1, 1),
            "kappa_null": (("site", "variant", "split", "period"), np.zeros(kappa.shape)),
            "kappa_null_high": ("split", [0.2, 0.2]), "n_numbers": ("period", [100, 99, 100]), "n": ((), 100),
            "covariate_kappa": (("covariate", "split", "period"), np.zeros((1, 2, 3))),
        },
        coords={
            "site": ["embedding", "unembedding"], "variant": ["raw", "without log n"], "period": [2, 3, 10],
            "split": ["interleaved", "blocks"], "covariate": ["log n"],
        },
        attrs=attributes("convergence", task),
    )  # fmt: skip
