"""Digits, carries, borrows and chains: exhaustive counts, columns worked out one by one, and laws."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from interp.errors import InterpError
from interp.tasks.numbers import borrows, carries, digits, longest_chain

NUMBER = st.integers(0, 10**9 - 1)
WIDTH = 9


def every_pair(low: int, high: int) -> tuple[np.ndarray, np.ndarray]:
    """All ordered pairs of integers in low..high, as two flat columns."""
    x, y = np.meshgrid(np.arange(low, high + 1), np.arange(low, high + 1), indexing="ij")
    return x.reshape(-1), y.reshape(-1)


def written_sum(x: int, y: int, width: int) -> list[int]:
    """The carries of x + y as one writes them down, column by column."""
    flags, carry = [], 0
    for column in range(width):
        total = int(str(x).zfill(width)[-1 - column]) + int(str(y).zfill(width)[-1 - column]) + carry
        carry = 1 if total >= 10 else 0
        flags.append(carry)
    return flags


def written_difference(x: int, y: int, width: int) -> list[int]:
    """The borrows of x - y as one writes them down, column by column."""
    flags, borrow = [], 0
    for column in range(width):
        left = int(str(x).zfill(width)[-1 - column]) - borrow
        borrow = 1 if left < int(str(y).zfill(width)[-1 - column]) else 0
        flags.append(borrow)
    return flags


def test_counts_of_carries_up_to_two_digits():
    number = carries(*every_pair(0, 99), 2).sum(axis=1)
    assert np.bincount(number).tolist() == [3025, 4500, 2475]


def test_counts_of_carries_chains_and_sets_up_to_three_digits():
    flags = carries(*every_pair(0, 999), 3)
    assert np.bincount(flags.sum(axis=1)).tolist() == [166375, 358875, 338625, 136125]
    assert np.bincount(longest_chain(flags)).tolist() == [166375, 450000, 247500, 136125]
    by_set = np.bincount(flags @ [1, 2, 4])  # bit i = a carry out of column i
    names = ["", "0", "1", "01", "2", "02", "12", "012"]
    assert dict(zip(names, by_set.tolist(), strict=True)) == {
        "": 166375,
        "0": 111375,
        "1": 111375,
        "2": 136125,
        "01": 111375,
        "02": 91125,
        "12": 136125,
        "012": 136125,
    }


@pytest.mark.parametrize(
    ("width", "counts", "longer"),
    [(2, [1980, 3735, 2385], 4860), (3, [108900, 278325, 291600, 131175], 489600)],
    ids=["exactly two digits", "exactly three digits"],
)
def test_counts_of_carries_with_exactly_so_many_digits(width, counts, longer):
    x, y = every_pair(10 ** (width - 1), 10**width - 1)
    flags = carries(x, y, width)
    assert np.bincount(flags.sum(axis=1)).tolist() == counts
    assert int(flags[:, -1].sum()) == int((x + y >= 10**width).sum()) == longer


def test_digit_sum_identity_for_all_pairs_up_to_three_digits():
    x, y = every_pair(0, 999)
    lost = digits(x, 3).sum(axis=1) + digits(y, 3).sum(axis=1) - digits(x + y, 4).sum(axis=1)
    assert np.array_equal(carries(x, y, 3).sum(axis=1) * 9, lost)


def test_columns_of_all_pairs_up_to_two_digits_as_written_down():
    x, y = every_pair(0, 99)
    pairs = list(zip(x.tolist(), y.tolist(), strict=True))
    assert carries(x, y, 2).tolist() == [written_sum(a, b, 2) for a, b in pairs]
    assert borrows(x, y, 2).tolist() == [written_difference(a, b, 2) for a, b in pairs]


def test_counts_of_borrows_up_to_three_digits():
    """A borrow out of column i means x mod 10^(i+1) < y mod 10^(i+1); of ordered pairs x >= y none leaves the top."""
    x, y = every_pair(0, 999)
    keep = x >= y
    flags = borrows(x[keep], y[keep], 3)
    assert flags[:, 2].sum() == 0
    by_hand = Counter(tuple(written_difference(a, b, 2)) for a in range(100) for b in range(a + 1))
    two = borrows(*(column[every_pair(0, 99)[0] >= every_pair(0, 99)[1]] for column in every_pair(0, 99)), 2)
    assert Counter(map(tuple, two.tolist())) == by_hand == {(0, 0): 3025, (1, 0): 2025}
    # a borrow in a difference is a carry in the sum that undoes it: x - y = d  <->  d + y = x
    assert np.array_equal(flags, carries(x[keep] - y[keep], y[keep], 3))


@given(NUMBER, NUMBER)
def test_carries_and_borrows_of_long_numbers_as_written_down(x, y):
    assert carries(np.array(x), np.array(y), WIDTH).tolist() == written_sum(x, y, WIDTH)
    x, y = max(x, y), min(x, y)
    assert borrows(np.array(x), np.array(y), WIDTH).tolist() == written_difference(x, y, WIDTH)


@given(NUMBER, NUMBER)
def test_columns_rebuild_the_sum_and_the_difference(x, y):
    """sum_i = x_i + y_i + carry_{i-1} - 10 carry_i, and the same with borrows: nothing else happens."""
    x, y = max(x, y), min(x, y)
    dx, dy = digits(np.array(x), WIDTH), digits(np.array(y), WIDTH)
    for flags, total, sign in ((carries(x, y, WIDTH), x + y, 1), (borrows(x, y, WIDTH), x - y, -1)):
        into = np.concatenate([[0], flags[:-1]])
        columns = dx + sign * dy + sign * into - sign * 10 * flags
        assert columns.tolist() == digits(np.array(total), WIDTH + 1)[:WIDTH].tolist()


@given(NUMBER, NUMBER)
def test_laws_of_carries(x, y):
    flags = carries(x, y, WIDTH)
    assert np.array_equal(flags, carries(y, x, WIDTH))
    assert not carries(x, np.array(0), WIDTH).any()
    assert not borrows(x, x, WIDTH).any()
    assert np.array_equal(carries(x * 10, y * 10, WIDTH + 1)[1:], flags)  # a shift moves every carry with it
    wrapped = sum(map(int, str(x))) + sum(map(int, str(y))) - sum(map(int, str(x + y)))
    assert flags.sum() * 9 == wrapped


@given(st.lists(st.lists(st.integers(0, 1), min_size=6, max_size=6), min_size=1, max_size=5))
def test_longest_chain_is_the_longest_run_of_ones(rows):
    expected = [max(map(len, "".join(map(str, row)).split("0"))) for row in rows]
    assert longest_chain(np.array(rows)).tolist() == expected


@given(st.lists(NUMBER, min_size=1, max_size=5))
def test_digits_are_the_written_digits_units_first(numbers):
    assert digits(np.array(numbers), WIDTH).tolist() == [[int(d) for d in str(n).zfill(WIDTH)[::-1]] for n in numbers]


def test_leading_axes_are_kept():
    x = np.array([[99, 5, 40], [0, 1, 2]])
    assert digits(x, 2).shape == carries(x, x, 2).shape == borrows(x, x, 2).shape == (2, 3, 2)
    assert longest_chain(carries(x, x, 2)).tolist() == [[2, 1, 0], [0, 0, 0]]
    assert digits(x, 2).dtype == carries(x, x, 2).dtype == borrows(x, x, 2).dtype == np.int64
    assert longest_chain(np.zeros((0, 3), int)).shape == (0,)


def test_bad_input():
    with pytest.raises(InterpError, match=r"3\.\.1000 does not fit 3 digits; use integers from 0 to 999"):
        digits(np.array([3, 1000]), 3)
    with pytest.raises(InterpError, match="does not fit 2 digits"):
        digits(np.array([-1]), 2)
    for function in (carries, borrows):
        with pytest.raises(InterpError, match="need integers >= 0"):
            function(np.array([5]), np.array([-5]), 2)
