"""What does a patching sweep return? The share of the way at each cell, its null, and what each pair did there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from interp.methods import metrics
from interp.methods.intervals import t_interval, wilson
from interp.methods.mediated import effect
from interp.methods.result import attributes, mean_variables, variable

if TYPE_CHECKING:
    from interp.tasks.twins import Twins

MEASURED = ("logit_diff", "prob_diff", "answer_logit", "answer_logprob", "other_logprob", "kl", "correct")
SHARED = ("logit_diff", "prob_diff", "answer_logit", "answer_logprob")
"""Metrics of which the share recovered is kept, whichever was asked for."""
UNITS = {
    "logit_diff": ("logits", "logit of the clean answer minus logit of the corrupted answer"),
    "prob_diff": ("probability", "P(clean answer) - P(corrupted answer)"),
    "answer_logit": ("logits", "logit of the clean answer"),
    "answer_logprob": ("nats", "log-probability of the clean answer"),
    "other_logprob": ("nats", "log-probability of the corrupted answer"),
    "kl": ("nats", "divergence of what is said from what the base run says"),
    "correct": ("fraction", "top token = clean answer"),
}


@dataclass(frozen=True)
class Patched:
    """found [twin or null, prompt, layer, (head,) role, MEASURED]; ends [base or other, prompt, MEASURED]."""

    layers: list[int]
    roles: list[str]
    found: np.ndarray
    ends: np.ndarray
    seed: int


def dataset(model: Any, twins: Twins, asked: Any, patched: Patched) -> xr.Dataset:
    """Return the Dataset of a patching sweep."""
    by_head = patched.found.ndim == 6
    dims = "layer head role" if by_head else "layer role"
    index = MEASURED.index(asked.metric)
    base, other = patched.ends[:, :, index].astype(float)
    share, null = (metrics.recovered(each[..., index], other, base, seed=patched.seed) for each in patched.found)
    clean, corrupted = (1, 0) if asked.direction == "denoising" else (0, 1)
    data = {
        **mean_variables(
            "recovered", dims, share.value, share[1:3], "fraction",
            f"mean(patched-base)/mean(other-base) of {asked.metric}, {asked.direction}",
        ),
        **mean_variables(
            "recovered_null", dims, null.value, null[1:3], "fraction", "recovered, other run of an unrelated pair"
        ),
        **_shares(patched, dims),
        **_effects(patched, dims),
        **{
            name: variable(f"prompt {dims}", patched.found[0][..., i], units, f"patched: {what}")
            for i, (name, (units, what)) in enumerate((name, UNITS[name]) for name in MEASURED)
        },
        "n": variable("", len(twins), "pairs", "number of clean/corrupted pairs"),
    }  # fmt: skip
    for i, name in enumerate(MEASURED):
        for side, row in (("clean", clean), ("corrupted", corrupted)):
            data[f"{name}_{side}"] = variable("prompt", patched.ends[row, :, i], UNITS[name][0], f"{side} run: {name}")
    title = f"Share of the way from the base to the other run that {asked.component} alone brings, {asked.direction}."
    coords: dict[str, Any] = {
        "layer": patched.layers, "role": patched.roles, "prompt": list(twins.clean.texts),
        "prompt_corrupted": ("prompt", list(twins.corrupted.texts)),
    }  # fmt: skip
    coords["metric"] = list(SHARED)
    if by_head:
        coords["head"] = np.arange(patched.found.shape[3])
    about = {name: getattr(asked, name) for name in ("component", "direction", "source", "metric")}
    about |= {"changed": ", ".join(twins.changed), "kept": ", ".join(twins.kept)}
    name = "head_patching" if by_head else "patching"
    return xr.Dataset(
        data, coords, attributes(name, model, twins.clean, title, **about, guard=share.guard, seed=patched.seed)
    )


def _shares(patched: Patched, dims: str) -> dict[str, xr.Variable]:
    """The share recovered of every metric of `SHARED`, each beside its null; nan where the two runs do not differ."""
    base, other = patched.ends.astype(float)
    at = [MEASURED.index(name) for name in SHARED]
    found, null = (
        [metrics.recovered(each[..., i], other[:, i], base[:, i], seed=patched.seed) for i in at]
        for each in patched.found
    )
    said = "recovered, of each metric"
    return {
        **_stacked("recovered_by_metric", dims, found, said),
        **_stacked("recovered_by_metric_null", dims, null, f"{said}, other run of an unrelated pair"),
    }


def _stacked(name: str, dims: str, found: list[metrics.Recovered], said: str) -> dict[str, xr.Variable]:
    value, low, high = (np.stack([each[i] for each in found]) for i in range(3))
    return mean_variables(name, f"metric {dims}", value, (low, high), "fraction", said)


def _effects(patched: Patched, dims: str) -> dict[str, xr.Variable]:
    """Other effects of the same sweep: relative logit (Zhang), probability (Stolfo), divergence, accuracy."""
    (found, unrelated), base = patched.found, patched.ends[0]
    at = {name: i for i, name in enumerate(MEASURED)}
    logit = metrics.relative_logit_effect(found[..., at["answer_logit"]], base[:, at["answer_logit"]])
    defined = np.isfinite(logit)
    n, total = defined.sum(axis=0), np.where(defined, logit, 0).sum(axis=0)
    relative = np.divide(total, n, out=np.full(n.shape, np.nan), where=n > 0)
    both = [at["answer_logprob"], at["other_logprob"]]
    moved = np.median(effect(base[:, both].reshape(len(base), *[1] * (found.ndim - 2), 2), found[..., both]), axis=0)
    divergence, far = found[..., at["kl"]], unrelated[..., at["kl"]]
    right, wrong = (each[..., at["correct"]] for each in (found, unrelated))
    return {
        "relative_logit": variable(dims, relative, "fraction", "mean (patched - base) / |base|, clean answer's logit"),
        "probability_effect": variable(dims, moved, "1", "median symmetrised relative change of probabilities"),
        **mean_variables(
            "accuracy", dims, right.mean(axis=0), wilson(right.sum(axis=0), len(right)), "fraction", UNITS["correct"][1]
        ),
        **mean_variables(
            "accuracy_null", dims, wrong.mean(axis=0), wilson(wrong.sum(axis=0), len(wrong)), "fraction",
            "accuracy, other run of an unrelated pair",
        ),
        **mean_variables(
            "mean_kl", dims, divergence.mean(axis=0), t_interval(divergence), "nats", "divergence from the base run"
        ),
        **mean_variables(
            "mean_kl_null", dims, far.mean(axis=0), t_interval(far), "nats", "mean_kl, other run of an unrelated pair"
        ),
    }  # fmt: skip
