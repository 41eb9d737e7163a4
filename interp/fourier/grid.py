"""What part of a function of two operands depends on their sum only? Projections on the p x p grid, and how fast.

    C+_k, S+_k  proportional to  cos, sin w_k (a + b),   w_k = 2 pi k / p        "sum directions"; a - b likewise

    1. profile[s] = mean of x over the p pairs with a + b = s      2. transform over s, keep the keys      3. index back

which equals projecting on the p^2-vectors C+_k, S+_k, in O(p^2) a class. For odd p these two and their difference
twins span the 2 x 2 block of frequency k (waves of a times waves of b); for even p and k = p / 2 there is one of each,
and it is the same one. The 3 x 3 block adds the waves of a alone and of b alone and the constant.
The same way, the profile over d = a + b - c of logits[a, b, c] gives the least-squares coefficients of cos w_k (a+b-c).
The projections use every pair, train and test: say so where you report them.
Nanda et al. 2023, arXiv:2301.05217, section 3 and appendix.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from jaxtyping import Float

from interp.errors import InterpError
from interp.fourier.bases import cyclic

BLOCKS = ("3x3", "2x2")


def sums(x: Float[np.ndarray, "p p ..."]) -> Float[np.ndarray, "p ..."]:
    """Return the mean of x over the pairs with a + b = s mod p, for every s."""
    x = _square(x)
    p = len(x)
    a = np.arange(p)
    return np.stack([x[a, (s - a) % p].mean(0) for s in range(p)])


def differences(x: Float[np.ndarray, "p p ..."]) -> Float[np.ndarray, "p ..."]:
    """Return the mean of x over the pairs with a - b = s mod p, for every s."""
    x = _square(x)
    p = len(x)
    a = np.arange(p)
    return np.stack([x[a, (a - s) % p].mean(0) for s in range(p)])


def on_sums(profile: Float[np.ndarray, "p ..."]) -> Float[np.ndarray, "p p ..."]:
    """Return the function of (a, b) that has this value at a + b mod p."""
    n = np.arange(len(profile))
    return np.asarray(profile)[np.add.outer(n, n) % len(profile)]


def on_differences(profile: Float[np.ndarray, "p ..."]) -> Float[np.ndarray, "p p ..."]:
    """Return the function of (a, b) that has this value at a - b mod p."""
    n = np.arange(len(profile))
    return np.asarray(profile)[np.subtract.outer(n, n) % len(profile)]


def project_sums(x: Float[np.ndarray, "p p ..."], keys: Iterable[int]) -> Float[np.ndarray, "p p ..."]:
    """Return the part of x along the sum directions of some frequencies (0 is the constant, kept only if named)."""
    profile = sums(x)
    return on_sums(cyclic(len(profile)).project(profile, keys))


def project_differences(x: Float[np.ndarray, "p p ..."], keys: Iterable[int]) -> Float[np.ndarray, "p p ..."]:
    """Return the part of x along the difference directions of some frequencies."""
    profile = differences(x)
    return on_differences(cyclic(len(profile)).project(profile, keys))


def project_block(
    x: Float[np.ndarray, "p p ..."], keys: Iterable[int], kind: str = "3x3"
) -> Float[np.ndarray, "p p ..."]:
    """Return the part of x in the blocks of some frequencies, each block by itself: no product of two frequencies.

    `kind` 2x2 is waves of a times waves of b; 3x3 has the constant, a alone and b alone too (counted once).
    """
    if kind not in BLOCKS:
        raise InterpError(f"Unknown block {kind!r}: expected one of {', '.join(BLOCKS)}.")
    x, keys = _square(x), tuple(dict.fromkeys(keys))
    group = cyclic(len(x))
    found = np.zeros(x.shape)
    for key in keys:
        found += _both(x, group.matrix_of([key]), group.matrix_of([key]))
    if kind == "3x3":
        singles, constant = group.matrix_of(keys), group.matrix_of([0])
        found += _both(x, singles, constant) + _both(x, constant, singles) + _both(x, constant, constant)
    return found


def outer_mask(x: Float[np.ndarray, "p p ..."], keys: Iterable[int]) -> Float[np.ndarray, "p p ..."]:
    """Return the part of x in {constant and keys} x {constant and keys}, products of different frequencies included.

    Some published code masks this way; it keeps (1 + 2 |keys|)^2 components where the blocks have 1 + 8 |keys|.
    """
    x = _square(x)
    chosen = cyclic(len(x)).matrix_of([0, *dict.fromkeys(keys)])
    return _both(x, chosen, chosen)


def class_profile(logits: Float[np.ndarray, "p p p"]) -> Float[np.ndarray, " p"]:
    """Return the mean logit at every d = a + b - c mod p."""
    logits = _square(logits)
    p = len(logits)
    if logits.shape != (p, p, p):
        raise InterpError(f"Logits of shape {logits.shape}: expected [a, b, c] of p classes; drop the other classes.")
    by_sum = sums(logits)
    s = np.arange(p)
    return np.stack([by_sum[s, (s - d) % p].mean() for d in range(p)])


def cosine_coefficients(logits: Float[np.ndarray, "p p p"]) -> Float[np.ndarray, " frequency"]:
    """Return the least-squares coefficient of cos w_k (a + b - c) in the logits, for k = 1 .. floor(p / 2)."""
    profile = class_profile(logits)
    p = len(profile)
    turns = np.outer(np.arange(1, p // 2 + 1), np.arange(p)) % p
    cosines = np.cos(2 * np.pi * turns / p)
    return cosines @ profile / np.square(cosines).sum(1)


def _both(x: np.ndarray, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return the projection of x on the products of the rows of `first` (in a) and of `second` (in b)."""
    middle = np.tensordot(second, np.tensordot(first, x, axes=1), axes=(1, 1))  # [row of second, row of first, ...]
    return np.tensordot(first.T, np.tensordot(second.T, middle, axes=1), axes=(1, 1))


def _square(x: np.ndarray) -> np.ndarray:
    x = np.asarray(x)
    if x.ndim < 2 or x.shape[0] != x.shape[1] or np.iscomplexobj(x):
        raise InterpError(
            f"A grid of shape {x.shape} ({x.dtype}): expected real numbers [a, b, ...] over all p x p pairs."
        )
    x = x.astype(float, copy=False)
    if not np.isfinite(x).all():
        raise InterpError("The grid holds values that are not finite; mend the input.")
    return x
