"""How many examples does a probe need, and how many bits do the labels cost with the stream in hand?

With train prompts in random order, t_1 < t_2 < ... < t_S = n (each twice the one before), K classes, and p_t a
classifier fitted on the first t,

    accuracy[t]      of p_t on the test prompts: the learning curve
    codelength       t_1 log2 K + Σ_s Σ_(t_s < i <= t_(s+1)) - log2 p_(t_s)(y_i | h_i)        (online code)
    compression      n log2 K / codelength        1 = no better than saying every class alike

Probabilities are drawn towards uniform by K virtual rows, p <- (t p + 1) / (t + K), so that a class not seen yet costs
a finite number of bits. Any scikit-learn classifier with `predict_proba` may be given; the default is logistic
regression on standardised features. The null shuffles the labels: what is left is what unequal classes are worth;
`compression_null_high` is corrected for all places and targets.

Reading: accuracy says whether a label can be read, codelength also how little must be learned to read it: a variable
that stands in one clear direction compresses early, one that is pieced together from many does not.

Source: Voita & Titov (2020) arXiv 2003.12298; Rissanen, IEEE Trans. Inf. Theory 30 (1984) 629 (prequential codes).
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import xarray as xr

from interp.errors import InterpError
from interp.methods.grid import cells as places
from interp.methods.grid import layer_list, read_stream, role_list, within
from interp.methods.intervals import wilson
from interp.methods.nulls import majority_accuracy, max_threshold
from interp.methods.probe_kinds import label
from interp.methods.probe_labels import apart, check_splits
from interp.methods.result import attributes, mean_variables, variable
from interp.progress import Progress, silent
from interp.tasks.prompts import Prompts

DIMS = "target layer role"
SMALLEST = 16  # rows of the first classifier


def logistic(strength: float = 0.1) -> Any:
    """Return logistic regression on standardised features, an estimator of scikit-learn; `strength` is its C."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(StandardScaler(), LogisticRegression(C=strength, max_iter=500))


def portions(n: int) -> list[int]:
    """Return the sizes t_1 < ... < t_S = n, each twice the one before, from 16 rows on. Raises InterpError below 32."""
    if n < 2 * SMALLEST:
        raise InterpError(f"A learning curve needs at least {2 * SMALLEST} train prompts; got {n}.")
    return sorted(n // 2**k for k in range(int(np.log2(n / SMALLEST)) + 1))


def probabilities(estimator: Any, x: np.ndarray, y: np.ndarray, held: np.ndarray, n_classes: int) -> np.ndarray:
    """Return p [row, class] of `held` from a clone of `estimator` fitted on x and y (classes 0..n_classes - 1)."""
    from sklearn.base import clone
    from sklearn.exceptions import ConvergenceWarning

    out, seen = np.zeros((len(held), n_classes)), np.unique(y)
    if len(seen) == 1:  # nothing to tell apart yet
        out[:, seen[0]] = 1.0
    else:
        model: Any = clone(estimator)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            out[:, seen] = model.fit(x, y).predict_proba(held)
    return (len(x) * out + 1) / (len(x) + n_classes)


def online_code(estimator: Any, x: np.ndarray, y: np.ndarray, n_classes: int) -> float:
    """Return the online codelength of y [row] (classes 0..n_classes - 1) given x [row, d], in bits."""
    sizes = portions(len(x))
    bits = sizes[0] * np.log2(n_classes)
    for seen, upto in pairwise(sizes):
        p = probabilities(estimator, x[:seen], y[:seen], x[seen:upto], n_classes)
        bits -= np.log2(p[np.arange(upto - seen), y[seen:upto]]).sum()
    return float(bits)


def probe_learning(
    model: Any,
    train: Prompts,
    test: Prompts,
    targets: Sequence[str],
    *,
    estimator: Any = None,
    layers: Sequence[int] | None = None,
    roles: Sequence[str] | None = None,
    n_shuffles: int = 19,
    batch_size: int = 512,
    progress: Progress = silent,
    seed: int = 0,
) -> xr.Dataset:
    """Return learning curves and online codes of labels (probe_kinds.label) at each layer and role.

    `accuracy` [target, layer, role, size] with intervals, `majority_null` [target], `codelength`, `compression`,
    `compression_null` [target, layer, role], `compression_null_high` (one number). Raises InterpError for an unknown
    target, role or layer, too few prompts or shuffles, or a target that does not vary.
    """
    max_threshold(np.zeros(n_shuffles))
    check_splits(train, test)
    train = apart(train, test)[0]
    layers, roles = layer_list(model, layers), role_list(train, roles)
    estimator = estimator or logistic()
    rng = np.random.default_rng(seed)
    train = train[rng.permutation(len(train))]
    sizes = portions(len(train))
    coded = [np.unique(label(train, name), return_inverse=True) for name in targets]
    for name, (levels, _) in zip(targets, coded, strict=True):
        if len(levels) < 2:
            raise InterpError(f"{name!r} is the same in all {len(train)} train prompts; choose a target that varies.")
    truth = [np.where(np.isin(label(test, name), levels), np.searchsorted(levels, label(test, name)), -1)
             for name, (levels, _) in zip(targets, coded, strict=True)]  # fmt: skip
    orders = [rng.permutation(len(train)) for _ in range(n_shuffles)]
    total = len(layers) * len(roles) + 1
    seen = read_stream(model, train, layers, batch_size, within(progress, 0, total, "reading"))
    held = read_stream(model, test, layers, batch_size, within(progress, 0, total, "reading"))
    shape = (len(targets), len(layers), len(roles))
    right, bits, null = np.zeros((*shape, len(sizes), len(test)), bool), np.zeros(shape), np.zeros((n_shuffles, *shape))
    for i, j, layer, role in places(layers, roles):
        progress(1 + i * len(roles) + j, total, f"probing layer {layer}, {role}")
        x, z = (each.at(layer, role)[:, 0].double().cpu().numpy() for each in (seen, held))
        for t, (levels, y) in enumerate(coded):
            for s, size in enumerate(sizes):
                said = probabilities(estimator, x[:size], y[:size], z, len(levels)).argmax(axis=1)
                right[t, i, j, s] = said == truth[t]
            bits[t, i, j] = online_code(estimator, x, y, len(levels))
            null[:, t, i, j] = [online_code(estimator, x, y[order], len(levels)) for order in orders]
    progress(total, total, "probed")
    uniform = np.array([len(train) * np.log2(len(levels)) for levels, _ in coded])[:, None, None]
    most = [majority_accuracy(label(test, name)) for name in targets]
    ds = _dataset(right, bits, uniform / bits, uniform / null, most)
    ds = ds.assign_coords(target=list(targets), layer=layers, role=roles, size=sizes)
    ds["n_train"] = variable("", len(train), "prompts", "number of train prompts")
    title = "Learning curves and online codes of labels given the stream, by layer and role."
    told = {"n_shuffles": n_shuffles, "seed": seed, "estimator": type(estimator).__name__}
    return ds.assign_attrs(attributes("probe_learning", model, test, title, **told))


def _dataset(
    right: np.ndarray, bits: np.ndarray, compression: np.ndarray, null: np.ndarray, majority: list[float]
) -> xr.Dataset:
    n = right.shape[-1]
    ceiling = max_threshold(null.reshape(len(null), -1).max(axis=1))
    return xr.Dataset(
        {
            **mean_variables("accuracy", f"{DIMS} size", right.mean(axis=-1), wilson(right.sum(axis=-1), n), "fraction",
                             "test prompts right after the first `size` train prompts"),
            "right": variable(f"{DIMS} size prompt", right, "bool", "whether each test prompt is right"),
            "majority_null": variable("target", majority, "fraction", "best constant answer, in hindsight"),
            "codelength": variable(DIMS, bits, "bits", "online code of the train labels"),
            "compression": variable(DIMS, compression, "ratio", "uniform code / online code"),
            "compression_null": variable(DIMS, null.mean(axis=0), "ratio", "mean for shuffled labels"),
            "compression_null_high": variable("", ceiling, "ratio", "95th percentile of the map's largest, shuffled"),
            "n": variable("", n, "prompts", "number of test prompts"),
        }
    )  # fmt: skip
