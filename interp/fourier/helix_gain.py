"""Do the periods 2, 5, 10 say anything of numbers that the fit has not seen, and more than chance?

    base = {1, a, T = 100, log(a + 1), number of digits}        full = base + {cos, sin (2 pi a / T)}
    gain    = (SSE_base - SSE_full) / SST         what the periods add to the held-out R^2
    partial = (SSE_base - SSE_full) / SSE_base    the same as a share of what the base leaves
    SSE = |M X|^2, M the linear map from all points to the residuals of the numbers held out

Held out are runs of neighbouring numbers (`block`: the fit must carry on where it has seen nothing) or every 7th
number (`interleaved`; a step that divides a period would hide a whole phase of it, so the step is coprime to them).
Both are negative on average where there is nothing to find: more terms fit more noise.

Nulls of `partial`: white noise of the same dimension; the residuals of the base in random order (Freedman & Lane); a
number line, smooth random curves with nothing periodic (`interp.fourier.nulls`). p is the largest of the three: a code
that any of them explains is not called periodic. The observed part below ROUNDING of the variance is no residual.

Sources: Kantamneni & Tegmark 2025, arXiv:2502.00873 (the helix); Freedman & Lane (1983), J. Bus. Econ. Stat. 1, 292.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import ArrayLike

from interp.errors import InterpError
from interp.fourier.helix import LONG, Term, checked, design, helix, independent, smooth
from interp.fourier.nulls import polynomial as random_polynomial
from interp.fourier.nulls import principal, random_walk, white_noise

TARGETS = (2, 5, 10)
SCHEMES = ("block", "interleaved")
NULLS = ("white noise", "shuffled", "number line")
BLOCKS = 10
STEPS = (7, 11, 13, 17, 19)
ROUNDING = 1e-12
AT_ONCE = 2**22  # numbers drawn at a time


def folds(n: int, scheme: str, periods: Sequence[float] = TARGETS) -> Int[np.ndarray, " value"]:
    """Return the fold of each of `n` ordered values: 10 runs of neighbours, or places modulo a step.

    The step is the first of STEPS that no whole period is a multiple of. Raises InterpError for an unknown scheme.
    """
    if scheme not in SCHEMES:
        raise InterpError(f"Unknown hold-out {scheme!r}: expected {' or '.join(SCHEMES)}.")
    if scheme == "block":
        return np.arange(n) * BLOCKS // n
    whole = [round(period) for period in periods if abs(period - round(period)) < ROUNDING]
    step = next((s for s in STEPS if not any(period % s == 0 for period in whole)), STEPS[0])
    return np.arange(n) % step


def held_out(columns: Float[np.ndarray, "value term"], fold: Int[np.ndarray, " value"]) -> np.ndarray:
    """Return M [value, value]: M X are the residuals of each value under the fit to the other folds.

    Raises InterpError where a fold leaves fewer values than terms.
    """
    M = np.eye(len(columns))
    for f in np.unique(fold):
        out, rest = np.flatnonzero(fold == f), np.flatnonzero(fold != f)
        if len(rest) < columns.shape[1]:
            raise InterpError(f"{len(rest)} values cannot fit {columns.shape[1]} terms: give more numbers.")
        M[np.ix_(out, rest)] -= columns[out] @ np.linalg.pinv(columns[rest])
    return M


@dataclass(frozen=True)
class Question:
    """What is asked of one set of values: by how much `added` terms lower the held-out error of `base`."""

    values: np.ndarray
    base: tuple[Term, ...]
    added: dict[str, tuple[Term, ...]]
    fold: np.ndarray

    @cached_property
    def products(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """M^T M of the constant [value, value], of the base, and of every full model [model, value, value]."""
        squares = []
        for terms in (self.base[:1], self.base, *self.added.values()):
            M = held_out(design(terms, self.values, self.values), self.fold)
            squares.append(M.T @ M)
        return squares[0], squares[1], np.stack(squares[2:])

    def errors(self, gram: Float[np.ndarray, "*draw value value"]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return SST [*draw], SSE of the base [*draw] and of the full models [*draw, model] of points by X X^T."""
        flat = gram.reshape(*gram.shape[:-2], -1)
        total, base, full = self.products
        return flat @ total.ravel(), flat @ base.ravel(), flat @ full.reshape(len(full), -1).T

    def partial(self, gram: Float[np.ndarray, "*draw value value"]) -> Float[np.ndarray, "*draw model"]:
        """Return (SSE_base - SSE_full) / SSE_base; 0 where the base leaves nothing."""
        total, base, full = self.errors(gram)
        gained = base[..., None] - full
        real = np.broadcast_to((base > ROUNDING * total)[..., None], gained.shape)
        return np.divide(gained, base[..., None], out=np.zeros_like(gained), where=real)


def question(
    values: ArrayLike, targets: Sequence[float] = TARGETS, scheme: str = "block", long: float = LONG
) -> Question:
    """Return the question of `targets` together ("all") and each by itself ("T=2", ...) over the smooth base.

    `values` are different and ascending. Raises InterpError for others, and for a target that the base holds already.
    """
    a = np.asarray(values, float)
    if a.ndim != 1 or len(a) < 2 or (np.diff(a) <= 0).any():
        raise InterpError("Held-out gains need different values in rising order: take the mean of each first.")
    base = smooth(a, long)
    groups = {"all": tuple(targets), **{f"T={T:.4g}": (T,) for T in targets}}
    added = {name: independent((*base, *helix(a, group)[2:]), a) for name, group in groups.items()}
    empty = [name for name, terms in added.items() if len(terms) == len(base)]
    if empty:
        raise InterpError(f"{empty[0]} adds nothing to the smooth base over these values: leave the period out.")
    return Question(a, base, added, folds(len(a), scheme, targets))


@dataclass(frozen=True)
class Gain:
    """Per model ("all", then each target): `gain` and `partial`; p [null, model]; the 95 % quantile of each null.

    `r2_base` and `r2_full` are held-out shares of variance; `names` are the models.
    """

    names: tuple[str, ...]
    r2_base: float
    r2_full: np.ndarray
    gain: np.ndarray
    partial: np.ndarray
    p: np.ndarray
    null_high: np.ndarray
    null_median: np.ndarray

    @property
    def p_value(self) -> np.ndarray:
        """The largest p over the nulls [model]: nothing counts that one of them explains."""
        return self.p.max(0)


def gain(points: Float[np.ndarray, "value d"], asked: Question, n_null: int = 199, seed: int = 0) -> Gain:
    """Return what the target periods add for these points, one row a value of `asked`, beside its nulls.

    Raises InterpError for points that do not fit, are constant, or fewer than 19 draws (no p could reach 5 %).
    """
    x, _ = checked(points, asked.values)
    if n_null < 19:
        raise InterpError(f"n_null = {n_null} cannot reach p = 0.05: expected at least 19; ask for more draws.")
    x = x - x.mean(0)
    if not np.square(x).sum() > 0:
        raise InterpError("The points are all the same: expected them to vary with the value; check the site.")
    total, base, full = asked.errors(x @ x.T)
    partial = asked.partial(x @ x.T)
    draws = np.stack([null_partials(x, asked, null, n_null, seed) for null in NULLS])
    p = (1 + (draws >= partial).sum(1)) / (1 + draws.shape[1])
    return Gain(
        tuple(asked.added), float(1 - base / total), 1 - full / total, (base - full) / total, partial, p,
        np.quantile(draws, 0.95, axis=1), np.median(draws, axis=1),
    )  # fmt: skip


def null_partials(x: np.ndarray, asked: Question, null: str, count: int, seed: int) -> Float[np.ndarray, "draw model"]:
    """Return `partial` of `count` draws of one of NULLS made to be compared with points x [value, d].

    The number line is the larger, draw by draw, of a random walk and a random cubic.
    """
    rng = np.random.default_rng([seed, NULLS.index(null)])
    if null == "shuffled":
        return asked.partial(_shuffled(x, asked, count, rng))
    makers = (white_noise,) if null == "white noise" else (random_walk, random_polynomial)
    given, norms = x, np.ones(1)
    if null == "number line":
        given = principal(x)
        norms = np.linalg.norm(given, axis=0)
    found, size = [], max(1, AT_ONCE // max(1, given.size))
    for make in makers:
        parts = []
        for start in range(0, count, size):
            curves = make(given, x.shape[1], min(size, count - start), rng)
            curves -= curves.mean(1, keepdims=True)
            curves *= norms / np.linalg.norm(curves, axis=1, keepdims=True) if null == "number line" else 1
            parts.append(asked.partial(curves @ curves.swapaxes(1, 2)))
        found.append(np.concatenate(parts))
    return np.max(found, axis=0)


def _shuffled(x: np.ndarray, asked: Question, count: int, rng: np.random.Generator) -> np.ndarray:
    """Return X X^T [draw, value, value] of the residuals of the base in random order; what the base fits cancels."""
    unit = np.linalg.qr(design(asked.base, asked.values, asked.values))[0]
    left = x - unit @ (unit.T @ x)
    gram = left @ left.T
    orders = rng.permuted(np.tile(np.arange(len(x)), (count, 1)), axis=1)
    return gram[orders[:, :, None], orders[:, None, :]]
