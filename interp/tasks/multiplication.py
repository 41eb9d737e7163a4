"""What happens when two numbers are multiplied by hand? Digits, columns, carries, and the steps written out.

    a = sum_i a_i 10^i,  b = sum_j b_j 10^j          digits are always least significant first
    s_k = sum_{i + j = k} a_i b_j                     the products of column k
    running_k = s_k + carry_{k-1}                     carry_{-1} = 0
    c_k = running_k mod 10,  carry_k = floor(running_k / 10),      k = 0 .. 2n - 1

The written steps (a chain of thought, `steps`) are the partial products p_j = a b_j 10^j and their sums so far:

    p_0 + p_1 ( p_0 + p_1 ) + p_2 ( p_0 + p_1 + p_2 ) + ... + p_{n-1}         the last sum is the answer itself

Worked example: 2365 x 4347 has running = 35, 65, 66, 70, 48, 22, 10, 1 and the answer 10280655.
Bai et al. 2025, arXiv:2510.00184 (format and quantities); Deng et al. 2024, arXiv:2405.14838 (steps that are removed).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Int

from interp.errors import InterpError

SYMBOLS = (*"0123456789", "*", "+", "(", ")", "<eos>", "#")
"""The vocabulary: a token a digit, and its id is the digit."""
TIMES, PLUS, OPEN, CLOSE, END, ANSWER = range(10, 16)
LARGEST = 6
"""Digits of an operand: 10^12 products still fit, and longer ones are out of reach of these models."""


class Columns(NamedTuple):
    """Every quantity of a product, int64 [problem, column], columns 0 .. 2n - 1 from the units on."""

    products: np.ndarray
    running: np.ndarray
    carry: np.ndarray
    answer: np.ndarray


def digits(numbers: Int[np.ndarray, " problem"], width: int) -> Int[np.ndarray, "problem digit"]:
    """Return the digits, least significant first. Raises InterpError for a number that does not fit the width."""
    numbers = np.asarray(numbers)
    if numbers.size and (numbers.min() < 0 or numbers.max() >= 10**width):
        raise InterpError(f"Numbers from {numbers.min()} to {numbers.max()} do not fit {width} digits; check them.")
    return numbers[:, None] // 10 ** np.arange(width) % 10


def columns(a: Int[np.ndarray, " problem"], b: Int[np.ndarray, " problem"], n: int) -> Columns:
    """Return the columns of a times b, two numbers of at most `n` digits. Raises InterpError where they are longer."""
    _supported(n)
    a_digits, b_digits = digits(a, n), digits(b, n)
    products = np.zeros((len(a_digits), 2 * n), np.int64)
    for i in range(n):
        products[:, i : i + n] += a_digits[:, i : i + 1] * b_digits
    running, carry = np.empty_like(products), np.zeros(len(products), np.int64)
    for k in range(2 * n):
        running[:, k] = products[:, k] + carry
        carry = running[:, k] // 10
    return Columns(products, running, running // 10, running % 10)


def pairs(n: int, count: int, seed: int | tuple[int, ...], split: str = "all") -> Int[np.ndarray, "problem operand"]:
    """Return `count` ordered pairs of numbers of exactly `n` digits, drawn uniformly from a split, repeats possible.

    A pair is always in the same split (`in_split`). Raises InterpError for an unsupported `n` or an unknown split.
    """
    from interp.tasks.splits import in_split

    _supported(n)
    rng, found = np.random.default_rng(seed), np.empty((0, 2), np.int64)
    while len(found) < count:
        drawn = rng.integers(10 ** (n - 1), 10**n, (2 * count + 64, 2))
        kept = drawn if split == "all" else drawn[in_split(drawn, split)]
        found = np.concatenate([found, kept])
    return found[:count]


def steps(a: Int[np.ndarray, " problem"], b: Int[np.ndarray, " problem"], n: int) -> Int[np.ndarray, "problem token"]:
    """Return the tokens of the written steps; every problem of one size has as many (`n_steps`)."""
    a, b = np.asarray(a), np.asarray(b)
    b_digits, total, found = digits(b, n), np.zeros(len(a), np.int64), []
    for j in range(n):
        part = a * b_digits[:, j] * 10**j
        total = total + part
        found.append(digits(part, n + 1 + j))
        if 0 < j < n - 1:
            found += [_sign(OPEN, a), digits(total, n + 1 + j), _sign(CLOSE, a)]
        if j < n - 1:
            found.append(_sign(PLUS, a))
    return np.concatenate(found, axis=1)


def n_steps(n: int) -> int:
    """Return how many tokens `steps` writes: 24 for three digits, 46 for four."""
    return steps(np.array([0]), np.array([0]), n).shape[1]


def sequences(ab: Int[np.ndarray, "problem operand"], n: int) -> Int[np.ndarray, "problem token"]:
    """Return whole training sequences: a0.. * b0.. <eos> steps <eos> # c0.. <eos>."""
    a, b = np.asarray(ab).T
    parts = [digits(a, n), _sign(TIMES, a), digits(b, n), _sign(END, a), steps(a, b, n)]
    parts += [_sign(END, a), _sign(ANSWER, a), columns(a, b, n).answer, _sign(END, a)]
    return np.concatenate(parts, axis=1)


def shortened(
    tokens: Int[np.ndarray, "problem token"], n: int, removed: Int[np.ndarray, " problem"]
) -> tuple[np.ndarray, np.ndarray]:
    """Return `sequences` without the first `removed` step tokens of each, filled up with <eos>, and each one's length.

    Raises InterpError where more is to be removed than there is.
    """
    removed = np.asarray(removed)
    if removed.size and (removed.min() < 0 or removed.max() > n_steps(n)):
        raise InterpError(f"{removed.min()} to {removed.max()} step tokens removed: expected 0 to {n_steps(n)}.")
    first, lengths = 2 * n + 2, tokens.shape[1] - removed
    place = np.arange(int(lengths.max()))[None, :]
    source = np.where(place < first, place, place + removed[:, None])
    inside = source < tokens.shape[1]
    return np.where(inside, np.take_along_axis(tokens, np.minimum(source, tokens.shape[1] - 1), 1), END), lengths


def roles(n: int) -> tuple[str, ...]:
    """Return the role of every token of a question without steps and its answer but the last digit of it.

    The token before an answer digit c_k is where it is foretold: "#" for c0, c0 for c1, and so on.
    """
    operands = (*(f"a{i}" for i in range(n)), "times", *(f"b{i}" for i in range(n)))
    return (*operands, "eos1", "eos2", "#", *(f"c{k}" for k in range(2 * n - 1)))


def _sign(token: int, like: np.ndarray) -> np.ndarray:
    return np.full((len(like), 1), token)


def _supported(n: int) -> None:
    if not 1 <= n <= LARGEST:
        raise InterpError(f"Operands of {n} digits: expected 1 to {LARGEST}; choose another size.")
