"""Cells of written products and sums: by hand, exhaustively, and against every published frequency."""

from __future__ import annotations

import numpy as np
import pytest

from interp.errors import InterpError
from interp.tasks import written
from interp.tasks.multiplication import digits
from interp.tasks.subtasks import PRODUCT, SUM, product_cells, product_frequencies, sum_cells, sum_facts

PUBLISHED = {"BM": 0.295, "CM": 0.220, "CA": 0.049, "UC": 0.328, "UCFC": 0.109}


def named(masks, row=0):
    """Return the name of the one cell each column of a problem is in."""
    count = len(next(iter(masks.values()))[row])
    return [next(name for name, mask in masks.items() if mask[row, i]) for i in range(count)]


def test_a_product_by_hand():
    # 5 0 3 7 x 8: units 56 -> 6 carry 5; 24 + 5 = 29 -> 9 carry 2; 0 + 2 = 2; 40, no carry: 40296
    cells = product_cells(np.array([5037]), np.array([8]), 4)
    assert cells.carry.tolist() == [[0, 5, 2, 0]]
    assert named(cells.masks) == ["CM", "UC", "CA", "CM"]
    # 667 x 9: 63 -> carry 6; 54 + 6 = 60, 4 + 6 >= 10 -> carry 6; again: both further carries
    assert named(product_cells(np.array([667]), np.array([9]), 3).masks) == ["CM", "UCFC", "UCFC"]
    assert named(product_cells(np.array([342]), np.array([2]), 3).masks) == ["BM", "BM", "BM"]


def test_a_sum_by_hand():
    # 1 5 9 8 + 0 4 0 7: 15 makes a carry, 9 passes it, 9 passes it, 1 + 0 + 1
    cells = sum_cells(np.array([1598]), np.array([407]), 4)
    assert cells.carry.tolist() == [[0, 1, 1, 1, 0]]
    assert named(cells.masks) == ["BA", "UC1", "US9", "US9", "BA"]
    facts = sum_facts(np.array([1598]), np.array([407]), 4)
    assert facts["MC1"].tolist() == [[True, False, False, False]]
    assert facts["MS9"].tolist() == [[False, True, True, False]]


@pytest.mark.parametrize("n", [2, 3])
def test_cells_divide_all_products_and_follow_the_written_digits(n):
    a, u = (each.ravel() for each in np.meshgrid(np.arange(10**n), np.arange(10)))
    cells = product_cells(a, u, n)
    assert list(cells.masks) == list(PRODUCT)
    assert (sum(mask.astype(int) for mask in cells.masks.values()) == 1).all()
    # the carry from the whole numbers: what the lower digits times u spill over
    spilled = np.stack([(a % 10**i) * u // 10**i for i in range(n)], axis=1)
    np.testing.assert_array_equal(cells.carry, spilled)
    answer, products = digits(a * u, n + 1), digits(a, n) * u[:, None]
    raw = products % 10
    made = (products + spilled) // 10 > products // 10  # the carry itself makes another one
    np.testing.assert_array_equal(cells.masks["BM"] | cells.masks["CM"], spilled == 0)
    np.testing.assert_array_equal(answer[:, :n][cells.masks["CA"]], spilled[cells.masks["CA"]])
    np.testing.assert_array_equal(answer[:, :n][cells.masks["UC"]], (raw + spilled)[cells.masks["UC"]])
    assert made[cells.masks["UCFC"]].all()
    assert not made[~cells.masks["UCFC"]].any()


@pytest.mark.parametrize("n", [2, 3])
def test_cells_divide_all_sums(n):
    a, b = (each.ravel() for each in np.meshgrid(np.arange(10**n), np.arange(10**n)))
    cells, facts = sum_cells(a, b, n), sum_facts(a, b, n)
    assert list(cells.masks) == list(SUM)
    assert (sum(mask.astype(int) for mask in cells.masks.values()) == 1).all()
    carried = np.stack([(a % 10**i + b % 10**i) // 10**i for i in range(n + 1)], axis=1)
    np.testing.assert_array_equal(cells.carry, carried)
    np.testing.assert_array_equal(cells.masks["UC1"][:, 1:], facts["MC1"])
    assert not cells.masks["US9"][:, :2].any()  # a nine needs a column below it that carries


def test_the_published_frequencies_are_exact_and_sampled():
    exact = product_frequencies(5)
    for name, published in PUBLISHED.items():
        assert exact[name].mean() == pytest.approx(published, abs=0.0005)  # half of their last digit
    assert exact["BM"][0] == pytest.approx(0.42)
    assert exact["CM"][0] == pytest.approx(0.58)
    n = 100_000
    masks = product_cells(*written.draw(written.Form("*", 5, 1, "ordinal"), n, 0).T, 5).masks
    for name, share in exact.items():
        by_problem = masks[name].mean(1)  # cells of one problem share their factor: the error is that of problems
        error = 4 * by_problem.std() / np.sqrt(n)
        assert by_problem.mean() == pytest.approx(share.mean(), abs=error)
        assert by_problem.mean() == pytest.approx(PUBLISHED[name], abs=0.0005 + error)


def test_frequencies_by_column_agree_with_all_products_of_two_digits():
    a, u = (each.ravel() for each in np.meshgrid(np.arange(100), np.arange(10)))
    for name, mask in product_cells(a, u, 2).masks.items():
        np.testing.assert_allclose(product_frequencies(2)[name], mask.mean(0))


def test_impossible_cells_are_one_clear_error():
    with pytest.raises(InterpError, match="one digit"):
        product_cells(np.array([3]), np.array([12]), 2)
    with pytest.raises(InterpError, match="draw a sample"):
        product_frequencies(7)
