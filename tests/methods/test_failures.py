"""Failures by class and their overlap with an algorithm's: by hand, against shuffles, with level and power."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom

from interp.errors import InterpError
from interp.methods.failures import failures_by_class, overlap
from interp.tasks import written
from interp.tasks.lookback import cascades, fails


def test_classes_by_hand():
    found = failures_by_class(np.array([1, 0, 0, 1, 1], bool), np.array([0, 0, 2, 2, 2]))
    np.testing.assert_allclose(found.wrong, [0.5, np.nan, 2 / 3])
    assert found.n.values.tolist() == [2, 0, 3]
    assert float(found.wrong_null) == 0.6
    assert np.isnan(found.wrong_low[1])
    assert float(found.wrong_low[2]) < 2 / 3 < float(found.wrong_high[2])


def test_overlap_by_hand():
    found = overlap(np.array([1, 1, 1, 0, 0, 0], bool), np.array([1, 1, 0, 1, 0, 0], bool))
    assert [int(found[name]) for name in ("overlap", "model_only", "algorithm_only")] == [2, 1, 1]
    assert float(found.precision) == float(found.recall) == pytest.approx(2 / 3)
    assert float(found.overlap_null) == 1.5
    assert float(found.overlap_p) == pytest.approx(10 / 20)  # of 20 ways to choose three, 1 + 9 have two or three


def test_the_null_is_that_of_shuffled_questions():
    rng, n = np.random.default_rng(0), 200
    wrong, foreseen = np.arange(n) < 30, rng.permutation(np.arange(n) < 50)
    shuffles = np.array([(rng.permutation(wrong) & foreseen).sum() for _ in range(4000)])
    found = overlap(wrong, foreseen)
    assert float(found.overlap_null) == pytest.approx(shuffles.mean(), abs=0.15)
    assert float(found.overlap_p) == pytest.approx((shuffles >= int(found.overlap)).mean(), abs=0.04)


def test_level_and_power():
    rng, n, trials = np.random.default_rng(1), 400, 1000
    foreseen = np.arange(n) < 20
    hits = sum(float(overlap(rng.permutation(foreseen), foreseen).overlap_p) <= 0.05 for _ in range(trials))
    assert hits <= binom.ppf(0.999, trials, 0.05)
    planted = [np.where(rng.random(n) < 0.3, foreseen, rng.permutation(foreseen)) for _ in range(100)]
    assert sum(float(overlap(wrong, foreseen).overlap_p) <= 0.05 for wrong in planted) >= 95


def test_the_algorithm_against_itself_and_its_classes():
    ab = written.draw(written.Form("+", 5, 5, "ordinal"), 20_000, 0)
    wrong = fails(*ab.T, 5)
    found = overlap(wrong, wrong)
    assert float(found.precision) == float(found.recall) == 1
    assert int(found.model_only) == int(found.algorithm_only) == 0
    by_class = failures_by_class(wrong, cascades(*ab.T, 5))
    assert by_class.wrong[:3].values.tolist() == [0, 0, 0]
    assert (by_class.wrong[3:].dropna("class") == 1).all()


def test_nothing_to_compare_is_one_clear_error():
    with pytest.raises(InterpError, match="one of each"):
        overlap(np.zeros(3, bool), np.zeros(4, bool))
    assert np.isnan(overlap(np.zeros(3, bool), np.ones(3, bool)).precision)
