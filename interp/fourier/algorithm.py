"""Clock, pizza, or neither? A rule over four kinds of evidence, fixed before any network was classified by it.

    symmetricity  s +- 1.96 se   do both operands push alike?                    pizza: above .98   clock: below .90
    q, q_margin                  does the distance a - b not matter?             pizza: below .60   clock: .60 or more
    clock, pizza                 share of the logits that each formula explains, circle by circle, weighted by their
                                 variance (`centred`; below 0 counts as 0; the pizza of a circle is the better of the
                                 pizza and the accompanying formula)             at least .50 and above the other

    `clock` and `pizza` need all of their column, `undecided` is everything else; `against` says what disagrees.

An untrained network that reads out at '=' has s near 1 (attention that is nearly uniform adds its operands), so s alone
names nothing: it is the formula that an untrained, a memorising or a differently working network does not follow. The
two published discriminators, s and q, part at different attention rates; a network between them is undecided. A map
that never varies has no q, which speaks against a pizza and not against a clock.
.98 and .60 are the thresholds used on the authors' run table; .90 leaves a gap, so that s has to be clearly below.
Zhong et al. 2023, arXiv:2306.17844, sections 4.1 to 4.3.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from interp.fourier.circles import FORMULAS, Circle, centred_variance, circles, explained
from interp.fourier.distance import Distance, distance_irrelevance
from interp.fourier.symmetricity import Symmetricity, random_triples, symmetricity
from interp.fourier.two_operand import TwoOperand

LABELS = ("clock", "pizza", "undecided")
SYMMETRIC, ASYMMETRIC, IRRELEVANT, EXPLAINED = 0.98, 0.90, 0.60, 0.50
Z = 1.96


@dataclass(frozen=True, eq=False)
class Evidence:
    """What was measured of one network; `fve` [circle, formula] explains each circle's logits, `weights` sum to 1."""

    symmetricity: Symmetricity
    correct: Distance
    margin: Distance
    circles: tuple[Circle, ...]
    fve: Float[np.ndarray, "circle formula"]
    weights: Float[np.ndarray, " circle"]
    accuracy: float

    @property
    def clock(self) -> float:
        """How much of the circles' logits the clock formula explains, 0 to 1."""
        return self._explained(["clock"])

    @property
    def pizza(self) -> float:
        """How much of them the pizza and its accompanying formula explain, 0 to 1."""
        return self._explained(["pizza", "accompanying"])

    def _explained(self, names: list[str]) -> float:
        columns = [list(FORMULAS).index(name) for name in names]
        return float(self.weights @ np.clip(self.fve[:, columns].max(1), 0, 1))


def evidence(net: TwoOperand, n_triples: int = 5000, seed: int = 0) -> Evidence:
    """Return what the rule looks at. Raises InterpError for an even p and for logits that never vary."""
    logits = net.grid()
    found = tuple(circles(net))
    fve = np.array([[explained(each.logits, formula(net.p, each.frequency)) for formula in FORMULAS.values()]
                    for each in found])  # fmt: skip
    variances = np.array([centred_variance(each.logits) for each in found])
    n = np.arange(net.p)
    return Evidence(
        symmetricity(net, random_triples(net.p, n_triples, seed)),
        distance_irrelevance(logits, "correct"),
        distance_irrelevance(logits, "margin"),
        found,
        np.nan_to_num(fve, nan=-1.0),  # a circle whose logits never vary follows no formula; its weight is 0
        variances / variances.sum(),
        float((logits.argmax(-1) == np.add.outer(n, n) % net.p).mean()),
    )


def against(found: Evidence, label: str) -> list[str]:
    """Return what in the evidence speaks against `label` (clock or pizza), in words; empty when nothing does."""
    s, error = found.symmetricity.mean, Z * found.symmetricity.standard_error
    own, other = (found.pizza, found.clock) if label == "pizza" else (found.clock, found.pizza)
    fits = s - error > SYMMETRIC if label == "pizza" else s + error < ASYMMETRIC
    reasons = [] if fits else [f"symmetricity {s:.3f}"]
    for name, q in (("q", found.correct.q), ("q of the margin", found.margin.q)):
        if (q < IRRELEVANT) != (label == "pizza"):
            reasons.append(f"{name} {q:.3f}")
    if own < EXPLAINED or own <= other:
        reasons.append(f"the {label} formula explains {own:.2f}, the other {other:.2f}")
    return reasons


def classify(found: Evidence) -> str:
    """Return clock, pizza or undecided, by the rule of this module."""
    return next((label for label in ("clock", "pizza") if not against(found, label)), "undecided")
