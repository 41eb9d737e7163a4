"""Which network adds modulo p with the largest margin, and how near does another come? Networks of degree k.

    f(a_1 .. a_k)[c]  =  sum_i ( sum_j inputs[j, i, a_j] )^k  outputs[i, c]
    norm              =  ( sum_i |(inputs[:, i, :], outputs[i, :])|_2 ^ (k + 1) ) ^ (1 / (k + 1))       L_(2, k+1)
    margin            =  min over a and c != a_1 + .. + a_k of  f[answer] - f[c],   over norm ^ (k + 1)
    gamma_star(p, k)  =  2 k! / ( (2k + 2)^((k+1)/2)  (p - 1)  p^((k-1)/2) )          no network has more

`max_margin` reaches it: at every frequency 1 .. (p-1)/2 each neuron is a wave cos(w a_j + phase_j) of every input and
cos(w c + sum of the phases) of the output, with the phases on {0, pi/2, pi, 3 pi/2}^k, one of each pair that differs by
pi throughout (the k + 1 signs cancel). Summed over those phases every unwanted product of the k-th power vanishes.
`random_phase` draws frequencies and phases instead: right at every input when it is wide enough.

How to read: efficiency = margin / gamma_star is at most 1 for any network whatever (a violation is a bug), 1 for
`max_margin`, negative when an answer is wrong. Sources: Morwani et al. 2023, arXiv:2311.07568 (k = 2); Li et al. 2024,
arXiv:2402.09469 (k inputs); Gromov 2023, arXiv:2301.02679 (random phases).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from math import factorial

import numpy as np
from jaxtyping import Float

from interp.errors import InterpError

QUARTERS = 4  # phases 0, 1, 2, 3 quarter turns: enough to average every unwanted product away
MEMORY = 2**24  # numbers of hidden activations at a time


@dataclass(frozen=True, eq=False)
class Quadratic:
    """A network of degree k = len(inputs), hidden width = the neuron axis; float64."""

    inputs: Float[np.ndarray, "input neuron p"]
    outputs: Float[np.ndarray, "neuron p"]

    def __post_init__(self) -> None:
        inputs, outputs = (np.asarray(each, float) for each in (self.inputs, self.outputs))
        if inputs.ndim != 3 or outputs.shape != inputs.shape[1:] or outputs.shape[1] < 2:
            raise InterpError(
                f"Inputs {inputs.shape} and outputs {outputs.shape} are no network: expected [k, neuron, p] and "
                "[neuron, p] with p >= 2."
            )
        object.__setattr__(self, "inputs", inputs)
        object.__setattr__(self, "outputs", outputs)

    @property
    def k(self) -> int:
        """Return the number of inputs, which is the degree too."""
        return len(self.inputs)

    @property
    def p(self) -> int:
        """Return the modulus."""
        return self.inputs.shape[2]

    def neurons(self) -> Float[np.ndarray, "tuple neuron"]:
        """Return every neuron at every input, rows in the order of `answers`."""
        total = 0
        for j, embedding in enumerate(self.inputs):
            shape = [1] * j + [self.p] + [1] * (self.k - 1 - j)
            total = total + embedding.T.reshape(*shape, -1)
        return np.asarray(total).reshape(self.p**self.k, -1) ** self.k

    def logits(self) -> Float[np.ndarray, "... p"]:
        """Return f on all p^k inputs, [p] * k + [p]; the last axis is c."""
        width = max(1, MEMORY // self.p**self.k)  # in groups of neurons, for a wide net has many
        parts = (
            Quadratic(self.inputs[:, i : i + width], self.outputs[i : i + width])
            for i in range(0, len(self.outputs), width)
        )
        total = np.sum([part.neurons() @ part.outputs for part in parts], axis=0)
        return total.reshape(*[self.p] * self.k, self.p)

    def norm(self) -> float:
        """Return the L_(2, k+1) norm of all weights."""
        squares = (self.inputs**2).sum((0, 2)) + (self.outputs**2).sum(1)
        return float((squares ** ((self.k + 1) / 2)).sum() ** (1 / (self.k + 1)))

    def margins(self) -> Float[np.ndarray, "tuple wrong"]:
        """Return f[answer] - f[c] of every input and every wrong c, in units of norm ^ (k + 1)."""
        logits = self.logits().reshape(-1, self.p)
        rows, right = np.arange(len(logits)), answers(self.p, self.k)
        gaps = logits[rows, right][:, None] - logits
        wrong = np.arange(self.p) != right[:, None]
        return gaps[wrong].reshape(len(logits), -1) / self.norm() ** (self.k + 1)

    def efficiency(self) -> float:
        """Return the smallest margin over `gamma_star`: at most 1, negative when an answer is wrong."""
        return float(self.margins().min()) / gamma_star(self.p, self.k)

    def accuracy(self) -> float:
        """Return the share of all p^k inputs whose largest logit is the answer's."""
        found = self.logits().reshape(-1, self.p).argmax(-1)
        return float((found == answers(self.p, self.k)).mean())


def answers(p: int, k: int) -> np.ndarray:
    """Return (a_1 + .. + a_k) mod p of all p^k inputs, the last input running fastest."""
    return np.indices((p,) * k).sum(0).ravel() % p


def gamma_star(p: int, k: int = 2) -> float:
    """Return the largest margin that a network of degree k can have. Raises InterpError as `max_margin`."""
    _require(p, k)
    return 2 * factorial(k) / ((2 * k + 2) ** ((k + 1) / 2) * (p - 1) * p ** ((k - 1) / 2))


def max_margin(p: int, k: int = 2) -> Quadratic:
    """Return the network of largest margin: 4^k / 2 neurons a frequency, (p - 1) 4^(k-1) in all, every wave of size 1.

    Raises InterpError for an even p (its Nyquist wave has no second phase), p < 3 or k < 2.
    """
    _require(p, k)
    quarters = np.array([each for each in product(range(QUARTERS), repeat=k) if each[0] < 2])  # the rest: pi apart
    frequencies = np.repeat(np.arange(1, (p - 1) // 2 + 1), len(quarters))
    return _waves(p, frequencies, np.tile(quarters * (np.pi / 2), ((p - 1) // 2, 1)))


def random_phase(p: int, n_neurons: int, seed: int = 0, k: int = 2) -> Quadratic:
    """Return a network of `n_neurons` waves with frequencies and phases drawn uniformly with `seed`; raises as
    `max_margin`, and for fewer than one neuron.
    """
    _require(p, k)
    if n_neurons < 1:
        raise InterpError(f"A network of {n_neurons} neurons: expected at least 1; widen it.")
    rng = np.random.default_rng(seed)
    frequencies = rng.integers(1, (p - 1) // 2 + 1, n_neurons)
    return _waves(p, frequencies, rng.uniform(0, 2 * np.pi, (n_neurons, k)))


def _waves(p: int, frequencies: np.ndarray, phases: np.ndarray) -> Quadratic:
    """Return neurons cos(w a_j + phase_j) and cos(w c + sum of phases); `phases` [neuron, k]."""
    turns = 2 * np.pi * (np.outer(frequencies, np.arange(p)) % p) / p
    inputs = np.stack([np.cos(turns + phase[:, None]) for phase in phases.T])
    return Quadratic(inputs, np.cos(turns + phases.sum(1)[:, None]))


def _require(p: int, k: int) -> None:
    if p < 3 or p % 2 == 0 or k < 2:
        raise InterpError(f"No closed form for p = {p}, k = {k}: expected an odd p >= 3 and k >= 2; choose others.")
