"""What must the model answer when one inner variable is the source's and everything else is the base's?

For x + y or x - y, written by columns with U = x0 +- y0 (units) and T = x // 10 +- y // 10 (all higher columns):

    U = 10 carry + ones                    carry: 1, 0, or -1 (a borrow);  ones: 0..9
    result = 10 (T + carry) + ones         exact

    carry    the source's carry, the base's ones and T            result +- 10
    ones     the source's ones, the base's carry and T
    units    the source's whole column U: carry and ones
    tens     the source's T, the base's units
    result   everything of the source

A pair is informative when the expected answer is not the base's own, agreeing when the variable is the same in both, so
that the answer must stay. Pairs whose expected answer is no answer of the task are left out: nobody knows what token
would be right.

Source: causal abstraction, Geiger et al. (2021) arXiv 2106.02997; the carry of the MIB benchmark, arXiv 2504.13151.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from interp.errors import InterpError, nearest
from interp.tasks.prompts import Prompts, from_operands
from interp.tasks.task import Task

VARIABLES = ("carry", "ones", "units", "tens", "result")


@dataclass(frozen=True)
class Interchange:
    """Base and source prompts, row for row, and what the answer must become: int [prompt] and token ids [prompt]."""

    base: Prompts
    source: Prompts
    expected: np.ndarray
    expected_ids: np.ndarray
    variable: str

    def __len__(self) -> int:
        return len(self.base)

    def __getitem__(self, rows: Any) -> Interchange:
        """Return the pairs at `rows`: a slice, a boolean mask or integer indices."""
        return Interchange(
            self.base[rows], self.source[rows], self.expected[rows], self.expected_ids[rows], self.variable
        )

    @property
    def informative(self) -> np.ndarray:
        """Return bool [prompt]: the expected answer is not the base's own."""
        return self.expected_ids != self.base.answer_ids


def parts(task: Task, operands: np.ndarray) -> dict[str, np.ndarray]:
    """Return the variables of operands int [prompt, 2]. Raises InterpError unless the task is one sum or difference."""
    if len(task.operators) != 1 or task.operators[0] not in "+-" or len(task.operands) != 2:
        raise InterpError(
            f"task {task.name!r} is no sum or difference of two operands; columns are known for a+b, a-b."
        )
    x, y = np.asarray(operands).T
    sign = 1 if task.operators[0] == "+" else -1
    units, tens = x % 10 + sign * (y % 10), x // 10 + sign * (y // 10)
    return {"carry": units // 10, "ones": units % 10, "units": units, "tens": tens, "result": 10 * tens + units}


def counterfactual(base: dict[str, np.ndarray], source: dict[str, np.ndarray], variable: str) -> np.ndarray:
    """Return the result int [prompt] of the base with one variable of the source. Raises InterpError if unknown."""
    if variable not in VARIABLES:
        raise InterpError(f"unknown causal variable {variable!r}. {nearest(variable, VARIABLES)}")
    taken = {
        "carry": ("carry",), "ones": ("ones",), "units": ("carry", "ones"), "tens": ("tens",),
        "result": ("carry", "ones", "tens"),
    }[variable]  # fmt: skip
    value = {name: (source if name in taken else base)[name] for name in ("carry", "ones", "tens")}
    return 10 * (value["tens"] + value["carry"]) + value["ones"]


def interchanges(
    task: Task, tokenizer: Any, variable: str, style: str = "plain", split: str = "test", n: int = 200, seed: int = 0
) -> Interchange:
    """Return n informative pairs followed by up to n agreeing ones, drawn by seed from one split.

    Raises InterpError for another kind of task, an unknown variable, n < 1, or when no pair is informative.
    """
    space = task.space(split)
    known = parts(task, space)
    if n < 1:
        raise InterpError(f"n = {n} pairs asked for; use at least 1.")
    rng = np.random.default_rng(seed)
    rows = rng.integers(len(space), size=(max(4000, 40 * n), 2))
    rows = rows[rows[:, 0] != rows[:, 1]]
    base, source = ({name: value[side] for name, value in known.items()} for side in rows.T)
    expected = counterfactual(base, source, variable)
    ids = _token_of(task, tokenizer, style)
    there = np.isin(expected, list(ids))
    informative = np.flatnonzero(there & (expected != base["result"]))[:n]
    same = there & (expected == base["result"]) & (source["result"] != base["result"])
    agreeing = np.flatnonzero(same)[:n]
    if not len(informative):
        raise InterpError(f"no pair of {task.name!r} ({split}) tells {variable} apart; choose another variable.")
    kept = np.concatenate([informative, agreeing])
    sides = [from_operands(task, tokenizer, space[column], style, split) for column in rows[kept].T]
    wanted = expected[kept]
    return Interchange(sides[0], sides[1], wanted, np.array([ids[int(value)] for value in wanted]), variable)


def _token_of(task: Task, tokenizer: Any, style: str) -> dict[int, int]:
    """The token of every result that the task has, {result: token id}."""
    space = task.space()
    results, first = np.unique(task.steps(space)["result"], return_index=True)
    prompts = from_operands(task, tokenizer, space[first], style, "all")
    return dict(zip(results.tolist(), prompts.answer_ids.tolist(), strict=True))
