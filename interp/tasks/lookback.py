"""How far must an adder look back? The carry read from so many columns, and how often that is too few.

    carry_r(i) = MC1_{i-1} or (MS9_{i-1} and (MC1_{i-2} or (... MC1_{i-r})))        r columns are seen
    A_i = (a_i + b_i + carry_r(i)) mod 10,    A_n = carry_r(n)                      r >= n is addition itself

Wrong exactly where a carry comes in through r nines or more. Uniform digits make a column nine with probability .10, a
carry with .45 and neither with .45, independently: all 3^n patterns are counted with their weights, so the rates
below are exact. r = 2, n = 5: 13,500 of a million (a published sample of 4 million has 13,469, standard error 58).

    cascade   S_k of a question: the longest run of a carry and the nines right above it; S_0 has no carry

Quirke & Barez 2024, arXiv:2310.13121; Quirke, Neo & Barez 2024, arXiv:2402.02619 (classes).
"""

from __future__ import annotations

import itertools

import numpy as np
from jaxtyping import Bool, Int

from interp.errors import InterpError
from interp.tasks.multiplication import digits
from interp.tasks.subtasks import sum_facts

NEITHER, NINE, CARRY = range(3)
ODDS = np.array([0.45, 0.10, 0.45])
"""Probabilities of a column of uniform digits: a sum below nine, of nine, above."""
LONGEST = 12


def lookback_digits(
    a: Int[np.ndarray, " problem"], b: Int[np.ndarray, " problem"], n: int, reach: int = 2
) -> Int[np.ndarray, "problem column"]:
    """Return the digits A_0 .. A_n of the algorithm that sees `reach` columns. Raises InterpError for reach < 1."""
    facts = sum_facts(a, b, n)
    carry = _carries(facts["MC1"], facts["MS9"], _seen(reach))
    raw = np.concatenate([digits(a, n) + digits(b, n), np.zeros((len(carry), 1), np.int64)], axis=1)
    return (raw + carry) % 10


def fails(
    a: Int[np.ndarray, " problem"], b: Int[np.ndarray, " problem"], n: int, reach: int = 2
) -> Bool[np.ndarray, " problem"]:
    """Return which sums the algorithm that sees `reach` columns gets wrong in any digit."""
    return (lookback_digits(a, b, n, reach) != digits(np.asarray(a) + np.asarray(b), n + 1)).any(1)


def undecided(
    a: Int[np.ndarray, " problem"], b: Int[np.ndarray, " problem"], n: int, reach: int = 2
) -> Bool[np.ndarray, " problem"]:
    """Return in which sums `reach` columns are all nines above a column that is not seen, carry or not.

    What looks back so far cannot know these; the algorithm, which then says "no carry", fails on those with one.
    """
    nines = sum_facts(a, b, n)["MS9"]
    blind = [nines[:, i - _seen(reach) : i].all(1) for i in range(reach + 1, n + 1)]
    return np.any(blind, axis=0) if blind else np.zeros(len(nines), bool)


def error_rate(n: int, reach: int = 2) -> float:
    """Return the exact share of wrong answers over uniform n-digit operands. Raises InterpError above 12 digits."""
    patterns, weights = _patterns(n)
    facts = patterns == CARRY, patterns == NINE
    wrong = (_carries(*facts, _seen(reach)) != _carries(*facts, n)).any(1)
    return float(weights[wrong].sum())


def cascades(a: Int[np.ndarray, " problem"], b: Int[np.ndarray, " problem"], n: int) -> Int[np.ndarray, " problem"]:
    """Return the class k of S_k of every sum, 0 .. n."""
    facts = sum_facts(a, b, n)
    return _longest(facts["MC1"], facts["MS9"])


def cascade_frequencies(n: int) -> np.ndarray:
    """Return the exact share of S_0 .. S_n over uniform n-digit operands, float64 [n + 1]."""
    patterns, weights = _patterns(n)
    return np.bincount(_longest(patterns == CARRY, patterns == NINE), weights, minlength=n + 1)


def _carries(makes: np.ndarray, passes: np.ndarray, reach: int) -> np.ndarray:
    """Return the carry into columns 0 .. n as seen through `reach` columns, int64 [problem, n + 1]."""
    n = makes.shape[1]
    into = np.zeros((len(makes), n + 1), bool)
    for i in range(1, n + 1):
        for j in range(max(0, i - reach), i):  # the farthest seen column first: nothing comes into it
            into[:, i] = makes[:, j] | (passes[:, j] & into[:, i])
    return into.astype(np.int64)


def _longest(makes: np.ndarray, passes: np.ndarray) -> np.ndarray:
    run = np.zeros(len(makes), np.int64)
    longest = run.copy()
    for i in range(makes.shape[1]):
        run = np.where(makes[:, i], 1, np.where(passes[:, i] & (run > 0), run + 1, 0))
        longest = np.maximum(longest, run)
    return longest


def _patterns(n: int) -> tuple[np.ndarray, np.ndarray]:
    if not 1 <= n <= LONGEST:
        raise InterpError(f"Sums of {n} digits: expected 1 to {LONGEST}; choose another size.")
    patterns = np.array(list(itertools.product(range(3), repeat=n)))
    return patterns, ODDS[patterns].prod(1)


def _seen(reach: int) -> int:
    if reach < 1:
        raise InterpError(f"A look-back of {reach} columns: expected 1 or more; choose another reach.")
    return reach
