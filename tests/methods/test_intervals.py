"""Intervals against published values, and their coverage by simulation."""

import numpy as np
import pytest

from interp.errors import InterpError
from interp.methods.intervals import (
    bootstrap,
    paired_difference,
    percentile,
    resampled_means,
    t_about,
    t_interval,
    wilson,
)


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_gives_the_published_values(successes, n, low, high):
    """Newcombe, Statistics in Medicine 17 (1998) 857, table I, method 3."""
    assert wilson(successes, n) == pytest.approx((low, high), abs=5e-5)


def test_wilson_takes_a_single_trial():
    z2 = 1.959964**2
    assert wilson(1, 1) == pytest.approx((1 / (1 + z2), 1.0), abs=1e-6)
    assert wilson(0, 1) == pytest.approx((0.0, z2 / (1 + z2)), abs=1e-6)


def test_wilson_works_on_maps_and_at_other_levels():
    low, high = wilson(np.array([[0, 5], [9, 10]]), 10, confidence=0.8)
    assert low.shape == (2, 2)
    assert (low <= [[0, 0.5], [0.9, 1]]).all()
    assert (high >= [[0, 0.5], [0.9, 1]]).all()
    assert high[0, 0] == pytest.approx(1.2815516**2 / (10 + 1.2815516**2), abs=1e-6)


@pytest.mark.parametrize(("successes", "n"), [(0, 0), (11, 10), (-1, 10)])
def test_wilson_refuses_impossible_counts(successes, n):
    with pytest.raises(InterpError, match="at least one trial"):
        wilson(successes, n)


def test_t_interval_by_hand():
    assert t_interval([1.0, 2.0, 3.0]) == pytest.approx((2 - 2.484138, 2 + 2.484138), abs=1e-6)
    assert t_interval([0.0, 2.0]) == pytest.approx((1 - 12.706205, 1 + 12.706205), abs=1e-6)
    assert t_about(2.0, 1 / np.sqrt(3), 3) == pytest.approx((2 - 2.484138, 2 + 2.484138), abs=1e-6)


def test_one_row_has_no_interval_and_none_is_an_error():
    assert np.isnan(t_interval([3.0])).all()
    assert np.isnan(bootstrap([3.0])).all()
    assert bootstrap([0.0, 1.0]) == (0.0, 1.0)
    with pytest.raises(InterpError, match="at least one row"):
        t_interval([])
    with pytest.raises(InterpError, match="between 0 and 1"):
        t_interval([1.0, 2.0], confidence=95)


def test_resampled_means_are_means_of_rows_drawn_with_replacement():
    means = resampled_means([0.0, 1.0], n_resamples=4000, seed=1)
    assert set(np.unique(means)) == {0.0, 0.5, 1.0}
    assert np.mean(means == 0.5) == pytest.approx(0.5, abs=0.03)
    wide = resampled_means(np.arange(12.0).reshape(2, 3, 2), n_resamples=7, seed=3)
    assert wide.shape == (7, 3, 2)


def test_resamples_of_two_quantities_stay_joint():
    x = np.random.default_rng(0).normal(size=30)
    assert np.allclose(resampled_means(2 * x, seed=5), 2 * resampled_means(x, seed=5))
    assert not np.allclose(resampled_means(x, seed=5), resampled_means(x, seed=6))


def test_percentile_takes_the_middle_and_says_nan_when_a_sample_is_not_finite():
    samples = np.stack([np.arange(1001.0), np.full(1001, np.nan)], axis=1)
    low, high = percentile(samples)
    assert (low[0], high[0]) == pytest.approx((25.0, 975.0))
    assert np.isnan(low[1])
    assert np.isnan(high[1])


@pytest.mark.parametrize("interval", [t_interval, bootstrap])
def test_intervals_of_a_mean_cover_it_about_95_percent_of_the_time(interval):
    rng = np.random.default_rng(7)
    low, high = np.array([interval(rng.normal(1.0, 2.0, size=40)) for _ in range(400)]).T
    assert 0.91 <= np.mean((low <= 1) & (high >= 1)) <= 0.985


def test_paired_difference_by_hand() -> None:
    """Ten rows, three only the first has, one only the second: (3 - 1) / 10, centre (4 - 2) / 12."""
    first = np.array([1, 1, 1, 0, 1, 1, 1, 1, 0, 0], dtype=bool)
    second = np.array([0, 0, 0, 1, 1, 1, 1, 1, 0, 0], dtype=bool)
    difference, (low, high) = paired_difference(np.stack([first, second, second]), second)
    np.testing.assert_allclose(difference, [0.2, 0, 0])
    half = 1.959964 * np.sqrt((4 / 12 + 2 / 12 - (2 / 12) ** 2) / 12)
    np.testing.assert_allclose((low[0], high[0]), (2 / 12 - half, 2 / 12 + half), rtol=1e-6)
    np.testing.assert_allclose(high[1], 1.959964 * np.sqrt(2 / 12 / 12), rtol=1e-6)
    np.testing.assert_allclose(low, [low[0], -high[1], -high[1]])
    backwards, (below, above) = paired_difference(second, first)
    np.testing.assert_allclose((backwards, below, above), (-difference[0], -high[0], -low[0]))
    with pytest.raises(InterpError, match="at least one row"):
        paired_difference(first[:0], second[:0])


def test_a_paired_interval_holds_its_difference_and_covers() -> None:
    """Coverage of 95 % intervals in 1000 trials at n = 60, p10 = 0.1, p01 = 0.05, against a binomial bound."""
    rng = np.random.default_rng(0)
    kind = rng.choice(3, size=(1000, 60), p=[0.1, 0.05, 0.85])
    both = rng.random((1000, 60)) < 0.5
    first, second = (kind == 0) | (both & (kind == 2)), (kind == 1) | (both & (kind == 2))
    difference, (low, high) = paired_difference(first, second)
    assert ((low <= difference) & (difference <= high)).all()
    assert ((low <= 0.05) & (high >= 0.05)).mean() >= 0.933
    always, (bottom, top) = paired_difference(np.ones(50, dtype=bool), np.zeros(50, dtype=bool))
    assert (always, top) == (1.0, 1.0)
    assert bottom > 0.85
