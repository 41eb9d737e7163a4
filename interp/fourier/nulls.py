"""How large a peak does a spectrum show when there is nothing periodic to find? Three answers, drawn at random.

    white noise   every number is an independent N(0, I) point of the same dimension d
    shuffled      the given points in random order: the same cloud, so the same few strong directions
    number line   smooth random curves along n with nothing periodic: every principal direction of the given points,
                  at its own norm, follows (i) a random walk x_n = x_(n-1) + N(0, 1), or (ii) a polynomial of degree 3
                  with a random direction in the span of the orthonormal polynomials of degree 1, 2, 3

White noise is flat in frequency; a number line falls like 1 / k^2. A mixture of the two lies below the larger of
them on average, so a peak means something only when it stands above all three. (A strong peak widens the shuffled band,
so a weaker one beside it can be missed, never invented.) The number line is a composite null:
its bands are the outer ones, its p-values the larger ones, of (i) and (ii).

Many frequencies are looked at, so the corrected p-value asks how often the *largest* of them would be this extreme:
    t_k = (log power_k - mean_k) / sd_k,      p_corrected_k = P(max over j of t_j >= t_k)
with mean and sd from one set of draws and the maximum from another. The max statistic: Westfall & Young 1993.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from interp.errors import InterpError
from interp.fourier.basis import power
from interp.progress import Progress, silent

VARIANTS = ("raw", "detrended")
MEMORY = 2**22  # numbers drawn at a time


class Band(NamedTuple):
    """What a null says at every component: quantiles of its power, and p-values of the observed power."""

    low: np.ndarray
    median: np.ndarray
    high: np.ndarray
    high_corrected: np.ndarray
    p: np.ndarray
    p_corrected: np.ndarray


def prepare(points: Float[np.ndarray, "... n d"], variant: str) -> Float[np.ndarray, "... n d"]:
    """Return the points without their mean (`raw`), or without mean and least-squares line in n (`detrended`)."""
    centred = points - points.mean(-2, keepdims=True)
    if variant == "raw":
        return centred
    line = np.arange(points.shape[-2]) - (points.shape[-2] - 1) / 2
    line /= np.linalg.norm(line)
    return centred - line[:, None] * (line @ centred)[..., None, :]


def principal(points: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n r"]:
    """Return the points in their principal directions, r <= n: fewer columns, the same distances and power."""
    left, norms, _ = np.linalg.svd(points, full_matrices=False)
    return left * norms


def white_noise(points: np.ndarray, d: int, count: int, rng: np.random.Generator) -> np.ndarray:
    """Return draws [count, n, min(n, d)] that have the inner products of n points N(0, I_d).

    For d > n the Bartlett factor of the Wishart matrix stands for the points: n columns instead of d.
    """
    n = len(points)
    if d <= n:
        return rng.standard_normal((count, n, d))
    factor = np.tril(rng.standard_normal((count, n, n)), -1)
    factor[:, range(n), range(n)] = np.sqrt(rng.chisquare(d - np.arange(n), (count, n)))
    return factor


def shuffled(points: np.ndarray, d: int, count: int, rng: np.random.Generator) -> np.ndarray:
    """Return the given points in `count` random orders, [count, n, r]."""
    orders = rng.permuted(np.tile(np.arange(len(points)), (count, 1)), axis=1)
    return points[orders]


def random_walk(points: np.ndarray, d: int, count: int, rng: np.random.Generator) -> np.ndarray:
    """Return independent random walks, [count, n, r], one a principal direction of the points."""
    return rng.standard_normal((count, *points.shape)).cumsum(1)


def polynomial(points: np.ndarray, d: int, count: int, rng: np.random.Generator) -> np.ndarray:
    """Return independent random polynomials of degree 3, [count, n, r], one a principal direction of the points."""
    grid = np.linspace(-1, 1, len(points))
    orthonormal = np.linalg.qr(np.vander(grid, 4, increasing=True))[0][:, 1:]
    return orthonormal @ rng.standard_normal((count, 3, points.shape[1]))


Draw = Callable[[np.ndarray, int, int, np.random.Generator], np.ndarray]
NULLS: dict[str, tuple[Draw, ...]] = {
    "white noise": (white_noise,),
    "shuffled": (shuffled,),
    "number line": (random_walk, polynomial),
}


def null_power(
    points: Float[np.ndarray, "n d"],
    draw: Draw,
    count: int,
    rng: np.random.Generator,
    variant: str = "raw",
    progress: Progress = silent,
) -> Float[np.ndarray, "draw component"]:
    """Return the power shares of `count` draws, treated (centred, detrended) as the points themselves are."""
    given, d = principal(prepare(points, variant)), points.shape[1]
    norms = np.linalg.norm(given, axis=0)
    size = max(1, MEMORY // given.size)
    parts = []
    for start in range(0, count, size):
        curves = prepare(draw(given, d, min(size, count - start), rng), variant)
        if draw in NULLS["number line"]:
            curves *= norms / np.linalg.norm(curves, axis=1, keepdims=True)
        parts.append(power(curves))
        progress(min(start + size, count), count, draw.__name__.replace("_", " "))
    return np.concatenate(parts)


def compare(
    observed: Float[np.ndarray, " component"],
    calibration: Float[np.ndarray, "draw component"],
    draws: Float[np.ndarray, "draw component"],
) -> Band:
    """Return where the observed power stands among `draws`; `calibration` draws give mean and sd of log power."""
    tiny = np.finfo(float).tiny
    mean, sd = (f(np.log(calibration + tiny), axis=0) for f in (np.mean, np.std))
    largest = ((np.log(draws + tiny) - mean) / sd).max(1)
    standing = (np.log(observed + tiny) - mean) / sd
    low, median, high = np.quantile(draws, [0.05, 0.5, 0.95], axis=0)
    return Band(
        low,
        median,
        high,
        high_corrected=np.exp(mean + sd * np.quantile(largest, 0.95)),
        p=(1 + (draws >= observed).sum(0)) / (1 + len(draws)),
        p_corrected=(1 + (largest[:, None] >= standing).sum(0)) / (1 + len(draws)),
    )


def null_band(
    points: Float[np.ndarray, "n d"],
    null: str,
    n_null: int,
    seed: int,
    variant: str = "raw",
    progress: Progress = silent,
) -> Band:
    """Return the band of one of NULLS from 2 * n_null draws of each of its families.

    Raises InterpError for fewer than 4 points or fewer than 19 draws (no p-value could reach 5 %).
    """
    if len(points) < 4:
        raise InterpError(f"{len(points)} numbers have no spectrum to test: expected at least 4; give more.")
    if n_null < 19:
        raise InterpError(f"n_null = {n_null} cannot reach p = 0.05: expected at least 19; ask for more draws.")
    observed, bands, pooled = power(prepare(points, variant)), [], []
    for draw in NULLS[null]:
        rng = np.random.default_rng([seed, sum(map(ord, draw.__name__))])
        sample = null_power(points, draw, 2 * n_null, rng, variant, progress)
        bands.append(compare(observed, sample[:n_null], sample[n_null:]))
        pooled.append(sample)
    outer = Band(*(np.max(values, axis=0) for values in zip(*bands, strict=True)))
    return outer._replace(
        low=np.min([band.low for band in bands], axis=0), median=np.median(np.concatenate(pooled), axis=0)
    )


def above_every_null(
    points: Float[np.ndarray, "n d"], n_null: int, seed: int, variant: str = "raw"
) -> Bool[np.ndarray, " component"]:
    """Return which frequencies have p_corrected <= 0.05 under every null: what `spectrum` calls significant.

    Later nulls are not drawn once an earlier one explains everything. Raises InterpError as `null_band` does.
    """
    found = np.ones(len(points) // 2, bool)
    for null in NULLS:
        if found.any():
            found &= null_band(points, null, n_null, seed, variant).p_corrected <= 0.05
    return found
