"""Which other prompts may a mean be taken over? The same wording with other operators, or without the task's filter.

    other_operators   every + becomes - and every - becomes +:   a+b-c  ->  a-b+c
    unfiltered        operands drawn independently from their ranges, whatever the steps come to

The steps of a task must not be negative, so in a-b an operand says something about the other one (a >= b): a mean
given b knows E[a | b]. Unfiltered prompts have no such link; they may have no answer, and serve as reference alone.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from interp.errors import InterpError
from interp.tasks.encoding import Item
from interp.tasks.expression import chain
from interp.tasks.prompts import Prompts, encode
from interp.tasks.task import Task

NO_ANSWER = -1


def other_operators(task: Task) -> Task:
    """Return the task with every operator swapped, + and -. Raises InterpError for a task with its own wordings."""
    if task.wordings:
        raise InterpError(f"task {task.name!r} has wordings of its own, which fix the operators; there is no other.")
    swapped = chain(tuple({"+": "-", "-": "+"}[sign] for sign in task.operators))
    return Task(swapped + "".join(task.name.partition("@")[1:]), swapped, task.ranges)


def unfiltered(
    task: Task, tokenizer: Any, style: str = "plain", split: str = "train", n: int | None = None, seed: int = 0
) -> Prompts:
    """Return `n` prompts (all when None) whose operands are any of their ranges, drawn from `split`.

    The split goes by the operands, as everywhere: none of a held-out split is among the train split's. Answers are
    empty and answer_ids -1, which no prediction equals; the variables are the operands. Raises InterpError when the
    tokenizer does not write an operand as one token, or n < 1.
    """
    if n is not None and n < 1:
        raise InterpError(f"n = {n} prompts asked for; use at least 1.")
    space = task.combinations(split)
    if not len(space):
        raise InterpError(f"task {task.name!r} has no operands in split {split!r}; widen its ranges.")
    chosen = space
    if n is not None and n < len(space):
        chosen = space[np.sort(np.random.default_rng(seed).choice(len(space), size=n, replace=False))]
    template = task.template(style)
    rows = (template.fill(dict(zip(task.operands, map(int, row), strict=True))) for row in chosen)
    # the tokenizer must be shown some answer: where the space before it goes depends on it
    encoded = encode(tokenizer, [Item(*row, "0", template.answer_prefix) for row in rows], numeric=task.operands)
    return replace(
        encoded,
        answers=("",) * len(chosen),
        answer_ids=np.full(len(chosen), NO_ANSWER),
        variables={name: chosen[:, i].copy() for i, name in enumerate(task.operands)},
        task=task.name,
        style=style,
        split=f"{split}, unfiltered",
        population=len(space) if split == "all" else 0,
    )
