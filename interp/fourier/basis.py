"""Which waves make up a function of n = 0..N-1? The real Fourier basis on Z_N, as rows of F.

    row 0          1 / sqrt(N)
    row 2k-1, 2k   sqrt(2/N) cos(2 pi k n / N),  sqrt(2/N) sin(2 pi k n / N)     k = 1 .. ceil(N/2) - 1
    row N-1        (-1)^n / sqrt(N)       only for even N: the Nyquist wave, which has no sine partner

F F^T = I (to 1e-12), so squared coefficients are power and power adds up (Parseval). Frequency k has
the period N / k; there are floor(N/2) frequencies besides the constant. A whole period T is among them
only when N is a multiple of T; otherwise a pure wave of period T leaks into its neighbours
(`concentration` says how much stays together).
Conventions: Nanda et al. 2023, arXiv:2301.05217, with the even-N case mended.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pandas as pd
from jaxtyping import Float, Int
from numpy.typing import ArrayLike

from interp.errors import InterpError


@lru_cache(maxsize=16)
def basis(n: int) -> Float[np.ndarray, "row n"]:
    """Return F, float64 [n, n], orthonormal rows, read-only. Raises InterpError unless n is a whole number >= 1."""
    if not isinstance(n, int | np.integer) or n < 1:
        raise InterpError(f"A Fourier basis on {n} points does not exist: expected a whole number, at least 1.")
    turns = np.outer(row_frequencies(n), np.arange(n)) % n  # whole turns dropped: no rounding of large angles
    waves = np.cos(2 * np.pi * turns / n)
    sines = slice(2, 2 * ((n - 1) // 2) + 1, 2)
    waves[sines] = np.sin(2 * np.pi * turns[sines] / n)
    waves *= np.sqrt(2 / n)
    waves[[0, n - 1] if n % 2 == 0 else [0]] /= np.sqrt(2)
    waves.setflags(write=False)
    return waves


def row_frequencies(n: int) -> Int[np.ndarray, " row"]:
    """Return the frequency k of every row of `basis(n)`: 0, 1, 1, 2, 2, ..., and n/2 once when n is even."""
    return (np.arange(n) + 1) // 2


def frequencies(n: int) -> Int[np.ndarray, " component"]:
    """Return the non-constant frequencies 1 .. floor(n/2)."""
    return np.arange(1, n // 2 + 1)


def periods(n: int) -> Float[np.ndarray, " component"]:
    """Return the period n / k of every non-constant frequency k, descending from n to 2 or a little more."""
    return n / frequencies(n)


def rows(n: int, k: int) -> Int[np.ndarray, " row"]:
    """Return the rows of `basis(n)` that belong to frequency k: one for 0 and Nyquist, else two.

    Raises InterpError when k is not a frequency of Z_n.
    """
    found = np.flatnonzero(row_frequencies(n) == k)
    if not len(found):
        raise InterpError(f"Frequency {k} is not in Z_{n}: expected 0 to {n // 2}; choose one of these.")
    return found


def table(n: int) -> pd.DataFrame:
    """Return a line for each row of `basis(n)`: row, function, frequency, period (inf for the constant)."""
    k = row_frequencies(n)
    function = np.where(np.arange(n) % 2 == 1, "cos", "sin").astype(object)
    function[0] = "constant"
    if n % 2 == 0:
        function[-1] = "nyquist"
    with np.errstate(divide="ignore"):
        return pd.DataFrame({"row": np.arange(n), "function": function, "frequency": k, "period": n / k})


def transform(x: Float[np.ndarray, "n ..."]) -> Float[np.ndarray, "row ..."]:
    """Return F x along the first axis. Raises InterpError for complex numbers and for no points."""
    x = real(x)
    return np.tensordot(basis(len(x)), x, axes=1)


def inverse(coefficients: Float[np.ndarray, "row ..."]) -> Float[np.ndarray, "n ..."]:
    """Return F^T c along the first axis; undoes `transform`."""
    coefficients = real(coefficients)
    return np.tensordot(basis(len(coefficients)).T, coefficients, axes=1)


def transform_2d(x: Float[np.ndarray, "a b ..."]) -> Float[np.ndarray, "row column ..."]:
    """Return F x F^T on the first two axes: entry (i, j) belongs to wave i of a times wave j of b."""
    return transform(transform(x).swapaxes(0, 1)).swapaxes(0, 1)


def power(x: Float[np.ndarray, "... n d"]) -> Float[np.ndarray, "... component"]:
    """Return the share of the non-constant power at every frequency 1..floor(n/2); the shares add up to 1.

    power_k = sum over d of (cos row . x)^2 + (sin row . x)^2, over the sum of these over k.
    Computed by the FFT, which equals `basis` here (a test holds it to that). NaN when x does not vary with n, or is
    not finite. Raises InterpError for complex numbers, for no points and for fewer than two axes.
    """
    x = real(x)
    if x.ndim < 2 or not x.shape[-2]:
        raise InterpError(f"Points of shape {x.shape} have no spectrum: expected [..., n, d], n >= 1; add an axis.")
    with np.errstate(invalid="ignore"):  # inf - inf is nan, and so is its power
        x = x - x[..., :1, :]  # the mean is not asked for, and what is constant vanishes exactly
    squares = np.square(np.abs(np.fft.rfft(x, axis=-2))).sum(-1)[..., 1:]
    if x.shape[-2] % 2 == 0:
        squares[..., -1] /= 2  # the FFT counts the Nyquist wave once, every other frequency twice (k and -k)
    total = squares.sum(-1, keepdims=True)
    return np.divide(squares, total, out=np.full_like(squares, np.nan), where=total > 0)


def concentration(n: int, period: float) -> float:
    """Return the largest share that one frequency holds of cos(2 pi i / period), i < n; 1 = exact.

    A period longer than n is a bend, which leaks. NaN for a wave that is constant on whole numbers (period 1, 1/2 ...).
    Raises InterpError for a period that is not positive and finite, and for fewer than two points.
    """
    if not 0 < period < np.inf:
        raise InterpError(f"A period of {period} does not exist: expected a positive number.")
    if n < 2:
        raise InterpError(f"{n} points have no frequency: expected at least 2; give more.")
    turns = np.remainder(np.arange(n), period) / period  # whole turns dropped: no rounding of large angles
    return float(power(np.cos(2 * np.pi * turns)[:, None]).max())


def real(x: ArrayLike) -> np.ndarray:
    """Return x as float64. Raises InterpError for complex numbers, whose imaginary part would be lost."""
    x = np.asarray(x)
    if np.iscomplexobj(x):
        raise InterpError(
            "Complex numbers were given: expected real ones; pass the real and imaginary parts as two columns."
        )
    return x.astype(float, copy=False)
