"""Which directions of an activation move the low, or the high, frequencies of the number logits?

    logits of the numbers     l = W h                    W [number, d]: the numbers' rows of the unembedding
    their waves               F l                        F the orthonormal Fourier basis on Z_N, N = len(W) exactly
    filter                    h - U U^T h                U an orthonormal basis of the row space of B F W

B picks rows of F, so h - U U^T h is the nearest vector to h for which these waves of l vanish. The constant is never
among them: it is kept. As a write of the engine it is the zero source in the basis U. `low` are the frequencies below
`cut`, `high` the others, by one of two named countings, which cut at different places: by `component` k = 1, 2, ... or
by `row` of F, of which every component has two (the cut 50 of the paper means k >= 50 in one definition and about
k >= 25 in another).

N is the number of numbers: the printed basis, with angles 2 pi k n / (p - 1) on p = 521 numbers, has a sine row that is
zero and is no basis. U has as many dimensions as B picks rows, but never more than d: `rank` tells, and where it is d
the filter takes everything, the constant too. A final norm scales rows of W unevenly: `numbers_unembedding` gives W as
printed ("unembedding"), or times the norm's gain ("read"), which is what the model reads.
Source: Zhou et al. 2024, arXiv:2406.03445.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from interp.errors import InterpError
from interp.fourier import basis as fourier

SIDES = ("low", "high")
COUNTINGS = ("component", "row")
READINGS = ("read", "unembedding")
TAU = 50 / 520
"""The published cut, as a share of the numbers: component 50 of 520, the period 10.4."""
RELATIVE = 1e-6


def default_cut(n: int) -> int:
    """Return the component at which high begins: the first whose period is at most 10.4, as k >= 50 on 520 numbers."""
    return int(np.ceil(TAU * n - 1e-9))


def rows(n: int, side: str, cut: int, by: str = "component") -> Int[np.ndarray, " row"]:
    """Return the rows of `fourier.basis(n)` on one `side` of `cut`, counted `by` component or row; never row 0.

    Raises InterpError for an unknown side or counting, and for a cut that leaves one side empty.
    """
    if side not in SIDES or by not in COUNTINGS:
        raise InterpError(f"Side {side!r} by {by!r}: expected {' or '.join(SIDES)} by {' or '.join(COUNTINGS)}.")
    place = fourier.row_frequencies(n) if by == "component" else np.arange(n)
    low = (place > 0) & (place < cut)
    chosen = np.flatnonzero(low if side == "low" else (place > 0) & ~low)
    if not 0 < len(chosen) < n - 1:
        raise InterpError(f"A cut at {by} {cut} of {n} numbers leaves a side empty: choose 2 to {place.max()}.")
    return chosen


def all_but(n: int, periods: Sequence[float]) -> Int[np.ndarray, " row"]:
    """Return the rows of `fourier.basis(n)` but the constant and those of `periods`: what a single-pass filter removes.

    Raises InterpError for a period that is no frequency of n numbers.
    """
    kept = [frequency(n, period) for period in periods]
    k = fourier.row_frequencies(n)
    return np.flatnonzero((k > 0) & ~np.isin(k, kept))


def frequency(n: int, period: float) -> int:
    """Return k = n / period. Raises InterpError unless it is a whole frequency of n numbers."""
    k = n / period if period > 0 else np.nan
    if not (np.isfinite(k) and abs(k - round(k)) < 1e-6 and 1 <= round(k) <= n // 2):
        raise InterpError(f"Period {period:g} is no frequency of {n} numbers: n / period must be 1 to {n // 2}.")
    return round(k)


def space(W: Float[np.ndarray, "number d"], chosen: Int[np.ndarray, " row"]) -> Float[np.ndarray, "d rank"]:
    """Return U, orthonormal columns that span the row space of the `chosen` waves of W: float64 [d, rank].

    rank <= min(len(chosen), d). Raises InterpError where W is not finite or these waves of W are zero.
    """
    W = fourier.real(W)
    if W.ndim != 2 or not np.isfinite(W).all() or not len(chosen):
        raise InterpError(f"An unembedding {W.shape} and {len(chosen)} waves: expected finite [number, d], waves > 0.")
    waves = fourier.transform(W)
    sizes, directions = np.linalg.svd(waves[chosen], full_matrices=False)[1:]
    kept = sizes > RELATIVE * np.linalg.norm(waves, 2)
    if not kept.any():
        raise InterpError("These waves of the unembedding are zero: there is nothing to filter.")
    return directions[kept].T


def filtered(h: Float[np.ndarray, "... d"], U: Float[np.ndarray, "d rank"]) -> Float[np.ndarray, "... d"]:
    """Return F(h) = h - U U^T h: nearest to h without the waves behind `U`."""
    return np.asarray(h, float) - np.asarray(h, float) @ U @ U.T


def shuffled_space(
    W: Float[np.ndarray, "number d"], chosen: Int[np.ndarray, " row"], rng: np.random.Generator
) -> Float[np.ndarray, "d rank"]:
    """Return the space of the same waves of the numbers in random order: as large, and as much about numbers."""
    return space(W[rng.permutation(len(W))], chosen)


def random_space(d: int, rank: int, rng: np.random.Generator) -> Float[np.ndarray, "d rank"]:
    """Return `rank` random orthonormal columns of a space of `d` dimensions."""
    return np.linalg.qr(rng.standard_normal((d, rank)))[0]


def numbers_unembedding(lean: Any, ids: Sequence[int], reading: str = "read") -> Float[np.ndarray, "number d"]:
    """Return W float64 [number, d_model] of an opened model: rows of the unembedding, "read" times the norm's gain.

    A layer norm takes the mean of h away before: its W has rows without their mean. Raises InterpError for an unknown
    reading or a token outside the vocabulary.
    """
    if reading not in READINGS:
        raise InterpError(f"Unknown reading {reading!r}: expected {' or '.join(READINGS)}.")
    weights = lean.W_U.detach().double().cpu().numpy()
    if max(ids) >= weights.shape[1]:
        raise InterpError(f"Token {max(ids)} is outside the vocabulary of {weights.shape[1]}: take fewer numbers.")
    W, norm = weights[:, list(ids)].T, lean.norm_final
    if reading == "read" and norm.weight is not None:
        W = W * norm.weight.detach().double().cpu().numpy()
    if reading == "read" and norm.kind == "layer":
        W = W - W.mean(1, keepdims=True)
    return W
