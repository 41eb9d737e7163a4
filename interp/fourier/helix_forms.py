"""What would be written in place of a number's activation? Fits of equal size, of numbers the fit has not seen.

    helix        B(a) C                  1, a, and the periods
    circle       the same without a
    polynomial   as many functions of a, without a period
    pca          mean + V V^T (h - mean)     as many principal components, of the number's own activation
    shuffled     a helix fitted to numbers in random order (null)
    mean         the mean activation (null)

The stream at the token of a number depends on that number alone in a causal model, so other prompts with the same
number are no held-out data: the published code draws the prompts of fit and patch anew and lets numbers through. Here
every number is written by a fit to the other folds of numbers, the principal components too (cross-fitting).
Source: Kantamneni & Tegmark 2025, arXiv:2502.00873.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from jaxtyping import Float

from interp.errors import InterpError
from interp.fourier.helix import Term, circle, fit, helix, polynomial
from interp.fourier.helix_gain import folds

FITTED = ("helix", "circle")
FORMS = (*FITTED, "polynomial", "pca")


@dataclass(frozen=True, eq=False)
class Code:
    """The numbers of one place: `values` [number] ascending, their activations `points` [number, d], their folds."""

    values: np.ndarray
    points: Float[np.ndarray, "number d"]
    fold: np.ndarray

    @classmethod
    def of(cls, values: np.ndarray, points: np.ndarray, periods: Sequence[float]) -> Code:
        """Return the code with interleaved folds whose step is coprime to the periods."""
        return cls(np.asarray(values, float), np.asarray(points, float), folds(len(values), "interleaved", periods))

    def fitted(self, terms: Sequence[Term], order: np.ndarray | None = None) -> Float[np.ndarray, "number d"]:
        """Return what fits by `terms` say of each number, each by the fit that has not seen it.

        `order` gives the fits the values of other numbers: a helix of numbers in that order.
        """
        told = self.values if order is None else self.values[order]
        out = np.empty_like(self.points)
        for f in np.unique(self.fold):
            rest, here = self.fold != f, self.fold == f
            out[here] = fit(self.points[rest], told[rest], terms, self.values).at(told[here])
        return out

    def reconstructed(self, rank: int) -> Float[np.ndarray, "number d"]:
        """Return each activation on the first `rank` principal components of the numbers in other folds."""
        out = np.empty_like(self.points)
        for f in np.unique(self.fold):
            rest, here = self.points[self.fold != f], self.fold == f
            mean = rest.mean(0)
            axes = np.linalg.svd(rest - mean, full_matrices=False)[2][:rank]
            out[here] = mean + (self.points[here] - mean) @ axes.T @ axes
        return out

    def mean(self) -> Float[np.ndarray, "number d"]:
        """Return the mean activation of the numbers in other folds."""
        return self.reconstructed(0)

    def terms(self, form: str, periods: Sequence[float]) -> tuple[Term, ...]:
        """Return the terms of a helix or a circle over these numbers."""
        if form not in FITTED:
            raise InterpError(f"{form!r} has no periods: expected {' or '.join(FITTED)}.")
        return (helix if form == "helix" else circle)(self.values, periods)

    def rivals(self, rank: int) -> dict[str, np.ndarray]:
        """Return the polynomial and the reconstruction of `rank` functions or components, [number, d] each."""
        return {
            "polynomial": self.fitted(polynomial(self.values, rank)),
            "pca": self.reconstructed(rank),
        }


def choices(periods: Sequence[float], k: int) -> list[tuple[float, ...]]:
    """Return every choice of k of the periods, in order."""
    return [tuple(float(t) for t in chosen) for chosen in combinations(periods, k)]
