"""The adder that looks back a few columns: against all sums of two and three digits, and the published rates."""

from __future__ import annotations

import numpy as np
import pytest

from interp.errors import InterpError
from interp.tasks import written
from interp.tasks.lookback import cascade_frequencies, cascades, error_rate, fails, lookback_digits, undecided
from interp.tasks.multiplication import digits

ADD5 = written.Form("+", 5, 5, "ordinal")


def every(n):
    return tuple(each.ravel() for each in np.meshgrid(np.arange(10**n), np.arange(10**n)))


def test_one_sum_by_hand():
    # 00995 + 00005 = 01000: the carry runs through two nines and dies after them
    assert lookback_digits(np.array([995]), np.array([5]), 5).tolist() == [[0, 0, 0, 0, 0, 0]]
    assert lookback_digits(np.array([995]), np.array([5]), 5, reach=3).tolist() == [[0, 0, 0, 1, 0, 0]]
    assert cascades(np.array([995, 95, 111, 5]), np.array([5, 5, 111, 6]), 5).tolist() == [3, 2, 0, 1]
    assert cascades(np.array([9994]), np.array([5]), 5).tolist() == [0]  # nines alone pass on nothing


@pytest.mark.parametrize("n", [2, 3])
@pytest.mark.parametrize("reach", [1, 2, 3])
def test_the_exact_rates_count_every_sum(n, reach):
    a, b = every(n)
    assert fails(a, b, n, reach).mean() == pytest.approx(error_rate(n, reach), abs=1e-12)
    np.testing.assert_allclose(np.bincount(cascades(a, b, n), minlength=n + 1) / len(a), cascade_frequencies(n))
    np.testing.assert_array_equal(lookback_digits(a, b, n, n), digits(a + b, n + 1))


def test_it_fails_exactly_on_longer_cascades():
    a, b = written.draw(ADD5, 20_000, 0).T
    for reach in (1, 2, 3, 4):
        np.testing.assert_array_equal(fails(a, b, 5, reach), cascades(a, b, 5) > reach)
    assert not fails(a, b, 5, 5).any()


def test_what_is_undecided_is_failed_exactly_where_a_carry_comes():
    a, b = np.array([990, 994, 997, 90, 900]), np.array([5, 5, 5, 9, 99])
    assert undecided(a, b, 3).tolist() == [True, True, True, False, True]  # the tens and the hundreds sum to nine
    assert fails(a, b, 3).tolist() == [False, False, True, False, False]  # and the units make a carry
    a, b = every(3)
    for reach in (1, 2):
        wrong, blind = fails(a, b, 3, reach), undecided(a, b, 3, reach)
        assert blind[wrong].all()
        assert wrong.sum() < blind.sum()
    np.testing.assert_array_equal(fails(a, b, 3, 2), undecided(a, b, 3, 2) & (a % 10 + b % 10 >= 10))
    assert not undecided(a, b, 3, 3).any()


def test_the_published_rates():
    assert error_rate(5) == pytest.approx(0.0135, abs=1e-12)  # three places for a carry under two nines: 3 x .45 x .01
    n = 4_000_000
    assert error_rate(5) == pytest.approx(13_469e-6, abs=4 * np.sqrt(0.0135 * 0.9865 / n))
    exact, published = cascade_frequencies(5), np.array([0.0503, 0.7757, 0.1606, 0.0126, 0.0008, 0.00004])
    rounded = np.array([5e-5] * 5 + [5e-6])  # half of the last digit, beside four standard errors of the sample
    assert (np.abs(exact - published) <= rounded + 4 * np.sqrt(exact * (1 - exact) / n)).all()
    n = 100_000
    sampled = fails(*written.draw(ADD5, n, 1).T, 5).mean()
    assert sampled == pytest.approx(0.0135, abs=4 * np.sqrt(0.0135 / n))


def test_impossible_questions_are_one_clear_error():
    with pytest.raises(InterpError, match="1 or more"):
        fails(np.array([1]), np.array([1]), 1, 0)
    with pytest.raises(InterpError, match="1 to 12"):
        error_rate(13)
