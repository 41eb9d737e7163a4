"""The Gini coefficient by hand, and which norms it is of."""

from __future__ import annotations

import math

import numpy as np
import pytest

from interp.errors import InterpError
from interp.fourier.basis import inverse
from interp.fourier.gini import VARIANTS, component_norms, fourier_gini, gini


def test_by_hand():
    assert gini(np.array([1.0, 1, 1, 1])) == pytest.approx(0)
    assert gini(np.array([0.0, 0, 5, 0])) == pytest.approx(0.75)
    assert gini(np.array([3.0, 1])) == pytest.approx(0.25)  # 1 - 2 (1/4 * 3/4 + 3/4 * 1/4)
    assert math.isnan(gini(np.zeros(3)))
    for bad in ([], [-1.0, 2], [np.nan, 1]):
        with pytest.raises(InterpError, match="expected finite numbers >= 0"):
            gini(np.array(bad))


def test_equals_the_mean_absolute_difference():
    sizes = np.random.default_rng(0).exponential(size=40)
    pairs = np.abs(sizes[:, None] - sizes).mean() / (2 * sizes.mean())
    assert gini(sizes) == pytest.approx(pairs, abs=1e-12)


def test_which_norms():
    # rows of F W: the constant 6, then cos and sin of two frequencies: (3, 4) and (0, 5)
    coefficients = np.array([[6.0], [3], [4], [0], [5]])
    weights = inverse(coefficients)
    np.testing.assert_allclose(component_norms(weights), [6, 5, 5])
    expected = {
        "rows_with_constant": gini(np.array([6.0, 3, 4, 0, 5])),
        "rows_without_constant": gini(np.array([3.0, 4, 0, 5])),
        "frequencies_with_constant": gini(np.array([6.0, 5, 5])),
        "frequencies_without_constant": 0.0,
    }
    assert tuple(expected) == VARIANTS
    for variant, value in expected.items():
        assert fourier_gini(weights, variant) == pytest.approx(value, abs=1e-12)
    with pytest.raises(InterpError, match="rows_with_constant"):
        fourier_gini(weights, "rows_with_constants")


def test_even_n_counts_the_nyquist_wave_once():
    weights = inverse(np.array([[1.0], [0], [2], [3]]))
    np.testing.assert_allclose(component_norms(weights), [1, 2, 3])
