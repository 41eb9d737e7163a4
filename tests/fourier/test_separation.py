"""Phi_T / N = Tr S_B, the Fisher ratio lies in its bounds, and energy alone is no evidence of a readable residue."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.covariance import ledoit_wolf_shrinkage

from interp.errors import InterpError
from interp.fourier.class_probe import Told, folds, held_out, kappa, kappa_interval, shrinkage
from interp.fourier.ideal import helix
from interp.fourier.separation import counterexample, fisher, leading, phi, scatter


@pytest.mark.parametrize(("n", "period"), [(100, 10), (100, 2), (60, 3), (35, 5), (12, 12)])
def test_phi_is_the_trace_between_classes(n, period):
    points = np.random.default_rng(n).standard_normal((n, 7)) @ np.diag(np.arange(1.0, 8))
    labels = np.arange(n) % period
    assert phi(points, period) / n == pytest.approx(np.trace(scatter(points, labels).between), rel=1e-12)
    shifted = (np.arange(n) + 3) % period  # numbers that begin elsewhere: the same classes under other names
    assert np.trace(scatter(points, shifted).between) == pytest.approx(phi(points, period) / n, rel=1e-12)


def test_phi_and_scatter_by_hand():
    points = np.array([[0.0], [2], [1], [5], [2], [8]])  # evens 0 1 2, odds 2 5 8
    between, within = scatter(points, np.arange(6) % 2)
    assert between[0, 0] == pytest.approx(4)  # means 1 and 5
    assert within[0, 0] == pytest.approx((2 / 3 + 6) / 2)
    alternating = points[:, 0] @ (-1.0) ** np.arange(6)
    assert phi(points, 2) == pytest.approx(alternating**2 / 6)
    total = np.cov(points.T, bias=True)
    assert between[0, 0] + within[0, 0] == pytest.approx(total)


@pytest.mark.parametrize("period", [3, 7, 40, 1])
def test_a_period_that_does_not_divide_is_an_error(period):
    with pytest.raises(InterpError, match="expected whole periods") as caught:
        phi(np.zeros((20, 2)), period)
    assert "\n" not in str(caught.value)


def test_fisher_is_the_largest_ratio_and_lies_in_its_bounds():
    rng = np.random.default_rng(1)
    for trial in range(20):
        points, labels = rng.standard_normal((50, 4)) * [3, 1, 0.3, 2], np.arange(50) % 5
        points[:, 2] += trial * 0.1 * np.cos(2 * np.pi * labels / 5)
        found, (between, within) = fisher(points, labels), scatter(points, labels)
        assert found.least <= found.value * (1 + 1e-9)
        assert found.value <= found.most * (1 + 1e-9)
        slow = np.linalg.eigvals(np.linalg.solve(within, between)).real.max()
        assert found.value == pytest.approx(slow, rel=1e-9)
        ways = rng.standard_normal((200, 4))
        ratios = np.einsum("ij,jk,ik->i", ways, between, ways) / np.einsum("ij,jk,ik->i", ways, within, ways)
        assert ratios.max() <= found.value * (1 + 1e-9)


def test_fisher_bounds_are_equal_for_two_classes_in_one_dimension():
    points = np.random.default_rng(0).standard_normal((20, 1))
    found = fisher(points, np.arange(20) % 2)
    assert found.least == pytest.approx(found.value) == pytest.approx(found.most)


def test_singular_scatter_is_an_error_and_leading_mends_it():
    points = np.random.default_rng(0).standard_normal((20, 30))
    with pytest.raises(InterpError, match="fewer principal directions"):
        fisher(points, np.arange(20) % 5)
    assert fisher(leading(points, 6), np.arange(20) % 5).value > 0


def test_energy_stays_while_the_residue_cannot_be_told():
    """Phi_10 / N = 8.25 at every drift; the probe goes from always right to chance."""
    labels, found, ratios = np.arange(1000) % 10, [], []
    for drift in (0.0, 1000.3):
        points = counterexample(1000, 10, 1.0, drift)
        assert phi(points, 10) / 1000 == pytest.approx(8.25, rel=1e-12)
        noisy = points + 1e-3 * np.random.default_rng(0).standard_normal(points.shape)
        found.append(held_out(noisy, labels, folds(1000, 10, "interleaved")))
        ratios.append(fisher(noisy, labels).value)
    assert kappa(found[0]) == 1
    assert np.mean(found[1].truth == found[1].predicted) == pytest.approx(
        0.1, abs=0.03
    )  # a period at the mean of all is told
    assert ratios[0] > 1e5
    assert ratios[1] < 1e-3


@pytest.mark.parametrize("split", ["interleaved", "blocks"])
def test_probe_finds_the_period_that_is_there_and_no_other(split):
    points = helix(range(100), [2, 5, 10], 16, noise=0.1, line=True, seed=1).points
    scores = {t: kappa(held_out(points[: 100 - 100 % t], np.arange(100 - 100 % t) % t, folds(100 - 100 % t, t, split)))
              for t in (2, 3, 5, 7, 10)}  # fmt: skip
    assert min(scores[t] for t in (2, 5, 10)) > 0.9
    assert max(scores[t] for t in (3, 7)) < 0.25


def test_shuffled_labels_score_nothing():
    points, rng = helix(range(100), [10], 16, noise=0.1, seed=1).points, np.random.default_rng(0)
    scores = [kappa(held_out(points, rng.permutation(np.arange(100) % 10), np.arange(100) % 5)) for _ in range(30)]
    assert abs(np.mean(scores)) < 3 * np.std(scores) / np.sqrt(30) + 0.02


def test_covariate_is_taken_away():
    n = np.arange(100)
    frequency = (n % 2 == 0) * 1.0  # a token frequency with a period of its own
    rng = np.random.default_rng(0)
    points = np.outer(frequency, rng.standard_normal(8)) + 0.1 * rng.standard_normal((100, 8))
    fold = folds(100, 2, "interleaved")
    assert kappa(held_out(points, n % 2, fold)) > 0.95
    assert kappa(held_out(points, n % 2, fold, frequency[:, None])) < 0.3
    assert kappa(held_out(points, n % 2, fold, np.log(n + 1)[:, None])) > 0.95


def test_kappa_by_hand():
    told = Told(np.array([0, 0, 1, 1, 1, 0]), np.array([0, 1, 1, 1, 0, 0]))
    expected = 0.5 * 0.5 + 0.5 * 0.5
    assert kappa(told) == pytest.approx((4 / 6 - expected) / (1 - expected))
    low, high = kappa_interval(told)
    assert low < kappa(told) < high
    assert kappa(Told(np.zeros(3, int), np.zeros(3, int))) == 0
    assert kappa(Told(np.arange(3), np.arange(3))) == 1


def test_folds_hold_whole_periods():
    for split in ("interleaved", "blocks"):
        fold = folds(60, 10, split)
        for k in range(5):
            residues = np.arange(60)[fold == k] % 10
            assert (np.bincount(residues, minlength=10) > 0).all()
    assert (np.diff(folds(60, 10, "blocks")) >= 0).all()
    with pytest.raises(InterpError, match="2 to 4 folds"):
        folds(40, 10, "blocks")
    with pytest.raises(InterpError, match="interleaved, blocks"):
        folds(40, 2, "odd")


def test_shrinkage_is_ledoit_and_wolfs():
    residuals = np.random.default_rng(0).standard_normal((30, 8)) * np.arange(1, 9)
    assert shrinkage(residuals) == pytest.approx(ledoit_wolf_shrinkage(residuals, assume_centered=True), rel=1e-9)
