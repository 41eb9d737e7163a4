"""The result of the helix patch: means over pairs with intervals, nulls beside them, every pair kept."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from interp.fourier.helix_forms import FITTED, FORMS
from interp.methods import metrics
from interp.methods.intervals import t_interval, wilson
from interp.methods.result import attributes, mean_variables, variable
from interp.tasks.twins import Twins


class Patched(NamedTuple):
    """One layer. ends [corrupted | true | mean, pair, 3], forms [k, form and null draws, pair, 3], the logit difference
    of the clean run [pair], the periods chosen [k][form], and how many functions each helix has [k]."""

    ends: np.ndarray
    forms: np.ndarray
    clean: np.ndarray
    chosen: list[list[tuple[float, ...]]]
    ranks: list[int]


def dataset(model: Any, test: Twins, layers: list[int], parts: list[Patched], told: dict[str, Any]) -> xr.Dataset:
    """Return the Dataset of all layers."""
    ends, forms = np.stack([p.ends for p in parts]), np.stack([p.forms for p in parts])
    moved_ends = ends[:, 1:, :, 0] - ends[:, :1, :, 0]
    moved = forms[..., 0] - ends[:, None, None, 0, :, 0]
    n_forms, dims = len(FORMS), "layer k form"
    own, null = moved[:, :, :n_forms], moved[:, :, n_forms:]
    data = {
        **mean_variables(
            "moved", dims, own.mean(-1), _interval(own), "logits", "logit of the clean answer, patched - corrupted"
        ),
        **mean_variables(
            "moved_true", "layer", moved_ends[:, 0].mean(-1), _interval(moved_ends[:, 0]), "logits",
            "the same with the clean run's own activation",
        ),
        **mean_variables(
            "moved_mean", "layer", moved_ends[:, 1].mean(-1), _interval(moved_ends[:, 1]), "logits",
            "the same with the mean activation (null)",
        ),
        **_recovered(ends, forms, parts[0].clean, told["seed"]),
        "moved_null": variable("layer k draw", null.mean(-1), "logits", "the same with a helix of shuffled numbers"),
        "moved_pair": variable(f"prompt {dims}", np.moveaxis(own, -1, 0), "logits", "`moved` of each pair"),
        "moved_true_pair": variable("prompt layer", moved_ends[:, 0].T, "logits", "`moved_true` of each pair"),
        **_follows(ends, forms),
        "chosen": variable(
            "layer k fitted", [[[" ".join(f"{t:.4g}" for t in c) for c in k] for k in p.chosen] for p in parts],
            "periods", "best on the selection pairs",
        ),
        "rank": variable("layer k", [p.ranks for p in parts], "functions", "of the helix beside the constant"),
        "n": variable("", len(test), "pairs", "test pairs that the model answers right on both sides"),
    }  # fmt: skip
    coords = {
        "layer": layers, "k": np.arange(1, forms.shape[1] + 1), "form": list(FORMS), "fitted": list(FITTED),
        "draw": np.arange(null.shape[2]), "prompt": list(test.clean.texts),
    }  # fmt: skip
    title = f"How much of the answer comes back when {told['number_of']} is written as a helix at {told['role']}"
    return xr.Dataset(data, coords, attributes("helix", model, test.clean, title, **told))


def _follows(ends: np.ndarray, forms: np.ndarray) -> dict[str, xr.Variable]:
    """How often the clean answer is said: the logit difference alone rewards any number that is near."""
    n, n_forms, text = ends.shape[2], len(FORMS), "top token = the clean answer"
    right = forms[..., 2].sum(-1)
    own = right[:, :, :n_forms]
    return {
        **mean_variables("follows", "layer k form", own / n, wilson(own, n), "fraction", text),
        "follows_null": variable("layer k draw", right[:, :, n_forms:] / n, "fraction", f"{text}, shuffled helices"),
        "follows_true": variable("layer", ends[:, 1, :, 2].mean(-1), "fraction", f"{text}, with the true activation"),
        "follows_mean": variable("layer", ends[:, 2, :, 2].mean(-1), "fraction", f"{text}, with the mean activation"),
    }


def _interval(values: np.ndarray) -> Any:
    return t_interval(np.moveaxis(values, -1, 0))


def _recovered(ends: np.ndarray, forms: np.ndarray, clean: np.ndarray, seed: int) -> dict[str, xr.Variable]:
    """The share of the clean run's logit difference that comes back, by layer, k and form, and of the true write."""

    def difference(values: np.ndarray) -> np.ndarray:
        return np.moveaxis(values[..., 0] - values[..., 1], -1, 0)

    corrupted = difference(ends)[:, 0, 0]
    data: dict[str, xr.Variable] = {}
    for name, dims, values in (
        ("recovered", "layer k form", difference(forms[:, :, : len(FORMS)])),
        ("recovered_null", "layer k draw", difference(forms[:, :, len(FORMS) :])),
        ("recovered_true", "layer", difference(ends)[:, :, 1]),
        ("recovered_mean", "layer", difference(ends)[:, :, 2]),
    ):
        found = metrics.recovered(values, clean, corrupted, seed=seed)
        text = "share of the clean logit difference that comes back: 0 corrupted, 1 clean"
        data |= mean_variables(name, dims, found.value, (found.low, found.high), "fraction", text)
    return data
