"""A planted circle is found by residues held out; random embeddings are none, although a fit to all of them is."""

from __future__ import annotations

import numpy as np
import pytest

from interp.fourier.embedding_circles import _waves, held_out_circles, ring_scores

P, D = 59, 64


def ring_of(weights: np.ndarray, k: int) -> float:
    return float(ring_scores(held_out_circles(weights, [k]), [k])[0])


def planted(k: int, noise: float, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    plane = np.linalg.qr(rng.normal(size=(D, 2)))[0]
    return _waves(P, k) @ plane.T + noise * rng.normal(size=(P, D)) / np.sqrt(D)


@pytest.mark.parametrize("k", [1, 12, 29])
def test_a_planted_circle_is_found_and_no_other(k):
    weights = planted(k, 0.3, k)
    assert ring_of(weights, k) > 0.95
    assert abs(ring_of(weights, k % 29 + 1)) < 0.7
    place = held_out_circles(weights, [k])[0]
    np.testing.assert_allclose(place, _waves(P, k).T, atol=0.4)


def test_random_embeddings_are_no_circle_although_a_fit_to_all_of_them_is_one():
    rng, k = np.random.default_rng(0), 12
    scores, fitted = [], []
    for _ in range(200):
        weights = rng.normal(size=(P, D))
        scores.append(ring_of(weights, k))
        left, _, right = np.linalg.svd((weights - weights.mean(0)).T @ _waves(P, k), full_matrices=False)
        fitted.append(float(ring_scores(((weights - weights.mean(0)) @ left @ right).T[None], [k])[0]))
    assert abs(np.mean(scores)) < 0.05
    assert np.quantile(scores, 0.95) < 0.5
    assert min(fitted) > 0.5 > np.quantile(scores, 0.95)


def test_turning_or_moving_all_embeddings_changes_nothing():
    rng, weights = np.random.default_rng(2), planted(7, 0.5, 2)
    turned = weights @ np.linalg.qr(rng.normal(size=(D, D)))[0] + rng.normal(size=D)
    np.testing.assert_allclose(held_out_circles(turned, [7]), held_out_circles(weights, [7]), atol=1e-9)


def test_a_ring_in_the_wrong_order_is_none():
    weights = planted(12, 0.1, 3)
    shuffled = weights[np.random.default_rng(1).permutation(P)]
    assert abs(ring_of(shuffled, 12)) < 0.6 < ring_of(weights, 12)
