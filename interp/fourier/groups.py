"""What are the waves of any finite group, and do logits follow its characters?

    rho(a) rho(b) = rho(ab)          an irreducible representation: one real orthogonal matrix for every element
    chi(a) = trace rho(a)            its character
    1/n sum_a chi(a) chi'(a) = 0     for different real representations; with itself 1 (real type) or 2 (complex)

    similarity_rho = cosine( centred logits[a, b, c],  chi(a b c^-1) )

For a cyclic group chi_k(a) = 2 cos(2 pi k a / n), so this is the cosine with cos w_k (a + b - c): of logits that only
depend on a + b - c its squares add up to 1. Characters of any group are functions of a b c^-1, so the mean of the
logits over all (a, b, c) with a b c^-1 = g is all that is needed (`profile`): n^3 additions once, not n^3 products for
every representation. `slow_similarity` is the cube, for tests.

How to read: logits of noise have a similarity of about n^-1.5 with anything, so a similarity counts beside the same
logits with the classes in random order (`similarity_null`). Harmonics are no second finding: `key_characters` merges
2k into k. Chughtai et al. 2023, arXiv:2302.03025; Schur orthogonality: Serre, Linear Representations of Finite Groups.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from interp.errors import InterpError, nearest
from interp.fourier.bases import discrete_logarithms
from interp.fourier.basis import real
from interp.fourier.key_frequencies import KeyFrequencies, chosen_by

MOST = 256
"""The largest group: its logits are a cube."""
LEAST = 0.005
"""The similarity from which a representation counts as used, in the published work."""


@dataclass(frozen=True, eq=False)
class Group:
    """A finite group: `table[a, b]` is the index of the product ab, `irreps[name]` real orthogonal matrices [a, d, d].

    `elements` are names. Real irreducible representations: a pair of complex ones is one block.
    Raises InterpError for a table that is no group, and for matrices that do not multiply as the table says.
    """

    name: str
    elements: tuple[Hashable, ...]
    table: Int[np.ndarray, "a b"]
    irreps: Mapping[Any, Float[np.ndarray, "a d d"]]

    def __post_init__(self) -> None:
        n, table = len(self.elements), self.table
        ends = np.arange(n)
        latin = all((np.sort(table, axis=axis) == np.expand_dims(ends, 1 - axis)).all() for axis in (0, 1))
        if table.shape != (n, n) or not latin or not any((row == ends).all() for row in table):
            raise InterpError(
                f"{self.name}: the table is no group; expected every element once in each row and column."
            )
        for name, matrices in self.irreps.items():
            products = np.einsum("aij,bjk->abik", matrices, matrices)
            if not np.allclose(products, matrices[table], atol=1e-9):
                raise InterpError(f"{self.name}: {name!r} is no representation: rho(a) rho(b) is not rho(ab).")

    @property
    def identity(self) -> int:
        """The index of the neutral element."""
        return int(np.flatnonzero((self.table == np.arange(len(self.table))).all(1))[0])

    @property
    def inverse(self) -> Int[np.ndarray, " a"]:
        """The index of the inverse of every element."""
        return np.argmax(self.table == self.identity, axis=1)

    def character(self, irrep: Hashable) -> Float[np.ndarray, " a"]:
        """Return the trace of a representation at every element. Raises InterpError for an unknown one."""
        if irrep not in self.irreps:
            raise InterpError(f"{self.name} has no representation {irrep!r}. {nearest(irrep, self.irreps)}")
        return np.trace(self.irreps[irrep], axis1=1, axis2=2)

    def span(self, irrep: Hashable) -> Float[np.ndarray, "row a"]:
        """Return an orthonormal basis of the matrix elements of a representation, as functions of the element."""
        columns = self.irreps[irrep].reshape(len(self.elements), -1)
        left, values, _ = np.linalg.svd(columns, full_matrices=False)
        return left[:, values > 1e-9 * values[0]].T


@lru_cache(maxsize=16)
def cyclic_group(n: int) -> Group:
    """Return Z_n under addition: the trivial representation 0, rotations k = 1 .. , and the sign n / 2 for even n."""
    _small(n, n)
    a = np.arange(n)
    turns = {k: 2 * np.pi * (k * a % n) / n for k in range(n // 2 + 1)}
    irreps = {k: np.cos(t)[:, None, None] if k == 0 or 2 * k == n else _rotations(t) for k, t in turns.items()}
    return Group(f"Z_{n}", tuple(range(n)), np.add.outer(a, a) % n, irreps)


@lru_cache(maxsize=16)
def multiplicative_group(p: int) -> Group:
    """Return 1 .. p - 1 under multiplication modulo a prime p: Z_(p-1) in the discrete logarithm, its frequencies."""
    logs, cyclic = discrete_logarithms(p), cyclic_group(p - 1)
    n = np.arange(1, p)
    irreps = {k: matrices[logs] for k, matrices in cyclic.irreps.items()}
    return Group(f"Z_{p}^*", tuple(n.tolist()), np.multiply.outer(n, n) % p - 1, irreps)


@lru_cache(maxsize=16)
def dihedral_group(n: int) -> Group:
    """Return the symmetries of the n-gon: r^i (index i) and r^i s (index n + i), s r = r^-1 s.

    Representations: "trivial", "sign" (-1 on reflections), for even n two more of dimension 1, and rotations k < n / 2
    of dimension 2.
    """
    _small(n, 2 * n)
    i, flip = np.tile(np.arange(n), 2), np.repeat([0, 1], n)
    power = (i[:, None] + np.where(flip[:, None] == 1, -1, 1) * i[None, :]) % n
    table = power + n * ((flip[:, None] + flip[None, :]) % 2)
    sign, alternating = 1.0 - 2 * flip, 1.0 - 2 * (i % 2)
    ones: dict[Hashable, np.ndarray] = {"trivial": np.ones(2 * n), "sign": sign}
    if n % 2 == 0:
        ones |= {"alternating": alternating, "alternating sign": alternating * sign}
    irreps: dict[Hashable, np.ndarray] = {name: values[:, None, None] for name, values in ones.items()}
    mirror = np.where(flip[:, None, None] == 1, np.diag([1.0, -1.0]), np.eye(2))
    for k in range(1, (n + 1) // 2):
        irreps[k] = _rotations(2 * np.pi * k * i / n) @ mirror
    names = tuple(f"r{j}" for j in range(n)) + tuple(f"r{j}s" for j in range(n))
    return Group(f"D_{n}", names, table, irreps)


def profile(group: Group, logits: Float[np.ndarray, "a b c"]) -> Float[np.ndarray, " g"]:
    """Return the mean centred logit at every g = a b c^-1. Raises InterpError for logits of another shape."""
    logits = _checked(group, logits)
    n, inverse = len(group.elements), group.inverse
    by_product = np.zeros((n, n))  # mean over the pairs with ab = s
    np.add.at(by_product, group.table.ravel(), logits.reshape(n * n, n) / n)
    places = group.table[:, inverse]  # s c^-1
    return np.bincount(places.ravel(), weights=by_product.ravel(), minlength=n) / n


def similarity(group: Group, logits: Float[np.ndarray, "a b c"]) -> dict[Hashable, float]:
    """Return the cosine, in [-1, 1], of centred logits with every character but the constant one.

    Centred: less their mean over classes for every pair. Zero logits raise InterpError: they have no direction.
    """
    means = profile(group, logits)
    size = np.linalg.norm(_checked(group, logits))
    n, found = len(group.elements), {}
    for irrep in group.irreps:
        character = group.character(irrep)
        if np.ptp(character) > 1e-12:
            found[irrep] = float(n * (means @ character) / (np.linalg.norm(character) * size))
    return found


def slow_similarity(group: Group, logits: Float[np.ndarray, "a b c"], irrep: Hashable) -> float:
    """Return the same cosine for one representation by the whole cube chi(a b c^-1)."""
    logits, inverse = _checked(group, logits), group.inverse
    cube = group.character(irrep)[group.table[group.table[:, :, None], inverse[None, None, :]]]
    return float(np.vdot(logits, cube) / np.linalg.norm(logits) / np.linalg.norm(cube))


def similarity_null(
    group: Group, logits: Float[np.ndarray, "a b c"], draws: int = 100, seed: int = 0
) -> Float[np.ndarray, " draw"]:
    """Return the largest similarity with any character when the classes c are in random order, draw by draw."""
    rng, n = np.random.default_rng(seed), len(group.elements)
    logits = _checked(group, logits)
    return np.array([max(map(abs, similarity(group, logits[:, :, rng.permutation(n)]).values())) for _ in range(draws)])


def key_characters(similarities: dict[Hashable, float], n: int, least: float = LEAST) -> KeyFrequencies:
    """Return the frequencies of a cyclic group of order n with a similarity of at least `least`, doubles merged.

    The published rule, without the merging, counts k and 2k as two. Raises InterpError for names that are no
    frequencies, as those of other groups are.
    """
    if any(not isinstance(k, int) or not 1 <= k <= n // 2 for k in similarities):
        raise InterpError(f"Doubles are known of the frequencies 1 to {n // 2} of Z_{n} alone; give those.")
    sizes = np.array([similarities.get(k, 0.0) for k in range(1, n // 2 + 1)])
    return chosen_by(sizes, sizes >= least, n, "similarity")


def _rotations(turn: np.ndarray) -> Float[np.ndarray, "a 2 2"]:
    return np.stack([np.stack([np.cos(turn), -np.sin(turn)], -1), np.stack([np.sin(turn), np.cos(turn)], -1)], -2)


def _checked(group: Group, logits: np.ndarray) -> np.ndarray:
    logits, n = real(logits), len(group.elements)
    if logits.shape != (n, n, n) or not np.isfinite(logits).all():
        raise InterpError(f"Logits of shape {logits.shape}: expected finite numbers [a, b, c] of the {n} elements.")
    logits = logits - logits.mean(-1, keepdims=True)
    if not np.any(logits):
        raise InterpError("The logits are the same for every class: they have no similarity to any character.")
    return logits


def _small(n: int, size: int) -> None:
    if n < 1 or size > MOST:
        raise InterpError(f"A group of {size} elements: expected 1 to {MOST}; choose a smaller one.")
