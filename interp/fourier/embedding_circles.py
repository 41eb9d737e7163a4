"""Do the embeddings of the residues stand on a circle, in directions that were found on other residues?

    Q = polar(W_rest' [cos w n, sin w n])     the plane of frequency k, w = 2 pi k / p, from the residues left in
    (x, y) = (W_n - mean(W_rest)) Q           where a residue that was left out stands on it
    ring = sum (x cos w n + y sin w n) / sqrt(p sum (x^2 + y^2))

How to read: ring is 1 on a perfect circle in the right order, 0 on average for embeddings without that frequency. The
plane must come from other residues: in a space of about as many dimensions as residues, the plane that fits them all
shows a ring for random embeddings too.
Source: Nanda et al. 2023, figure 3 (the plane by held-out residues is ours).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

FOLDS = 5


def held_out_circles(
    weights: Float[np.ndarray, "p d"], frequencies: Sequence[int], folds: int = FOLDS
) -> Float[np.ndarray, "circle 2 p"]:
    """Return where every residue stands on the plane of every frequency, each by a fit to the other folds."""
    residues = np.arange(len(weights))
    places = np.empty((len(frequencies), 2, len(weights)))
    for i, k in enumerate(frequencies):
        waves = _waves(len(weights), k)
        for fold in range(folds):
            held = residues % folds == fold
            rest = weights[~held] - weights[~held].mean(0)
            left, _, right = np.linalg.svd(rest.T @ waves[~held], full_matrices=False)
            places[i, :, held] = (weights[held] - weights[~held].mean(0)) @ (left @ right)
    return places


def ring_scores(places: Float[np.ndarray, "circle 2 p"], frequencies: Sequence[int]) -> Float[np.ndarray, " circle"]:
    """Return how far the places of each frequency are a circle in the right order, from -1 to 1."""
    p = places.shape[-1]
    along = np.array([(place * _waves(p, k).T).sum() for place, k in zip(places, frequencies, strict=True)])
    size = np.sqrt(p * (places**2).sum((1, 2)))
    return along / np.maximum(size, 1e-300)


def _waves(p: int, frequency: int) -> Float[np.ndarray, "p 2"]:
    turn = 2 * np.pi * frequency * np.arange(p) / p
    return np.stack([np.cos(turn), np.sin(turn)], 1)
