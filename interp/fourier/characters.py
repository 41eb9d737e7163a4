"""Is it a sum or a product modulo p that a function of residues is written in? Both spectra of it, side by side.

    additive         x = constant + waves of n                                   cos, sin 2 pi k n / p
    multiplicative   x = constant + zero against the rest + waves of log n       cos, sin 2 pi k log_g(n) / (p - 1)

Both are orthonormal bases of the functions on 0 .. p - 1, so the shares of each add up to 1 over the part that is not
constant. Zero is no element of the multiplicative group and has a class of its own. Multiplication modulo p looks dense
in additive waves and sparse in multiplicative ones; which of the two is sparse (Gini of the powers, the share of the
largest few) says in which group a network works. Another generator g only renames the frequencies.

Null: the same function with its residues in random order, zero staying zero, so that both spectra lose their group.
Nguyen 2026, arXiv:2606.17399; Doshi et al. 2024, arXiv:2406.03495.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr
from jaxtyping import Float

from interp.errors import InterpError
from interp.fourier.bases import cyclic, discrete_logarithms, multiplicative
from interp.fourier.basis import real
from interp.fourier.gini import gini

LARGEST = 4
GROUPS = ("additive", "multiplicative")


def side_by_side(x: Float[np.ndarray, "p ..."], n_null: int = 200, seed: int = 0) -> xr.Dataset:
    """Return both spectra of a function of the residues of an odd prime p, embeddings [p, d] or logits [p, ...].

    power[group, component] and zero (the share of zero against the rest) are fractions of the power that is not
    constant; gini[group] in [0, 1); largest[group] is the share of the LARGEST largest components; `_null`
    [draw, group] the same in random order. Raises InterpError unless p is an odd prime, and for a constant function.
    """
    x = _checked(x)
    x = x.reshape(len(x), -1)
    if x.shape[1] > len(x):
        x = np.asarray(np.linalg.qr(x.T, mode="r")).T  # the same inner products of residues in p columns
    power, zero = _both(x)
    rng, p = np.random.default_rng(seed), len(x)
    orders = [np.concatenate([[0], 1 + rng.permutation(p - 1)]) for _ in range(n_null)]
    null = np.array([_both(x[order])[0] for order in orders])  # [draw, group, component]
    fraction = {"units": "fraction"}
    data = {
        "power": (("group", "component"), power, {**fraction, "description": "share of the power not constant"}),
        "zero": ((), zero, {**fraction, "description": "share of zero against the other residues (multiplicative)"}),
        "gini": ("group", _gini(power), {**fraction, "description": "sparsity of the components"}),
        "gini_null": (("draw", "group"), _gini(null), {**fraction, "description": "residues in random order"}),
        "largest": ("group", _top(power), {**fraction, "description": f"share of the {LARGEST} largest components"}),
        "largest_null": (("draw", "group"), _top(null), {**fraction, "description": "residues in random order"}),
        "n": ((), p, {"units": "residues", "description": "residues, zero among them"}),
    }
    return xr.Dataset(data, {"group": list(GROUPS), "component": np.arange(1, (p - 1) // 2 + 1)}, {"seed": seed})


def product_logits(p: int, keys: Sequence[int]) -> Float[np.ndarray, "a b c"]:
    """Return ideal logits of a * b mod p: sum over keys of cos 2 pi k (log a + log b - log c) / (p - 1), and zero's.

    Zero has a class of its own: its logit is the number of keys where the product is zero and minus that elsewhere;
    every other class gets 0 there. Raises InterpError unless p is an odd prime, and for keys outside 1 .. (p - 1) / 2.
    """
    logs = discrete_logarithms(p)
    if not keys or any(not 1 <= k <= (p - 1) // 2 for k in keys):
        raise InterpError(f"Keys {tuple(keys)}: expected at least one from 1 to {(p - 1) // 2}; change them.")
    turns = (logs[:, None, None] + logs[None, :, None] - logs) % (p - 1)
    found = np.zeros((p, p, p))
    found[1:, 1:, 1:] = sum(np.cos(2 * np.pi * k * turns / (p - 1)) for k in keys)
    found[:, :, 0] = -len(keys)
    found[0, :, 0] = found[:, 0, 0] = len(keys)
    return found


def _both(x: Float[np.ndarray, "p column"]) -> tuple[np.ndarray, float]:
    """Return the shares [group, component] and the share of zero against the rest."""
    p = len(x)
    total = np.square(x - x.mean(0)).sum()
    additive = cyclic(p).energy(x).sum(1)[1:]
    products = multiplicative(p).energy(x[1:]).sum(1)[1:]
    contrast = np.square(x[0] - x[1:].mean(0)).sum() * (p - 1) / p  # unit vector (p-1, -1, ..., -1)
    return np.stack([additive, products]) / total, float(contrast / total)


def _gini(power: np.ndarray) -> np.ndarray:
    return np.apply_along_axis(gini, -1, power)


def _top(power: np.ndarray) -> np.ndarray:
    return np.sort(power, axis=-1)[..., -LARGEST:].sum(-1)


def _checked(x: np.ndarray) -> np.ndarray:
    x = real(x)
    if x.ndim < 1 or len(x) < 3 or not np.isfinite(x).all():
        raise InterpError(f"A function of shape {x.shape}: expected finite numbers of the residues 0 .. p - 1, p >= 3.")
    if not np.square(x - x.mean(0)).sum() > 1e-24 * np.square(x).sum():
        raise InterpError("The function is the same for every residue: it has no spectrum; check the input.")
    return x
