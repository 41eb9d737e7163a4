"""Which small step does a digit of a written answer need? Cells of a product and of a sum, by what they take in.

Columns count from the units; carry_0 = 0. A product of n digits and one digit u, with b_i = a_i u:

    carry_{i+1} = floor((b_i + carry_i) / 10) in 0..8,          c_i = (b_i + carry_i) mod 10,         c_n = carry_n
    BM    no carry comes in, b_i < 10        base multiplication
    CM    no carry comes in, b_i >= 10       ... that makes a carry
    CA    a carry comes in, a_i = 0          the digit is the carry
    UC    a carry comes in, a_i > 0, (b_i mod 10) + carry_i < 10     it is used
    UCFC  a carry comes in, a_i > 0, (b_i mod 10) + carry_i >= 10    it is used and makes another

A sum of n digits, with s_i = a_i + b_i, has two facts a column (MC1: s_i >= 10, makes a carry; MS9: s_i = 9, passes
one on) and three cells an answer digit (c_n is the last carry alone):

    BA    no carry comes in                  base addition
    UC1   a carry comes in, made next door   MC1_{i-1}
    US9   a carry comes in through a nine    MS9_{i-1}: the cascade

The cells of each operation divide all cells. Qiu et al. 2024, arXiv:2407.15360; Quirke & Barez 2024, arXiv:2310.13121.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Int

from interp.errors import InterpError
from interp.tasks.multiplication import digits

PRODUCT = ("BM", "CM", "CA", "UC", "UCFC")
SUM = ("BA", "UC1", "US9")
FACTS = ("MC1", "MS9")


class Cells(NamedTuple):
    """What every answer digit needs: masks by name, bool [problem, column], and the carry that comes in, int64.

    Of a product the columns are 0 .. n - 1 (the last digit is no cell), of a sum 0 .. n.
    """

    masks: dict[str, np.ndarray]
    carry: np.ndarray


def product_cells(a: Int[np.ndarray, " problem"], u: Int[np.ndarray, " problem"], n: int) -> Cells:
    """Return the cells of a times u. Raises InterpError for a number of more than `n` digits, or a u above 9."""
    a_digits, u = digits(a, n), np.asarray(u)
    if u.size and (u.min() < 0 or u.max() > 9):
        raise InterpError(f"The second factor is {u.min()} to {u.max()}: expected one digit; use the whole product.")
    products, carry = a_digits * u[:, None], np.zeros_like(a_digits)
    for i in range(1, n):
        carry[:, i] = (products[:, i - 1] + carry[:, i - 1]) // 10
    none, small, zero = carry == 0, products < 10, a_digits == 0
    further = products % 10 + carry >= 10
    used = ~none & ~zero
    each = (none & small, none & ~small, ~none & zero, used & ~further, used & further)
    return Cells(dict(zip(PRODUCT, each, strict=True)), carry)


def sum_facts(
    a: Int[np.ndarray, " problem"], b: Int[np.ndarray, " problem"], n: int
) -> dict[str, Int[np.ndarray, "problem column"]]:
    """Return MC1 and MS9 of every column, bool [problem, n]. Raises InterpError for a number of more digits."""
    sums = digits(a, n) + digits(b, n)
    return {"MC1": sums >= 10, "MS9": sums == 9}


def sum_cells(a: Int[np.ndarray, " problem"], b: Int[np.ndarray, " problem"], n: int) -> Cells:
    """Return the cells of a plus b, columns 0 .. n. Raises InterpError for a number of more than `n` digits."""
    facts = sum_facts(a, b, n)
    carry = np.zeros((len(facts["MC1"]), n + 1), np.int64)
    for i in range(n):
        carry[:, i + 1] = facts["MC1"][:, i] | (facts["MS9"][:, i] & (carry[:, i] == 1))
    through = np.concatenate([np.zeros((len(carry), 1), bool), facts["MS9"]], axis=1)
    comes = carry == 1
    return Cells(dict(zip(SUM, (~comes, comes & ~through, comes & through), strict=True)), carry)


def product_frequencies(n: int) -> dict[str, np.ndarray]:
    """Return the share of every cell by column [n], over all 10^(n + 1) products of digits: exact.

    Raises InterpError above six digits, where there are too many to count.
    """
    if not 1 <= n <= 6:
        raise InterpError(f"Cells of {n} digits cannot be counted one by one: expected 1 to 6; draw a sample.")
    shares = {name: np.zeros(n) for name in PRODUCT}
    a = np.arange(10**n)
    for u in range(10):  # one factor at a time: a tenth of the memory
        for name, mask in product_cells(a, np.full(len(a), u), n).masks.items():
            shares[name] += mask.mean(0) / 10
    return shares
