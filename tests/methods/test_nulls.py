"""Nulls by enumeration, and the false-positive rate of the corrected threshold."""

from itertools import permutations

import numpy as np
import pytest

from interp.errors import InterpError
from interp.methods.nulls import derangement, majority_accuracy, max_threshold, shuffled_accuracy


def test_majority_is_the_most_common_answer():
    assert majority_accuracy([3, 1, 3, 2]) == 0.5
    assert majority_accuracy([7]) == 1.0


def test_shuffled_accuracy_is_the_mean_over_all_shuffles():
    predicted, answers = np.array([1, 1, 2, 5, 3]), np.array([1, 2, 2, 3, 9])
    every = [np.mean(predicted == answers[list(order)]) for order in permutations(range(5))]
    assert shuffled_accuracy(predicted, answers) == pytest.approx(np.mean(every), abs=1e-12)


def test_a_model_that_always_says_the_majority_is_no_better_than_its_shuffle():
    answers = np.array([4, 4, 4, 1, 2])
    assert shuffled_accuracy(np.full(5, 4), answers) == pytest.approx(majority_accuracy(answers))


@pytest.mark.parametrize("n", [2, 3, 10, 101])
def test_derangement_moves_every_row_and_keeps_them_all(n):
    for seed in range(5):
        order = derangement(n, seed)
        assert sorted(order) == list(range(n))
        assert (order != np.arange(n)).all()


def test_derangement_is_seeded_and_reaches_every_cycle():
    assert (derangement(20, 1) == derangement(20, 1)).all()
    assert len({tuple(derangement(4, seed)) for seed in range(200)}) == 6  # (4 - 1)! cyclic permutations


def test_max_threshold_is_the_corrected_rank():
    maxima = np.random.default_rng(0).permutation(np.arange(1.0, 20.0))
    assert max_threshold(maxima) == 19.0
    assert max_threshold(np.arange(1.0, 40.0)) == 38.0
    assert max_threshold(np.arange(1.0, 10.0), level=0.1) == 9.0


def test_max_threshold_holds_its_level_and_has_power():
    rng = np.random.default_rng(1)
    maps = rng.normal(size=(1000, 20, 30)).max(axis=2)  # one observed map of 30 cells and 19 shuffled ones
    thresholds = np.array([max_threshold(shuffled) for shuffled in maps[:, 1:]])
    assert 0.03 <= np.mean(maps[:, 0] > thresholds) <= 0.067
    assert np.mean(maps[:, 0] + 3 > thresholds) > 0.95


def test_too_little_for_a_null_is_an_error():
    with pytest.raises(InterpError, match="at least 19 shuffles; got 18"):
        max_threshold(np.zeros(18))
    with pytest.raises(InterpError, match="at least 2 prompts; got 1"):
        derangement(1)
    with pytest.raises(InterpError, match="at least 1 prompt"):
        majority_accuracy([])
    with pytest.raises(InterpError, match="2 predictions met 3 answers"):
        shuffled_accuracy([1, 2], [1, 2, 3])
