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
from typing import Any

import numpy as np

from interp.errors import InterpError, nearest
from interp.tasks.prompts import Prompts, from_operands
from interp.tasks.task import TASKS, Task

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
    """Return up to `n` pairs of `recipe`.

    `place` is the operand (swap_operand, flip_carry; default: the last one), or the operator role (swap_operator;
    default op1). Raises InterpError for an unknown recipe or place, or when no prompt of the split has a twin.
    """
    if recipe not in RECIPES:
        raise InterpError(f"unknown twin recipe {recipe!r}. {nearest(recipe, RECIPES)}")
    space = task.space(split)
    order = np.random.default_rng(seed).permutation(len(space))
    wanted = len(space) if n is None else n
    if recipe == "swap_operator":
        other, place = _with_operator_swapped(task, place or "op1")
        valid = np.all([v >= 0 for v in other.steps(space).values()], axis=0)
        differs = valid & (other.steps(space)["result"] != task.steps(space)["result"])
        pairs = [(row, row) for row in order if differs[row]][:wanted]
        changed, kept = (place, "result"), task.operands
    else:
        other, place = task, _operand(task, place)
        choose, changed, kept = _matchers(task, space, recipe, place)
        pairs = _match(order, choose, wanted, np.random.default_rng((seed, 1)))
    if not pairs:
        raise InterpError(f"no prompt of {task.name!r} ({split}) has a {recipe} twin at {place}; try another recipe.")
    clean_rows, twin_rows = np.array(pairs).T
    tried = int(np.flatnonzero(order == clean_rows[-1])[0]) + 1
    return Twins(
        from_operands(task, tokenizer, space[clean_rows], style, split),
        from_operands(other, tokenizer, space[twin_rows], style, split),
        changed,
        kept,
        dropped=tried - len(pairs),
    )


def _with_operator_swapped(task: Task, role: str) -> tuple[Task, str]:
    """The known task that differs from `task` in the operator `role` only (op1 -> 0, op2 -> 1)."""
    signs = list(task.operators)
    roles = [f"op{i + 1}" for i in range(len(signs))]
    if role not in roles:
        raise InterpError(f"task {task.name!r} has no operator {role!r}. {nearest(role, roles)}")
    i = roles.index(role)
    signs[i] = {"+": "-", "-": "+"}.get(signs[i], signs[i])
    name = task.operands[0] + "".join(s + x for s, x in zip(signs, task.operands[1:], strict=True))
    if name not in TASKS or name == task.name:
        raise InterpError(f"task {task.name!r} has no twin with {role} swapped; use swap_operand for own tasks.")
    return Task(name, TASKS[name].expression, task.ranges, TASKS[name].wordings), role


def _operand(task: Task, place: str | None) -> str:
    place = task.operands[-1] if place is None else place
    if place not in task.operands:
        raise InterpError(f"task {task.name!r} has no operand {place!r}. {nearest(place, task.operands)}")
    return place


Chooser = Callable[[int], np.ndarray]


def _matchers(
    task: Task, space: np.ndarray, recipe: str, place: str
) -> tuple[Chooser, tuple[str, ...], tuple[str, ...]]:
    """Return row -> bool mask of its possible twins, and the names of what changes and what stays."""
    column = task.operands.index(place)
    others = [i for i in range(len(task.operands)) if i != column]
    result = task.steps(space)["result"]

    def same_others(row: int) -> np.ndarray:
        return (space[:, others] == space[row, others]).all(axis=1) & (result != result[row])

    if recipe == "swap_operand":
        return same_others, (place, "result"), tuple(task.operands[i] for i in others)
    if recipe == "keep_result":
        return (
            lambda row: (result == result[row]) & (space != space[row]).all(axis=1),
            task.operands,
            ("result",),
        )
    table = task.variables(space)
    flags = np.stack([v for name, v in table.items() if re.search(r"_(carry|borrow)\d+$", name)], axis=1)
    digit = np.stack([table[f"{place}{i}"] for i in range(len(str(task.ranges[column][2])))], axis=1)

    def one_flag(row: int) -> np.ndarray:
        one_digit = (digit != digit[row]).sum(axis=1) == 1
        return same_others(row) & one_digit & ((flags != flags[row]).sum(axis=1) == 1)

    return one_flag, (place, "carry", "result"), tuple(task.operands[i] for i in others)


def _match(order: np.ndarray, choose: Chooser, wanted: int, draw: np.random.Generator) -> list[tuple[int, int]]:
    pairs: list[tuple[int, int]] = []
    for row in order:
        if len(pairs) == wanted:
            break
        candidates = np.flatnonzero(choose(row))
        if len(candidates):
            pairs.append((int(row), int(draw.choice(candidates))))
    return pairs
