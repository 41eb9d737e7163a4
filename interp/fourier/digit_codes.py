"""On which waves of Z_10 do a model's ten digits lie: in its embeddings, its MLP and its final states?

    embedding     the ten rows of W_E               one 10-vector a dimension of the stream
    unembedding   the ten columns of W_U            likewise
    mlp l         W_out of block l . embeddings     one 10-vector a neuron: which digit it writes
    final         final state . unembeddings        one 10-vector a prompt, without the final norm

each scored as `interp.fourier.prism` says, beside 10,000 relabelings, white noise (Beta law) and number lines.
Source: Why Can't Transformers Learn Multiplication? 2025, arXiv:2510.00184.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr
from jaxtyping import Float
from scipy.special import ndtri

from interp.errors import InterpError
from interp.fourier import prism
from interp.fourier.embedding import number_ids
from interp.methods.grid import read_stream
from interp.methods.result import mean_variables, variable
from interp.progress import Progress, silent

Vectors = Mapping[str, Float[np.ndarray, "row digit"]]


def digit_vectors(model: Any, prompts: Any, *, prefix: str = "", batch_size: int = 512) -> dict[str, np.ndarray]:
    """Return the 10-vectors {site: float64 [row, digit]} of a model with a tokenizer; `final` at the last position.

    Raises InterpError when a digit is not one token of its own.
    """
    tokenizer = getattr(model, "tokenizer", None)
    if tokenizer is None:
        raise InterpError("This model reads no text, so it has no digits 0 to 9: choose a model with a tokenizer.")
    ids = number_ids(tokenizer, range(prism.DIGITS), prefix)
    embed, unembed = (w.detach().double().cpu().numpy() for w in (model.W_E[ids].T, model.W_U[:, ids]))
    found = {"embedding": embed, "unembedding": unembed}
    for layer in range(model.cfg.n_layers):
        found[f"mlp {layer}"] = model.W_out[layer].detach().double().cpu().numpy() @ embed
    depth = model.cfg.n_layers
    stream = read_stream(model, prompts, [depth], batch_size, silent)
    found["final"] = stream.at(depth, "last")[:, 0].double().cpu().numpy() @ unembed
    return found


def digit_codes(vectors: Vectors, *, draws: int = 10_000, seed: int = 0, progress: Progress = silent) -> xr.Dataset:
    """Return the prism scores of every site beside their nulls.

    `r2` [site, subset] is the median over rows with its interval, `r2_null`, `r2_null_high` the median and 95 % of
    relabelings, `r2_p` the share of them that score as much; `white`, `white_high` [subset], `line_score` [line,
    subset] and `line_is_rewarded` [subset] (1: a number line passes for periodic); `prism`, `prism_null_high`,
    `prism_p` [site]; `angle`, `angle_null_low` [site, direction] in degrees; `cumulative` [site, added].
    Raises InterpError for fewer than 19 draws, or vectors that do not vary with the digit.
    """
    if draws < 19 or not vectors:
        raise InterpError(f"{draws} relabelings of {len(vectors)} sites: expected at least 19 and 1; ask for more.")
    found, nulls = [], []
    for i, (site, each) in enumerate(vectors.items()):
        progress(i, len(vectors), f"digits in {site}")
        found.append(prism.score(each))
        nulls.append(prism.permuted(each, draws, seed))
    progress(len(vectors), len(vectors), "digits")
    subsets = prism.SUBSETS.values()
    ends = np.array([[_median_interval(prism.r2(each, ks)) for ks in subsets] for each in vectors.values()])
    data = {**_scored(found, nulls, ends), **_references()}
    data["cumulative"] = variable("site added", [prism.cumulative(x) for x in vectors.values()], "fraction",
                                  "share of all variance held, frequencies added one by one")  # fmt: skip
    data["n_rows"] = variable("site", [len(x) for x in vectors.values()], "rows", "10-vectors")
    data["n"] = variable("", sum(len(x) for x in vectors.values()), "rows", "10-vectors of all sites")
    coords = {
        "site": list(vectors), "subset": list(prism.SUBSETS), "line": list(prism.LINES), "direction": [1, 2, 3],
        "added": ["0", *(f"+{k}" for k in prism.ORDER)],
    }  # fmt: skip
    attrs = {"method": "digit_codes", "title": "Waves of the ten digits, and whether they form a prism.",
             "draws": draws, "seed": seed}  # fmt: skip
    return xr.Dataset(data, coords, attrs)


def _scored(found: list[prism.Prism], nulls: list[prism.Prism], ends: np.ndarray) -> dict[str, xr.Variable]:
    value, null = (prism.Prism(*(np.stack(each) for each in zip(*made, strict=True))) for made in (found, nulls))
    draws, part = null.fit.shape[1], "fraction"
    worst, worst_null = (np.degrees(each.angles) for each in (value, null))
    chance = "relabelings that score as much"
    return {
        **mean_variables("r2", "site subset", value.median, (ends[..., 0], ends[..., 1]), part, "median over rows"),
        "r2_null": variable("site subset", np.median(null.median, 1), part, "median of relabelings"),
        "r2_null_high": variable("site subset", np.quantile(null.median, 0.95, 1), part, "95 % of relabelings"),
        "r2_p": variable("site subset", _p(null.median >= value.median[:, None], draws), "probability", chance),
        "prism": variable("site", value.fit, part, "variance held by the best prism"),
        "prism_null": variable("site", np.median(null.fit, 1), part, "median of relabelings"),
        "prism_null_high": variable("site", np.quantile(null.fit, 0.95, 1), part, "95 % of relabelings"),
        "prism_p": variable("site", _p(null.fit >= value.fit[:, None], draws), "probability", chance),
        "angle": variable("site direction", worst, "degrees", "between leading directions and the prism's waves"),
        "angle_null_low": variable("site direction", np.quantile(worst_null, 0.05, 1), "degrees", "5 % of relabelings"),
    }


def _references() -> dict[str, xr.Variable]:
    subsets, part = prism.SUBSETS.values(), "fraction"
    lines = [[prism.line_scores(ks)[name] for ks in subsets] for name in prism.LINES]
    rewarded = [int(prism.line_is_rewarded(ks)) for ks in subsets]
    return {
        "white_null": variable("subset", [prism.white_mean(ks) for ks in subsets], part, "mean of white rows"),
        "white_null_high": variable(
            "subset", [prism.white_quantile(ks, 0.95) for ks in subsets], part, "one white row"
        ),
        "line_score": variable("line subset", lines, part, "curves with nothing periodic"),
        "line_is_rewarded": variable("subset", rewarded, "0 or 1", "1: a number line scores above white noise"),
    }


def _p(as_much: np.ndarray, draws: int) -> np.ndarray:
    return (1 + as_much.sum(1)) / (1 + draws)


def _median_interval(values: np.ndarray) -> tuple[float, float]:
    """Return the distribution-free 95 % interval of a median, from order statistics; rows taken as independent."""
    ordered, n = np.sort(values), len(values)
    half = ndtri(0.975) * np.sqrt(n) / 2
    low, high = (int(np.clip(np.round(n / 2 + side * half), 0, n - 1)) for side in (-1, 1))
    return float(ordered[low]), float(ordered[high])
