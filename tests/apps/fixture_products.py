"""Results of the methods on multiplying models, as their own functions give them on models made by hand."""

from __future__ import annotations

import numpy as np
import xarray as xr

from tests.apps.fixture_digits import digit_codes
from tests.apps.fixture_parts import interval

N, COLUMNS = 40, ["c0", "c1", "c2", "c3"]
ABOUT = {"task": "2x2 digits", "style": "plain", "model": "multiply-tiny", "n_digits": 2}


def named(method: str, **more: object) -> dict[str, object]:
    """Return the attributes of a result of `method`."""
    return {"method": method, "title": f"{method} of multiply-tiny", **ABOUT, **more}


def product_accuracy() -> xr.Dataset:
    """Return accuracies of a model that knows the outer digits."""
    right = np.array([[1, 0.4, 0.3, 1], [1, 0.35, 0.2, 0.9]])
    return xr.Dataset(
        {
            **interval("accuracy", ("mode", "column"), right, 0.05),
            **interval("exact", ("mode",), np.array([0.1, 0.1]), 0.05),
            **interval("digit", ("mode",), right.mean(1), 0.05),
            "token": ((), 0.8), "digit_majority_null": ((), 0.2),
            "accuracy_majority_null": (("column",), np.full(4, 0.2)), "n": ((), N),
        },
        coords={"mode": ["told", "free"], "column": COLUMNS}, attrs=named("product_accuracy"),
    )  # fmt: skip


def digit_attribution() -> xr.Dataset:
    """Return a map with one cell that is not as arithmetic demands."""
    changes = np.array([[0, 0.8, 0.9, 0.85], [0.8, 0.9, 0.85, 0.2]] * 2)
    fine = np.ones((4, 4))
    fine[0, 1] = 0
    return xr.Dataset(
        {
            **interval("attribution", ("source", "column"), 20 * changes * fine, 0.3, -30, 30),
            "attribution_untrained_null": (("source", "column"), np.full((4, 4), 0.01)),
            "attribution_null_high": ((), 0.4), "changes": (("source", "column"), changes),
            "passes": (("source", "column"), fine), "n": ((), N),
        },
        coords={"source": ["a1", "a0", "b1", "b0"], "column": COLUMNS}, attrs=named("digit_attribution"),
    )  # fmt: skip


def running_sums() -> xr.Dataset:
    """Return errors that fall along the stream."""
    sites, constant = ["resid_pre 0", "resid_mid 0", "resid_post 0"], np.array([14.0, 22, 18, 2])
    values = constant[:, None] * np.array([1.0, 0.6, 0.2])
    made: dict[str, object] = {"mae_constant_null": (("column",), constant), "ratio_null_low": ((), 0.93), "n": ((), N)}
    rng, roles = np.random.default_rng(0), ["#", *COLUMNS]
    truth = rng.uniform(0, 3 * constant, (N, 4))
    said = truth[:, :, None, None] + values[:, :, None] * rng.standard_normal((N, 4, 3, 5))
    made |= {"truth": (("problem", "column"), truth), "said": (("problem", "column", "site", "role"), said)}
    for place in ("foretold", "input"):
        made |= interval(f"mae_{place}", ("column", "site"), values, 0.3, 0, 99)
        made[f"mae_{place}_untrained_null"] = (("column", "site"), values * 0 + constant[:, None] * 0.8)
        made[f"mae_{place}_digits_null"] = (("column",), constant * 0.6)
    coords = {"column": COLUMNS, "site": sites, "role": roles}
    return xr.Dataset(made, coords=coords, attrs=named("running_sums"))  # type: ignore[arg-type]


def attention_tree() -> xr.Dataset:
    """Return a tree that finds what the first digits need."""
    rng, roles = np.random.default_rng(0), ["a0", "b0", "#", "c0"]
    pattern = np.tril(rng.uniform(size=(2, 2, 4, 4)))
    found = np.array([[1, 1, 0.5, 0.5], [1, 0.3, 0, 0]])
    dims = ("threshold", "column")
    return xr.Dataset(
        {
            **interval("pattern", ("layer", "head", "role", "key"), pattern / pattern.sum(-1, keepdims=True), 0.02),
            "coverage": (dims, found), "spurious": (dims, found / 4), "coverage_null_high": (dims, found / 2),
            "coverage_untrained_null": (dims, found * 0), "n": ((), N),
        },
        coords={"threshold": [0.1, 0.2], "column": COLUMNS, "layer": [0, 1], "head": [0, 1], "role": roles,
                "key": roles}, attrs=named("attention_tree"),
    )  # fmt: skip


def digit_geometry() -> xr.Dataset:
    """Return fits of two blocks of two heads."""
    rng, shape, cell = np.random.default_rng(0), (2, 2, 4), ("layer", "head", "column")
    names = ("additive", "cell", "parallel", "alpha", "alpha_attention", "attention_a", "attention_b")
    made: dict[str, object] = {name: (cell, rng.uniform(0.5, 1, shape)) for name in names}
    made |= {name: (cell, rng.integers(0, 2, shape)) for name in ("digit_a", "digit_b")}
    made |= {f"additive_{name}_null": (cell, rng.uniform(0, 0.1, shape)) for name in ("other", "shuffled", "untrained")}
    made |= {f"component_{side}": (("problem",), rng.integers(0, 10, N)) for side in "ab"}
    made |= {"component": (("problem", "axis"), rng.standard_normal((N, 3))), "n": ((), N)}
    made["component_held"] = (("axis",), np.array([0.5, 0.3, 0.1]))
    coords = {"layer": [0, 1], "head": [0, 1], "column": COLUMNS, "axis": [1, 2, 3]}
    return xr.Dataset(made, coords, named("digit_geometry", drawn="head 0.1 at c0, a1 and b0"))  # type: ignore[arg-type]


def product_digits() -> xr.Dataset:
    """Return the scores of `digit_codes`, of a multiplying model."""
    return digit_codes("a+b").assign_attrs(named("product_digits"))


def learning_order() -> xr.Dataset:
    """Return a training that learns the outer digits."""
    steps = np.array([1, 10, 100, 1000])
    loss = np.array([[2.3, 2.3, 2.3, 2.0], [1, 2.3, 2.3, 1.5], [0.1, 2.3, 2.3, 0.3], [0, 0.2, 2.3, 0.0]])
    return xr.Dataset(
        {
            "loss": (("step", "column"), loss), "gradient_norm": (("step", "column"), loss / 2 + 0.01),
            "loss_null": (("column",), np.array([2.1, 2.3, 2.3, 2.0])),
            "learned_at": (("threshold", "column"), np.array([[100, 1000, np.nan, 100.0]])), "n": ((), N),
            "n_measured": ((), 16),
        },
        coords={"step": steps, "column": COLUMNS, "threshold": [0.5]}, attrs=named("learning_order"),
    )  # fmt: skip


MADE = (
    product_accuracy, digit_attribution, running_sums, attention_tree, digit_geometry, product_digits, learning_order,
)  # fmt: skip
