"""What happens inside a written sum: digits, carries, borrows and carry chains, exactly.

Columns are counted from the units (column 0). For columns x_i, y_i of two non-negative integers

    carry_i  = 1[x_i + y_i + carry_{i-1} >= 10]        borrow_i = 1[x_i - y_i - borrow_{i-1} < 0]

with carry_{-1} = borrow_{-1} = 0. All functions are vectorised over the leading axes of integer arrays.
Identity used as a test: number of carries = (digitsum(x) + digitsum(y) - digitsum(x + y)) / 9.
"""

from __future__ import annotations

import numpy as np

from interp.errors import InterpError


def digits(numbers: np.ndarray, width: int) -> np.ndarray:
    """Return the `width` lowest decimal digits, units first: int64 [..., width].

    Raises InterpError for a negative number or one that needs more than `width` digits.
    """
    numbers = np.asarray(numbers, dtype=np.int64)
    if numbers.size and (numbers.min() < 0 or numbers.max() >= 10**width):
        raise InterpError(
            f"digits: {numbers.min()}..{numbers.max()} does not fit {width} digits; "
            f"use integers from 0 to {10**width - 1} or a larger width."
        )
    return numbers[..., None] // 10 ** np.arange(width) % 10


def carries(x: np.ndarray, y: np.ndarray, width: int) -> np.ndarray:
    """Return the carry out of each column of x + y, units first: int64 in {0, 1}, [..., width].

    Raises InterpError for a negative number.
    """
    x, y, powers = _lowest(x, y, width)
    return (x + y) // powers


def borrows(x: np.ndarray, y: np.ndarray, width: int) -> np.ndarray:
    """Return the borrow out of each column of x - y, units first: int64 in {0, 1}, [..., width].

    Where x < y the columns above the highest digit borrow too. Raises InterpError for a negative number.
    """
    x, y, _ = _lowest(x, y, width)
    return (x < y).astype(np.int64)


def longest_chain(flags: np.ndarray) -> np.ndarray:
    """Return the longest run of consecutive ones along the last axis (a carry chain): int64 [...]."""
    run = np.zeros(flags.shape[:-1], dtype=np.int64)
    longest = run.copy()
    for column in range(flags.shape[-1]):
        run = (run + 1) * flags[..., column]
        longest = np.maximum(longest, run)
    return longest


def _lowest(x: np.ndarray, y: np.ndarray, width: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What the columns 0..i of x and of y are worth, for each i, and 10^(i + 1)."""
    x, y = np.asarray(x, dtype=np.int64), np.asarray(y, dtype=np.int64)
    if min(x.min(initial=0), y.min(initial=0)) < 0:
        raise InterpError("columns of a negative number asked for; carries and borrows need integers >= 0.")
    powers = 10 ** np.arange(1, width + 1)
    return x[..., None] % powers, y[..., None] % powers, powers
