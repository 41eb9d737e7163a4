"""Do ten vectors for the digits 0..9 form a pentagonal prism, or would any smooth curve score as well?

For rows x [row, digit] (an embedding dimension, a neuron, a prompt's ten logits) and waves of Z_10:

    r2(x; ks)   =  share of the variance of x that the waves k in ks hold          k = 0 (constant) is always in
    prism fit   =  share held by  s_1 a_1 (-1)^n + s_2 (a_2 cos 2 pi 2n/10 + a_3 sin 2 pi 2n/10),  a orthonormal:
                   orthogonal Procrustes to the ideal prism, its height and its width free
    angles      between the three leading principal directions over digits and the waves {2, 2, 5}

Nulls: white rows, r2 ~ Beta(r/2, (9 - r)/2) with r waves; the same ten vectors under 10,000 random labelings
(`permuted`), which knows that rows are correlated; and curves with nothing periodic, n and log(n + 1).

How to read: {0, 1, 2, 5} gives a plain number line .840 and white noise .556: a median near .85 on it is no evidence
(`line_is_rewarded`). {0, 2, 5} gives a line .206 and noise .333: that one tells.
Source: Why Can't Transformers Learn Multiplication? 2025, arXiv:2510.00184 (medians over rows, no nulls).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from scipy.stats import beta

from interp.errors import InterpError
from interp.fourier.basis import basis, real, rows

DIGITS = 10
SUBSETS = {"0,1,2,5": (1, 2, 5), "0,2,5": (2, 5), "0,3,4,5": (3, 4, 5)}
"""Published subset, the prism's own, and a control with as many waves as the published one."""
ORDER = (5, 2, 1, 3, 4)
"""Order in which the cumulative curve adds frequencies."""
LINES = {"number line": np.arange(DIGITS, dtype=float), "log(n + 1)": np.log(np.arange(DIGITS) + 1.0)}
CHUNK = 2**23  # numbers at a time


class Prism(NamedTuple):
    """Scores of one set of ten vectors, or of `draw` labelings of it: arrays of one common leading shape."""

    median: np.ndarray  # [..., subset]
    fit: np.ndarray
    angles: np.ndarray  # [..., 3] radians, ascending


def centred(vectors: Float[np.ndarray, "row digit"]) -> Float[np.ndarray, "row digit"]:
    """Return rows without their mean. Raises InterpError unless they are finite, [row, 10], and some row varies."""
    x = real(vectors)
    if x.ndim != 2 or x.shape[1] != DIGITS or not np.isfinite(x).all():
        raise InterpError(f"Vectors of shape {x.shape}: expected finite numbers [row, 10], one column a digit.")
    x = x - x.mean(1, keepdims=True)
    varying = np.linalg.norm(x, axis=1) > 1e-9 * max(np.linalg.norm(vectors), np.finfo(float).tiny)
    if not varying.any():
        raise InterpError("No row varies with the digit: expected ten different vectors; check the input.")
    return x[varying]


def r2(vectors: Float[np.ndarray, "row digit"], ks: Sequence[int]) -> Float[np.ndarray, " row"]:
    """Return the share of the variance of each row that varies in the waves `ks`, in [0, 1]."""
    x = centred(vectors)
    return ((x @ _waves(ks).T) ** 2).sum(1) / (x**2).sum(1)


def white_quantile(ks: Sequence[int], q: float) -> float:
    """Return the quantile of r2 of a white row: Beta(r/2, (9 - r)/2)."""
    r = len(_waves(ks))
    return float(beta.ppf(q, r / 2, (DIGITS - 1 - r) / 2))


def white_mean(ks: Sequence[int]) -> float:
    """Return the mean r2 of a white row, r / 9."""
    return len(_waves(ks)) / (DIGITS - 1)


def line_scores(ks: Sequence[int]) -> dict[str, float]:
    """Return the r2 of curves with nothing periodic in them."""
    return {name: float(r2(line[None], ks)[0]) for name, line in LINES.items()}


def line_is_rewarded(ks: Sequence[int]) -> bool:
    """Return whether some of these curves scores above the median of white rows: the subset cannot tell them apart."""
    return max(line_scores(ks).values()) > white_quantile(ks, 0.5)


def cumulative(vectors: Float[np.ndarray, "row digit"]) -> Float[np.ndarray, " step"]:
    """Return the share of all variance (rows pooled) held by the constant, then with each of ORDER; ends at 1."""
    x = centred(vectors)
    parts = [((x @ _waves([k]).T) ** 2).sum() / (x**2).sum() for k in ORDER]
    return np.cumsum([0.0, *parts])


def score(vectors: Float[np.ndarray, "row digit"]) -> Prism:
    """Return the prism scores of the vectors as they are labelled."""
    return Prism(*(each[0] for each in _scores(centred(vectors), np.arange(DIGITS)[None])))


def permuted(vectors: Float[np.ndarray, "row digit"], draws: int = 10_000, seed: int = 0) -> Prism:
    """Return the scores of `draws` random labelings of the same vectors, [draw, ...]."""
    x, rng = centred(vectors), np.random.default_rng(seed)
    orders = rng.permuted(np.tile(np.arange(DIGITS), (draws, 1)), axis=1)
    size = max(1, CHUNK // x.size)
    parts = [_scores(x, orders[start : start + size]) for start in range(0, draws, size)]
    return Prism(*(np.concatenate(each) for each in zip(*parts, strict=True)))


def _scores(x: np.ndarray, orders: np.ndarray) -> Prism:
    """Return the scores of the labelings `orders` [draw, digit]: digit n gets column orders[n]."""
    waves = basis(DIGITS)[1:][:, np.argsort(orders, axis=1)].swapaxes(0, 1)  # [draw, wave, column]
    inner = x.T @ x
    total = np.trace(inner)
    squares = (x @ waves.swapaxes(1, 2)) ** 2 / (x**2).sum(1)[:, None]  # [draw, row, wave]
    median = np.stack([np.median(squares[..., _index(ks)].sum(-1), axis=1)
                       for ks in SUBSETS.values()], axis=-1)  # fmt: skip
    frame = waves[:, _index((5, 2))]  # k = 5 first, then cos and sin of k = 2
    gram = frame @ inner @ frame.swapaxes(1, 2)
    leading = np.linalg.eigh(inner)[1][:, -3:]
    cosines = np.linalg.svd(frame @ leading, compute_uv=False)
    return Prism(median, procrustes(gram) / total, np.arccos(np.clip(cosines, -1, 1)))


def procrustes(gram: Float[np.ndarray, "draw 3 3"], steps: int = 30) -> Float[np.ndarray, " draw"]:
    """Return the variance held by the best prism, from the Gram matrix of the coefficients m of (k5, cos k2, sin k2).

    held = (a_1 . m_1)^2 + (a_2 . m_2 + a_3 . m_3)^2 / 2, maximised over orthonormal a: in turn the polar factor of the
    scaled m (orthogonal Procrustes) and the best two scales.
    """
    diagonal = np.sqrt(np.maximum(np.diagonal(gram, axis1=1, axis2=2), 1e-300))
    sizes = np.stack([diagonal[:, 0], *[diagonal[:, 1:].mean(1)] * 2], axis=1)
    for _ in range(steps):
        scaled = sizes[:, :, None] * gram * sizes[:, None, :]
        values, vectors = np.linalg.eigh(scaled)
        root = (vectors / np.sqrt(np.maximum(values, 1e-12 * values[:, -1:]))[:, None]) @ vectors.swapaxes(1, 2)
        along = np.einsum("dij,dj,dji->di", root, sizes, gram)  # a_i . m_i
        sizes = np.stack([along[:, 0], *[along[:, 1:].mean(1)] * 2], axis=1)
    held = along[:, 0] ** 2 + along[:, 1:].sum(1) ** 2 / 2
    return np.minimum(held, np.trace(gram, axis1=1, axis2=2))  # more than there is can only be rounding


def _index(ks: Sequence[int]) -> np.ndarray:
    """Return the rows of the waves `ks` among the nine that vary."""
    return np.concatenate([rows(DIGITS, k) for k in ks]) - 1


def _waves(ks: Sequence[int]) -> np.ndarray:
    return basis(DIGITS)[1:][_index(ks)]
