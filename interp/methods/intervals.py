"""How far could the truth be from the measured number?

Proportions (accuracy, faithfulness): Wilson's score interval, with z the normal quantile,

    centre = (p + z²/2n) / (1 + z²/n),    half = z / (1 + z²/n) · √( p(1-p)/n + z²/4n² )

Differences of two proportions on the same rows: Bonett & Price's adjusted Wald interval, with n10 rows that the first
alone has and n01 that the second alone has,

    p10 = (n10 + 1) / (n + 2),   p01 = (n01 + 1) / (n + 2),   p10 - p01 ± z √( (p10 + p01 - (p10 - p01)²) / (n + 2) )

Means: Student's t, m ± t_{n-1} · s / √n. Ratios, R² and other functions of means: the percentile bootstrap
over rows (a row is one prompt, or one clean/corrupted pair, so pairs stay together), seeded.

Reading: 95 % of such intervals cover the truth; rows are taken as independent. One row has no spread, so its
mean has no interval: both ends are nan. The percentile bootstrap runs narrow below about twenty rows.

Sources: Wilson, JASA 22 (1927) 209; Bonett & Price, J. Educ. Behav. Stat. 37 (2012) 479; Efron & Tibshirani, An
Introduction to the Bootstrap (1993), ch. 13.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtri, stdtrit

from interp.errors import InterpError

N_RESAMPLES = 1000


class Interval(NamedTuple):
    """The two ends of an interval, of the shape and in the units of the estimate."""

    low: np.ndarray
    high: np.ndarray


def wilson(successes: ArrayLike, n: int, confidence: float = 0.95) -> Interval:
    """Return Wilson's interval of the proportions `successes / n`, in [0, 1], elementwise.

    Raises InterpError where n < 1 or a count is outside 0..n. Source: Wilson (1927).
    """
    successes = np.asarray(successes, dtype=float)
    if n < 1 or np.any(successes < 0) or np.any(successes > n):
        raise InterpError(
            f"A proportion needs n >= 1 and 0 <= successes <= n; got n = {n}. Give it at least one trial."
        )
    z = ndtri(0.5 + _checked(confidence) / 2)
    p = successes / n
    centre = (p + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    return Interval(np.clip(centre - half, 0.0, p), np.clip(centre + half, p, 1.0))


def paired_difference(first: np.ndarray, second: np.ndarray, confidence: float = 0.95) -> tuple[np.ndarray, Interval]:
    """Return the share of `first` minus that of `second`, both bool [..., row] over the same rows, in [-1, 1], and its
    interval. Equal columns give 0 with an interval that n alone sets. Raises InterpError without rows.

    Source: Bonett & Price (2012).
    """
    first, second = np.asarray(first, dtype=bool), np.asarray(second, dtype=bool)
    n = first.shape[-1]
    if n < 1:
        raise InterpError("A paired difference needs at least one row; got none.")
    only_first, only_second = (first & ~second).sum(axis=-1), (second & ~first).sum(axis=-1)
    difference = (only_first - only_second) / n
    p10, p01 = (only_first + 1) / (n + 2), (only_second + 1) / (n + 2)
    half = ndtri(0.5 + _checked(confidence) / 2) * np.sqrt((p10 + p01 - (p10 - p01) ** 2) / (n + 2))
    low, high = np.clip(p10 - p01 - half, -1, difference), np.clip(p10 - p01 + half, difference, 1)
    return difference, Interval(low, high)


def t_interval(values: ArrayLike, confidence: float = 0.95) -> Interval:
    """Return Student's interval of the mean of `values` [row, ...] over rows; nan with a single row."""
    values = _rows(values)
    n = len(values)
    spread = values.std(axis=0, ddof=1) if n > 1 else np.full(values.shape[1:], np.nan)
    return t_about(values.mean(axis=0), spread / np.sqrt(n), n, confidence)


def t_about(mean: ArrayLike, standard_error: ArrayLike, n: int, confidence: float = 0.95) -> Interval:
    """Return Student's interval of a streamed mean of `n` rows with this standard error; nan when n < 2."""
    quantile = stdtrit(n - 1, 0.5 + _checked(confidence) / 2) if n > 1 else np.nan
    half = quantile * np.asarray(standard_error)
    return Interval(np.asarray(mean) - half, np.asarray(mean) + half)


def resampled_means(values: ArrayLike, n_resamples: int = N_RESAMPLES, seed: int = 0) -> np.ndarray:
    """Return means [resample, ...] of rows of `values` [row, ...] drawn with replacement.

    Same seed and same number of rows = same draws, so means of several quantities of one row stay joint.
    """
    values = _rows(values)
    n = len(values)
    counts = np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), size=n_resamples)
    return (counts / n @ values.reshape(n, -1)).reshape(n_resamples, *values.shape[1:])


def percentile(samples: np.ndarray, confidence: float = 0.95) -> Interval:
    """Return the central interval of bootstrap `samples` [resample, ...]; nan where one is not finite."""
    tail = (1 - _checked(confidence)) / 2
    finite = np.isfinite(samples).all(axis=0)
    low, high = np.quantile(np.where(finite, samples, 0.0), [tail, 1 - tail], axis=0)
    return Interval(np.where(finite, low, np.nan), np.where(finite, high, np.nan))


def bootstrap(values: ArrayLike, confidence: float = 0.95, seed: int = 0) -> Interval:
    """Return the percentile bootstrap interval of the mean of `values` [row, ...]; nan with a single row."""
    values = _rows(values)
    if len(values) < 2:
        return t_interval(values, confidence)
    return percentile(resampled_means(values, seed=seed), confidence)


def _rows(values: ArrayLike) -> np.ndarray:
    values = np.asarray(values, dtype=float)
    if values.ndim == 0 or len(values) == 0:
        raise InterpError("An interval of a mean needs at least one row; got none. Give it values [row, ...].")
    return values


def _checked(confidence: float) -> float:
    if not 0 < confidence < 1:
        raise InterpError(f"A confidence level lies between 0 and 1; got {confidence}. The usual one is 0.95.")
    return confidence
