"""At which layers and tokens does a model hold numbers in periods? The spectrum of every place, beside its nulls.

    points[n] = mean activation over the prompts whose variable is n        (interp.fourier.readings)
    power     = `interp.fourier.basis.power` of the points, raw and without the least-squares line in n
    excess_k  = power_k / the level that the largest null exceeds at any frequency in 5 % of its draws

Read the map of `excess`, the largest over frequencies: above 1 a period stands out of white noise, shuffled points and
a number line alike; `q_value` corrects its p-value over all places of the map (Benjamini & Hochberg 1995), and
`periodic` is q <= .05. A place may be periodic and never be used: see `interp.fourier.planes` for the causal question.
Kantamneni & Tegmark 2025, arXiv:2502.00873; Zhou et al. 2024, arXiv:2406.03445.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr
from scipy.stats import false_discovery_control

from interp.errors import InterpError
from interp.fourier.basis import frequencies, periods, power
from interp.fourier.nulls import NULLS, VARIANTS, Band, null_band, prepare
from interp.fourier.readings import Reading, layers_of, number_means, usual_readings
from interp.fourier.spectrum import DECIMAL, usable
from interp.methods.result import attributes, variable
from interp.progress import Progress, silent
from interp.tasks import Prompts

REFINED = 10
NULL = f"the largest of the nulls ({', '.join(NULLS)})"


def spectra(
    model: Any,
    prompts: Prompts,
    place: str = "resid",
    *,
    readings: Sequence[Reading] | None = None,
    n_numbers: int = 100,
    target_periods: Sequence[int] = DECIMAL,
    n_null: int = 199,
    batch_size: int = 512,
    progress: Progress = silent,
    seed: int = 0,
) -> xr.Dataset:
    """Return the spectra of `n_numbers` consecutive numbers at every layer of a place (see `number_means`: which ones).

    As many are used as every one of `target_periods` divides; none of these uses all (residues lie on a circle).
    power and null_level [layer, reading, variant, component] are fractions of the non-constant power; excess,
    p_value, q_value, periodic and period [layer, reading, variant] are of the frequency that stands out most (period
    is nan where nothing varies with n). first [reading] is the smallest number, n_fewest [reading] the prompts behind
    the thinnest mean. A place whose p-value is at most .05 is drawn again with REFINED times as many draws, so that the
    correction over places can be passed. Raises InterpError as `number_means` does, and for fewer than 4 numbers.
    """
    if n_numbers < 4:
        raise InterpError(f"{n_numbers} numbers have no spectrum to test: expected at least 4; give more.")
    n_numbers = usable(n_numbers, target_periods)
    readings = list(usual_readings(prompts) if readings is None else readings)
    layers = layers_of(model, place)
    means, counted = number_means(model, prompts, place, readings, n_numbers, batch_size=batch_size, progress=progress)
    shape = (len(layers), len(readings), len(VARIANTS))
    cells = [(layer, reading, variant) for layer in layers for reading in readings for variant in VARIANTS]
    measured = []
    for i, (layer, reading, variant) in enumerate(cells):
        measured.append(_refined(means[layer, reading], variant, n_null, seed))
        progress(i + 1, len(cells), f"{place} {layer}, {reading.name}")
    shares, levels, p = (np.stack(each).reshape(*shape, -1) for each in zip(*measured, strict=True))
    result = dataset_of(shares, levels, p, n_numbers)
    result = result.assign_coords(layer=layers, reading=[reading.name for reading in readings], variant=list(VARIANTS))
    first, fewest = ([getattr(counted[reading], name) for reading in readings] for name in ("first", "fewest"))
    result["first"] = variable("reading", first, "number", "the smallest of the numbers")
    result["n_fewest"] = variable("reading", fewest, "prompts", "prompts behind the thinnest mean of the reading")
    result["n"] = variable("", n_numbers, "numbers", "consecutive numbers whose spectrum is taken")
    found = int(result["periodic"].sum())
    title = f"{found} of {result['periodic'].size} spectra of {place} have a period above every null"
    result.attrs = attributes(
        "spectra", model, prompts, title, place=place, n_null=n_null, seed=seed,
        n_prompts=len(prompts), correction="max statistic over frequencies, then Benjamini-Hochberg over places",
    )  # fmt: skip
    return result


def _refined(points: np.ndarray, variant: str, n_null: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    first = standing(points, variant, n_null, seed)
    return first if first[2].min() > 0.05 else standing(points, variant, REFINED * n_null, seed + 1)


def standing(points: np.ndarray, variant: str, n_null: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return power, null level and the largest p-value over nulls, each [component], of points [number, d].

    Points that do not vary with n, in this variant, have power nan, level 1 and p-value 1.
    """
    left = prepare(points, variant)
    if np.linalg.norm(left) <= 1e-6 * np.linalg.norm(points):
        k = len(points) // 2
        return np.full(k, np.nan), np.ones(k), np.ones(k)
    bands = [null_band(points, null, n_null, seed, variant) for null in NULLS]
    outer = Band(*(np.max(values, axis=0) for values in zip(*bands, strict=True)))
    return power(left), outer.high_corrected, outer.p_corrected


def dataset_of(shares: np.ndarray, levels: np.ndarray, p: np.ndarray, n: int) -> xr.Dataset:
    """Return the variables of `spectra` from power, null level and p-value [layer, reading, variant, component]."""
    excess = np.nan_to_num(shares / levels, nan=0.0)
    peak = excess.argmax(-1)[..., None]
    p_peak = np.take_along_axis(p, peak, -1)[..., 0]
    q = false_discovery_control(p_peak.ravel()).reshape(p_peak.shape)
    period = np.where(np.isfinite(shares).all(-1), periods(n)[peak[..., 0]], np.nan)
    fraction, every = "fraction of the non-constant power", "layer reading variant component"
    cell, peak_of = "layer reading variant", "at the frequency that stands out most"
    return xr.Dataset(
        {
            "power": variable(every, shares, fraction, "share of the power; nan where nothing varies"),
            "null_level": variable(every, levels, fraction, f"exceeded at any frequency in 5 % of draws by {NULL}"),
            "excess": variable(cell, excess.max(-1), "ratio", f"power over null level {peak_of}"),
            "period": variable(cell, period, "numbers", "period of the frequency that stands out most"),
            "p_value": variable(cell, p_peak, "probability", f"of the null exceeding it at any frequency: {NULL}"),
            "q_value": variable(cell, q, "probability", "p_value corrected over the places of the map"),
            "periodic": variable(cell, (q <= 0.05).astype(np.int8), "0 or 1", "q_value <= 0.05"),
        },
        coords={
            "component": frequencies(n),
            "period_of": ("component", periods(n)),
        },
    )  # fmt: skip
