"""The basis is orthonormal for odd and even N, and power is what the squared coefficients say."""

from __future__ import annotations

import numpy as np
import pytest

from interp.errors import InterpError
from interp.fourier import basis as fourier
from interp.fourier.spectrum import spectrum


@pytest.mark.parametrize("n", [*range(2, 131), 360, 361, 500, 520, 1000])
def test_orthonormal(n):
    f = fourier.basis(n)
    assert f.shape == (n, n)
    assert np.abs(f @ f.T - np.eye(n)).max() < 1e-12
    assert np.abs(f.T @ f - np.eye(n)).max() < 1e-12


def test_basis_by_hand():
    half, root = 0.5, np.sqrt(0.5)
    expected = [[half] * 4, [root, 0, -root, 0], [0, root, 0, -root], [half, -half, half, -half]]
    np.testing.assert_allclose(fourier.basis(4), expected, atol=1e-15)
    c, s = np.sqrt(2 / 3) * np.cos(2 * np.pi / 3), np.sqrt(2 / 3) * np.sin(2 * np.pi / 3)
    expected = [[3**-0.5] * 3, [np.sqrt(2 / 3), c, c], [0, s, -s]]
    np.testing.assert_allclose(fourier.basis(3), expected, atol=1e-15)
    np.testing.assert_array_equal(fourier.basis(1), [[1]])


def test_basis_is_shared_and_cannot_be_altered():
    with pytest.raises(ValueError, match="read-only"):
        fourier.basis(6)[0, 0] = 2


@pytest.mark.parametrize("n", [2, 3, 10, 59, 100])
def test_frequencies_and_rows(n):
    k = fourier.row_frequencies(n)
    assert sorted(set(k) - {0}) == fourier.frequencies(n).tolist() == list(range(1, n // 2 + 1))
    assert all(len(fourier.rows(n, f)) == (1 if f in (0, n / 2) else 2) for f in range(n // 2 + 1))
    np.testing.assert_allclose(fourier.periods(n) * fourier.frequencies(n), n)
    with pytest.raises(InterpError, match=f"not in Z_{n}"):
        fourier.rows(n, n // 2 + 1)


@pytest.mark.parametrize("n", [5, 6])
def test_table_names_every_row(n):
    table = fourier.table(n)
    turn = 2 * np.pi * np.outer(table["frequency"], np.arange(n)) / n
    for row, name in table["function"].items():
        wave = np.sin(turn[row]) if name == "sin" else np.cos(turn[row])
        np.testing.assert_allclose(fourier.basis(n)[row], wave / np.linalg.norm(wave), atol=1e-12)
    assert (table["function"] == "nyquist").sum() == (n % 2 == 0)
    assert table["period"].iloc[0] == np.inf


@pytest.mark.parametrize("n", [2, 3, 7, 12, 59, 100])
def test_parseval_inverse_and_power_of_the_fft(n):
    x = np.random.default_rng(n).standard_normal((n, 4))
    coefficients = fourier.transform(x)
    np.testing.assert_allclose(np.square(coefficients).sum(0), np.square(x).sum(0), rtol=1e-12)
    np.testing.assert_allclose(fourier.inverse(coefficients), x, atol=1e-12)
    by_rows = [np.square(coefficients[fourier.rows(n, k)]).sum() for k in fourier.frequencies(n)]
    np.testing.assert_allclose(fourier.power(x), np.array(by_rows) / sum(by_rows), rtol=1e-9)
    assert fourier.power(x).sum() == pytest.approx(1)


def test_power_ignores_the_mean_takes_batches_and_is_nan_for_constants():
    x = np.random.default_rng(0).standard_normal((3, 8, 2))
    np.testing.assert_allclose(fourier.power(x + 7), fourier.power(x), rtol=1e-9)
    np.testing.assert_allclose(fourier.power(x)[1], fourier.power(x[1]))
    assert np.isnan(fourier.power(np.ones((4, 1)))).all()


def test_transform_2d_by_hand():
    a = np.random.default_rng(1).standard_normal((6, 5, 2))
    f, g = fourier.basis(6), fourier.basis(5)
    np.testing.assert_allclose(fourier.transform_2d(a), np.einsum("ia,abd,jb->ijd", f, a, g), atol=1e-12)
    turn = 2 * np.pi * 2 / 7 * np.add.outer(np.arange(7), np.arange(7))
    block = np.argwhere(np.abs(fourier.transform_2d(np.cos(turn))) > 1e-9)
    assert block.tolist() == [[3, 3], [4, 4]]  # cos cos - sin sin of frequency 2


@pytest.mark.parametrize(("n", "share"), [(360, 1), (500, 1), (520, 1), (1000, 1), (361, 0.968), (512, 0.876)])
def test_a_wave_of_period_ten_keeps_this_much_in_one_frequency(n, share):
    assert fourier.concentration(n, 10) == pytest.approx(share, abs=5e-4 if share < 1 else 1e-12)


def test_no_basis_on_nothing():
    with pytest.raises(InterpError, match="at least 1"):
        fourier.basis(0)


@pytest.mark.parametrize(
    ("act", "words"),
    [
        (lambda: fourier.transform(np.zeros(4, complex)), "real and imaginary"),
        (lambda: fourier.inverse(np.zeros(4, complex)), "real and imaginary"),
        (lambda: fourier.power(np.zeros((4, 2), complex)), "real and imaginary"),
        (lambda: spectrum(np.zeros((8, 2), complex)), "real and imaginary"),
        (lambda: fourier.basis(2.5), "whole number"),
        (lambda: fourier.rows(10, 2.5), "Frequency 2.5"),
        (lambda: fourier.concentration(10, 0), "positive"),
        (lambda: fourier.concentration(10, np.inf), "positive"),
        (lambda: fourier.concentration(1, 5), "at least 2"),
        (lambda: fourier.power(np.zeros((0, 2))), "no spectrum"),
        (lambda: fourier.power(np.arange(5.0)), "add an axis"),
    ],
)
def test_what_has_no_wave_is_one_clear_error(act, words):
    with pytest.raises(InterpError, match=words):
        act()


def test_integers_are_numbers_and_nan_stays_nan():
    np.testing.assert_allclose(fourier.power(np.arange(6)[:, None]), fourier.power(np.arange(6.0)[:, None]))
    assert np.isnan(fourier.power(np.full((6, 1), np.nan))).all()
    assert fourier.power(np.ones((1, 3))).shape == (0,)


@pytest.mark.parametrize("n", [2, 7, 10, 59, 113])
@pytest.mark.parametrize("value", [0.1, 1 / 3, 1e6 / 7])
def test_rounding_of_a_constant_has_no_spectrum(n, value):
    assert np.isnan(fourier.power(np.full((n, 2), value))).all()
    one_varies = np.stack([np.full(n, value), (-1.0) ** np.arange(n)], 1)
    np.testing.assert_allclose(fourier.power(one_varies), fourier.power(one_varies[:, 1:]), atol=1e-15)
    assert np.isnan(fourier.concentration(n, 1))


def test_a_period_longer_than_the_range_leaks():
    assert 0.5 < fourier.concentration(10, 200) < 1
