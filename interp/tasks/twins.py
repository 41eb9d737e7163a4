"""What changes between a prompt and its twin? Corrupted prompts that differ in one thing and keep the rest.

    swap_operand   one operand is another number, the other operands stay
    swap_operator  one operator becomes the other (+ and -), all operands stay
    keep_result    the operands change, the result stays
    flip_carry     one operand changes so that exactly one carry (or borrow) toggles and its other digits stay

Twins are row-aligned, come from the same split, have the same roles, and (except keep_result) another answer.
`changed` and `kept` name what was asked of every pair. A prompt for which the space holds no such twin is left
out; `Twins.dropped` counts them.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from interp.errors import InterpError, nearest
from interp.tasks import numbers
from interp.tasks.expression import chain
from interp.tasks.prompts import Prompts, from_operands
from interp.tasks.task import Task

RECIPES = ("swap_operand", "swap_operator", "keep_result", "flip_carry")


@dataclass(frozen=True)
class Twins:
    """Clean and corrupted prompts, row for row; what was changed and what was kept; prompts left without a twin."""

    clean: Prompts
    corrupted: Prompts
    changed: tuple[str, ...]
    kept: tuple[str, ...]
    dropped: int = 0

    def __post_init__(self) -> None:
        if len(self.clean) != len(self.corrupted) or self.clean.roles != self.corrupted.roles:
            raise InterpError(
                f"twins are not aligned: {len(self.clean)} x {len(self.clean.roles)} tokens against "
                f"{len(self.corrupted)} x {len(self.corrupted.roles)}; give both sides the same length and roles."
            )

    def __len__(self) -> int:
        return len(self.clean)


def twins(
    task: Task,
    tokenizer: Any,
    style: str = "plain",
    split: str = "test",
    n: int | None = None,
    recipe: str = "swap_operand",
    place: str | None = None,
    seed: int = 0,
) -> Twins:
    """Return up to `n` pairs of `recipe`, drawn by `seed`; all that there are when n is None.

    `place` is the operand (swap_operand, flip_carry; default: the last one), or the operator role (swap_operator;
    default op1); keep_result has none. Raises InterpError for an unknown recipe or place, n < 1, or when no prompt
    of the split has a twin.
    """
    if recipe not in RECIPES:
        raise InterpError(f"unknown twin recipe {recipe!r}. {nearest(recipe, RECIPES)}")
    if n is not None and n < 1:
        raise InterpError(f"n = {n} pairs asked for; use at least 1.")
    space = task.space(split)
    plan = _PLANS[recipe](task, space, place)
    order = np.random.default_rng(seed).permutation(len(space))
    pairs, tried = _match(order, plan.candidates, n, np.random.default_rng((seed, 1)))
    if not pairs:
        where = f" at {place}" if place else ""
        raise InterpError(f"no prompt of {task.name!r} ({split}) has a {recipe} twin{where}; try another recipe.")
    clean_rows, twin_rows = np.array(pairs).T
    return Twins(
        from_operands(task, tokenizer, space[clean_rows], style, split),
        from_operands(plan.other, tokenizer, space[twin_rows], style, split),
        plan.changed,
        plan.kept,
        dropped=tried - len(pairs),
    )


class _Plan(NamedTuple):
    """The task of the twins, row -> the rows that can be its twin, and the names of what changes and what stays."""

    other: Task
    candidates: Callable[[int], np.ndarray]
    changed: tuple[str, ...]
    kept: tuple[str, ...]


def _swap_operand(task: Task, space: np.ndarray, place: str | None) -> _Plan:
    column, others = _operand(task, place)
    neighbours, result = _sharing(space[:, others]), task.steps(space)["result"]

    def candidates(row: int) -> np.ndarray:
        rows = neighbours(row)
        return rows[result[rows] != result[row]]

    return _Plan(task, candidates, (task.operands[column], "result"), tuple(task.operands[i] for i in others))


def _swap_operator(task: Task, space: np.ndarray, place: str | None) -> _Plan:
    place = place or "op1"
    other = _with_operator_swapped(task, place)
    steps = other.steps(space)
    valid = np.all([v >= 0 for v in steps.values()], axis=0) & (steps["result"] != task.steps(space)["result"])
    return _Plan(other, lambda row: np.arange(row, row + valid[row]), (place, "result"), task.operands)


def _keep_result(task: Task, space: np.ndarray, place: str | None) -> _Plan:
    if place is not None:
        raise InterpError(f"keep_result changes every operand and has no place; leave {place!r} out.")
    neighbours = _sharing(task.steps(space)["result"][:, None])

    def candidates(row: int) -> np.ndarray:
        rows = neighbours(row)
        return rows[(space[rows] != space[row]).all(axis=1)]

    return _Plan(task, candidates, task.operands, ("result",))


def _flip_carry(task: Task, space: np.ndarray, place: str | None) -> _Plan:
    column, others = _operand(task, place)
    name = task.operands[column]
    table = task.variables(space)
    flags = [v for key, v in table.items() if re.search(r"_(carry|borrow)\d+$", key)]
    if not flags:
        raise InterpError(f"task {task.name!r} has no + or - and so no carry to flip; use swap_operand.")
    flag, digit = np.stack(flags, axis=1), numbers.digits(space[:, column], len(str(task.bounds[name][1])))
    neighbours, result = _sharing(space[:, others]), table["result"]

    def candidates(row: int) -> np.ndarray:
        rows = neighbours(row)
        one_digit = (digit[rows] != digit[row]).sum(axis=1) == 1
        one_flag = (flag[rows] != flag[row]).sum(axis=1) == 1
        return rows[one_digit & one_flag & (result[rows] != result[row])]

    return _Plan(task, candidates, (name, "carry", "result"), tuple(task.operands[i] for i in others))


_PLANS = {
    "swap_operand": _swap_operand,
    "swap_operator": _swap_operator,
    "keep_result": _keep_result,
    "flip_carry": _flip_carry,
}


def _with_operator_swapped(task: Task, role: str) -> Task:
    """The chain that differs from `task` in the operator `role` only (op1 -> the first, op2 -> the second)."""
    signs = list(task.operators)
    roles = [f"op{i + 1}" for i in range(len(signs))]
    if role not in roles:
        raise InterpError(f"task {task.name!r} has no operator {role!r}. {nearest(role, roles)}")
    if task.wordings:
        raise InterpError(
            f"task {task.name!r} has wordings of its own, which fix the operator; use swap_operand, or pairs in a file."
        )
    i = roles.index(role)
    signs[i] = {"+": "-", "-": "+"}[signs[i]]
    swapped = chain(tuple(signs))
    return Task(swapped + "".join(task.name.partition("@")[1:]), swapped, task.ranges)


def _operand(task: Task, place: str | None) -> tuple[int, list[int]]:
    """The column of the operand `place` (the last one when None) and the other columns."""
    place = task.operands[-1] if place is None else place
    if place not in task.operands:
        raise InterpError(f"task {task.name!r} has no operand {place!r}. {nearest(place, task.operands)}")
    column = task.operands.index(place)
    return column, [i for i in range(len(task.operands)) if i != column]


def _sharing(values: np.ndarray) -> Callable[[int], np.ndarray]:
    """Return row -> all rows, rising, with the same `values` [row, ...]; one sort instead of a search a row."""
    group = np.unique(values, axis=0, return_inverse=True)[1].reshape(-1)
    rows = np.argsort(group, kind="stable")
    start = np.searchsorted(group[rows], np.arange(group.max(initial=-1) + 2))
    return lambda row: rows[start[group[row]] : start[group[row] + 1]]


def _match(
    order: np.ndarray, candidates: Callable[[int], np.ndarray], wanted: int | None, draw: np.random.Generator
) -> tuple[list[tuple[int, int]], int]:
    """Return (row, twin) for the first `wanted` rows of `order` that have one, and how many rows were tried."""
    pairs: list[tuple[int, int]] = []
    for tried, row in enumerate(order.tolist()):
        if len(pairs) == wanted:
            return pairs, tried
        found = candidates(row)
        if len(found):
            pairs.append((row, int(draw.choice(found))))
    return pairs, len(order)
