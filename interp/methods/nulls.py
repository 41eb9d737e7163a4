"""What would this number be if the model knew nothing?

    majority_accuracy   max_v #(answer = v) / n: the best constant answer, chosen in hindsight
    shuffled_accuracy   Σ_v #(predicted = v) · #(answer = v) / n²: the exact mean, over all n! shuffles, of
                        the accuracy against shuffled answers: what a habit of saying some answers is worth
    derangement         a permutation without a fixed point: every prompt meets another prompt's row
    max_threshold       the ceil((1 - level)(n + 1))-th smallest of n shuffled maxima of a map: a map without
                        information exceeds it anywhere with probability <= level (one test for all cells)

Reading: a result no better than its null shows nothing, however large it looks.

Sources: Nichols & Holmes, Human Brain Mapping 15 (2002) 1 (max-statistic permutation tests); Phipson & Smyth
(2010), Stat. Appl. Genet. Mol. Biol. 9:39 (the + 1); Sattolo, Inf. Proc. Letters 22 (1986) 315 (cyclic
permutations).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from interp.errors import InterpError


def majority_accuracy(answers: ArrayLike) -> float:
    """Return the share, in (0, 1], of the most common of `answers`. Raises InterpError when empty."""
    answers = _at_least(answers, 1, "A majority class")
    return float(np.unique(answers, return_counts=True)[1].max() / len(answers))


def shuffled_accuracy(predicted: ArrayLike, answers: ArrayLike) -> float:
    """Return the mean accuracy, in [0, 1], of `predicted` [prompt] against `answers` [prompt] in random
    order.

    Exact, no sampling. Raises InterpError when empty or of different lengths.
    """
    predicted, answers = _at_least(predicted, 1, "A shuffle"), np.asarray(answers)
    if len(predicted) != len(answers):
        raise InterpError(f"{len(predicted)} predictions met {len(answers)} answers; give one of each a prompt.")
    values, counts = np.unique(answers, return_counts=True)
    said = (predicted[:, None] == values).sum(axis=0)
    return float(said @ counts / len(answers) ** 2)


def derangement(n: int, seed: int = 0) -> np.ndarray:
    """Return a random cyclic permutation int64 [n]; no row keeps its place. Raises InterpError when n < 2."""
    if n < 2:
        raise InterpError(f"A null of unrelated rows needs at least 2 prompts; got {n}. Use more prompts.")
    rng = np.random.default_rng(seed)
    permutation = np.arange(n)
    for i in range(n - 1, 0, -1):
        j = rng.integers(i)  # below i, never i itself: that is what makes the permutation one cycle
        permutation[[i, j]] = permutation[[j, i]]
    return permutation


def max_threshold(maxima: ArrayLike, level: float = 0.05) -> float:
    """Return the threshold a map's maximum passes with probability <= `level` when nothing is there.

    `maxima` [shuffle] are the largest scores of the shuffled maps. Raises InterpError with fewer than 1/level
    - 1 shuffles, which cannot support the level (19 for 5 %).
    """
    maxima = np.sort(np.asarray(maxima, dtype=float))
    rank = int(np.ceil((1 - level) * (len(maxima) + 1) - 1e-9))
    if rank > len(maxima):
        needed = int(np.ceil(1 / level - 1e-9)) - 1
        raise InterpError(f"A {level:.0%} threshold needs at least {needed} shuffles; got {len(maxima)}. Ask for more.")
    return float(maxima[rank - 1])


def _at_least(values: ArrayLike, n: int, what: str) -> np.ndarray:
    values = np.asarray(values)
    if len(values) < n:
        raise InterpError(f"{what} needs at least {n} prompt; got {len(values)}. Use more prompts.")
    return values
