"""In which layers is a number written with periods, at one role? Helix fits of the stream, by the number's value.

    mean[layer, number] = mean over reference prompts with that number of resid_pre before block `layer` at `role`
    gain, partial       what T = 2, 5, 10 add on numbers held out (`interp.fourier.helix_gain`), beside three nulls

The p-values of the map (layers x hold-outs, all targets together) are corrected by the false discovery rate of
Benjamini and Hochberg; those of single periods by the number of periods. `total` is the published score, the in-sample
R^2 of the whole helix: beside it stands `total_smooth`, what a number line explains, because alone it says nothing.
Source: Kantamneni & Tegmark 2025, arXiv:2502.00873.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
import xarray as xr
from scipy.stats import false_discovery_control
from torch import Tensor

from interp.engine import Site, stream
from interp.errors import InterpError, nearest
from interp.fourier.helix import DECIMAL, LONG, Term, fit, helix, r_squared, smooth
from interp.fourier.helix_forms import Code
from interp.fourier.helix_gain import NULLS, SCHEMES, TARGETS, Gain, gain, question
from interp.methods.result import attributes, variable
from interp.progress import Progress, silent
from interp.tasks.prompts import Prompts


class Tables(NamedTuple):
    """Mean activations by number: values [number], means {layer: float64 [number, d]}, counts [number]."""

    values: np.ndarray
    means: dict[int, np.ndarray]
    counts: np.ndarray


def tables(
    model: Any,
    prompts: Prompts,
    role: str,
    number: str,
    layers: Sequence[int],
    *,
    batch_size: int = 512,
    progress: Progress = silent,
) -> Tables:
    """Return the mean of the stream before each of `layers` at `role`, by the value of the variable `number`.

    Nothing is kept but the sums. Raises InterpError for an unknown variable, role or layer.
    """
    if number not in prompts.variables:
        raise InterpError(f"No variable {number!r}. {nearest(number, prompts.variables)}")
    values, group, counts = np.unique(prompts.variables[number], return_inverse=True, return_counts=True)
    place, sums = prompts.position(role), {}

    def adder(layer: int) -> Any:
        def add(activation: Tensor, rows: np.ndarray) -> None:
            here = activation[:, place].double().cpu()
            total = sums.setdefault(layer, torch.zeros(len(values), here.shape[1], dtype=torch.float64))
            total.index_add_(0, torch.as_tensor(group[rows]), here)

        return add

    wanted = {Site("resid_pre", layer): adder(layer) for layer in layers}
    stream(model, prompts, wanted, batch_size=batch_size, progress=progress)
    means = {layer: sums[layer].numpy() / counts[:, None] for layer in layers}
    return Tables(values.astype(float), means, counts)


def helix_fit(
    model: Any,
    prompts: Prompts,
    found: Tables,
    role: str,
    number: str,
    *,
    periods: Sequence[float] = DECIMAL,
    targets: Sequence[float] = TARGETS,
    n_null: int = 199,
    progress: Progress = silent,
    seed: int = 0,
) -> xr.Dataset:
    """Return gain, partial, p_value, null_high and null_median [layer, scheme, model], and what they stand on.

    `significant` [layer, scheme] where the corrected p of all targets is at most 5 %; `total`, `total_smooth` [layer];
    `coordinate` [layer, axis, number], the helix coordinates of every number. Raises InterpError where there are too
    few numbers, or a target that a number line has already.
    """
    asked = {scheme: question(found.values, targets, scheme) for scheme in SCHEMES}
    layers, gains = list(found.means), []
    for i, layer in enumerate(layers):
        points = found.means[layer]
        gains.append([gain(points, asked[scheme], n_null, seed) for scheme in SCHEMES])
        progress(i + 1, len(layers), "helix fits")
    terms = helix(found.values, periods)
    data = _gains(gains) | _totals(found, terms)
    names = [f"{kind} {argument:.4g}" if kind in ("cos", "sin") else kind for kind, argument in terms[1:]]
    coords = {
        "layer": layers, "scheme": list(SCHEMES), "model": list(gains[0][0].names), "null": list(NULLS),
        "axis": names, "number": found.values,
    }  # fmt: skip
    title = f"What periods add to a number line in the stream at {role}, by the value of {number}"
    told = {"role": role, "number_of": number, "n_null": n_null, "periods": [float(t) for t in periods], "seed": seed}
    told |= {"targets": [float(t) for t in targets], "correction": "Benjamini-Hochberg over layers and hold-outs"}
    return xr.Dataset(data, coords, attributes("helix", model, prompts, title, **told))


def _gains(found: list[list[Gain]]) -> dict[str, xr.Variable]:
    """The variables of held-out gains, of Gain [layer][scheme]."""

    def of(name: str) -> np.ndarray:
        return np.array([[getattr(each, name) for each in row] for row in found])

    p, dims = of("p"), "layer scheme model"  # p: [layer, scheme, null, model]
    worst = p.max(2)
    single = worst.shape[2] - 1
    corrected = np.minimum(worst * single, 1)
    corrected[..., 0] = false_discovery_control(worst[..., 0].ravel()).reshape(worst.shape[:2])
    return {
        "gain": variable(dims, of("gain"), "fraction of variance", "held-out R^2 that the periods add to the base"),
        "partial": variable(dims, of("partial"), "fraction", "the same as a share of what the base leaves"),
        "r2_base": variable("layer scheme", of("r2_base"), "fraction", "held-out R^2 of the smooth base"),
        "r2_full": variable(dims, of("r2_full"), "fraction", "held-out R^2 of base and periods"),
        "p_value": variable("layer scheme null model", p, "probability", "share of null draws with at least `partial`"),
        "p_corrected": variable(dims, corrected, "probability", "largest over the nulls, corrected for the map"),
        "significant": variable(
            "layer scheme", (corrected[..., 0] <= 0.05).astype(np.int8), "0 or 1", "p_corrected of all targets <= .05"
        ),
        "partial_null_high": variable(
            dims, of("null_high").max(2), "fraction", "95 % quantile of `partial` under the widest null"
        ),
        "partial_null_median": variable(
            dims, of("null_median").max(2), "fraction", "median of `partial` under the null with the highest"
        ),
    }


def _totals(found: Tables, terms: tuple[Term, ...]) -> dict[str, xr.Variable]:
    """The published score beside a number line's, and the coordinates of every number on the fitted helix."""
    values, base = found.values, smooth(found.values, LONG)
    total, line, places = [], [], []
    for points in found.means.values():
        spread = np.square(points - points.mean(0)).sum(0)
        scores = [np.nan_to_num(r_squared(points, values, each)) @ spread / spread.sum() for each in (terms, base)]
        total.append(scores[0])
        line.append(scores[1])
        places.append(_unseen(Code.of(values, points, [t for kind, t in terms if kind == "cos"]), terms))
    return {
        "total": variable("layer", total, "fraction", "in-sample R^2 of the whole helix; read beside total_smooth"),
        "total_smooth": variable("layer", line, "fraction", "in-sample R^2 of the smooth base alone"),
        "coordinate": variable(
            "layer axis number", places, "1", "helix coordinates of the mean activation, C from other numbers"
        ),
        "n_per_number": variable("number", found.counts, "prompts", "reference prompts behind each mean"),
        "n_numbers": variable("", len(values), "numbers", "different values that the fits see"),
    }


def _unseen(code: Code, terms: tuple[Term, ...]) -> np.ndarray:
    """Return the coordinates [axis, number] of each number on the helix fitted to the other folds.

    A fit with more dimensions than numbers puts the numbers it has seen on a perfect circle, whatever they are.
    """
    places = np.empty((len(terms) - 1, len(code.values)))
    for f in np.unique(code.fold):
        rest, here = code.fold != f, code.fold == f
        C = fit(code.points[rest], code.values[rest], terms, code.values)
        places[:, here] = C.coordinates(code.points[here])[:, 1:].T
    return places
