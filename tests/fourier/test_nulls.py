"""A test at 5 % is wrong in 5 % of the cases where nothing is there, and finds a stated signal."""

from __future__ import annotations

import numpy as np
import pytest

from interp.errors import Cancelled, InterpError
from interp.fourier.basis import power
from interp.fourier.nulls import (
    NULLS,
    compare,
    null_band,
    null_power,
    polynomial,
    prepare,
    random_walk,
    shuffled,
    white_noise,
)

N, D, TRIALS, DRAWS = 20, 6, 1000, 99
BOUND = 0.067 * TRIALS  # P(Binomial(1000, 0.05) > 67) < 1 %


def family_wise_errors(null, make, variant="raw"):
    """Count the trials in which any frequency passes the corrected 5 % test, and the share of single passes."""
    errors, single = 0, 0.0
    for trial in range(TRIALS):
        band = null_band(make(np.random.default_rng(trial)), null, DRAWS, trial, variant)
        errors += (band.p_corrected <= 0.05).any()
        single += (band.p <= 0.05).mean() / TRIALS
    return errors, single


def isotropic(rng):
    return rng.standard_normal((N, D))


def elongated(rng):
    return rng.standard_normal((N, D)) * [5, 2, 1, 1, 0.5, 0.1]


def walk(rng):
    return rng.standard_normal((N, D)).cumsum(0)


def cubic(rng):
    return np.linalg.qr(np.vander(np.linspace(-1, 1, N), 4))[0][:, :3] @ rng.standard_normal((3, D))


@pytest.mark.slow
@pytest.mark.parametrize("variant", ["raw", "detrended"])
@pytest.mark.parametrize(("null", "make"), [("white noise", isotropic), ("shuffled", elongated), ("number line", walk)])
def test_false_positives(null, make, variant):
    errors, single = family_wise_errors(null, make, variant)
    assert errors <= BOUND
    assert single <= 0.067


@pytest.mark.slow
@pytest.mark.parametrize("make", [walk, cubic])
def test_number_line_covers_both_of_its_families(make):
    errors, _ = family_wise_errors("number line", make)
    assert errors <= BOUND


@pytest.mark.slow
def test_isotropic_noise_is_no_null_for_an_elongated_cloud():
    errors, _ = family_wise_errors("white noise", elongated)
    assert errors > 3 * BOUND  # which is why `shuffled` is asked as well


def circle_in_noise(radius, seed):
    rng, turn = np.random.default_rng(seed), 2 * np.pi * np.arange(N) / 5
    plane = np.linalg.qr(rng.standard_normal((D, 2)))[0]
    return radius * np.stack([np.cos(turn), np.sin(turn)], 1) @ plane.T + rng.standard_normal((N, D))


@pytest.mark.parametrize("null", NULLS)
@pytest.mark.parametrize("variant", ["raw", "detrended"])
def test_power_to_find_a_circle(null, variant):
    """Signal: a circle of period 5 of radius 1.5, noise of standard deviation 1, N = 20, d = 6."""
    bands = [null_band(circle_in_noise(1.5, trial), null, DRAWS, trial, variant) for trial in range(100)]
    found = sum(band.p_corrected[3] <= 0.05 for band in bands)
    assert found >= 85


@pytest.mark.parametrize("draw", [draw for family in NULLS.values() for draw in family])
def test_every_family_is_calibrated_against_itself(draw):
    points = np.random.default_rng(5).standard_normal((N, D)) * [5, 2, 1, 1, 0.5, 0.1]
    calibration, draws, observed = null_power(points, draw, 3000, np.random.default_rng(6)).reshape(3, 1000, -1)
    errors = sum((compare(one, calibration, draws).p_corrected <= 0.05).any() for one in observed)
    assert 0.03 * TRIALS <= errors <= 0.07 * TRIALS


def test_compare_by_hand():
    draws = np.array([[0.1, 0.9], [0.2, 0.8], [0.3, 0.7], [0.4, 0.6]])
    band = compare(np.array([0.35, 0.65]), draws, draws)
    np.testing.assert_allclose(band.median, [0.25, 0.75])
    np.testing.assert_allclose(band.p, [2 / 5, 4 / 5])
    logs = np.log(draws)
    t = (logs - logs.mean(0)) / logs.std(0)
    seen = (np.log([0.35, 0.65]) - logs.mean(0)) / logs.std(0)
    expected = [(1 + (t.max(1) >= value).sum()) / 5 for value in seen]
    np.testing.assert_allclose(band.p_corrected, expected)
    level = np.quantile(t.max(1), 0.95)
    np.testing.assert_allclose(band.high_corrected, np.exp(logs.mean(0) + level * logs.std(0)))
    np.testing.assert_allclose([band.low, band.high], np.quantile(draws, [0.05, 0.95], axis=0))
    assert (band.p_corrected >= band.p - 1e-12).all()


def test_number_line_is_the_outer_of_its_families(monkeypatch):
    points = circle_in_noise(1.0, 0)
    both = null_band(points, "number line", DRAWS, 0)
    single = []
    for draw in NULLS["number line"]:
        monkeypatch.setitem(NULLS, "number line", (draw,))
        single.append(null_band(points, "number line", DRAWS, 0))
        monkeypatch.undo()
    for name in ("p", "p_corrected", "high", "high_corrected"):
        np.testing.assert_array_equal(getattr(both, name), np.max([getattr(b, name) for b in single], axis=0))
    np.testing.assert_array_equal(both.low, np.min([band.low for band in single], axis=0))


def test_white_noise_in_many_dimensions_equals_its_slow_twin():
    rng, n, d, draws = np.random.default_rng(0), 6, 40, 4000
    fast = power(white_noise(np.empty((n, n)), d, draws, rng))
    slow = power(rng.standard_normal((draws, n, d)))
    assert fast.shape == slow.shape
    np.testing.assert_allclose(fast.mean(0), slow.mean(0), atol=4e-3)
    np.testing.assert_allclose(fast.std(0), slow.std(0), rtol=0.06)
    np.testing.assert_allclose(slow.mean(0), [0.4, 0.4, 0.2], atol=4e-3)  # 2, 2 and 1 rows of 5


def test_shuffled_keeps_the_points():
    points = np.random.default_rng(0).standard_normal((5, 2))
    for order in shuffled(points, 2, 3, np.random.default_rng(1)):
        assert sorted(map(tuple, order)) == sorted(map(tuple, points))


@pytest.mark.parametrize("draw", [random_walk, polynomial])
def test_number_lines_keep_the_norm_of_every_direction_and_fall_with_frequency(draw):
    points = np.random.default_rng(0).standard_normal((40, 3)) * [3, 2, 1]
    shares = null_power(points, draw, 400, np.random.default_rng(1)).mean(0)
    assert shares[0] > 0.3
    assert shares[15] < shares[0] / 50  # about 1 / k^2
    rng = np.random.default_rng(2)
    for scale in (1.0, 100.0):  # only relative norms matter
        again = null_power(points * scale, draw, 400, np.random.default_rng(1)).mean(0)
        np.testing.assert_allclose(again, shares, rtol=1e-9)
    assert draw(points, 3, 2, rng).shape == (2, 40, 3)


def test_polynomials_have_degree_three():
    curves = polynomial(np.empty((12, 2)), 2, 3, np.random.default_rng(0))
    np.testing.assert_allclose(np.diff(curves, n=4, axis=1), 0, atol=1e-9)
    assert np.abs(np.diff(curves, n=3, axis=1)).max() > 1e-6


def test_detrending_removes_exactly_the_line():
    n = np.arange(9.0)
    line = np.stack([3 * n + 1, -n], 1)
    np.testing.assert_allclose(prepare(line, "detrended"), 0, atol=1e-12)
    bent = line + np.stack([n**2, np.cos(n)], 1)
    coefficients = np.polyfit(n, bent, 1)
    np.testing.assert_allclose(
        prepare(bent, "detrended"), bent - np.outer(n, coefficients[0]) - coefficients[1], atol=1e-10
    )


def test_seed_decides_and_progress_can_cancel():
    points = np.random.default_rng(0).standard_normal((12, 3))
    first, same, other = (null_band(points, "shuffled", 50, seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first.high, same.high)
    assert not np.array_equal(first.high, other.high)

    def stop(done, total, message):
        raise Cancelled

    with pytest.raises(Cancelled):
        null_band(points, "shuffled", 50, 0, progress=stop)


def test_too_little_of_anything():
    points = np.random.default_rng(0).standard_normal((12, 3))
    with pytest.raises(InterpError, match="at least 4"):
        null_band(points[:3], "shuffled", 50, 0)
    with pytest.raises(InterpError, match="at least 19"):
        null_band(points, "shuffled", 18, 0)


@pytest.mark.slow
@pytest.mark.parametrize("variant", ["raw", "detrended"])
@pytest.mark.parametrize("name", ["white noise", "line", "line, noise 50 %", "log n", "log n, noise 10 %"])
def test_what_is_not_periodic_is_not_called_so(name, variant):
    """The decision, all nulls together, at a nominal 5 %: at most 6.7 % of 1,000 trials."""
    from experiments.fourier.calibration import called, nothing_periodic

    trials = (nothing_periodic(name, np.random.default_rng([3, t]), N, D) for t in range(TRIALS))
    assert sum(bool(called(points, variant, t).any()) for t, points in enumerate(trials)) <= BOUND


@pytest.mark.parametrize(("line", "variant"), [(0.0, "raw"), (4.0, "detrended")])
def test_a_planted_period_is_called_so(line, variant):
    """Signal to noise .15 (variance of a circle of period 10 over that of the noise), 100 numbers in 16 dimensions."""
    from experiments.fourier.calibration import called, circle

    trials = (circle(0.15, line, np.random.default_rng([4, t])) for t in range(50))
    assert sum(called(points, variant, t)[9] for t, points in enumerate(trials)) >= 45


def test_above_every_null_is_what_the_spectrum_calls_significant():
    from experiments.fourier.calibration import circle
    from interp.fourier.nulls import above_every_null
    from interp.fourier.spectrum import spectrum

    for signal, line in ((0.3, 0.0), (0.05, 4.0), (0.0, 0.0)):
        points = circle(signal, line, np.random.default_rng(5))
        found = spectrum(points, n_null=99, seed=3)
        for variant in ("raw", "detrended"):
            expected = found["significant"].sel(variant=variant).values.astype(bool)
            np.testing.assert_array_equal(above_every_null(points, 99, 3, variant), expected)
