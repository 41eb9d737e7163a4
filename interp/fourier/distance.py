"""Does it matter how far apart the operands are? Distance irrelevance of the logits.

    O[s, t] = the measured value at the pair with a + b = s and a - b = t  (mod p, p odd)
    q       = mean over t of std_s O[., t]   /   std of all of O         (population standard deviations)

q near 0: the value is set by the distance a - b, as in a pizza, whose circles fade where the operands face each other.
q near 1: the distance says nothing, as in a clock, and in noise too (about 1 - 1/p). A map that never varies, that of a
perfect clock, has no q: 0 / 0 is nan. What is measured has a name: `correct` the logit of a + b (the definition),
`margin` that logit less the largest wrong one, `top_wrong` that largest wrong one. The released training script records
q of the largest wrong logit, so the column of the published run table may be `top_wrong`; its numbers cannot tell.

Definition: Zhong et al. 2023, arXiv:2306.17844, section 4.2, and their repository fjzzq2002/pizza.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from interp.errors import InterpError, nearest
from interp.fourier.basis import real

VARIANTS = ("correct", "margin", "top_wrong")
ROUNDING = 1e-6
"""A spread below this share of the largest value is rounding: the map counts as constant."""


@dataclass(frozen=True, eq=False)
class Distance:
    """`map` [sum, difference] in logits; `values` [difference]: the share of each column; q is their mean."""

    map: Float[np.ndarray, "sum difference"]
    values: Float[np.ndarray, " difference"]

    @property
    def q(self) -> float:
        """The distance irrelevance, 0 and up, about 1 at most; nan for a constant map."""
        return float(self.values.mean())


def logit_map(logits: Float[np.ndarray, "p p p"], variant: str = "correct") -> Float[np.ndarray, "sum difference"]:
    """Return the measured logit of every pair at [a + b, a - b].

    Raises InterpError for an unknown variant, logits that are no finite cube, and even p: two pairs a place.
    """
    logits = real(logits)
    p = len(logits)
    if logits.shape != (p, p, p) or p < 3 or not np.isfinite(logits).all():
        raise InterpError(f"Logits of shape {logits.shape}: expected finite numbers [a, b, c] of p classes.")
    if p % 2 == 0:
        raise InterpError(f"p = {p} is even: a + b and a - b do not tell the pairs apart; use an odd modulus.")
    if variant not in VARIANTS:
        raise InterpError(f"Unknown variant {variant!r} of distance irrelevance. {nearest(variant, VARIANTS)}")
    s, t = np.arange(p)[:, None], np.arange(p)[None, :]
    half = (p + 1) // 2
    by_place = logits[(s + t) * half % p, (s - t) * half % p]  # [s, t, c]
    correct = by_place[s, t, s]
    if variant == "correct":
        return correct
    wrong = np.where(np.arange(p) == s[..., None], -np.inf, by_place).max(-1)
    return wrong if variant == "top_wrong" else correct - wrong


def distance_irrelevance(logits: Float[np.ndarray, "p p p"], variant: str = "correct") -> Distance:
    """Return q of the logits [a, b, c], its map and its columns. Raises InterpError as `logit_map`."""
    found = logit_map(logits, variant)
    spread = found.std()
    constant = spread <= ROUNDING * float(np.abs(found).max())
    return Distance(found, np.full(len(found), np.nan) if constant else found.std(axis=0) / spread)
