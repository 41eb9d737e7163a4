"""How much of a neuron over all pairs (a, b) belongs to one frequency? The share of its variance in one 3 x 3 block.

    fve[k] = energy of the centred neuron in {0, 2k-1, 2k} x {0, 2k-1, 2k} of F x F^T  /  its whole energy

A block is waves of a alone, waves of b alone and their four products, and the products of one frequency are exactly the
functions of a + b and of a - b at that frequency. So four profiles of a neuron hold all of its blocks,

    rows[a], columns[b], sums[a + b mod p], differences[b - a mod p]        each the total over p pairs
    energy[k] = (|F_k rows|^2 + |F_k columns|^2 + |F_k sums|^2 + |F_k differences|^2) / p

which one pass over the activations gives for all neurons at once, and one product with the cached basis finishes:
about 4 p^2 sums a neuron instead of the 4 p^3 operations of F x F^T, with equal numbers. (For even p the wave of
k = p/2 has one product; sums and differences see the same one.)

How to read: .85 is the usual threshold, and an ideal neuron is below 1: ReLU(cos + cos) has .962 in block k,
|cos + cos| .852, with another .129 in block 2k. So look at the harmonic family {k, 2k} as well (`with_double`), and at
the null (`interp.fourier.neuron_nulls`): the largest of K blocks of an untrained neuron is far above white noise.
Nanda et al. 2023, arXiv:2301.05217, section 4; the family: derived here, after Zhong et al. 2023, arXiv:2306.17844.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int

from interp.errors import InterpError
from interp.fourier.basis import basis

THRESHOLD = 0.85
"""A neuron with more than this share in one block is said to belong to that frequency."""
CHUNK = 512
"""Neurons at a time: their profiles and one row of pairs stay in the cache."""
CONSTANT = 1e-12
"""A neuron that varies by less than this share of its size is constant: rounding alone has a spectrum too."""


def fve(activations: Float[np.ndarray, "p p neuron"]) -> Float[np.ndarray, "frequency neuron"]:
    """Return the share in [0, 1] of each neuron's variance that each frequency k = 1 .. floor(p/2) explains.

    NaN for a neuron that does not vary. Raises InterpError for another shape, p < 2, complex or not finite values.
    """
    x = _checked(activations)
    p, _, n = x.shape
    found = np.empty((p // 2, n))
    for start in range(0, n, CHUNK):
        chosen = slice(start, start + CHUNK)
        profiles, energy, size = _profiles(x[:, :, chosen])
        if not np.isfinite(energy).all():
            raise InterpError("The activations hold values that are not finite; mend the input.")
        varies = energy > np.square(CONSTANT * size) * p * p
        blocks = _block_energies(profiles)
        found[:, chosen] = np.divide(blocks, energy, out=np.full_like(blocks, np.nan), where=varies)
    return found


def double(k: int, p: int) -> int:
    """Return the frequency of cos^2: 2k modulo p, folded into 0 .. floor(p/2); 0 for k = p/2, which has no double."""
    return min(2 * k % p, -2 * k % p)


def with_double(explained: Float[np.ndarray, "frequency neuron"], p: int) -> Float[np.ndarray, "frequency neuron"]:
    """Return the share in the blocks of k and of its double together, from what `fve` returns.

    The two blocks are disjoint; where k has no double of its own (p = 3, or k = p/2) it is the share of k alone.
    """
    doubles = np.array([double(k, p) for k in range(1, p // 2 + 1)], int)
    own = (doubles > 0) & (doubles != np.arange(1, p // 2 + 1))
    return explained + np.where(own[:, None], explained[doubles - 1], 0)


def best_frequency(explained: Float[np.ndarray, "frequency neuron"]) -> Int[np.ndarray, " neuron"]:
    """Return the frequency that explains most of each neuron; 0 for a neuron that does not vary."""
    constant = np.isnan(explained).all(0)
    return np.where(constant, 0, np.argmax(np.where(constant, 0, explained), axis=0) + 1)


def best_share(explained: Float[np.ndarray, "frequency neuron"]) -> Float[np.ndarray, " neuron"]:
    """Return the largest share of each neuron over the frequencies; NaN for a neuron that does not vary."""
    return explained.max(0)


def _profiles(x: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the four profiles [p, 4, neuron], the centred energy and the size of each neuron [neuron].

    One value of the neuron itself is taken off everywhere first: constants then vanish exactly, and the energy about
    the mean loses no digits to a mean that is far from 0.
    """
    p, _, n = x.shape
    pilot, found, squares = x[0, 0].astype(float), np.zeros((4, p, n)), np.zeros(n)
    rows, columns, sums, differences = found
    row = np.empty((p, n))
    with np.errstate(invalid="ignore"):  # inf - inf: found and refused by the caller
        for a in range(p):
            np.subtract(x[a], pilot, out=row)
            row.sum(0, out=rows[a])
            columns += row
            sums[a:] += row[: p - a]
            sums[:a] += row[p - a :]
            differences[: p - a] += row[a:]
            differences[p - a :] += row[:a]
            squares += np.einsum("bn,bn->n", row, row)
        energy = squares - np.square(rows.sum(0)) / p**2
    return found.transpose(1, 0, 2), energy, np.abs(pilot)


def _block_energies(profiles: Float[np.ndarray, "p 4 neuron"]) -> Float[np.ndarray, "frequency neuron"]:
    p, _, n = profiles.shape
    waves = np.square(basis(p)[1:] @ profiles.reshape(p, -1)).reshape(p - 1, 4, n)
    if p % 2 == 0:
        waves[-1, 3] = 0  # (-1)^(a + b) = (-1)^(a - b): one product, counted with the sums
    return np.add.reduceat(waves.sum(1), np.arange(0, p - 1, 2), axis=0) / p


def _checked(activations: np.ndarray) -> np.ndarray:
    x = np.asarray(activations)
    if x.ndim != 3 or x.shape[0] != x.shape[1] or x.shape[0] < 2 or np.iscomplexobj(x):
        raise InterpError(
            f"Activations of shape {x.shape} ({x.dtype}): expected real numbers [a, b, neuron] over all p x p pairs, "
            "p >= 2; reshape [pair, neuron] to it."
        )
    return x
