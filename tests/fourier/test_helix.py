"""Helix fits: the rank is told, total R^2 is what its nulls say, only what was planted is found on held-out numbers."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import beta

from interp.errors import InterpError
from interp.fourier.helix import by_value, circle, design, fit, helix, independent, polynomial, r_squared, smooth
from interp.fourier.helix_gain import SCHEMES, folds, gain, held_out, null_partials, question

A = np.arange(100)
SMALL, D, TRIALS = np.arange(60), 8, 1000
BOUND = 0.067 * TRIALS


def test_rank_on_the_integers_is_nine_with_the_constant():
    terms = helix(A)
    assert len(terms) == 9
    assert ("sin", 2.0) not in terms
    assert np.linalg.matrix_rank(design(terms, A, A)) == 9
    assert len(circle(A)) == 8
    assert len(helix(A / 2)) == 10  # on halves the sine of period 2 is there
    assert len(polynomial(A, 8)) == 9


def test_terms_by_hand():
    columns = design((("constant", 0), ("linear", 0), ("cos", 4), ("sin", 4), ("log", 0), ("digits", 1)), [0, 5, 10], A)
    expected = [[1, -1, 1, 0, 0, 0], [1, -0.8989899, 0, 1, np.log(6), 0], [1, -0.7979798, -1, 0, np.log(11), 1]]
    np.testing.assert_allclose(columns, expected, atol=1e-7)


def test_a_period_that_repeats_another_on_the_integers_adds_nothing():
    assert independent((("constant", 0), ("cos", 10), ("cos", 10 / 9), ("cos", 1)), A) == (("constant", 0), ("cos", 10))


@pytest.mark.parametrize(
    ("make", "expected", "line"),
    [(np.log1p, 0.937, 0.935 / 0.937), (np.sqrt, 0.989, 0.988 / 0.989)],
)
def test_total_r_squared_of_smooth_codes(make, expected, line):
    x = make(A)[:, None]
    assert r_squared(x, A, helix(A))[0] == pytest.approx(expected, abs=1e-3)
    share = r_squared(x, A, helix(A, [100]))[0] / r_squared(x, A, helix(A))[0]
    assert share == pytest.approx(line, abs=2e-3)


def test_total_r_squared_of_noise_follows_the_beta_law_and_a_walk_explains_most():
    x = np.random.default_rng(0).standard_normal((100, 20000))
    found = r_squared(x, A, helix(A))
    law = beta(4, 91 / 2)
    assert found.mean() == pytest.approx(8 / 99, abs=1e-3)
    assert law.mean() == pytest.approx(8 / 99)
    assert law.ppf(0.999) == pytest.approx(0.243, abs=1e-3)
    assert np.quantile(found, 0.999) == pytest.approx(law.ppf(0.999), abs=0.01)
    walk = r_squared(x[:, :5000].cumsum(0), A, helix(A))
    assert walk.mean() == pytest.approx(0.717, abs=0.02)


def test_a_fit_gives_back_what_was_planted_and_speaks_of_unseen_numbers():
    rng, terms = np.random.default_rng(1), helix(A)
    C = rng.standard_normal((9, 40))
    points = design(terms, A, A) @ C
    seen = A % 3 > 0
    found = fit(points[seen], A[seen], terms, A, components=None)
    np.testing.assert_allclose(found.at(A[~seen]), points[~seen], atol=1e-9)
    np.testing.assert_allclose(found.coordinates(points), design(terms, A, A), atol=1e-9)
    assert found.plane([5, 10]).shape == (40, 4)
    np.testing.assert_allclose(found.plane([2])[:, 0], C[2], atol=1e-9)


def test_principal_components_are_those_of_the_points():
    rng = np.random.default_rng(2)
    points = rng.standard_normal((100, 6)) * [9, 8, 7, 1e-3, 1e-3, 1e-3] + 5
    found = fit(points, A, helix(A), A, components=3)
    whole = fit(points, A, helix(A), A, components=None)
    assert np.linalg.matrix_rank(found.C[1:], tol=1e-6) == 3
    np.testing.assert_allclose(found.C[:, :3], whole.C[:, :3], atol=1e-2)


def test_by_value_takes_means():
    values, means, count = by_value(np.array([[1.0], [3.0], [7.0]]), [5, 5, 2])
    assert (values.tolist(), means.tolist(), count.tolist()) == ([2, 5], [[7], [2]], [1, 2])


@pytest.mark.parametrize("scheme", SCHEMES)
def test_held_out_residuals_are_those_of_fits_without_the_fold(scheme):
    rng = np.random.default_rng(3)
    x, columns, fold = rng.standard_normal((100, 3)), design(smooth(A), A, A), folds(100, scheme)
    by_map = held_out(columns, fold) @ x
    for f in np.unique(fold):
        C = np.linalg.lstsq(columns[fold != f], x[fold != f], rcond=None)[0]
        np.testing.assert_allclose(by_map[fold == f], (x - columns @ C)[fold == f], atol=1e-9)


def test_folds_are_neighbours_or_coprime_to_the_periods():
    assert np.unique(folds(100, "block"), return_counts=True)[1].tolist() == [10] * 10
    assert (np.diff(folds(100, "block")) >= 0).all()
    assert folds(100, "interleaved").max() == 6
    assert folds(100, "interleaved", [7, 10]).max() == 10  # a step of 7 would hide a phase of period 7
    for f in range(7):
        left = np.flatnonzero(folds(100, "interleaved") != f)
        assert {tuple(pair) for pair in np.stack([left % 10], 1)} == {(r,) for r in range(10)}


def planted(rng, ratio, targets=(2, 5, 10), values=A, d=64):
    """A number line, and waves whose rms is `ratio` of the noise's."""
    columns = design(helix(values, targets), values, values)[:, 2:]
    waves = columns @ rng.standard_normal((columns.shape[1], d))
    waves *= ratio / np.sqrt(np.square(waves - waves.mean(0)).mean())
    return waves + rng.standard_normal((len(values), d)) + np.outer(values / 10, rng.standard_normal(d))


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_planted_helix_is_found_and_its_periods_are_named(scheme):
    asked = question(A, scheme=scheme)
    found = gain(planted(np.random.default_rng(4), 1.5), asked)
    assert (found.p_value <= 0.05).all()
    assert (found.gain > 0).all()
    one = gain(planted(np.random.default_rng(5), 1.5, (5,)), asked)
    assert dict(zip(one.names, one.p_value <= 0.05, strict=True)) == {
        "all": True, "T=2": False, "T=5": True, "T=10": False,
    }  # fmt: skip


def test_shuffled_numbers_keep_what_the_base_says_of_each():
    """Freedman & Lane: only what a number line leaves is dealt out anew, so a stronger line changes nothing."""
    rng, asked = np.random.default_rng(6), question(A, scheme="interleaved")
    x = rng.standard_normal((100, 5))
    line = x + 1000 * np.outer(A, rng.standard_normal(5)) + np.outer(np.log1p(A), rng.standard_normal(5))
    one, two = (null_partials(each, asked, "shuffled", 20, 0) for each in (x, line))
    np.testing.assert_allclose(one, two, atol=1e-5)


def test_power_at_a_stated_ratio():
    asked = question(A, scheme="interleaved")
    found = [gain(planted(np.random.default_rng(i), 0.5), asked, 99, i).p_value[0] <= 0.05 for i in range(20)]
    assert np.mean(found) >= 0.9


NOTHING = {
    "number line": lambda rng: np.outer(A / 10, rng.standard_normal(16)),
    "log": lambda rng: np.outer(np.log1p(A), rng.standard_normal(16)),
    "square root": lambda rng: np.outer(np.sqrt(A), rng.standard_normal(16)),
    "random walk": lambda rng: rng.standard_normal((100, 16)).cumsum(0),
    "digit count": lambda rng: np.outer(A > 9, rng.standard_normal(16)) + np.outer(A, rng.standard_normal(16)),
}


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("kind", NOTHING)
def test_what_has_no_period_is_not_found(kind, scheme):
    asked = question(A, scheme=scheme)
    for seed in range(3):
        found = gain(NOTHING[kind](np.random.default_rng(seed)), asked, 99, seed)
        assert found.p_value[0] > 0.05


def noisy(make):
    return lambda rng: np.outer(5 * make(SMALL), rng.standard_normal(D)) + rng.standard_normal((len(SMALL), D))


FALSE = {
    "white": lambda rng: rng.standard_normal((len(SMALL), D)),
    "elongated": lambda rng: rng.standard_normal((len(SMALL), D)) * [5, 2, 1, 1, 0.5, 0.3, 0.2, 0.1],
    "noisy line": noisy(lambda a: a / 25),
    "noisy log": noisy(np.log1p),
    "walk": lambda rng: rng.standard_normal((len(SMALL), D)).cumsum(0),
}


@pytest.mark.slow
@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("kind", FALSE)
def test_false_positives_are_at_most_nominal(kind, scheme):
    """With 39 draws p <= 0.05 has a chance of exactly 2 in 40."""
    asked = question(SMALL, scheme=scheme)
    found = [gain(FALSE[kind](np.random.default_rng(i)), asked, 39, i).p_value <= 0.05 for i in range(TRIALS)]
    assert (np.sum(found, axis=0) <= BOUND).all()


def test_what_makes_no_sense_is_refused():
    with pytest.raises(InterpError, match="above 0"):
        helix(A, [0])
    with pytest.raises(InterpError, match="different numbers"):
        helix(A, [5, 5])
    with pytest.raises(InterpError, match="complex"):
        r_squared(np.ones((100, 2)) * 1j, A, helix(A))
    with pytest.raises(InterpError, match="finite"):
        fit(np.full((100, 2), np.nan), A, helix(A), A)
    with pytest.raises(InterpError, match="cannot fit"):
        fit(np.ones((4, 2)), A[:4], helix(A), A)
    with pytest.raises(InterpError, match="rising order"):
        question([3, 2, 1])
    with pytest.raises(InterpError, match="adds nothing"):
        question(A, [1])
    with pytest.raises(InterpError, match="all the same"):
        gain(np.ones((100, 3)), question(A))
    with pytest.raises(InterpError, match="from 0 up"):
        smooth([-1, 2])
    with pytest.raises(InterpError, match="hold-out"):
        folds(10, "random")
    with pytest.raises(InterpError, match="19"):
        gain(np.random.default_rng(0).standard_normal((100, 3)), question(A), n_null=5)


def test_integers_and_a_period_longer_than_the_range_are_defined():
    x = np.random.default_rng(0).integers(0, 9, (30, 4))
    assert np.isfinite(r_squared(x, np.arange(30), helix(np.arange(30), [2, 5, 1000]))).all()
