"""How well does a linear rule tell T classes of numbers apart, on numbers it has not seen?

    score_c(x)  =  mean_c' S^-1 x - mean_c' S^-1 mean_c / 2,        predicted = argmax over c
    S           =  (1 - shrinkage) S_W + shrinkage tr(S_W) / d I    pooled within-class covariance of the train rows

linear discriminant analysis in closed form, with the shrinkage of Ledoit & Wolf, so any d is fine. Numbers are held
out in whole periods (`interleaved`: every fold has all residues and lies among train numbers) or as stretches of the
line (`blocks`: the first and the last are beyond all train numbers). Cohen's kappa is 0 at chance, 1 when
always right:

    kappa = (agreement - expected) / (1 - expected),      expected = sum_c share_c(true) share_c(predicted)

How to read: kappa says that the residue can be told, the spectrum alone does not; beside it stand the same probe on
shuffled labels and after a covariate was regressed out (on the train rows of each fold).
Sources: Cohen 1960; Ledoit & Wolf 2004, J. Multivariate Analysis 88:365.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from interp.errors import InterpError
from interp.methods.intervals import Interval, percentile, resampled_means

SPLITS = ("interleaved", "blocks")


class Told(NamedTuple):
    """Truth and held-out prediction of every number, class indices int [number]."""

    truth: np.ndarray
    predicted: np.ndarray


def folds(count: int, period: int, split: str, n_folds: int = 5) -> Int[np.ndarray, " number"]:
    """Return the fold in which each of `count` consecutive numbers is held out, one of SPLITS.

    Raises InterpError when there are fewer whole periods than folds, for then a fold would miss residues.
    """
    if split not in SPLITS or not 2 <= n_folds <= count // period:
        raise InterpError(
            f"{n_folds} folds ({split}) of {count} numbers with period {period}: expected one of "
            f"{', '.join(SPLITS)} and 2 to {count // period} folds; change them."
        )
    whole = np.arange(count) // period  # the period a number lies in
    return whole % n_folds if split == "interleaved" else whole * n_folds // (whole[-1] + 1)


def held_out(
    points: Float[np.ndarray, "number d"],
    labels: Int[np.ndarray, " number"],
    fold: Int[np.ndarray, " number"],
    covariate: Float[np.ndarray, "number c"] | None = None,
) -> Told:
    """Return the class that a probe fitted on the other folds gives to each number.

    With a covariate its least-squares part (fitted on the train rows) is taken away from all rows first.
    """
    classes, truth = np.unique(labels, return_inverse=True)
    predicted = np.empty(len(points), int)
    for k in np.unique(fold):
        train = fold != k
        x = points if covariate is None else points - _explained(points, covariate, train)
        predicted[~train] = _discriminate(x[train], truth[train], x[~train], len(classes))
    return Told(truth, predicted)


def kappa(told: Told) -> float:
    """Return Cohen's kappa, at most 1; 0 when one class is all there is on both sides."""
    return float(_kappa(_flags(told).mean(0)))


def kappa_interval(told: Told, seed: int = 0) -> Interval:
    """Return the percentile bootstrap interval of kappa over numbers."""
    return percentile(_kappa(resampled_means(_flags(told), seed=seed)))


def shrinkage(residuals: Float[np.ndarray, "row d"]) -> float:
    """Return the weight of the spherical part, in [0, 1], that minimises the expected squared error of a covariance."""
    n, d = residuals.shape
    covariance = residuals.T @ residuals / n
    sphere = np.trace(covariance) / d
    far = ((covariance - sphere * np.eye(d)) ** 2).sum()
    noise = ((residuals**2).sum(1) ** 2).sum() / n**2 - (covariance**2).sum() / n
    return float(min(noise, far) / far) if far > 0 else 0.0


def _discriminate(x: np.ndarray, labels: np.ndarray, held: np.ndarray, n_classes: int) -> np.ndarray:
    """Return the class indices of the held rows."""
    counts = np.bincount(labels, minlength=n_classes)
    means = np.zeros((n_classes, x.shape[1]))
    np.add.at(means, labels, x)
    means /= np.maximum(counts, 1)[:, None]
    residuals = x - means[labels]
    weight, d = shrinkage(residuals), x.shape[1]
    covariance = residuals.T @ residuals / len(x)
    sphere = np.trace(covariance) / d
    scale = max(sphere, float((means**2).mean()), np.finfo(float).tiny)
    # a floor far below any signal keeps noiseless points solvable
    covariance = (1 - weight) * covariance + (weight * sphere + 1e-9 * scale) * np.eye(d)
    rule = np.linalg.solve(covariance, means.T)
    scores = held @ rule - 0.5 * (means.T * rule).sum(0)
    scores[:, counts == 0] = -np.inf
    return scores.argmax(1)


def _explained(points: np.ndarray, covariate: np.ndarray, train: np.ndarray) -> np.ndarray:
    """Return the least-squares part of `points` in 1 and the covariate, fitted on the train rows."""
    design = np.column_stack([np.ones(len(points)), covariate])
    return design @ np.linalg.lstsq(design[train], points[train], rcond=None)[0]


def _flags(told: Told) -> np.ndarray:
    """Return one row a number: agrees, then one-hot truth, then one-hot prediction."""
    classes = np.arange(max(told.truth.max(), told.predicted.max()) + 1)
    parts = [each[:, None] == classes for each in told]
    return np.column_stack([told.truth == told.predicted, *parts]).astype(float)


def _kappa(means: np.ndarray) -> np.ndarray:
    """Return kappa from means [..., 1 + 2 classes] of `_flags`."""
    agreement, shares = means[..., 0], means[..., 1:]
    n = shares.shape[-1] // 2
    expected = (shares[..., :n] * shares[..., n:]).sum(-1)
    return np.divide(agreement - expected, 1 - expected, out=np.zeros_like(agreement), where=expected < 1 - 1e-12)
