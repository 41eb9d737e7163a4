"""Restricted and excluded loss: on ideal clock logits, by hand, and every fast path against its slow twin."""

from __future__ import annotations

import numpy as np
import pytest

from interp.errors import InterpError
from interp.fourier import progress_measures as measures
from interp.fourier.basis import rows, transform_2d
from interp.fourier.ideal import clock_logits
from interp.fourier.key_frequencies import random_keys

VARIANTS = tuple(measures.RESTRICTED)


def noise(p: int, seed: int = 0, size: float = 3.0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, size, (p, p, p))


def half(p: int) -> np.ndarray:
    return np.random.default_rng(9).random((p, p)) < 0.5


@pytest.mark.parametrize("p", [11, 12, 59])
@pytest.mark.parametrize("variant", VARIANTS)
def test_clock_logits_are_all_restricted(p, variant):
    logits = clock_logits(p, [2, 5, 3], [40.0, 30, 20])
    full = measures.cross_entropy(logits)
    np.testing.assert_allclose(measures.restricted_loss(logits, [5, 3, 2], variant), full, atol=1e-10)
    np.testing.assert_allclose(measures.excluded_loss(logits, [2, 3, 5]), np.log(p), atol=1e-10)


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_class_bias_is_kept_by_restricting_and_by_excluding(variant):
    p = 11
    bias = np.random.default_rng(1).normal(size=p)
    logits = clock_logits(p, [4], [9.0]) + bias
    np.testing.assert_allclose(measures.restricted(logits, [4], variant), logits, atol=1e-10)
    left = np.log(np.exp(bias).sum()) - bias
    n = np.arange(p)
    np.testing.assert_allclose(measures.excluded_loss(logits, [4]), left[np.add.outer(n, n) % p], atol=1e-10)


def kept(p: int, keys: list[int], variant: str) -> np.ndarray:
    """Return which entries of the 2-D transform a block variant keeps, by definition."""
    mask = np.zeros((p, p), bool)
    mask[0, 0] = True
    for k in keys:
        own = rows(p, k)
        mask[own[:, None], own] = True
        if variant == "3x3_block":
            mask[own, 0] = mask[0, own] = True
    if variant == "outer_mask":
        every = np.concatenate([[0], *(rows(p, k) for k in keys)])
        mask[every[:, None], every] = True
    return mask


@pytest.mark.parametrize("p", [7, 8])
@pytest.mark.parametrize("variant", VARIANTS[1:])
def test_block_variants_keep_what_their_names_say(p, variant):
    logits, keys = noise(p), [1, p // 2]
    found = transform_2d(measures.restricted(logits, keys, variant))
    mask = kept(p, keys, variant)
    np.testing.assert_allclose(found[mask], transform_2d(logits)[mask], atol=1e-12)
    np.testing.assert_allclose(found[~mask], 0, atol=1e-12)


def test_sum_directions_equal_the_vectors_on_all_pairs():
    p, keys, logits = 7, [1, 3], noise(7)
    n = np.arange(p)
    columns = [np.ones((p, p))]
    for k in keys:
        angle = 2 * np.pi * k * np.add.outer(n, n) / p
        columns += [np.cos(angle), np.sin(angle)]
    units = np.stack([column.ravel() / np.linalg.norm(column) for column in columns])
    slow = (units.T @ (units @ logits.reshape(p * p, p))).reshape(p, p, p)
    np.testing.assert_allclose(measures.restricted(logits, keys), slow, atol=1e-12)
    np.testing.assert_allclose(
        measures.excluded_loss(logits, keys), measures.cross_entropy(logits - slow + logits.mean((0, 1))), atol=1e-12
    )


def test_variants_differ_on_logits_of_more_than_the_algorithm():
    logits, keys = noise(11), [2, 5]
    losses = {variant: measures.restricted_loss(logits, keys, variant).mean() for variant in VARIANTS}
    assert len({round(loss, 6) for loss in losses.values()}) == 4


def test_losses_by_hand():
    logits = np.array([[[0.0, 0], [1, 0]], [[0, 2], [0, 0]]])  # p = 2: answers 0, 1 / 1, 0
    expected = [[np.log(2), 1 + np.log(1 + np.exp(-1))], [np.log(1 + np.exp(-2)), np.log(2)]]
    np.testing.assert_allclose(measures.cross_entropy(logits), expected, atol=1e-14)
    assert measures.accuracy(logits).tolist() == [[True, False], [True, True]]
    train = np.array([[True, False], [False, True]])
    split = measures.over_splits(measures.cross_entropy(logits), train)
    assert split["train"] == pytest.approx(np.log(2))
    assert split["test"] == pytest.approx((expected[0][1] + expected[1][0]) / 2)
    assert split["all"] == pytest.approx((split["train"] + split["test"]) / 2)


def test_small_losses_keep_their_digits():
    loss = measures.cross_entropy(clock_logits(5, [1, 2], [10.0, 10.0]))  # the five wrong ones are 25 below
    np.testing.assert_allclose(loss, 4 * np.exp(-25.0), rtol=1e-4)


@pytest.mark.parametrize("p", [7, 8])
@pytest.mark.parametrize("size", [3.0, 1000.0])  # the second leaves the range of float64 in the fast way
def test_excluding_one_frequency_at_a_time_equals_doing_so(p, size):
    logits, pairs = noise(p, size=size), half(p)
    slow = [measures.excluded_loss(logits, [k])[pairs].mean() for k in range(1, p // 2 + 1)]
    np.testing.assert_allclose(measures.excluded_by_frequency(logits, pairs), slow, atol=1e-12)


def test_random_sets_equal_one_at_a_time():
    p, logits, pairs = 11, noise(11, size=1.0), half(11)
    draws = random_keys(p, 2, 4).tolist()
    excluded = [measures.excluded_loss(logits, keys)[pairs].mean() for keys in draws]
    restricted = [measures.restricted_loss(logits, keys)[pairs].mean() for keys in draws]
    np.testing.assert_allclose(measures.random_excluded(logits, draws, pairs), excluded, atol=1e-12)
    np.testing.assert_allclose(measures.random_restricted(logits, draws, pairs), restricted, atol=1e-12)


def test_the_largest_single_exclusion_finds_a_key_unasked():
    logits = clock_logits(23, [3, 8], [30.0, 20]) + noise(23, size=0.1)
    by_frequency = measures.excluded_by_frequency(logits, half(23))
    assert np.argmax(by_frequency) + 1 == 3
    assert set(np.argsort(-by_frequency)[:2] + 1) == {3, 8}


def test_refusals():
    logits = noise(7)
    with pytest.raises(InterpError, match="Did you mean sum_directions"):
        measures.restricted(logits, [1], "sum_direction")
    for keys in ([0], [4], [-1]):
        with pytest.raises(InterpError, match="from 1 to 3"):
            measures.excluded_loss(logits, keys)


def test_sum_of_squares_by_parameter():
    found = measures.sum_of_squares({"w": np.array([[1, 2]], np.float32), "v": np.array([3.0])})
    assert found == {"w": 5.0, "v": 9.0, "all": 14.0}
