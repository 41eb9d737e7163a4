"""Fast projections equal the p^2-vector ones; clock logits are all in the sum directions."""

from __future__ import annotations

import numpy as np
import pytest

from interp.errors import InterpError
from interp.fourier import grid
from interp.fourier.bases import cyclic, product

EXACT = 1e-12


def directions(p: int, k: int, sign: int) -> np.ndarray:
    """Return the unit vectors cos, sin w_k (a + sign b) on the grid, [2, p * p]; one for the Nyquist wave."""
    a, b = np.divmod(np.arange(p * p), p)
    angle = 2 * np.pi * k * (a + sign * b) / p
    found = np.stack([np.cos(angle), np.sin(angle)])
    norms = np.linalg.norm(found, axis=1, keepdims=True)
    return (found / np.where(norms > 1e-9, norms, np.inf))[norms[:, 0] > 1e-9]


@pytest.fixture(params=[7, 8])
def x(request) -> np.ndarray:
    return np.random.default_rng(0).standard_normal((request.param, request.param, 3))


@pytest.mark.parametrize(("project", "sign"), [(grid.project_sums, 1), (grid.project_differences, -1)])
def test_projection_is_that_on_the_long_vectors(x, project, sign):
    p = len(x)
    for keys in ([1], [2, 3], list(range(1, p // 2 + 1)), []):
        rows = np.concatenate([np.empty((0, p * p)), *(directions(p, k, sign) for k in keys)])
        slow = (rows.T @ (rows @ x.reshape(p * p, -1))).reshape(x.shape)
        np.testing.assert_allclose(project(x, keys), slow, atol=EXACT)


def test_blocks_are_those_of_the_product_basis(x):
    p, flat = len(x), x.reshape(len(x) ** 2, -1)
    both = product(cyclic(p), cyclic(p))
    for keys in ([2], [1, 3]):
        small = both.project(flat, [(k, k) for k in keys]).reshape(x.shape)
        alone = [(0, 0), *((k, 0) for k in keys), *((0, k) for k in keys)]
        large = small + both.project(flat, alone).reshape(x.shape)
        every = both.project(flat, [(i, j) for i in (0, *keys) for j in (0, *keys)]).reshape(x.shape)
        np.testing.assert_allclose(grid.project_block(x, keys, "2x2"), small, atol=EXACT)
        np.testing.assert_allclose(grid.project_block(x, keys), large, atol=EXACT)
        np.testing.assert_allclose(grid.outer_mask(x, keys), every, atol=EXACT)
    np.testing.assert_allclose(grid.project_block(x, [2, 2]), grid.project_block(x, [2]), atol=EXACT)


def test_sums_and_differences_of_an_odd_group_fill_its_block():
    x = np.random.default_rng(1).standard_normal((9, 9))
    both = grid.project_sums(x, [2]) + grid.project_differences(x, [2])
    np.testing.assert_allclose(both, grid.project_block(x, [2], "2x2"), atol=EXACT)


def test_at_nyquist_sum_and_difference_are_one_direction():
    x = np.random.default_rng(1).standard_normal((8, 8))
    np.testing.assert_allclose(grid.project_sums(x, [4]), grid.project_differences(x, [4]), atol=EXACT)


@pytest.mark.parametrize("p", [7, 8])
def test_coefficients_are_those_of_least_squares(p):
    logits = np.random.default_rng(2).standard_normal((p, p, p))
    a, b, c = np.indices((p, p, p))
    columns = [np.cos(2 * np.pi * k * (a + b - c) / p).ravel() for k in range(1, p // 2 + 1)]
    slow = np.linalg.lstsq(np.stack([np.ones(p**3), *columns], 1), logits.ravel(), rcond=None)[0][1:]
    np.testing.assert_allclose(grid.cosine_coefficients(logits), slow, atol=EXACT)
    assert grid.class_profile(logits)[3] == pytest.approx(logits[(a + b - c) % p == 3].mean())


def test_profiles_by_hand():
    x = np.array([[0.0, 1], [2, 5]])
    assert grid.sums(x).tolist() == [2.5, 1.5]  # (0,0) and (1,1); (0,1) and (1,0)
    assert grid.on_sums([2.5, 1.5]).tolist() == [[2.5, 1.5], [1.5, 2.5]]
    y = np.arange(9.0).reshape(3, 3)
    assert grid.differences(y).tolist() == [4.0, (y[1, 0] + y[2, 1] + y[0, 2]) / 3, (y[2, 0] + y[0, 1] + y[1, 2]) / 3]
    assert grid.on_differences(np.array([0, 1, 2]))[2].tolist() == [2, 1, 0]


@pytest.mark.parametrize(
    ("act", "words"),
    [
        (lambda: grid.project_sums(np.zeros((3, 4)), [1]), "p x p"),
        (lambda: grid.project_sums(np.full((3, 3), np.nan), [1]), "not finite"),
        (lambda: grid.project_sums(np.zeros((3, 3), complex), [1]), "real"),
        (lambda: grid.project_sums(np.zeros((5, 5)), [3]), "no component 3"),
        (lambda: grid.class_profile(np.zeros((3, 3, 4))), "other classes"),
        (lambda: grid.project_block(np.zeros((3, 3)), [1], "4x4"), "4x4"),
    ],
)
def test_what_is_not_defined_is_one_clear_error(act, words):
    with pytest.raises(InterpError, match=words):
        act()
