"""At which periods do the embeddings of consecutive numbers repeat?

    power_k = (|cos_k . E|^2 + |sin_k . E|^2) / sum over all k >= 1,      E [number, d] centred,   T = N / k

Read it against its nulls: a peak counts when its corrected p-value is small under every one of them (`significant`).
A smooth number line (E_n drifting with n) puts most of its power at long periods and hides the rest; the variant
`detrended` removes the least-squares line first. The two variants are separate questions, each corrected over its
frequencies only. A spectrum says that a period is there, not that the model computes with it.
Nanda et al. 2023, arXiv:2301.05217; Zhou et al. 2024, arXiv:2406.03445; Kantamneni & Tegmark 2025, arXiv:2502.00873.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import xarray as xr
from jaxtyping import Float

from interp.errors import InterpError
from interp.fourier.basis import concentration, frequencies, periods, power, real
from interp.fourier.nulls import NULLS, VARIANTS, Band, null_band, prepare
from interp.progress import Progress, silent

DECIMAL = (2, 5, 10)
DESCRIPTIONS = {
    "null_low": "5 % quantile of the power under the null",
    "null_median": "median power under the null",
    "null_high": "95 % quantile of the power under the null, one frequency at a time",
    "null_high_corrected": "level that the null exceeds at any frequency in 5 % of draws",
    "p_value": "share of null draws with at least this power, one frequency at a time",
    "p_corrected": "the same, corrected over all frequencies by the max statistic",
}


def usable(count: int, target_periods: Sequence[int] = DECIMAL) -> int:
    """Return the largest N <= count that every target period divides; `count` itself when there is none.

    Raises InterpError for a target period that is no whole number of at least 1.
    """
    if any(not isinstance(period, int | np.integer) or period < 1 for period in target_periods):
        raise InterpError(f"Target periods {list(target_periods)}: expected whole numbers of at least 1; change them.")
    step = math.lcm(*target_periods)
    return count - count % step if count >= step else count


def spectrum(
    embeddings: Float[np.ndarray, "number d"],
    low: int = 0,
    *,
    count: int | None = None,
    target_periods: Sequence[int] = DECIMAL,
    n_null: int = 1000,
    seed: int = 0,
    progress: Progress = silent,
) -> xr.Dataset:
    """Return the spectrum of the embeddings of low, low + 1, ... and its nulls.

    Uses the first `count` numbers; by default as many as every target period divides, so that those are frequencies
    of the basis (pass `target_periods=()` to use all). power[variant, component] is a fraction in [0, 1];
    null_*[variant, null, component] likewise; p_value and p_corrected in (0, 1]; significant[variant, component] is 1
    where p_corrected <= 0.05 under every null; concentration[target_period] is the share of a pure wave of that
    period that stays in one frequency here (1 = exact).
    Raises InterpError for fewer than 4 numbers, values that are not finite, or embeddings that are all the same.
    """
    points = _checked(real(embeddings), count, target_periods)
    variants, names = list(VARIANTS), list(NULLS)
    bands = [[null_band(points, null, n_null, seed, v, progress) for null in names] for v in variants]
    shares = np.stack([power(prepare(points, v)) for v in variants])
    found = Band(*(np.array([[band[i] for band in row] for row in bands]) for i in range(len(Band._fields))))
    dims = ("variant", "null", "component")
    fraction, full = {"units": "fraction of the non-constant power"}, len(points)
    variables = {
        name: (dims, values, {**(fraction if name.startswith("null") else {"units": "probability"})})
        for name, values in zip(DESCRIPTIONS, found, strict=True)
    }
    result = xr.Dataset(
        {
            **variables,
            "power": (("variant", "component"), shares, fraction),
            "significant": (("variant", "component"), (found.p_corrected <= 0.05).all(1).astype(np.int8)),
            "concentration": ("target_period", [concentration(full, t) for t in target_periods]),
            "n": ((), full),
        },
        coords={
            "component": frequencies(full),
            "period": ("component", periods(full)),
            "variant": variants,
            "null": names,
            "target_period": list(target_periods),
        },
    )
    return _described(result, low, len(embeddings), points.shape[1], n_null, seed)


def significant_periods(result: xr.Dataset, variant: str = "raw") -> list[float]:
    """Return the periods that exceed every null after correction, the strongest first."""
    chosen = result.sel(variant=variant)
    chosen = chosen.isel(component=np.flatnonzero(chosen["significant"]))
    return chosen["period"].values[np.argsort(-chosen["power"].values)].tolist()


def _checked(points: np.ndarray, count: int | None, target_periods: Sequence[int]) -> np.ndarray:
    if points.ndim != 2 or not np.isfinite(points).all():
        raise InterpError(f"Embeddings of shape {points.shape}: expected finite numbers [number, d]; mend the input.")
    if count is not None and not 4 <= count <= len(points):
        raise InterpError(f"count = {count} numbers asked for: expected 4 to {len(points)}, as many as were given.")
    points = points[: usable(len(points), target_periods) if count is None else count]
    if len(points) < 4:
        raise InterpError(f"{len(points)} numbers have no spectrum to test: expected at least 4; give more.")
    for variant in VARIANTS:
        if np.linalg.norm(prepare(points, variant)) <= 1e-9 * np.linalg.norm(points):
            raise InterpError(f"The embeddings are constant ({variant}): expected them to vary; check the input.")
    return points


def _described(result: xr.Dataset, low: int, given: int, d: int, n_null: int, seed: int) -> xr.Dataset:
    """Say in attributes what each variable is, and what was left out or cannot be seen at this N."""
    for name, text in DESCRIPTIONS.items():
        result[name].attrs["description"] = text
    result["power"].attrs["description"] = "share of the power at this frequency"
    result["significant"].attrs |= {"units": "0 or 1", "description": "p_corrected <= 0.05 under every null"}
    result["concentration"].attrs |= {
        "units": "fraction",
        "description": "share of a pure wave of the target period that one frequency holds",
    }
    result["n"].attrs |= {"units": "numbers", "description": "consecutive numbers used"}
    n = int(result["n"])
    peaks = {v: ", ".join(f"{t:.3g}" for t in significant_periods(result, v)) or "none" for v in VARIANTS}
    result.attrs = {
        "method": "spectrum",
        "title": f"Periods of the embeddings of {low} to {low + n - 1} above every null: {peaks['raw']} "
        f"(after removing the trend: {peaks['detrended']})",
        "low": low,
        "high": low + n - 1,
        "dropped": given - n,
        "d": d,
        "n_null": n_null,
        "seed": seed,
        "correction": "max statistic over the frequencies of one variant, 5 %",
        "warning": _warning(result, given),
    }
    return result


def _warning(result: xr.Dataset, given: int) -> str:
    """Return what is lost at this N: numbers dropped, and periods that leak; empty when nothing is."""
    n, lost = int(result["n"]), []
    if given > n:
        lost.append(f"the last {given - n} of {given} numbers were dropped to make N = {n} fit the target periods")
    for period, share in zip(result["target_period"].values, result["concentration"].values, strict=True):
        if share < 1 - 1e-9:
            lost.append(f"period {period} is no frequency of N = {n}: one keeps {share:.3f} of a pure wave")
    if lost and n >= 10 and n % 10:
        lost.append(f"use N = {n - n % 10}" + (f", or {n - n % 100} for periods up to 100" if n >= 100 else ""))
    return "; ".join(lost)
