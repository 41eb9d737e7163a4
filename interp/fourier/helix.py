"""Is a number written as a helix? A fit of activations by functions of the number's value.

    h(a) ~ B(a) C        B(a) = [1, a, cos(2 pi a / T), sin(2 pi a / T) for T in periods]        C [term, d]

A term is (kind, argument): constant, linear, (cos, T), (sin, T), (legendre, degree), log = log(a + 1), (digits, k) =
1[a has more than k digits]. Terms that depend on earlier ones over the domain are dropped, so that the count of terms
is the rank: on integers sin(2 pi a / 2) is zero, and a helix of the periods 2, 5, 10, 100 has 8 functions beside
the constant, not 9. `circle` is the helix without its axis, `polynomial` the same number of functions without a period.

Reading: the share of variance that such a fit explains says next to nothing by itself. Over 0..99 a logarithm gets .94,
a random walk about .72. `interp.fourier.helix_gain` asks what the periods add, on numbers held out, beside nulls.
Source: Kantamneni & Tegmark 2025, arXiv:2502.00873.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy.typing import ArrayLike

from interp.errors import InterpError
from interp.fourier.basis import real

Term = tuple[str, float]
CONSTANT: Term = ("constant", 0)
DECIMAL = (2, 5, 10, 100)
"""The periods of the published helix."""
LONG = 100
"""The period that counts as smooth: one turn over the two-digit numbers."""
COMPONENTS = 100
DEPENDENT = 1e-9


def helix(domain: ArrayLike, periods: Sequence[float] = DECIMAL) -> tuple[Term, ...]:
    """Return the terms of a helix over the values `domain`: constant, linear, cos and sin of every period."""
    return independent((CONSTANT, ("linear", 0), *_waves(periods)), domain)


def circle(domain: ArrayLike, periods: Sequence[float] = DECIMAL) -> tuple[Term, ...]:
    """Return the terms of the helix without its axis."""
    return independent((CONSTANT, *_waves(periods)), domain)


def polynomial(domain: ArrayLike, degree: int) -> tuple[Term, ...]:
    """Return the terms of a polynomial: constant and the Legendre polynomials of degree 1 .. `degree`."""
    return independent((CONSTANT, *(("legendre", j) for j in range(1, degree + 1))), domain)


def smooth(domain: ArrayLike, long: float = LONG) -> tuple[Term, ...]:
    """Return the terms that any magnitude code has: 1, a, one long turn, log(a + 1), and the number of digits."""
    values = _values(domain)
    if values.min() < 0:
        raise InterpError(f"The smooth base has a logarithm: expected values from 0 up, got {values.min():g}.")
    steps = [("digits", k) for k in range(1, len(str(int(values.max()))))]
    return independent((CONSTANT, ("linear", 0), *_waves([long]), ("log", 0), *steps), domain)


def _waves(periods: Sequence[float]) -> tuple[Term, ...]:
    given = [float(period) for period in periods]
    if not given or len(set(given)) < len(given) or not all(math.isfinite(t) and t > 0 for t in given):
        raise InterpError(f"Periods {list(periods)}: expected different numbers above 0; mend the list.")
    return tuple((kind, period) for period in given for kind in ("cos", "sin"))


def design(terms: Sequence[Term], values: ArrayLike, domain: ArrayLike) -> Float[np.ndarray, "value term"]:
    """Return the columns B(values); linear and Legendre terms are scaled so that `domain` spans [-1, 1]."""
    a, over = _values(values), _values(domain)
    middle, half = (over.max() + over.min()) / 2, max((over.max() - over.min()) / 2, DEPENDENT)
    return np.stack([_column(kind, argument, a, (a - middle) / half) for kind, argument in terms], axis=1)


def _column(kind: str, argument: float, a: np.ndarray, scaled: np.ndarray) -> np.ndarray:
    if kind in ("cos", "sin"):
        turns = np.mod(a / argument, 1.0)  # whole turns dropped: no rounding of large angles
        return (np.cos if kind == "cos" else np.sin)(2 * np.pi * turns)
    if kind == "legendre":
        return np.polynomial.legendre.legval(scaled, np.eye(int(argument) + 1)[int(argument)])
    simple = {"constant": np.ones_like, "linear": lambda _: scaled, "log": np.log1p}
    return simple[kind](a) if kind in simple else (a >= 10.0**argument).astype(float)


def independent(terms: Sequence[Term], domain: ArrayLike) -> tuple[Term, ...]:
    """Return the terms that are no combination of earlier ones on the values `domain`, in their order."""
    columns = design(terms, domain, domain)
    kept: list[int] = []
    for i, column in enumerate(columns.T):
        left = column
        for _ in range(2 if kept else 0):  # twice is enough: Gram and Schmidt
            unit = np.linalg.qr(columns[:, kept])[0]
            left = left - unit @ (unit.T @ left)
        if np.linalg.norm(left) > DEPENDENT * math.sqrt(len(column)):
            kept.append(i)
    return tuple(terms[i] for i in kept)


@dataclass(frozen=True, eq=False)
class Fit:
    """A fit: `terms`, the values it is scaled by, and C float64 [term, d]."""

    terms: tuple[Term, ...]
    domain: np.ndarray
    C: Float[np.ndarray, "term d"]

    def at(self, values: ArrayLike) -> Float[np.ndarray, "value d"]:
        """Return B(values) C: what the fit says of numbers, seen in fitting or not."""
        return design(self.terms, values, self.domain) @ self.C

    def coordinates(self, points: Float[np.ndarray, "row d"]) -> Float[np.ndarray, "row term"]:
        """Return the helix coordinates of activations, points C^+; where C is dependent the smallest ones."""
        return np.asarray(points, float) @ np.linalg.pinv(self.C)

    def plane(self, periods: Sequence[float]) -> Float[np.ndarray, "d rank"]:
        """Return the directions, as columns, in which the terms of `periods` are written."""
        chosen = [i for i, (kind, T) in enumerate(self.terms) if kind in ("cos", "sin") and T in periods]
        if not chosen:
            raise InterpError(f"The fit has no period among {list(periods)}: fit those first.")
        return self.C[chosen].T


def fit(
    points: Float[np.ndarray, "row d"],
    values: ArrayLike,
    terms: Sequence[Term],
    domain: ArrayLike,
    components: int | None = COMPONENTS,
) -> Fit:
    """Return the least-squares fit of `points` by `terms` of their `values`, on their first principal `components`.

    None keeps all dimensions. `domain` are all the values that the fit may be asked for. Raises InterpError for
    points and values that do not match or are not finite, and for fewer values than terms.
    """
    x, a = checked(points, values)
    if len(np.unique(a)) < len(terms):
        raise InterpError(f"{len(np.unique(a))} values cannot fit {len(terms)} terms: give more numbers.")
    C = np.linalg.lstsq(design(terms, a, domain), x, rcond=None)[0]
    if components is not None and components < min(x.shape):
        mean = x.mean(0)
        axes = np.linalg.svd(x - mean, full_matrices=False)[2][:components]
        constant = np.array([kind == "constant" for kind, _ in terms], float)[:, None]
        C = (C - constant * mean) @ axes.T @ axes + constant * mean
    return Fit(tuple(terms), _values(domain), C)


def r_squared(
    points: Float[np.ndarray, "row d"], values: ArrayLike, terms: Sequence[Term]
) -> Float[np.ndarray, " column"]:
    """Return the share of variance, in [0, 1], that the terms explain of each column, in sample; nan if constant.

    Read it only beside other terms and nulls (`helix_gain`).
    """
    x, a = checked(points, values)
    unit = np.linalg.qr(design(terms, a, a))[0]
    centred = x - x.mean(0)
    total = np.square(centred).sum(0)
    left = np.square(x - unit @ (unit.T @ x)).sum(0)
    return 1 - np.divide(left, total, out=np.full_like(total, np.nan), where=total > 0)


def by_value(points: Float[np.ndarray, "row d"], values: ArrayLike) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the different values, ascending; the mean of the points of each, [value, d]; and how many there were."""
    x, a = checked(points, values)
    different, group, count = np.unique(a, return_inverse=True, return_counts=True)
    total = np.zeros((len(different), x.shape[1]))
    np.add.at(total, group, x)
    return different, total / count[:, None], count


def checked(points: np.ndarray, values: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Return points float64 [row, d] and values float64 [row]. Raises InterpError where they do not match."""
    x, a = np.asarray(points), _values(values)
    if np.iscomplexobj(x):
        raise InterpError("Activations are complex: expected real numbers; give real and imaginary parts as columns.")
    x = np.asarray(x, float)
    if x.ndim != 2 or len(x) != len(a) or not np.isfinite(x).all():
        raise InterpError(f"Points {x.shape} of {len(a)} values: expected finite [row, d], one row a value; mend them.")
    return x, a


def _values(values: ArrayLike) -> np.ndarray:
    a = np.atleast_1d(real(values))
    if a.ndim != 1 or not len(a) or not np.isfinite(a).all():
        raise InterpError(f"Values of shape {a.shape}: expected at least one finite number; mend them.")
    return a
