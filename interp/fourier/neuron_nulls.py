"""How large a share of one frequency does a neuron show when there is nothing to find?

    white noise    fve[k] ~ Beta(m/2, (p^2 - 1 - m)/2),  m = 8 waves in a block (3 for k = p/2), mean m / (p^2 - 1)
    untrained      the largest fve over k of ReLU(f(a) + g(b)), f and g white noise, or of the untrained net itself

The frequency of a neuron is chosen after looking at all K of them, so its share must be compared with the *largest*
share of a null neuron. The white-noise law answers for one frequency (times K is a bound, Bonferroni); a neuron that
adds up two functions is far from white (median of the largest .084 at p = 59): the untrained null is the one to pass.
Over many neurons `discoveries` keeps the expected share of false ones below `level` (Benjamini & Hochberg 1995);
p-values from n null neurons are never below 1 / (n + 1) (Phipson & Smyth 2010).
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float
from numpy.typing import ArrayLike
from scipy.special import betaincc
from scipy.stats import false_discovery_control

from interp.errors import InterpError
from interp.fourier.neurons import CHUNK, best_share, fve


def block_waves(k: int, p: int) -> int:
    """Return how many waves besides the constant the block of frequency k has: 8, and 3 for k = p/2."""
    return 3 if 2 * k == p else 8


def white_noise_mean(k: int, p: int) -> float:
    """Return the mean share of frequency k in white noise over the p x p pairs."""
    return block_waves(k, p) / (p * p - 1)


def white_noise_p(share: ArrayLike, k: int, p: int) -> np.ndarray:
    """Return the chance in [0, 1] that white noise has at least this share at frequency k; nan where share is."""
    waves = block_waves(k, p)
    return betaincc(waves / 2, (p * p - 1 - waves) / 2, np.asarray(share, float))


def untrained_shares(p: int, count: int = 1000, seed: int = 0) -> Float[np.ndarray, " draw"]:
    """Return the largest share over k of `count` neurons ReLU(f(a) + g(b)), f and g independent N(0, 1) a residue."""
    rng, parts = np.random.default_rng(seed), []
    for start in range(0, count, CHUNK):
        f, g = rng.standard_normal((2, p, min(CHUNK, count - start)))
        parts.append(best_share(fve(np.maximum(f[:, None] + g[None], 0))))
    return np.concatenate(parts)


def empirical_p(observed: ArrayLike, null: ArrayLike) -> np.ndarray:
    """Return (1 + number of null values >= observed) / (1 + number of null values), in (0, 1].

    A value that is not a number (a constant neuron) gets 1. Raises InterpError for an empty null.
    """
    observed, null = np.asarray(observed, float), np.sort(np.asarray(null, float).ravel())
    null = null[~np.isnan(null)]
    if not len(null):
        raise InterpError("A p-value needs null values; got none. Draw some.")
    above = len(null) - np.searchsorted(null, observed, side="left")
    return np.where(np.isnan(observed), 1.0, (1 + above) / (1 + len(null)))


def discoveries(p_values: ArrayLike, level: float = 0.05) -> Bool[np.ndarray, " test"]:
    """Return which of many tests hold at a false discovery rate of `level` (step-up of Benjamini and Hochberg)."""
    p_values = np.asarray(p_values, float)
    return false_discovery_control(p_values) <= level if len(p_values) else np.zeros(0, bool)
