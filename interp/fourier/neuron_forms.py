"""Does a neuron take the absolute value of a sum of waves, or does it read a wave of the sum?

    abs_cosine   N(a, b) = c0 + c1 C + c2 S + c3 |x_phi|,      x_phi = cos(w a + phi) + cos(w b + phi)
    sums         N(a, b) = f(a + b) for any f                  C, S = x_0, x_(-pi/2):  waves of a and b alone
    explained    share of a neuron's variance over all pairs, phi the best of p phases, w its own frequency

|x_phi| = 2 |cos w(a-b)/2| |cos(w(a+b)/2 + phi)|: what a ReLU makes of added operands, the unit of a pizza; a ReLU of
x_phi is all of that form, and .115 of it is a function of a + b (|x_phi|: .448). Neurons whose two phases differ are
less: .45 for a quarter of a turn.

How to read: a high value says that a neuron bends one sum of waves, and no more. It does not tell a clock from a pizza:
most neurons of the released clock have the form too (median .956, of the pizza .967; another frequency .000).
Null: the same form at another frequency, with its own best phase. Zhong et al. 2023, arXiv:2306.17844, section 3.
"""

from __future__ import annotations

import numpy as np
import xarray as xr
from jaxtyping import Float, Int

from interp.errors import InterpError
from interp.fourier.basis import real
from interp.fourier.grid import on_sums, sums
from interp.fourier.neurons import best_frequency, double, fve
from interp.fourier.two_operand import TwoOperand
from interp.methods.result import variable


def abs_cosine(
    neurons: Float[np.ndarray, "p p neuron"], frequencies: Int[np.ndarray, " neuron"]
) -> Float[np.ndarray, " neuron"]:
    """Return what the absolute-value form of each neuron's frequency explains of it, in [0, 1]; nan for a constant.

    Raises InterpError for a frequency outside 1 .. p / 2 and for another number of frequencies than neurons.
    """
    centred, total = _centred(neurons)
    p, frequencies = len(neurons), np.asarray(frequencies)
    if frequencies.shape != total.shape or not np.isin(frequencies, np.arange(1, p // 2 + 1)).all():
        raise InterpError(f"{frequencies.shape} frequencies of {len(total)} neurons: expected one each, 1 to {p // 2}.")
    found = np.zeros(len(total))
    for k in np.unique(frequencies):
        chosen = frequencies == k
        linear, bent = _forms(p, int(k))
        found[chosen] = np.square(linear @ centred[:, chosen]).sum(0) + np.square(bent @ centred[:, chosen]).max(0)
    return _share(found, total)


def of_sums(neurons: Float[np.ndarray, "p p neuron"]) -> Float[np.ndarray, " neuron"]:
    """Return what a function of a + b alone explains of each neuron, in [0, 1]; nan for a constant."""
    centred, total = _centred(neurons)
    kept = on_sums(sums(centred.reshape(neurons.shape)))
    return _share(np.square(kept).sum((0, 1)), total)


def neuron_forms(net: TwoOperand, seed: int = 0) -> xr.Dataset:
    """Return abs_cosine, abs_cosine_null, sums and frequency [neuron] of the neurons that vary, n of them.

    The frequency is the one whose 3 x 3 block holds most of the neuron, the null's is drawn from the unrelated ones
    (nan where a small p has none). Raises InterpError when no neuron varies.
    """
    grid = net.neuron_grid()
    varies = np.ptp(grid, axis=(0, 1)) > 1e-9
    if not varies.any():
        raise InterpError(f"No neuron of {net.name} varies with the operands: there is nothing to explain.")
    grid, p, rng = grid[..., varies], net.p, np.random.default_rng(seed)
    own = best_frequency(fve(grid))
    every = range(1, p // 2 + 1)
    unrelated = {k: [j for j in every if j != k and double(j, p) != k and double(k, p) != j] for k in set(own.tolist())}
    other = np.array([rng.choice(unrelated[k]) if unrelated[k] else 0 for k in own.tolist()])
    null = np.full(len(own), np.nan)
    if other.any():
        null[other > 0] = abs_cosine(grid[..., other > 0], other[other > 0])
    fraction = "fraction of the variance over all pairs"
    return xr.Dataset(
        {
            "abs_cosine": variable("neuron", abs_cosine(grid, own), fraction, "explained by the absolute-value form"),
            "abs_cosine_null": variable("neuron", null, fraction, "the same at another frequency; nan: there is none"),
            "sums": variable("neuron", of_sums(grid), fraction, "explained by any function of a + b"),
            "frequency": variable("neuron", own, "k", "frequency of the 3 x 3 block that holds most"),
            "n": variable("", len(own), "neurons", "neurons that vary with the operands"),
        },
        {"neuron": np.flatnonzero(varies)},
        {"model": net.name, "seed": seed},
    )


def _forms(p: int, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Return orthonormal C and S [2, p p], and |x_phi| [phase, p p] freed of them and of the constant, of length 1."""
    turn = 2 * np.pi * k * np.arange(p) / p
    phases = np.pi * np.arange(p) / p  # |x| has period pi in phi
    wave = np.cos(turn[None, :] + phases[:, None])
    bent = np.abs(wave[:, :, None] + wave[:, None, :]).reshape(p, -1)
    added = np.stack([np.add.outer(each, each).ravel() for each in (np.cos(turn), np.sin(turn))])
    lengths = np.linalg.norm(added, axis=1, keepdims=True)
    linear = added[lengths[:, 0] > 1e-9] / lengths[lengths[:, 0] > 1e-9]
    bent -= bent.mean(1, keepdims=True)
    bent -= (bent @ linear.T) @ linear
    return linear, bent / np.linalg.norm(bent, axis=1, keepdims=True)


def _centred(neurons: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the neurons less their means, [pair, neuron], and their sums of squares."""
    neurons = real(neurons)
    if neurons.ndim != 3 or neurons.shape[0] != neurons.shape[1] or not np.isfinite(neurons).all():
        raise InterpError(f"Neurons of shape {neurons.shape}: expected finite numbers [a, b, neuron] over all pairs.")
    flat = neurons.reshape(-1, neurons.shape[2])
    flat = flat - flat.mean(0)
    return flat, np.square(flat).sum(0)


def _share(part: np.ndarray, total: np.ndarray) -> np.ndarray:
    return np.divide(part, total, out=np.full_like(total, np.nan), where=total > 1e-18)
