"""How do logits of cos w_k (a + b - c) come about? Directions that the classes read, and the waves that arrive on them.

    W_L = sum_k  u_k cos(w_k c)^T + v_k sin(w_k c)^T  + rest         u_k, v_k [d_mlp]: W_L in the Fourier basis of c
    u_k . neurons = about cos w_k (a + b),   v_k . neurons = about sin w_k (a + b)

`direction_table` says how much of the variance of each u_k . neurons that one wave explains, beside random directions;
`cosine_readout` how much of the logits the sum of |S| cosines explains, and what its loss is. Variance of logits is
taken after their mean over the classes is gone, pair by pair, for the softmax does not see that mean.
Nanda et al. 2023, arXiv:2301.05217, section 4.2 and table 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Float

from interp.fourier.bases import cyclic
from interp.fourier.basis import rows
from interp.fourier.gini import component_norms
from interp.fourier.grid import cosine_coefficients, sums
from interp.fourier.one_layer import OneLayer
from interp.fourier.progress_measures import cross_entropy


class Readout(NamedTuple):
    """What the cosines of some keys explain: share of the logits' variance, coefficients, loss of every pair."""

    explained: float
    coefficients: Float[np.ndarray, " key"]
    loss: Float[np.ndarray, "p p"]


def directions(one: OneLayer, keys: Sequence[int]) -> dict[tuple[int, str], Float[np.ndarray, " d_mlp"]]:
    """Return {(k, "cos" or "sin"): direction in neuron space} of W_L; k = p/2 has no sine."""
    found = {}
    for k in keys:
        for name, row in zip(("cos", "sin"), rows(one.p, k), strict=False):
            found[k, name] = one.W_L @ cyclic(one.p).matrix[row]
    return found


def direction_table(one: OneLayer, keys: Sequence[int], n_random: int = 100, seed: int = 0) -> pd.DataFrame:
    """Return a line a direction: frequency, function, fve in [0, 1], and the 95 % quantile of random directions."""
    rng = np.random.default_rng(seed)
    random = rng.standard_normal((one.W_L.shape[0], n_random))
    lines = []
    for (k, name), direction in directions(one, keys).items():
        null = _share(one.neurons @ random, k, name)
        found = _share((one.neurons @ direction)[..., None], k, name)[0]
        lines.append({"frequency": k, "function": name, "fve": found, "null_95": float(np.quantile(null, 0.95))})
    return pd.DataFrame(lines)


def _share(x: Float[np.ndarray, "p p m"], k: int, name: str) -> Float[np.ndarray, " m"]:
    """Return the share of the variance of each x that cos or sin w_k (a + b) explains."""
    p = len(x)
    row = cyclic(p).matrix[rows(p, k)[("cos", "sin").index(name)]]
    energy = p * np.square(row @ sums(x))
    return energy / np.square(x - x.mean((0, 1))).sum((0, 1))


def residual_share(one: OneLayer, keys: Sequence[int]) -> float:
    """Return the share of the squared norm of W_L that is at no key frequency, the constant included."""
    squares = np.square(component_norms(one.W_L.T))
    return float(1 - squares[list(keys)].sum() / squares.sum())


def cosine_readout(logits: Float[np.ndarray, "p p p"], keys: Sequence[int]) -> Readout:
    """Return what sum_k alpha_k cos w_k (a + b - c), alpha by least squares, explains of the logits."""
    p = len(logits)
    coefficients = cosine_coefficients(logits)[np.array(keys, int) - 1]
    n = np.arange(p)
    profile = coefficients @ np.cos(2 * np.pi * (np.outer(keys, n) % p) / p)
    told = profile[(n[:, None, None] + n[None, :, None] - n) % p]
    left = _centred(logits) - _centred(told)
    explained = 1 - np.square(left).sum() / np.square(_centred(logits)).sum()
    return Readout(float(explained), coefficients, cross_entropy(told))


def attention_waves(one: OneLayer) -> pd.DataFrame:
    """Return a line a head: whose waves of a alone and of b alone explain most of its attention to a, and what share.

    `to_equals` is its mean attention to '=' itself.
    """
    lines = []
    for head in range(one.pattern.shape[2]):
        x = one.pattern[:, :, head, 0]
        x = x - x.mean()
        energy = one.p * (cyclic(one.p).energy(x.mean(0)) + cyclic(one.p).energy(x.mean(1)))[1:]
        share = energy / max(float(np.square(x).sum()), np.finfo(float).tiny)
        to_equals = float(one.pattern[:, :, head, 2].mean())
        best = {"frequency": int(share.argmax()) + 1, "fve": float(share.max())}
        lines.append({"head": head, **best, "to_equals": to_equals})
    return pd.DataFrame(lines)


def _centred(logits: np.ndarray) -> np.ndarray:
    return logits - logits.mean(-1, keepdims=True)
