"""How far apart do the residues mod T lie in an embedding, and is that what the spectrum measures?

    Phi_T     =  sum over l = 1 .. T-1 of |F_(l/T)|^2,     F_nu = N^(-1/2) sum_n e(n) exp(-2 pi i nu n)
    S_B, S_W  =  covariance of the class means, mean covariance inside a class          classes: n mod T
    identity     Phi_T / N  =  Tr S_B                       whenever T divides N
    fisher    =  largest eigenvalue of S_W^-1 S_B:          the best ratio of between to within along one direction

    Phi_T / ((T-1) N lambda_max(S_W))  <=  fisher  <=  Phi_T / (N lambda_min(S_W))

How to read: Phi_T = 0 means that no linear probe can tell the residue; the converse is false. e(n) = A r + B m with
n = r + m T keeps Phi_T whatever B is, while a large B hides the residue from every linear probe
(`counterexample`): energy between classes counts only against the scatter inside them. So spectrum, Fisher ratio and
a held-out kappa (`interp.fourier.class_probe`) belong together.
Source: Convergent Evolution 2026, arXiv:2604.20817.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from interp.errors import InterpError
from interp.fourier.basis import real


class Scatter(NamedTuple):
    """Covariance of the class means and mean covariance inside a class, [d, d]; they add up to the whole."""

    between: np.ndarray
    within: np.ndarray


class Fisher(NamedTuple):
    """The largest ratio of between to within, and its bounds from Phi_T and the extreme eigenvalues of S_W."""

    value: float
    least: float
    most: float


def phi(points: Float[np.ndarray, "n d"], period: int) -> float:
    """Return Phi_T of the embeddings of N consecutive numbers, in their own squared units.

    Raises InterpError unless 2 <= T and T divides N: else 1/T, ..., (T-1)/T are no frequencies of Z_N.
    """
    n = len(points)
    require_whole(n, period)
    energy = np.abs(np.fft.fft(real(points), axis=0, norm="ortho")) ** 2
    return float(energy[n // period :: n // period].sum())


def require_whole(n: int, period: int) -> None:
    """Raise InterpError unless `period` >= 2 divides n."""
    if period < 2 or n < period or n % period:
        best = n - n % period if period >= 2 else n
        raise InterpError(
            f"Period {period} does not divide {n} numbers: expected whole periods of at least 2; use {best} of them."
        )


def scatter(points: Float[np.ndarray, "n d"], labels: Int[np.ndarray, " n"]) -> Scatter:
    """Return S_B and S_W, every number weighted alike."""
    points = real(points)
    classes, index = np.unique(labels, return_inverse=True)
    counts = np.bincount(index)
    sums = np.zeros((len(classes), points.shape[1]))
    np.add.at(sums, index, points)
    means = sums / counts[:, None]
    shifted, rest = means - points.mean(0), points - means[index]
    return Scatter((shifted * counts[:, None]).T @ shifted / len(points), rest.T @ rest / len(points))


def leading(points: Float[np.ndarray, "n d"], rank: int) -> Float[np.ndarray, "n rank"]:
    """Return the centred points in their `rank` leading principal directions: S_W can be inverted there."""
    left, norms, _ = np.linalg.svd(points - points.mean(0), full_matrices=False)
    return left[:, :rank] * norms[:rank]


def fisher(points: Float[np.ndarray, "n d"], labels: Int[np.ndarray, " n"]) -> Fisher:
    """Return the Fisher ratio and its bounds; of random labels it is about rank / n, so read it beside a shuffle.

    Raises InterpError when S_W is singular (more directions than numbers inside the classes): take `leading` first.
    """
    between, within = scatter(points, labels)
    spread = np.linalg.eigvalsh(within)
    if spread[0] <= 1e-12 * max(spread[-1], np.trace(between), np.finfo(float).tiny):
        raise InterpError(
            f"The scatter inside {len(np.unique(labels))} classes of {len(points)} numbers is singular in "
            f"{points.shape[1]} dimensions: expected full rank; take fewer principal directions."
        )
    half = np.linalg.cholesky(within)
    whitened = np.linalg.solve(half, np.linalg.solve(half, between).T)
    energy, t = float(np.trace(between)), len(np.unique(labels))
    return Fisher(float(np.linalg.eigvalsh(whitened)[-1]), energy / ((t - 1) * spread[-1]), energy / spread[0])


def counterexample(count: int, period: int, slope: float, drift: float) -> Float[np.ndarray, "n 1"]:
    """Return e(n) = slope r + drift m for n = r + period m: Phi_T depends on the slope alone."""
    require_whole(count, period)
    m, r = np.divmod(np.arange(count), period)
    return (slope * r + drift * m)[:, None].astype(float)
