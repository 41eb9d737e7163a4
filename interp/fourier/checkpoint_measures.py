"""What do all measures of grokking say about one checkpoint? From one grid of logits and one of neurons.

The keys, the split and the random sets of keys are fixed before (`Fixed`): keys are chosen at the end of training.
MEASURES names what comes back, with its dims, unit and meaning; the nulls of the losses are among them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Int

from interp.fourier import progress_measures as losses
from interp.fourier.embedding_circles import held_out_circles, ring_scores
from interp.fourier.gini import VARIANTS, component_norms, fourier_gini
from interp.fourier.grid import cosine_coefficients
from interp.fourier.neurons import best_frequency, best_share, fve, with_double
from interp.fourier.progress_measures import RESTRICTED, SPLITS, over_splits
from interp.fourier.two_operand import TwoOperand

WEIGHTS = ("W_E", "W_L")

MEASURES: dict[str, tuple[str, str, str]] = {
    "pair_loss": ("operand_a operand_b", "nats", "cross-entropy of every pair, float32 of a float64 loss"),
    "correct": ("operand_a operand_b", "0 or 1", "whether a pair is answered right"),
    "restricted": ("variant split", "nats", "mean loss with the key frequencies and the constant alone"),
    "excluded": ("split", "nats", "mean loss without the sum directions of all key frequencies"),
    "excluded_by_frequency": ("component", "nats", "mean training loss without the sum directions of one frequency"),
    "restricted_null": ("draw", "nats", "restricted test loss (sum_directions) with as many random frequencies"),
    "excluded_null": ("draw", "nats", "excluded training loss with as many random frequencies"),
    "cosine": ("component", "logits", "least-squares coefficient of cos w_k (a + b - c) in the logits"),
    "norms": ("weight component", "norm", "norm of the weights at each frequency"),
    "gini": ("weight norms_of", "Gini coefficient", "concentration of the weights' Fourier components"),
    "fve": ("neuron", "fraction of variance", "largest share of a neuron that one frequency explains"),
    "fve_family": ("neuron", "fraction of variance", "the same for a frequency and its double together"),
    "frequency": ("neuron", "frequency", "frequency that explains most of a neuron; 0 for a constant one"),
    "place": ("circle axis residue", "norm of an embedding", "where a residue stands, by the plane of the others"),
    "ring": ("circle", "cosine", "how far the places are a circle in the right order; 0 without that frequency"),
}
"""Every measure of one checkpoint: dims, unit, description."""


@dataclass(frozen=True, eq=False)
class Fixed:
    """What is the same for every checkpoint: keys, training pairs [a, b], random key sets [draw, key]."""

    keys: tuple[int, ...]
    train: Bool[np.ndarray, "p p"]
    draws: Int[np.ndarray, "draw key"]


def checkpoint_measures(net: TwoOperand, fixed: Fixed) -> dict[str, np.ndarray]:
    """Return every measure of MEASURES for one network, arrays of the dims named there."""
    logits = net.grid()
    weights = {"W_E": net.embed_a.detach().double().cpu().numpy(), "W_L": net.W_L.T.detach().double().cpu().numpy()}
    circles = _of_circles(weights["W_E"], fixed.keys)
    return _of_logits(logits, fixed) | _of_weights(weights) | _of_neurons(net.neuron_grid()) | circles


def _of_logits(logits: np.ndarray, fixed: Fixed) -> dict[str, np.ndarray]:
    keys, train, draws = fixed.keys, fixed.train, fixed.draws.tolist()
    restricted = [over_splits(losses.restricted_loss(logits, keys, variant), train) for variant in RESTRICTED]
    excluded = over_splits(losses.excluded_loss(logits, keys), train)
    return {
        "pair_loss": losses.cross_entropy(logits),
        "correct": losses.accuracy(logits),
        "restricted": np.array([[loss[split] for split in SPLITS] for loss in restricted]),
        "excluded": np.array([excluded[split] for split in SPLITS]),
        "excluded_by_frequency": losses.excluded_by_frequency(logits, train),
        "restricted_null": losses.random_restricted(logits, draws, ~train),
        "excluded_null": losses.random_excluded(logits, draws, train),
        "cosine": cosine_coefficients(logits),
    }


def _of_weights(weights: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {
        "norms": np.stack([component_norms(weights[name])[1:] for name in WEIGHTS]),
        "gini": np.array([[fourier_gini(weights[name], variant) for variant in VARIANTS] for name in WEIGHTS]),
    }


def _of_circles(embeddings: np.ndarray, keys: tuple[int, ...]) -> dict[str, np.ndarray]:
    places = held_out_circles(embeddings, keys)
    return {"place": places, "ring": ring_scores(places, keys)}


def _of_neurons(activations: np.ndarray) -> dict[str, np.ndarray]:
    explained = fve(activations)
    return {
        "fve": best_share(explained),
        "fve_family": best_share(with_double(explained, len(activations))),
        "frequency": best_frequency(explained),
    }
