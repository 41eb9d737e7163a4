"""Does a neuron fire where a rule of thumb holds, and how often would it if it knew nothing of the operands?

    A[prompt]             activation over the operand grid: the neuron fires (indirect); of a heuristic about the result
                          also times the value that its output row gives to the result: it writes (direct)
    k                     prompts that satisfy the heuristic
    score                 |k prompts of largest A  and  prompts that satisfy it| / k, in [0, 1]
    ends "both"           the larger of this and the same of the k smallest A (neurons of a gated MLP have both signs)

Null: the map from operands to activations is shuffled, the output row stays. Its mean is k / n for a heuristic about
operands (two ends: a little more), so one that many prompts satisfy is nearly followed by noise: mod 2 at .5, and at
a fixed threshold of .6 every neuron follows a range that holds for .6 of all prompts.

    excess                (score - null mean) / (1 - null mean)               0 = chance, 1 = exactly the heuristic
    z                     (score - null mean) / null sd
    bound                 null mean + z* null sd,   z*: 95 % point of the largest z over heuristics, shuffled

Ties (a neuron that is 0 on most prompts) are broken at random: in the order of the grid they would be a range.

Source: Nikankin et al. (2025) arXiv 2410.21272 (score and threshold; no null there); Nichols & Holmes (2002), maxima.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from interp.methods.nulls import max_threshold
from interp.progress import Progress, silent

N_POOL = 500
"""Shuffled maps scored on heuristics about operands: these scores depend on the ranks alone, so neurons share them."""


class Rules(NamedTuple):
    """Heuristics as bool [heuristic, prompt], and which are about the result (direct)."""

    satisfied: np.ndarray
    direct: np.ndarray


class Null(NamedTuple):
    """Of shuffled maps: mean and sd [neuron, heuristic] of the score, z* and the largest z [neuron, shuffle], the share
    of shuffles with a score of at least the threshold for each heuristic, and for any of them."""

    mean: np.ndarray
    sd: np.ndarray
    z_star: float
    largest: np.ndarray
    false_rate: np.ndarray
    false_any: float


def scorer(satisfied: np.ndarray, ends: str) -> Callable[[np.ndarray, np.random.Generator], np.ndarray]:
    """Return f(values [prompt], rng) -> score [heuristic]: one sort, then a count over each heuristic's prompts."""
    sizes = satisfied.sum(axis=1)
    members = np.nonzero(satisfied)[1].astype(np.int32)
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    n, needed = satisfied.shape[1], np.repeat(sizes, sizes).astype(np.int32)

    def score(values: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        if not len(sizes):
            return np.empty(0)
        mixed = rng.permutation(n)
        rank = np.empty(n, dtype=np.int32)
        rank[mixed[np.argsort(values[mixed])]] = np.arange(n, dtype=np.int32)
        places = rank[members]
        hits = np.add.reduceat(places >= n - needed, starts, dtype=np.int64)
        if ends == "both":
            hits = np.maximum(hits, np.add.reduceat(places < needed, starts, dtype=np.int64))
        return hits / sizes

    return score


def scores(maps: np.ndarray, values: np.ndarray, rules: Rules, ends: str, seed: int = 0) -> np.ndarray:
    """Return the score [neuron, heuristic] of activations [neuron, prompt]; values [neuron, prompt]: what the neuron's
    output row gives to the result of each prompt."""
    rng = np.random.default_rng((seed, 4))
    found = np.empty((len(maps), len(rules.direct)))
    of_operands, of_result = _both(rules, ends)
    for i, (activation, value) in enumerate(zip(maps, values, strict=True)):
        found[i, ~rules.direct] = of_operands(activation, rng)
        found[i, rules.direct] = of_result(activation * value, rng)
    return found


def shuffled(
    maps: np.ndarray,
    values: np.ndarray,
    rules: Rules,
    ends: str,
    threshold: float,
    n_shuffles: int,
    *,
    progress: Progress = silent,
    seed: int = 0,
) -> Null:
    """Return the null of `n_shuffles` shuffles of each neuron's activations over the prompts."""
    rng = np.random.default_rng((seed, 5))
    of_operands, of_result = _both(rules, ends)
    ranks = np.arange(maps.shape[1], dtype=np.float32)
    pool = np.stack([of_operands(rng.permutation(ranks), rng) for _ in range(N_POOL)])
    mean, sd = (np.empty((len(maps), len(rules.direct))) for _ in range(2))
    largest = np.empty((len(maps), n_shuffles))
    above, any_above = np.zeros(len(rules.direct)), 0
    grain = 1 / rules.satisfied.sum(axis=1)
    for i, (activation, value) in enumerate(zip(maps, values, strict=True)):
        progress(i, len(maps), "shuffled activation maps")
        drawn = np.empty((n_shuffles, len(rules.direct)))
        for j in range(n_shuffles):
            drawn[j, rules.direct] = of_result(rng.permutation(activation) * value, rng)
        drawn[:, ~rules.direct] = pool[rng.integers(N_POOL, size=n_shuffles)]
        mean[i], sd[i] = drawn.mean(axis=0), drawn.std(axis=0, ddof=1)
        mean[i, ~rules.direct], sd[i, ~rules.direct] = pool.mean(axis=0), pool.std(axis=0, ddof=1)
        sd[i] = np.maximum(sd[i], grain)
        largest[i] = ((drawn - mean[i]) / sd[i]).max(axis=1)
        above += (drawn >= threshold).sum(axis=0)
        any_above += int((drawn >= threshold).any(axis=1).sum())
    total = len(maps) * n_shuffles
    return Null(mean, sd, max_threshold(largest.ravel()), largest, above / total, any_above / total)


def excess(score: np.ndarray, null_mean: np.ndarray) -> np.ndarray:
    """Return the score above chance as a fraction of what is left above chance; 0 where chance is 1."""
    room = 1 - null_mean
    return np.divide(score - null_mean, room, out=np.zeros_like(score), where=room > 1e-9)


def classified(score: np.ndarray, null: Null, threshold: float) -> dict[str, np.ndarray]:
    """Return which heuristics each neuron follows, bool [neuron, heuristic], by three rules: `fixed` (score >= t),
    `calibrated` (and above the bound of the null), `corrected` (above the bound, and excess >= t)."""
    beyond = score > null.mean + null.z_star * null.sd
    fixed = score >= threshold
    return {
        "fixed": fixed,
        "calibrated": fixed & beyond,
        "corrected": beyond & (excess(score, null.mean) >= threshold),
    }


def _both(rules: Rules, ends: str) -> list[Callable[[np.ndarray, np.random.Generator], np.ndarray]]:
    return [scorer(rules.satisfied[chosen], ends) for chosen in (~rules.direct, rules.direct)]
