"""Where can a causal variable be read off the residual stream linearly?

At each layer and role, ridge regression of every variable (operands, digits, carries, the result ...) on the
residual:

    score = R² = 1 - Σ (y - ŷ)² / Σ (y - mean y)²      on the test split; ŷ fitted on train (ridge.py)

Control: the same probes, penalty search included, fitted on shuffled train labels, `n_shuffles` times with
the same shuffles everywhere. `score_null` is their mean R² in each cell; `score_null_high` is one threshold
for the whole map: the corrected 95th percentile of the largest R² over all targets, layers and roles
(nulls.max_threshold).

Reading: 1 = exactly linear, 0 = no better than the test mean, below 0 = worse. With no information anywhere,
the whole map stays below `score_null_high` in at least 95 % of studies. A score shows that a variable can be
read, not that the model uses it, nor that training put it there: random attention over random embeddings of
the operands carries their sum too, so compare with an untrained model. Carries are 0/1 targets of the same
regression. The interval is a percentile bootstrap over test prompts, for each cell alone.

Sources: Alain & Bengio (2016) arXiv 1610.01644; Hewitt & Liang (2019) arXiv 1909.03368 (control labels);
Nichols & Holmes (2002) (max statistic).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
import xarray as xr
from jaxtyping import Float
from torch import Tensor

from interp.methods import probe_labels
from interp.methods.grid import cells, layer_list, read_stream, role_list, within
from interp.methods.intervals import Interval, percentile, resampled_means
from interp.methods.nulls import max_threshold
from interp.methods.probe_labels import Plan
from interp.methods.result import attributes, mean_variables, variable
from interp.methods.ridge import PENALTIES, choose_penalty, standardise
from interp.progress import Progress, silent

if TYPE_CHECKING:
    from interp.tasks.prompts import Prompts


def probing(
    model: Any,
    train: Prompts,
    test: Prompts,
    *,
    targets: Sequence[str] | None = None,
    layers: Sequence[int] | None = None,
    roles: Sequence[str] | None = None,
    penalties: Sequence[float] = PENALTIES,
    n_folds: int = 5,
    n_shuffles: int = 19,
    batch_size: int = 512,
    progress: Progress = silent,
    seed: int = 0,
) -> xr.Dataset:
    """Return held-out R² of ridge probes for each target, layer and role, beside shuffled labels.

    `score` [target, layer, role] (<= 1), `score_null` [target, layer, role], `score_null_high` (one number
    for the map), `penalty` [target, layer, role]. `targets` defaults to every variable of the prompts; those
    constant in either split are left out and named in the attribute `constant_targets`; train prompts with
    the tokens of a test prompt are left out and counted in `n_left_out`. Raises InterpError on an unknown
    target, role or layer, fewer than 19 shuffles, fewer groups of prompts than folds, or splits that share
    operands.
    """
    layers, roles = layer_list(model, layers), role_list(train, roles)
    max_threshold(np.zeros(n_shuffles))  # too few shuffles is an error before the work, not after it
    plan = probe_labels.plan(train, test, targets, n_folds, n_shuffles, seed)
    total = 2 + len(layers) * len(roles)
    inner = within(progress, 0, total, "reading train prompts")
    seen = read_stream(model, plan.train, layers, batch_size, inner)
    inner = within(progress, 1, total, "reading test prompts")
    held = read_stream(model, test, layers, batch_size, inner)
    shape = (len(plan.names), len(layers), len(roles))
    out = Scores(np.empty((len(test), *shape)), np.empty((n_shuffles, *shape)), np.empty(shape))
    for i, j, layer, role in cells(layers, roles):
        progress(2 + i * len(roles) + j, total, f"probing layer {layer}, {role}")
        probed = probe(seen.at(layer, role)[:, 0], held.at(layer, role)[:, 0], plan, penalties)
        for values, cell in zip(out, probed, strict=True):
            values[..., i, j] = cell
    progress(total, total, "probed")
    settings = {"n_shuffles": n_shuffles, "n_folds": n_folds, "seed": seed}
    left_out = {"constant_targets": ", ".join(plan.constant), "n_left_out": len(train) - len(plan.train)}
    title = "Held-out R² of ridge probes for each causal variable, by layer and role, beside shuffled labels."
    ds = _dataset(out, plan, {"target": plan.names, "layer": layers, "role": roles}, seed)
    return ds.assign_attrs(attributes("probing", model, test, title, **left_out, **settings))


class Scores(NamedTuple):
    """Squared errors [prompt, target, ...], null R² [shuffle, target, ...], penalties [target, ...]."""

    error: np.ndarray
    null: np.ndarray
    penalty: np.ndarray


def probe(
    x: Float[Tensor, "row d"], held: Float[Tensor, "other d"], plan: Plan, penalties: Sequence[float] = PENALTIES
) -> Scores:
    """Return the scores of one place: every target, and every shuffle of it, from one eigendecomposition a
    fold.

    `x` are the residuals of the train prompts, `held` those of the test prompts.
    """
    x, held = standardise(x, held)
    labels = torch.from_numpy(plan.labels).to(x.device)
    path, alpha = choose_penalty(x, labels, plan.fold, sorted(penalties, reverse=True))
    n_targets = plan.truth.shape[1]
    predicted = path.predict(held, alpha).cpu().numpy().reshape(len(held), -1, n_targets)
    error = (plan.truth[:, None] - predicted) ** 2
    null = 1 - error[:, 1:].mean(axis=0) / plan.truth.var(axis=0)
    return Scores(error[:, 0], null, alpha[:n_targets].cpu().numpy())


def r2_interval(error: np.ndarray, truth: np.ndarray, seed: int) -> Interval:
    """Return the bootstrap interval of R² [target, ...], a ratio of means: the test mean of y stays as it is.

    `error` [prompt, target, ...] are squared errors, `truth` [prompt, target] the labels.
    """
    spread = resampled_means((truth - truth.mean(axis=0)) ** 2, seed=seed)
    spread = spread.reshape(*spread.shape, *[1] * (error.ndim - 2))
    return percentile(1 - resampled_means(error, seed=seed) / spread)


def map_threshold(null: np.ndarray) -> float:
    """Return the R² an empty map stays below in 95 % of studies, from the null R² [shuffle, ...] of all its cells."""
    return max_threshold(null.reshape(len(null), -1).max(axis=1))


def _dataset(out: Scores, plan: Plan, coords: dict[str, Any], seed: int) -> xr.Dataset:
    dims = "target layer role"
    score = 1 - out.error.mean(axis=0) / plan.truth.var(axis=0)[:, None, None]
    interval = r2_interval(out.error, plan.truth, seed)
    return xr.Dataset(
        {
            **mean_variables("score", dims, score, interval, "R²", "R² on the test split"),
            "score_null": variable(dims, out.null.mean(axis=0), "R²", "mean R² of probes fitted on shuffled labels"),
            "score_null_high": variable(
                "", map_threshold(out.null), "R²", "95th percentile of the map's largest R² under shuffled labels"
            ),
            "penalty": variable(dims, out.penalty, "mean square", "ridge penalty chosen on the train split, per row"),
            "n": variable("", len(plan.test), "prompts", "number of test prompts"),
            "n_train": variable("", len(plan.train), "prompts", "number of train prompts"),
        },
        coords=coords,
    )
