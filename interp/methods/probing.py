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

from interp.methods.grid import cells, layer_list, read_stream, role_list, within
from interp.methods.intervals import Interval, percentile, resampled_means
from interp.methods.nulls import max_threshold
from interp.methods.probe_labels import grouped_folds, shuffled_labels, token_groups, varying_targets
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
    """Return held-out R² of ridge probes for each target, layer and role, with interval and shuffled-label
    control.

    `score` [target, layer, role] (<= 1), `score_null` [target, layer, role], `score_null_high` (one number
    for the map), `penalty` [target, layer, role]. `targets` defaults to every variable of the prompts; those
    constant in either split are left out and named in the attribute `constant_targets`. Raises InterpError on
    an unknown target, role or layer, fewer than 19 shuffles, fewer groups of prompts than folds, or splits
    that share operands.
    """
    layers, roles = layer_list(model, layers), role_list(train, roles)
    names, constant = varying_targets(train, test, targets)
    fold = grouped_folds(token_groups(train, test), n_folds, seed)
    labels = torch.from_numpy(shuffled_labels(train, names, n_shuffles, seed))
    max_threshold(np.zeros(n_shuffles))  # too few shuffles is an error before the work, not after it
    total = 2 + len(layers) * len(roles)
    streams = [
        read_stream(model, prompts, layers, batch_size, within(progress, k, total, f"reading {prompts.split} prompts"))
        for k, prompts in enumerate((train, test))
    ]
    truth = np.stack([test.variables[name] for name in names], axis=1).astype(float)
    out = _Scores.empty(len(names), len(layers), len(roles), n_shuffles, len(test))
    for i, j, layer, role in cells(layers, roles):
        progress(2 + i * len(roles) + j, total, f"probing layer {layer}, {role}")
        x, held = standardise(*(stream.at(layer, role)[:, 0] for stream in streams))
        path, alpha = choose_penalty(x, labels.to(x.device), fold, sorted(penalties, reverse=True))
        predicted = path.predict(held, alpha).cpu().numpy().reshape(len(test), 1 + n_shuffles, len(names))
        error = (truth[:, None] - predicted) ** 2
        out.penalty[:, i, j] = alpha[: len(names)].cpu().numpy()
        out.error[:, :, i, j] = error[:, 0]
        out.null[:, :, i, j] = 1 - error[:, 1:].mean(axis=0) / truth.var(axis=0)
    progress(total, total, "probed")
    more = {
        "constant_targets": ", ".join(constant),
        "n_shuffles": n_shuffles,
        "n_folds": n_folds,
        "seed": seed,
    }
    coords = {"target": names, "layer": layers, "role": roles}
    return _dataset(out, truth, coords, len(train), seed, attributes("probing", model, test, TITLE, **more))


TITLE = "Held-out R² of ridge probes for each causal variable, by layer and role, beside shuffled labels."


class _Scores(NamedTuple):
    """Squared errors and null scores while the map fills."""

    error: np.ndarray  # [test prompt, target, layer, role]
    null: np.ndarray  # [shuffle, target, layer, role]
    penalty: np.ndarray  # [target, layer, role]

    @classmethod
    def empty(cls, n_targets: int, n_layers: int, n_roles: int, n_shuffles: int, n_test: int) -> _Scores:
        shape = (n_targets, n_layers, n_roles)
        return cls(np.empty((n_test, *shape)), np.empty((n_shuffles, *shape)), np.empty(shape))


def r2_interval(error: np.ndarray, truth: np.ndarray, seed: int) -> Interval:
    """Return the bootstrap interval of R² [target, ...], a ratio of means: the test mean of y stays as it is.

    `error` [prompt, target, ...] are squared errors, `truth` [prompt, target] the labels.
    """
    spread = resampled_means((truth - truth.mean(axis=0)) ** 2, seed=seed)
    spread = spread.reshape(*spread.shape, *[1] * (error.ndim - 2))
    return percentile(1 - resampled_means(error, seed=seed) / spread)


def _dataset(
    out: _Scores, truth: np.ndarray, coords: dict[str, Any], n_train: int, seed: int, attrs: dict[str, Any]
) -> xr.Dataset:
    dims = "target layer role"
    score = 1 - out.error.mean(axis=0) / truth.var(axis=0)[:, None, None]
    maxima = out.null.reshape(len(out.null), -1).max(axis=1)
    return xr.Dataset(
        {
            **mean_variables("score", dims, score, r2_interval(out.error, truth, seed), "R²", "R² on the test split"),
            "score_null": variable(dims, out.null.mean(axis=0), "R²", "mean R² of probes fitted on shuffled labels"),
            "score_null_high": variable(
                "",
                max_threshold(maxima),
                "R²",
                "95th percentile of the map's largest R² under shuffled labels",
            ),
            "penalty": variable(dims, out.penalty, "mean square", "ridge penalty chosen on the train split, per row"),
            "n": variable("", len(truth), "prompts", "number of test prompts"),
            "n_train": variable("", n_train, "prompts", "number of train prompts"),
        },
        coords=coords,
        attrs=attrs,
    )
