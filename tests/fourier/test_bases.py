"""Every basis is orthonormal, complete where it should be, and splits power the way its group says."""

from __future__ import annotations

import numpy as np
import pytest

from interp.errors import InterpError
from interp.fourier import bases

EXACT = 1e-12
WHOLE = {
    **{f"Z_{n}": bases.cyclic(n) for n in (1, 2, 3, 4, 7, 10, 59, 60)},
    "Z_3 x Z_4": bases.product(bases.cyclic(3), bases.cyclic(4)),
    "two digits": bases.digits(2),
    "three binary digits": bases.digits(3, 2),
    **{f"Z_{p}^*": bases.multiplicative(p) for p in (2, 3, 7, 13)},
}


@pytest.mark.parametrize("name", WHOLE)
def test_rows_are_orthonormal_and_complete(name):
    found = WHOLE[name].matrix
    assert found.shape[0] == found.shape[1]
    assert np.abs(found @ found.T - np.eye(len(found))).max() < EXACT


@pytest.mark.parametrize("name", WHOLE)
def test_energy_adds_up_and_parts_add_up(name):
    basis = WHOLE[name]
    x = np.random.default_rng(0).standard_normal((len(basis.matrix), 3))
    np.testing.assert_allclose(basis.energy(x).sum(0), np.square(x).sum(0), rtol=EXACT)
    np.testing.assert_allclose(basis.project(x, basis.components), x, atol=EXACT)
    parts = [basis.project(x, [component]) for component in basis.components]
    np.testing.assert_allclose(sum(parts), x, atol=EXACT)
    np.testing.assert_allclose([np.square(part).sum(0) for part in parts], basis.energy(x), atol=EXACT)


@pytest.mark.parametrize("name", WHOLE)
def test_the_constant_has_a_name(name):
    basis = WHOLE[name]
    np.testing.assert_allclose(np.ptp(basis.project(np.arange(len(basis.matrix)), [basis.constant])), 0, atol=EXACT)


@pytest.mark.parametrize("n", [7, 8])
def test_a_shift_moves_power_only_within_a_component(n):
    basis, x = bases.cyclic(n), np.random.default_rng(1).standard_normal(n)
    np.testing.assert_allclose(basis.energy(np.roll(x, 3)), basis.energy(x), atol=EXACT)


def test_nyquist_has_one_row_and_odd_numbers_have_none():
    assert [len(bases.cyclic(8).rows(k)) for k in range(5)] == [1, 2, 2, 2, 1]
    assert [len(bases.cyclic(7).rows(k)) for k in range(4)] == [1, 2, 2, 2]
    assert bases.cyclic(1).components == (0,)


def test_digit_components_are_functions_of_their_digits():
    basis, n = bases.digits(2), np.arange(100)
    last, first = np.cos(2 * np.pi * 3 * n / 10), np.cos(2 * np.pi * 3 * (n // 10) / 10)
    assert basis.energy(last)[basis.components.index((0, 3))] == pytest.approx(np.square(last).sum())
    assert basis.energy(first)[basis.components.index((3, 0))] == pytest.approx(np.square(first).sum())


@pytest.mark.parametrize("p", [7, 13])
def test_multiplying_moves_power_only_within_a_multiplicative_component(p):
    basis, x = bases.multiplicative(p), np.random.default_rng(2).standard_normal(p - 1)
    times = (3 * np.arange(1, p)) % p - 1
    np.testing.assert_allclose(basis.energy(x[times]), basis.energy(x), atol=EXACT)
    assert not np.allclose(bases.cyclic(p - 1).energy(x[times]), bases.cyclic(p - 1).energy(x))


def test_logarithms_by_hand():
    assert bases.discrete_logarithms(7).tolist() == [0, 2, 1, 4, 5, 3]  # powers of 3: 1 3 2 6 4 5


def test_a_helix_on_integers_has_nine_dimensions():
    found = bases.real_periods(range(100), (2, 5, 10, 100), linear=True)
    assert found.table()["rows"].tolist() == [1, 1, 1, 2, 2, 2]  # the sine of period 2 is zero
    assert np.abs(found.matrix @ found.matrix.T - np.eye(9)).max() < EXACT


def test_a_helix_on_irregular_repeated_numbers_and_real_periods():
    numbers = [*np.sort(np.random.default_rng(3).uniform(0, 50, 40)), 1.0, 1.0]
    found = bases.real_periods(numbers, (np.pi, 7.5), linear=True)
    assert found.matrix.shape == (6, 42)
    assert np.abs(found.matrix @ found.matrix.T - np.eye(6)).max() < EXACT
    wave = 3 + 0.5 * np.array(numbers) + np.sin(2 * np.pi * np.array(numbers) / np.pi + 1)
    np.testing.assert_allclose(found.project(wave, found.components), wave, atol=1e-9)


def test_a_period_longer_than_the_range_is_kept_and_a_repeated_one_adds_nothing():
    assert bases.real_periods(range(10), (200,)).table()["rows"].tolist() == [1, 2]
    twice = bases.real_periods(range(10), (5, 5.0))
    assert twice.table()["rows"].tolist() == [1, 2]
    assert bases.real_periods([4.0], (2, 5), linear=True).matrix.tolist() == [[1.0]]


@pytest.mark.parametrize(
    ("act", "words"),
    [
        (lambda: bases.cyclic(0), "does not exist"),
        (lambda: bases.cyclic(5000), "at most 4096"),
        (lambda: bases.multiplicative(9), "no prime"),
        (lambda: bases.digits(0), "at least one digit"),
        (lambda: bases.digits(4), "at most 4096"),
        (lambda: bases.real_periods([1, np.nan], (2,)), "finite"),
        (lambda: bases.real_periods([1, 2], (0,)), "positive"),
        (lambda: bases.real_periods([], (2,)), "finite"),
        (lambda: bases.product(), "at least one"),
        (lambda: bases.cyclic(10).rows(6), "no component 6"),
        (lambda: bases.cyclic(10).rows(2.5), "no component 2.5"),
        (lambda: bases.cyclic(10).energy(np.zeros(9)), "first axis"),
        (lambda: bases.cyclic(3).energy(np.array([1, 2, np.inf])), "not finite"),
        (lambda: bases.cyclic(3).energy(np.zeros(3, complex)), "complex"),
    ],
)
def test_what_is_not_defined_is_one_clear_error(act, words):
    with pytest.raises(InterpError, match=words):
        act()


def test_integers_are_numbers_and_constant_rows_have_only_the_constant():
    assert bases.cyclic(4).energy(np.array([2, 2, 2, 2])).tolist() == pytest.approx([16, 0, 0])


def test_a_basis_cannot_be_changed():
    with pytest.raises(ValueError, match="read-only"):
        bases.cyclic(5).matrix[0, 0] = 1
