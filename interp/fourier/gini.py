"""How few waves carry a weight matrix? The Gini coefficient of the norms of its Fourier components.

    G = 1 - 2 sum_i (c_i / |c|_1) (N - i + 1/2) / N,      c_1 <= ... <= c_N >= 0

0 = all components are equal, 1 - 1/N = one carries everything. The literature does not say which norms, and the number
depends on it, so the variant is part of every result:

    rows_with_constant, rows_without_constant                the norm of every row of F W, cos and sin apart
    frequencies_with_constant, frequencies_without_constant  sqrt(cos^2 + sin^2) for every frequency

W [n, d] varies over n = the residues: W_E over tokens (without '='), W_L over classes.
Hurley & Rickard 2009, arXiv:0811.4706; Nanda et al. 2023, arXiv:2301.05217.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from interp.errors import InterpError, nearest
from interp.fourier.basis import real, row_frequencies, transform

VARIANTS = (
    "rows_with_constant",
    "rows_without_constant",
    "frequencies_with_constant",
    "frequencies_without_constant",
)
CONSTANT = 1e-12
"""Weights that vary by less than this share of their size are constant: what is left of them is rounding."""


def gini(sizes: Float[np.ndarray, " component"]) -> float:
    """Return the Gini coefficient of non-negative sizes, in [0, 1); NaN when all are 0.

    Raises InterpError for no sizes, negative ones or values that are not finite.
    """
    ordered = np.sort(real(sizes))
    if ordered.ndim != 1 or not len(ordered) or not np.isfinite(ordered).all() or ordered[0] < 0:
        raise InterpError(f"Sizes of shape {ordered.shape}: expected finite numbers >= 0, at least one; mend them.")
    n, total = len(ordered), ordered.sum()
    if total == 0:
        return float("nan")
    return float(1 - 2 * ordered / total @ (n - np.arange(1, n + 1) + 0.5) / n)


def component_norms(weights: Float[np.ndarray, "n d"]) -> Float[np.ndarray, " component"]:
    """Return the norm of W at every frequency 0 .. floor(n/2), over cosine, sine and all d columns."""
    squares = np.square(transform(weights)).sum(1)
    return np.sqrt(np.bincount(row_frequencies(len(squares)), squares))


def fourier_gini(weights: Float[np.ndarray, "n d"], variant: str = "frequencies_without_constant") -> float:
    """Return the Gini coefficient of W's Fourier components in a named variant.

    NaN where it is asked without the constant of weights that do not vary. Raises InterpError for another name.
    """
    if variant not in VARIANTS:
        raise InterpError(f"unknown variant {variant!r} of the Gini coefficient. {nearest(variant, VARIANTS)}")
    by_row = variant.startswith("rows")
    sizes = np.linalg.norm(transform(weights), axis=1) if by_row else component_norms(weights)
    if sizes[1:].max(initial=0) <= CONSTANT * sizes[0]:
        sizes[1:] = 0
    return gini(sizes[1:] if variant.endswith("without_constant") else sizes)
