"""Which frequencies does a model of a + b mod p use? Three rules are in circulation, and they give different sets.

    W_E       norm of the embeddings at k                 above a quarter of the largest
    W_L       norm of the neuron -> logit map at k        above a quarter of the largest ("non-trivial", without a
                                                          number in the paper; the quarter is ours)
    neurons   k explains more than .85 of some neuron     and more of it than any other frequency does

Every k = 1 .. floor(p/2) can be chosen and no set is cut short. Cosines of frequency k pass through a ReLU and come out
with some 2k, so a frequency is *merged* into k where it is 2k (folded modulo p), smaller than k, and k itself is not
merged: `fundamental` is what stays, `doubles` says what went where. Odd multiples, which square waves have, are listed
and never merged (`odd_multiples`): modulo a prime every frequency is some multiple of every other.
Choose the keys once, at the end of training, and use them for every earlier step.

    margin(S) = 1 - max over d != 0 of mean over k in S of cos(2 pi k d / p)

is how far the right answer stands above the best wrong one, per unit of amplitude, if every key has the same: at most
p / (p - 1), which all frequencies together reach; five random ones of p = 113 have about .325 in the median.
Nanda et al. 2023, arXiv:2301.05217; the merging after weights of Chughtai et al. 2023, arXiv:2302.03025.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from interp.errors import InterpError, nearest
from interp.fourier.gini import component_norms
from interp.fourier.neurons import THRESHOLD, best_frequency, best_share, double, fve
from interp.fourier.two_operand import TwoOperand

RULES = ("W_L", "W_E", "neurons")
QUARTER = 0.25
"""A frequency of a weight matrix counts from this share of the largest on."""
ODD = (3, 5)


@dataclass(frozen=True, eq=False)
class KeyFrequencies:
    """The frequencies a rule chose: `chosen` ascending, `doubles` {2k: k}, sizes [frequency] from k = 1 on."""

    rule: str
    p: int
    sizes: Float[np.ndarray, " frequency"]
    chosen: tuple[int, ...]
    doubles: dict[int, int]

    @property
    def fundamental(self) -> tuple[int, ...]:
        """The chosen frequencies without those that are the double of another."""
        return tuple(k for k in self.chosen if k not in self.doubles)

    @property
    def odd_multiples(self) -> dict[int, tuple[int, ...]]:
        """{multiple: the fundamentals it is 3 or 5 times of and smaller than}, of the fundamentals alone."""
        found = {
            k: tuple(j for j in self.fundamental if j != k and self._smaller(k, j) and k in self._odd(j))
            for k in self.fundamental
        }
        return {k: of for k, of in found.items() if of}

    def _smaller(self, k: int, j: int) -> bool:
        return bool(self.sizes[k - 1] < self.sizes[j - 1])

    def _odd(self, k: int) -> list[int]:
        return [min(m * k % self.p, -m * k % self.p) for m in ODD]


def key_frequencies(net: TwoOperand, rule: str = "W_L", fraction: float = QUARTER) -> KeyFrequencies:
    """Return the key frequencies of a network by a rule of RULES. Raises InterpError for another name."""
    if rule not in RULES:
        raise InterpError(f"unknown rule {rule!r} for key frequencies. {nearest(rule, RULES)}")
    if rule == "neurons":
        return by_neurons(fve(net.neuron_grid()), net.p)
    weights = net.embed_a if rule == "W_E" else net.W_L.T
    return by_norm(weights.detach().double().cpu().numpy(), fraction, rule)


def by_norm(weights: Float[np.ndarray, "p d"], fraction: float = QUARTER, rule: str = "norm") -> KeyFrequencies:
    """Return the frequencies at which the norm of `weights`, over their first axis, exceeds a share of the largest.

    Raises InterpError for a share outside (0, 1), and for weights that do not vary with the residue.
    """
    if not 0 < fraction < 1:
        raise InterpError(f"A share of {fraction} of the largest norm: expected one between 0 and 1; change it.")
    norms = component_norms(weights)
    if not norms[1:].max(initial=0) > 1e-12 * norms[0]:
        raise InterpError(f"The weights of rule {rule} do not vary with the residue: they have no key frequencies.")
    return chosen_by(norms[1:], norms[1:] > fraction * norms[1:].max(), len(np.asarray(weights)), rule)


def by_neurons(
    explained: Float[np.ndarray, "frequency neuron"], p: int, threshold: float = THRESHOLD
) -> KeyFrequencies:
    """Return the frequencies of the neurons that have one, from what `fve` returns; sizes are numbers of neurons."""
    with_one = best_share(explained) > threshold
    count = np.bincount(best_frequency(explained)[with_one], minlength=p // 2 + 1)[1:]
    return chosen_by(count.astype(float), count > 0, p, "neurons")


def chosen_by(sizes: Float[np.ndarray, " frequency"], passed: np.ndarray, p: int, rule: str) -> KeyFrequencies:
    """Return the set of the frequencies that `passed`, with doubles merged: the largest claim theirs first."""
    chosen = np.flatnonzero(passed) + 1
    doubles: dict[int, int] = {}
    for k in chosen[np.argsort(-sizes[chosen - 1], kind="stable")].tolist():
        twice = double(k, p)
        if k not in doubles and twice in chosen and sizes[twice - 1] < sizes[k - 1]:
            doubles[twice] = k
    return KeyFrequencies(rule, p, sizes, tuple(chosen.tolist()), doubles)


def margin(keys: Iterable[int], p: int) -> float:
    """Return 1 - max over d != 0 of mean_k cos(2 pi k d / p): the margin of equal cosines, per unit of amplitude.

    In (-1, p / (p - 1)]; 0 or less means that some wrong answer looks as good. Raises InterpError for no keys and
    for a frequency outside 1 .. floor(p/2).
    """
    keys = list(keys)
    if not keys or any(not 1 <= k <= p // 2 for k in keys):
        raise InterpError(f"Keys {keys}: expected at least one frequency from 1 to {p // 2}; change them.")
    turns = np.outer(keys, np.arange(1, p)) % p
    return float(1 - np.cos(2 * np.pi * turns / p).mean(0).max())


def random_keys(p: int, size: int, count: int, seed: int = 0) -> Int[np.ndarray, "draw key"]:
    """Return `count` random sets of `size` different frequencies, ascending: the null of a set of keys.

    Raises InterpError for more keys than there are frequencies.
    """
    if not 1 <= size <= p // 2:
        raise InterpError(f"{size} keys of {p // 2} frequencies: expected 1 to {p // 2}; choose fewer.")
    rng = np.random.default_rng(seed)
    return np.sort([rng.permutation(p // 2)[:size] + 1 for _ in range(count)], axis=1).reshape(count, size)
