"""Which digits does a model read and write when it multiplies by one digit, multiplies, or adds? Fixed widths.

    a_{n-1} .. a_0 * u # c_n .. c_0             ordinal: the answer from its highest digit
    a_{n-1} .. a_0 * u # c_0 .. c_n             reversed: from the units

Operands always stand highest digit first, padded with zeros; digits are uniform, so numbers are too. Answer digit c_k
is foretold at the token before it ("#" for the first one). Ids are those of `interp.tasks.multiplication`: the digit is
its id, "#" stands where the source has "=".
Simple samples (for products): only one digit of the second factor is not fixed to zero, at a uniform place.
Nines (for sums): of such a question each column is made to sum to nine with probability .4.
Qiu et al. 2024, arXiv:2407.15360; Quirke, Neo & Barez 2024, arXiv:2402.02619 (nines, in their code).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Int

from interp.errors import InterpError, nearest
from interp.tasks import subtasks
from interp.tasks.multiplication import ANSWER, PLUS, SYMBOLS, TIMES, digits
from interp.tasks.prompts import Prompts
from interp.tasks.splits import in_split

ORDERS = ("ordinal", "reversed")
SIGNS = {"*": (TIMES, "times"), "+": (PLUS, "plus")}
FORCED = 0.4
WIDEST = 8
"""Digits of an operand: sixteen-digit products still fit 64 bits."""


class Form(NamedTuple):
    """How a question is written: its sign (* or +), the digits of both operands, the order of the answer."""

    sign: str
    first: int
    second: int
    order: str

    @property
    def width(self) -> int:
        """Return the digits of the answer."""
        return self.first + (self.second if self.sign == "*" else 1)

    @property
    def start(self) -> int:
        """Return the position of "#", from which the first answer digit is foretold."""
        return self.first + self.second + 1

    @property
    def columns(self) -> list[int]:
        """Return the column c_k that each written answer digit has, in the order of writing."""
        return list(range(self.width)) if self.order == "reversed" else list(range(self.width))[::-1]


def check(form: Form) -> Form:
    """Return `form`. Raises InterpError for an unknown sign or order, a bad width, or a sum of unequal widths."""
    if form.sign not in SIGNS:
        raise InterpError(f"unknown sign {form.sign!r}: expected {' or '.join(SIGNS)}; choose one.")
    if form.order not in ORDERS:
        raise InterpError(f"unknown order {form.order!r}. {nearest(form.order, ORDERS)}")
    if not (1 <= form.first <= WIDEST and 1 <= form.second <= WIDEST):
        raise InterpError(f"operands of {form.first} and {form.second} digits: expected 1 to {WIDEST}; change them.")
    if form.sign == "+" and form.first != form.second:
        raise InterpError(f"a sum of {form.first} and {form.second} digits: expected equal widths; change one.")
    return form


def draw(
    form: Form, count: int, seed: int | tuple[int, ...], split: str = "all", nines: float = 0.0, simple: float = 0.0
) -> Int[np.ndarray, "problem operand"]:
    """Return `count` pairs of operands of a split, uniform but for a share of `nines` and of `simple` questions.

    Repeats are possible; a pair and its mirror are in one split (`in_split`). Raises InterpError for an unknown split.
    """
    rng, found = np.random.default_rng(seed), np.empty((0, 2), np.int64)
    tens = [10 ** np.arange(width) for width in (form.first, form.second)]
    while len(found) < count:
        n = 2 * count + 64
        a, b = (rng.integers(0, 10, (n, len(ten))) for ten in tens)
        if nines:
            forced = (rng.random(n) < nines)[:, None] & (rng.random(a.shape) < FORCED)
            b = np.where(forced, 9 - a, b)
        if simple:
            kept = np.arange(form.second) == rng.integers(0, form.second, n)[:, None]
            b = np.where(kept | (rng.random(n) >= simple)[:, None], b, 0)
        ab = np.stack([a @ tens[0], b @ tens[1]], axis=1)
        found = np.concatenate([found, ab if split == "all" else ab[in_split(ab, split)]])
    return found[:count]


def answer_digits(form: Form, ab: Int[np.ndarray, "problem operand"]) -> Int[np.ndarray, "problem column"]:
    """Return the digits c_0, c_1 ... of the answers, the units first whatever the order of writing."""
    a, b = np.asarray(ab).T
    return digits(a * b if form.sign == "*" else a + b, form.width)


def sequences(form: Form, ab: Int[np.ndarray, "problem operand"]) -> Int[np.ndarray, "problem token"]:
    """Return whole sequences, question and answer, as token ids."""
    a, b = np.asarray(ab).T
    signs = [np.full((len(a), 1), token) for token in (SIGNS[form.sign][0], ANSWER)]
    asked = [digits(a, form.first)[:, ::-1], signs[0], digits(b, form.second)[:, ::-1], signs[1]]
    return np.concatenate([*asked, answer_digits(form, ab)[:, form.columns]], axis=1)


def roles(form: Form) -> tuple[str, ...]:
    """Return the role of every token but the last, which nothing is foretold from."""
    a, b = ([f"{name}{i}" for i in reversed(range(n))] for name, n in (("a", form.first), ("b", form.second)))
    written = [f"c{k}" for k in form.columns]
    return (*a, SIGNS[form.sign][1], *b, "#", *written[:-1])


def cells(form: Form, ab: Int[np.ndarray, "problem operand"]) -> dict[str, np.ndarray]:
    """Return the subtask masks by name, bool [problem, column], over all answer columns (False where there is no cell).

    Empty for a product of longer factors, whose columns are no cells of one kind.
    """
    a, b = np.asarray(ab).T
    if form.sign == "+":
        return subtasks.sum_cells(a, b, form.first).masks
    if form.second > 1:
        return {}
    masks = subtasks.product_cells(a, b, form.first).masks
    return {name: np.pad(mask, ((0, 0), (0, 1))) for name, mask in masks.items()}


def prompts(form: Form, ab: Int[np.ndarray, "problem operand"], split: str = "own") -> Prompts:
    """Return the questions, told all answer digits but the last, which is the answer of the prompt."""
    tokens, answer = sequences(form, ab), answer_digits(form, ab)
    sides = (("a", 0, form.first), ("b", 1, form.second))
    variables = {f"{side}{i}": digits(ab[:, j], n)[:, i] for side, j, n in sides for i in range(n)}
    variables |= {f"c{k}": column for k, column in enumerate(answer.T)}
    return Prompts(
        tokens=tokens[:, :-1],
        roles=roles(form),
        texts=tuple(f"{a} {form.sign} {b}" for a, b in ab.tolist()),
        answers=tuple(SYMBOLS[digit] for digit in tokens[:, -1]),
        answer_ids=tokens[:, -1],
        variables=variables,
        task=f"{form.first} {form.sign} {form.second} digits",
        style=form.order,
        split=split,
    )


def foretold_at(form: Form, column: int) -> str:
    """Return the role of the token at which c_`column` is foretold. Raises InterpError for no such column."""
    if not 0 <= column < form.width:
        raise InterpError(f"there is no digit c{column}: expected 0 to {form.width - 1}; choose one of those.")
    return roles(form)[form.start + form.columns.index(column)]
