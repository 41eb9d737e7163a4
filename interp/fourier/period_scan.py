"""Which periods, on no grid, foretell numbers that were held out? A scan over real periods by least squares.

    gain(T) = 1 - error(T) / error(line)      squared errors on held-out numbers, summed over dimensions, of fits by
              {1, n, cos 2 pi n / T, sin 2 pi n / T}   and by   {1, n}

for every period T of a fine grid: numbers may be irregular, and a period need not divide their count, where a spectrum
would leak (Lomb 1976; Scargle 1982). Two ways to hold out: `interleaved` (every fifth number) asks whether the wave
is there, `block` (a fifth in a row) whether it goes on. A gain below 0 is a fit that misleads. A wave that turns less
than twice over the range is a bend and not asked for.

    null    the same scan of points that hold no period: shuffled (what the line leaves), random walks and cubics along
            n with the size of every principal direction (`interp.fourier.nulls`); `null_level` is the largest of what
            each of them exceeds at any period in 5 % of draws (in standard deviations of the period's own gain)

A period found with its halves and thirds (a wave that is no cosine) is one finding: `harmonic_of` names the longest.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr
from jaxtyping import Float

from interp.errors import InterpError
from interp.fourier.basis import real
from interp.fourier.nulls import polynomial, principal, random_walk, shuffled
from interp.methods.result import variable
from interp.progress import Progress, silent

FOLDS, PER_BIN = 5, 4
"""Held-out fifths; grid points for each frequency that the range could tell apart."""
SMALL = 0.1
"""The quantile of the steps between numbers that sets the shortest period of the grid."""
FAMILIES = {"shuffled points": shuffled, "random walks": random_walk, "cubics": polynomial}
HOLDOUTS = ("interleaved", "block")


def period_scan(
    points: Float[np.ndarray, "number d"],
    numbers: Sequence[float] | np.ndarray,
    *,
    periods: Sequence[float] | None = None,
    n_null: int = 99,
    seed: int = 0,
    progress: Progress = silent,
) -> xr.Dataset:
    """Return gain [holdout, period] (at most 1) beside its nulls, and which periods are found.

    `periods` None takes a grid from twice a small step of the numbers (their tenth percentile) to half of their range.
    found [holdout, period] is 1 at local maxima with p_value <= .05 (null_level, of the same shape, is about there).
    harmonic_of is the longest found period of which a found one is a half, third, ... within the resolution, itself
    where there is none, nan elsewhere. Raises InterpError for fewer than 3 * FOLDS numbers, values that are not finite,
    periods that are not positive, and fewer than 19 draws.
    """
    points, numbers = _checked(points, numbers, n_null)
    grid = _grid(numbers) if periods is None else real(np.asarray(periods))
    if grid.ndim != 1 or not len(grid) or not (np.isfinite(grid).all() and (grid > 0).all()):
        raise InterpError(f"Periods {grid.tolist()}: expected at least one, all positive numbers; change them.")
    kept = _freed(principal(points - points.mean(0))[np.argsort(numbers, kind="stable")], np.sort(numbers))
    numbers, rng = np.sort(numbers), np.random.default_rng(seed)
    gains: dict[str, np.ndarray] = {}  # [holdout, period, draw]
    for i, (name, draw) in enumerate({"points": None, **FAMILIES}.items()):
        drawn = kept[None] if draw is None else _like(draw(kept, kept.shape[1], 2 * n_null, rng), kept, numbers)
        gains[name] = np.stack([_gains(drawn, numbers, grid, holdout) for holdout in HOLDOUTS])
        progress(i + 1, 1 + len(FAMILIES), f"scan of {name}")
    gain = gains.pop("points")[..., 0]
    bands = [_standing(gain, each[..., :n_null], each[..., n_null:]) for each in gains.values()]
    level, p = (np.max(each, axis=0) for each in zip(*bands, strict=True))
    found = _peaks(gain) & (p <= 0.05)
    span = float(np.ptp(numbers))
    dims = "holdout period"
    return xr.Dataset(
        {
            "gain": variable(
                dims, gain, "fraction of squared error", "held-out error of the line that the wave takes away"
            ),
            "null_level": variable(
                dims, level, "fraction of squared error", "exceeded at any period in 5 % of draws of a null"
            ),
            "p_value": variable(
                dims, p, "probability", "of a null having a gain this large anywhere; the largest of the nulls"
            ),
            "found": variable(dims, found.astype(np.int8), "0 or 1", "a local maximum with p_value <= 0.05"),
            "harmonic_of": variable(dims, _families(found, grid, span), "numbers", "longest period of its family"),
            "n": variable("", len(numbers), "numbers", "numbers with a point"),
        },
        coords={"holdout": list(HOLDOUTS), "period": grid},
        attrs={"method": "period_scan", "n_null": n_null, "seed": seed, "folds": FOLDS},
    )


def found_periods(result: xr.Dataset, holdout: str = "interleaved") -> list[float]:
    """Return the longest period of every family that was found, the one with the largest gain first."""
    here = result.sel(holdout=holdout)
    heads = here.isel(period=np.flatnonzero(here["harmonic_of"].values == here["period"].values))
    return heads["period"].values[np.argsort(-heads["gain"].values)].tolist()


def _gains(drawn: np.ndarray, numbers: np.ndarray, grid: np.ndarray, holdout: str) -> np.ndarray:
    """Return [period, draw] of points [draw, number, d] at sorted numbers."""
    rank, stacked = np.arange(len(numbers)), drawn.transpose(1, 0, 2)
    fold = rank % FOLDS if holdout == "interleaved" else rank * FOLDS // len(rank)
    errors = np.zeros((len(grid) + 1, len(drawn)))
    for held in range(FOLDS):
        test = fold == held
        train_y, test_y = stacked[~test].reshape((~test).sum(), -1), stacked[test]
        for i, period in enumerate([None, *grid]):
            columns = _columns(numbers, period)
            fitted = columns[test] @ (np.linalg.pinv(columns[~test]) @ train_y)
            errors[i] += np.square(test_y - fitted.reshape(test_y.shape)).sum((0, 2))
    return 1 - errors[1:] / errors[0]


def _like(curves: np.ndarray, kept: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    """Return curves [draw, number, d] without their line, each direction with the norm it has in `kept`."""
    freed = _freed(curves.transpose(1, 0, 2).reshape(len(numbers), -1), numbers).reshape(
        len(numbers), *curves.shape[::2]
    )
    norms = np.linalg.norm(freed, axis=0)
    return (freed * np.linalg.norm(kept, axis=0) / np.where(norms > 0, norms, 1)).transpose(1, 0, 2)


def _freed(values: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    """Return values [number, ...] without their least-squares line in the numbers."""
    columns = _columns(numbers, None)
    return values - columns @ (np.linalg.pinv(columns) @ values)


def _columns(numbers: np.ndarray, period: float | None) -> np.ndarray:
    centred = (numbers - numbers.mean()) / max(float(np.ptp(numbers)), 1e-12)
    line = [np.ones(len(numbers)), centred]
    if period is None:
        return np.stack(line, 1)
    angle = 2 * np.pi * np.remainder(numbers, period) / period
    return np.stack([*line, np.cos(angle), np.sin(angle)], 1)


def _grid(numbers: np.ndarray) -> np.ndarray:
    """Periods from twice a small step to half of the range, evenly in frequency, descending.

    The step is one that a tenth of all steps are at most: two numbers that nearly coincide ask for no endless grid.
    """
    span = float(np.ptp(numbers))
    step = float(np.quantile(np.diff(np.unique(numbers)), SMALL, method="lower"))
    count = max(2, round(PER_BIN * span / (2 * step)))
    return 1 / np.linspace(2 / span, 1 / (2 * step), count)


def _peaks(gain: np.ndarray) -> np.ndarray:
    padded = np.pad(gain, ((0, 0), (1, 1)), constant_values=-np.inf)
    return (gain > padded[:, :-2]) & (gain >= padded[:, 2:])


def _standing(gain: np.ndarray, calibration: np.ndarray, draws: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return what a null exceeds at any period in 5 % of draws, and p-values, both [holdout, period].

    A smooth curve has large gains at long periods and none at short ones, so gains are compared in standard deviations
    of their own period; mean and deviation are from one set of draws, the maximum over periods from another.
    """
    mean, sd = calibration.mean(-1), calibration.std(-1) + 1e-12
    largest = ((draws - mean[..., None]) / sd[..., None]).max(1)  # [holdout, draw]
    standing = (gain - mean) / sd
    larger = (largest[:, None, :] >= standing[:, :, None]).sum(-1)
    return mean + sd * np.quantile(largest, 0.95, axis=-1)[:, None], (1 + larger) / (1 + draws.shape[-1])


def _families(found: np.ndarray, grid: np.ndarray, span: float) -> np.ndarray:
    """Return, at found periods, the longest found period T with T / period a whole number, within the resolution."""
    families = np.full(found.shape, np.nan)
    for row, here in zip(families, found, strict=True):
        longest: list[int] = []
        for i in sorted(np.flatnonzero(here).tolist(), key=lambda i: -grid[i]):
            ratios = [(j, grid[j] / grid[i]) for j in longest]
            parent = next((j for j, r in ratios if r > 1.5 and abs(1 / grid[i] - round(r) / grid[j]) * span < 0.5), i)
            if parent == i:
                longest.append(i)
            row[i] = grid[parent]
    return families


def _checked(points: np.ndarray, numbers: Sequence[float] | np.ndarray, n_null: int) -> tuple[np.ndarray, np.ndarray]:
    points, numbers = real(points), real(np.asarray(numbers))
    if (
        points.ndim != 2
        or numbers.shape != points.shape[:1]
        or not (np.isfinite(points).all() and np.isfinite(numbers).all())
    ):
        raise InterpError(
            f"Points of shape {points.shape} for {numbers.size} numbers: expected finite [number, d], one number each."
        )
    if len(np.unique(numbers)) < 3 * FOLDS:
        raise InterpError(
            f"{len(np.unique(numbers))} numbers are too few to hold a fifth out: expected {3 * FOLDS} or more."
        )
    if n_null < 19:
        raise InterpError(f"n_null = {n_null} cannot reach p = 0.05: expected at least 19; ask for more.")
    if np.linalg.norm(_freed(points, numbers)) <= 1e-9 * max(1.0, float(np.linalg.norm(points))):
        raise InterpError(
            "The points are constant or exactly a line in the numbers: expected them to vary; check the input."
        )
    return points, numbers
