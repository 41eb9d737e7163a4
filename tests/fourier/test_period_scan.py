"""Periods on no grid are found on numbers held out; lines, logarithms and random walks have none."""

from __future__ import annotations

import numpy as np
import pytest

from interp.errors import InterpError
from interp.fourier.period_scan import HOLDOUTS, found_periods, period_scan

N, D = 60, 8


def wave(period: float, numbers: np.ndarray, seed: int = 0, size: float = 1.5) -> np.ndarray:
    """A circle, a line of twice its size and noise of size 1."""
    rng = np.random.default_rng(seed)
    angle, plane = 2 * np.pi * numbers / period, np.linalg.qr(rng.standard_normal((D, 3)))[0].T * np.sqrt(D)
    line = 2 * (numbers - numbers.mean()) / numbers.std()
    signal = size * np.stack([np.cos(angle), np.sin(angle)], 1) @ plane[:2] + np.outer(line, plane[2])
    return signal + rng.standard_normal((len(numbers), D))


@pytest.mark.parametrize("period", [5, 7.3])
@pytest.mark.parametrize("spacing", ["regular", "irregular, unsorted"])
def test_a_real_period_is_found_within_the_resolution(period, spacing):
    numbers = np.arange(N, dtype=float)
    if spacing != "regular":
        numbers = np.random.default_rng(2).permutation(
            np.sort(np.random.default_rng(1).choice(2 * N, N, replace=False))
        )
    found = period_scan(wave(period, numbers), numbers, n_null=19)
    for holdout in HOLDOUTS:
        strongest = found_periods(found, holdout)[0]
        assert abs(1 / strongest - 1 / period) < 0.5 / np.ptp(numbers)


def test_numbers_that_nearly_coincide_ask_for_no_endless_grid():
    numbers = np.append(np.arange(20.0), 7 + 1e-6)
    found = period_scan(wave(5, numbers), numbers, n_null=19)
    assert found.sizes["period"] <= 2 * len(numbers)
    assert abs(1 / found_periods(found)[0] - 1 / 5) < 0.5 / 19


def test_gain_is_that_of_plain_regressions():
    numbers = np.arange(20.0)
    points = wave(5, numbers)
    found = period_scan(points, numbers, periods=[5.0, 3.0], n_null=19)
    from sklearn.linear_model import LinearRegression

    freed = points - LinearRegression().fit(numbers[:, None], points).predict(numbers[:, None])
    for holdout, fold in (("interleaved", np.arange(20) % 5), ("block", np.arange(20) // 4)):
        for period in (5.0, 3.0):
            angle = 2 * np.pi * numbers / period
            error = {}
            for name, columns in (("line", [numbers]), ("wave", [numbers, np.cos(angle), np.sin(angle)])):
                x = np.stack(columns, 1)
                error[name] = sum(
                    np.square(
                        freed[fold == k] - LinearRegression().fit(x[fold != k], freed[fold != k]).predict(x[fold == k])
                    ).sum()
                    for k in range(5)
                )
            expected = 1 - error["wave"] / error["line"]
            assert float(found["gain"].sel(holdout=holdout, period=period)) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(("second", "n_families"), [(4, 1), (5, 2)])
def test_a_third_of_a_period_is_of_its_family_and_another_period_is_not(second, n_families):
    numbers = np.arange(120.0)
    points = wave(12, numbers, size=2) + wave(second, numbers, seed=1, size=2)
    here = period_scan(points, numbers, n_null=19).sel(holdout="interleaved")
    found = here["period"].values[here["found"].values > 0]
    assert np.abs(1 / found - [1 / 12, 1 / second]).max() < 0.5 / 119
    assert len(set(here["harmonic_of"].values[here["found"].values > 0])) == n_families


@pytest.mark.parametrize("shape", ["line", "log", "walk", "noise"])
def test_what_is_not_periodic_is_not_found(shape):
    """At a nominal 5 %: at most 2 of 15 trials, which a true 5 % test exceeds in 4 %."""
    n, errors = np.arange(30.0), 0
    for trial in range(15):
        rng = np.random.default_rng(trial)
        curve = {"line": n, "log": np.log(n + 1), "noise": np.zeros(30)}.get(shape)
        points = rng.standard_normal((30, 4)) * (1 if shape == "noise" else 0.3)
        points += rng.standard_normal((30, 4)).cumsum(0) if curve is None else np.outer(curve, rng.standard_normal(4))
        errors += bool(period_scan(points, n, n_null=19, seed=trial)["found"].sel(holdout="interleaved").any())
    assert errors <= 2


@pytest.mark.parametrize("periods", [[], [0.0], [5, -1], [np.nan], [np.inf]])
def test_periods_that_are_none_are_refused(periods):
    numbers = np.arange(20.0)
    with pytest.raises(InterpError, match="all positive"):
        period_scan(wave(5, numbers), numbers, periods=periods, n_null=19)


@pytest.mark.parametrize(
    ("points", "numbers", "n_null", "words"),
    [
        (np.zeros((20, 2)), np.arange(19), 19, "one number each"),
        (np.full((20, 2), np.nan), np.arange(20), 19, "finite"),
        (np.zeros((10, 2)), np.arange(10), 19, "too few"),
        (np.zeros((20, 2)), np.zeros(20), 19, "too few"),
        (np.ones((20, 2)), np.arange(20), 19, "constant"),
        (np.square(np.ones((20, 2)).cumsum(0)), np.arange(20), 5, "at least 19"),
    ],
)
def test_what_cannot_be_scanned_is_one_clear_error(points, numbers, n_null, words):
    with pytest.raises(InterpError, match=words):
        period_scan(points, numbers, n_null=n_null)
