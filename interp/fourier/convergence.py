"""Do spectrum, geometry and a linear probe agree that numbers are told apart by their residue mod T?

Three measures of one embedding e(n) of consecutive numbers, side by side, for every period T:

    share    =  Tr S_B / (Tr S_B + Tr S_W)  =  Phi_T / total power       energy between the residue classes
    fisher   =  largest eigenvalue of S_W^-1 S_B in the leading principal directions
    kappa    of a linear probe on held-out numbers, interleaved and in blocks

of the embedding as it is and after each covariate (log n, digit count, log token frequency) was regressed out, beside
what shuffled labels give and what a probe on the covariate alone gives (`covariate_kappa`).

How to read: a peak of the spectrum (`share` above its null) without kappa is energy that no probe can use; kappa that
vanishes when a covariate is regressed out was that covariate. All three above their nulls, in blocks too, is a
representation of the residue. A smooth curve has principal directions that resemble waves of every long period: it
passes the Fisher ratio there, not kappa. Numbers are cut to whole periods, so n differs by T.
Source: Convergent Evolution 2026, arXiv:2604.20817 (there all language models, and the token frequencies themselves,
have peaks at 2, 5, 10; few have kappa). Definitions: `interp.fourier.separation`, `interp.fourier.class_probe`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from interp.errors import InterpError
from interp.fourier.basis import real
from interp.fourier.class_probe import SPLITS, folds, held_out, kappa, kappa_interval
from interp.fourier.separation import Fisher, fisher, leading, phi, scatter
from interp.methods.nulls import max_threshold
from interp.methods.result import mean_variables, variable
from interp.progress import Progress, silent

PERIODS = (2, 3, 4, 5, 7, 10, 11, 20)
N_FOLDS = 5
AT_MOST = 4  # numbers inside the classes for each direction of the Fisher ratio
ROUNDING = 1e-5  # of a direction, beside the largest: below it lies what float32 weights leave


@dataclass(frozen=True, eq=False)
class Measured:
    """One embedding and one period: the energy and Fisher ratio [copy] and held-out kappa [split, copy]; copy 0 is
    true, the others have shuffled labels. `ends` [split, 2] is the interval of kappa, `bounds` those of Fisher.
    """

    share: np.ndarray
    fisher: np.ndarray
    kappa: np.ndarray
    ends: np.ndarray
    bounds: np.ndarray
    phi: float
    count: int


def convergence(
    points: Mapping[str, np.ndarray],
    covariates: Mapping[str, np.ndarray],
    *,
    periods: Sequence[int] = PERIODS,
    n_shuffles: int = 19,
    seed: int = 0,
    progress: Progress = silent,
) -> xr.Dataset:
    """Return the three measures of every embedding in `points` {site: [number, d]} of consecutive numbers.

    `share`, `fisher` [site, variant, period] with `_null` (mean) and `_null_high` (95 %) of shuffled labels, `kappa`
    [site, variant, split, period] with its interval, `kappa_null` and `kappa_null_high` [split] (what an empty map
    stays below), `covariate_kappa` [covariate, split, period], `phi` and `fisher_least`, `fisher_most`. The variant is
    "raw" or "without <covariate>". Raises InterpError for a period with fewer than 5 whole periods, points that
    are not all of one length, or fewer than 19 shuffles.
    """
    max_threshold(np.zeros(n_shuffles))
    lengths = {len(each) for each in (*points.values(), *covariates.values())}
    if len(lengths) != 1 or not points:
        raise InterpError(f"Embeddings and covariates of {sorted(lengths)} numbers: expected one length for all.")
    cases = {"raw": None} | {f"without {name}": real(each)[:, None] for name, each in covariates.items()}
    total, found = len(points) * len(cases) * len(periods), []
    for site, embedding in points.items():
        for variant, covariate in cases.items():
            for period in periods:
                progress(len(found), total, f"{site}, {variant}, period {period}")
                found.append(measure(real(embedding), period, covariate, n_shuffles, seed))
    progress(total, total, "convergence")
    shape = (len(points), len(cases), len(periods))
    data = _variables(found, shape)
    data["covariate_kappa"] = _alone(covariates, periods)
    coords = {"site": list(points), "variant": list(cases), "period": list(periods), "split": list(SPLITS)}
    attrs = {"method": "convergence", "title": "Energy, Fisher ratio and a held-out probe of n mod T, together.",
             "n_shuffles": n_shuffles, "n_folds": N_FOLDS, "seed": seed}  # fmt: skip
    return xr.Dataset(data, coords | {"covariate": list(covariates)}, attrs)


def measure(points: np.ndarray, period: int, covariate: np.ndarray | None, n_shuffles: int, seed: int) -> Measured:
    """Return all measures of one embedding [number, d] at one period, on the whole periods it has."""
    count = len(points) - len(points) % period
    points, covariate = points[:count], None if covariate is None else covariate[:count]
    rng, labels = np.random.default_rng([seed, period]), np.arange(count) % period
    copies = [labels, *(rng.permutation(labels) for _ in range(n_shuffles))]
    rest = points if covariate is None else _without(points, covariate)
    told = {s: [held_out(points, each, folds(count, period, s, N_FOLDS), covariate) for each in copies] for s in SPLITS}
    few = leading(rest, min(points.shape[1], max(1, (count - period) // AT_MOST)))
    few = few[:, few.std(0) > ROUNDING * few.std(0).max()]
    ratios = [_fisher(few, each) for each in copies]
    energy = [np.trace(scatter(rest, each).between) for each in copies]
    return Measured(
        share=np.array(energy) / rest.var(0).sum(),
        fisher=np.array([each.value for each in ratios]),
        kappa=np.array([[kappa(each) for each in told[s]] for s in SPLITS]),
        ends=np.array([kappa_interval(told[s][0], seed) for s in SPLITS]),
        bounds=np.array([ratios[0].least, ratios[0].most]),
        phi=phi(rest, period),
        count=count,
    )


def _fisher(points: np.ndarray, labels: np.ndarray) -> Fisher:
    """Return the Fisher ratio, infinite where a direction has no scatter inside the classes: noiseless points."""
    try:
        return fisher(points, labels)
    except InterpError:  # `measure` has left more numbers inside the classes than directions: nothing else is singular
        return Fisher(np.inf, np.nan, np.inf)


def _without(points: np.ndarray, covariate: np.ndarray) -> np.ndarray:
    design = np.column_stack([np.ones(len(points)), covariate])
    return points - design @ np.linalg.lstsq(design, points, rcond=None)[0]


def _alone(covariates: Mapping[str, np.ndarray], periods: Sequence[int]) -> xr.Variable:
    """Return kappa [covariate, split, period] of the same probe on a covariate instead of an embedding."""
    found = np.full((len(covariates), len(SPLITS), len(periods)), np.nan)
    for i, each in enumerate(covariates.values()):
        for j, split in enumerate(SPLITS):
            for k, period in enumerate(periods):
                count = len(each) - len(each) % period
                fold = folds(count, period, split, N_FOLDS)
                found[i, j, k] = kappa(held_out(real(each)[:count, None], np.arange(count) % period, fold))
    return variable("covariate split period", found, "kappa", "the same probe on the covariate alone")


def _variables(found: Sequence[Measured], shape: tuple[int, int, int]) -> dict[str, xr.Variable]:
    def of(name: str) -> np.ndarray:
        values = np.array([getattr(each, name) for each in found])
        return values.reshape(*shape, *values.shape[1:])

    cell, part = "site variant period", "fraction"
    kappas, ends = of("kappa").transpose(0, 1, 3, 2, 4), of("ends").transpose(0, 1, 3, 2, 4)
    empty = kappas[..., 1:].max((0, 1, 3))  # [split, copy]
    data = {
        "phi": variable(cell, of("phi"), "squared units of the embedding", "Phi_T = N Tr S_B"),
        **_beside("share", cell, of("share"), part, "Tr S_B over the total variance"),
        **_beside("fisher", cell, of("fisher"), "ratio", "largest eigenvalue of S_W^-1 S_B; infinite without noise"),
        **mean_variables(
            "kappa", "site variant split period", kappas[..., 0], (ends[..., 0], ends[..., 1]), "kappa",
            "Cohen's kappa of a linear probe, numbers held out",
        ),
        "kappa_null": variable("site variant split period", kappas[..., 1:].mean(-1), "kappa", "of shuffled labels"),
        "kappa_null_high": variable(
            "split", [max_threshold(each) for each in empty], "kappa", "95th percentile of an empty map's largest kappa"
        ),
        "n_numbers": variable("period", of("count")[0, 0], "numbers", "numbers in whole periods"),
        "n": variable("", of("count").max(), "numbers", "most numbers used"),
    }  # fmt: skip
    for i, name in enumerate(("fisher_least", "fisher_most")):
        data[name] = variable(cell, of("bounds")[..., i], "ratio", "bound of the Fisher ratio by Phi_T and S_W")
    return data


def _beside(name: str, dims: str, copies: np.ndarray, units: str, description: str) -> dict[str, Any]:
    """Return a measure [..., copy] beside the mean and the 95 % level of its shuffled copies."""
    high = np.apply_along_axis(max_threshold, -1, copies[..., 1:])
    return {
        name: variable(dims, copies[..., 0], units, description),
        f"{name}_null": variable(dims, copies[..., 1:].mean(-1), units, f"mean {name} of shuffled labels"),
        f"{name}_null_high": variable(dims, high, units, f"95 % level of {name} of shuffled labels, one cell alone"),
    }
