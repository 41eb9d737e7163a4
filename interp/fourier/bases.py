"""In which waves can a function of numbers be written? One orthonormal basis, whatever the numbers are.

    x = F^T F x + rest,      F [row, point],  F F^T = I        energy_c = sum over the rows of component c of (F x)^2

    cyclic(n)              Z_n: the constant (component 0) and the frequencies k = 1 .. floor(n / 2), odd and even n
    product(G, H)          two operands: component (k, l) holds every wave k of the first times wave l of the second
    digits(d, base)        0 .. base^d - 1 written in digits: a product of `d` cyclic groups, most significant first
    multiplicative(p)      1 .. p - 1 under multiplication: Z_(p-1) in the discrete logarithm, for prime p
    real_periods(n, T)     any numbers, any periods: the helix columns, orthonormalised in the order given
    spanning(columns)      any named columns

A wave of a group is a character or its real and imaginary part, so shifting a function moves power only within a
component. `real_periods` is no group: its periods overlap on few numbers, a component is what its columns add to the
columns before it, and columns that add nothing (the sine of period 2 on the integers) are left out: the rank is what
`len(matrix)` says. Nanda et al. 2023, arXiv:2301.05217; Kantamneni & Tegmark 2025, arXiv:2502.00873.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache, reduce

import numpy as np
import pandas as pd
from jaxtyping import Float, Int

from interp.errors import InterpError, nearest
from interp.fourier import basis as waves

TINY = 1e-9
"""A column that keeps less than this share of its length beside the columns before it adds nothing."""
LARGEST = 4096
"""The most points of a basis: its matrix is square, and 4096 points take 128 MiB."""


@dataclass(frozen=True, eq=False)
class Basis:
    """Orthonormal functions on `points`, each a part of one component.

    matrix [row, point] float64, read-only, rows orthonormal to 1e-12; components: their names, in order; of [row]: the
    index of each row's component; points [point] or [point, operand]: the numbers that the functions are defined on.
    """

    name: str
    matrix: Float[np.ndarray, "row point"]
    components: tuple[Hashable, ...]
    of: Int[np.ndarray, " row"]
    points: np.ndarray

    def __post_init__(self) -> None:
        self.matrix.setflags(write=False)

    @cached_property
    def constant(self) -> Hashable | None:
        """The component that holds only the constant (the mean), or None."""
        for i, component in enumerate(self.components):
            rows = self.matrix[self.of == i]
            if len(rows) == 1 and np.ptp(rows) < 1e-12:
                return component
        return None

    def rows(self, component: Hashable) -> Int[np.ndarray, " row"]:
        """Return the rows of a component. Raises InterpError when the basis has none of that name."""
        if component not in self.components:
            raise InterpError(f"{self.name} has no component {component!r}. {nearest(component, self.components)}")
        return np.flatnonzero(self.of == self.components.index(component))

    def matrix_of(self, components: Iterable[Hashable]) -> Float[np.ndarray, "row point"]:
        """Return the rows of some components, in the order asked for; none gives [0, point]."""
        chosen = [self.rows(component) for component in components]
        return self.matrix[np.concatenate(chosen).astype(int)] if chosen else self.matrix[:0]

    def coefficients(self, x: Float[np.ndarray, "point ..."]) -> Float[np.ndarray, "row ..."]:
        """Return F x along the first axis, float64. Raises InterpError for another length or values not finite."""
        return np.tensordot(self.matrix, self._checked(x), axes=1)

    def project(self, x: Float[np.ndarray, "point ..."], components: Iterable[Hashable]) -> np.ndarray:
        """Return the part of x in some components, [point, ...]; the parts of all add up to x for a whole basis."""
        rows = self.matrix_of(components)
        return np.tensordot(rows.T, np.tensordot(rows, self._checked(x), axes=1), axes=1)

    def energy(self, x: Float[np.ndarray, "point ..."]) -> Float[np.ndarray, "component ..."]:
        """Return the squared norm of x in every component, the constant among them; sums to |x|^2 for a whole basis."""
        squares = np.square(self.coefficients(x))
        found = np.zeros((len(self.components), *squares.shape[1:]))
        np.add.at(found, self.of, squares)
        return found

    def table(self) -> pd.DataFrame:
        """Return a line for each component: its name and how many rows it has."""
        return pd.DataFrame({"component": list(self.components), "rows": np.bincount(self.of).astype(int)})

    def _checked(self, x: np.ndarray) -> np.ndarray:
        x = np.asarray(x)
        if np.iscomplexobj(x):
            raise InterpError(
                f"{self.name} is a real basis and was given complex numbers; pass real and imaginary part."
            )
        if x.shape[:1] != self.matrix.shape[1:]:
            raise InterpError(
                f"{self.name} is defined on {self.matrix.shape[1]} points and was given shape {x.shape}: expected the "
                "points on the first axis; choose the basis for these points."
            )
        x = x.astype(float)
        if not np.isfinite(x).all():
            raise InterpError(f"{self.name} was given values that are not finite; mend the input.")
        return x


@lru_cache(maxsize=32)
def cyclic(n: int) -> Basis:
    """Return the basis of Z_n: component 0 is the constant, k = 1 .. floor(n/2) the frequencies. InterpError: n < 1."""
    _small(f"Z_{n}", n)
    k = waves.row_frequencies(n) if n >= 1 else np.empty(0, int)
    return Basis(f"Z_{n}", waves.basis(n).copy(), tuple(range(n // 2 + 1)), k, np.arange(n))


def product(*factors: Basis) -> Basis:
    """Return the basis of functions of several operands, points in row-major order of the factors' points.

    Component (k, l, ...) spans the products of a row of each factor's component; points [point, operand].
    """
    if not factors:
        raise InterpError("A product of no bases: expected at least one; give the bases of the operands.")
    name = " x ".join(factor.name for factor in factors)
    _small(name, math.prod(factor.matrix.shape[1] for factor in factors))
    matrix = reduce(np.kron, (factor.matrix for factor in factors))
    grid = np.meshgrid(*(np.arange(len(factor.matrix)) for factor in factors), indexing="ij")
    names = [
        tuple(factor.components[factor.of[i]] for factor, i in zip(factors, row, strict=True))
        for row in zip(*(axis.ravel() for axis in grid), strict=True)
    ]
    components = tuple(dict.fromkeys(names))
    index = {component: i for i, component in enumerate(components)}
    points = np.meshgrid(*(factor.points for factor in factors), indexing="ij")
    return Basis(
        name, matrix, components, np.array([index[n] for n in names]), np.stack([p.ravel() for p in points], 1)
    )


@lru_cache(maxsize=8)
def digits(count: int, base: int = 10) -> Basis:
    """Return the basis of 0 .. base^count - 1 by digits: component (k_high, ..., k_low), a frequency a digit.

    (0, ..., 0, k) depends on the last digit alone: for base 10, k = 5 is parity and k = 2 the residue modulo 5.
    """
    if count < 1 or base < 2:
        raise InterpError(f"{count} digits in base {base}: expected at least one digit and a base of 2 or more.")
    _small(f"{count} digits in base {base}", base**count)
    found = product(*[cyclic(base)] * count)
    return Basis(f"{count} digits in base {base}", found.matrix, found.components, found.of, np.arange(base**count))


@lru_cache(maxsize=8)
def multiplicative(p: int) -> Basis:
    """Return the basis of 1 .. p - 1 under multiplication modulo a prime p: the waves of Z_(p-1) in log_g.

    Component k holds cos and sin of 2 pi k log_g(n) / (p - 1), g the smallest generator; another generator gives the
    same spaces under other names. Zero is no element: treat it as a class of its own. Raises InterpError unless p is a
    prime.
    """
    logs = discrete_logarithms(p)
    group = cyclic(p - 1)
    return Basis(f"Z_{p}^*", group.matrix[:, logs], group.components, group.of, np.arange(1, p))


def discrete_logarithms(p: int) -> Int[np.ndarray, " n"]:
    """Return log_g(n) for n = 1 .. p - 1, g the smallest generator. Raises InterpError unless p is a prime >= 2."""
    if p < 2 or any(p % d == 0 for d in range(2, math.isqrt(p) + 1)):
        raise InterpError(f"{p} is no prime: its residues are no cyclic group under multiplication; choose a prime.")
    for generator in range(1, p):
        powers = [pow(generator, exponent, p) for exponent in range(p - 1)]
        if len(set(powers)) == p - 1:
            logs = np.empty(p - 1, int)
            logs[np.array(powers) - 1] = np.arange(p - 1)
            return logs
    raise AssertionError("every prime has a generator")


def real_periods(numbers: Sequence[float] | np.ndarray, periods: Sequence[float], linear: bool = False) -> Basis:
    """Return the basis of a helix on any numbers: "constant", then "linear" where asked for, then each period.

    The numbers may be irregular or repeated and the periods any positive real ones; a period longer than the range is
    allowed (it is then a slow bend, hard to tell from a line: the rank says what is left of it).
    Raises InterpError for no numbers, for values that are not finite, and for a period that is not positive.
    """
    numbers = waves.real(numbers)
    if numbers.ndim != 1 or not len(numbers) or not np.isfinite(numbers).all():
        raise InterpError(f"Numbers of shape {numbers.shape}: expected a list of finite numbers; mend the input.")
    if any(not np.isfinite(period) or period <= 0 for period in periods):
        raise InterpError(f"Periods {list(periods)}: expected positive numbers; change them.")
    columns, labels = [np.ones(len(numbers))], ["constant"]
    if linear:
        columns, labels = [*columns, numbers], [*labels, "linear"]
    for period in periods:
        angle = 2 * np.pi * np.remainder(numbers, period) / period
        columns, labels = [*columns, np.cos(angle), np.sin(angle)], [*labels, float(period), float(period)]
    return spanning(f"periods {', '.join(f'{t:g}' for t in periods)}", np.stack(columns, 1), labels, numbers)


def spanning(
    name: str,
    columns: Float[np.ndarray, "point column"],
    labels: Sequence[Hashable],
    points: np.ndarray | None = None,
) -> Basis:
    """Return the orthonormal basis of named columns, each freed of the ones before it; idle columns are left out.

    Columns of one label form one component. A component all of whose columns are idle has no rows.
    """
    columns = waves.real(columns)
    if columns.ndim != 2 or columns.shape[1] != len(labels) or not np.isfinite(columns).all():
        raise InterpError(f"Columns of shape {columns.shape} for {len(labels)} labels: expected finite [point, label].")
    components = tuple(dict.fromkeys(labels))
    rows, of = np.empty((0, len(columns))), []
    for column, label in zip(columns.T, labels, strict=True):
        left, length = column, np.linalg.norm(column)
        for _ in range(2):  # twice is enough for 1e-15 (Kahan)
            left = left - rows.T @ (rows @ left)
        if np.linalg.norm(left) > TINY * length:
            rows = np.vstack([rows, left / np.linalg.norm(left)])
            of.append(components.index(label))
    return Basis(name, rows, components, np.array(of, int), np.arange(len(columns)) if points is None else points)


def _small(name: str, size: int) -> None:
    if size > LARGEST:
        raise InterpError(f"{name} has {size} points: expected at most {LARGEST}; transform one operand at a time.")
