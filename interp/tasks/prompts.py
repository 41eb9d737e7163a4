"""What the model is given: a rectangular batch of tokens in which every position has a role.

`build` draws the prompts of a task from a split, `from_operands` writes those of given operands, `encode` takes
questions as text. All check what the methods rely on (`interp.tasks.encoding`) and never pad. Positions are asked
for by role: `prompts.position("eq")`; `last` is the final one.
"""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from interp.errors import InterpError
from interp.tasks.encoding import Item, tokens_with_roles
from interp.tasks.placed import Placed, drawn
from interp.tasks.task import Task


@dataclass(frozen=True)
class Prompts(Placed):
    """Rectangular prompts: tokens int64 [prompt, pos], one role a position, exact causal variables [prompt].

    `population` is the number of prompts in the whole distribution they enumerate or are a share of, 0 where that is
    not known: as many different prompts as that are all of it, and their mean is exact.
    """

    BY_PROMPT: ClassVar = ("tokens", "texts", "answers", "answer_ids", "variables")

    tokens: np.ndarray
    roles: tuple[str, ...]
    texts: tuple[str, ...]
    answers: tuple[str, ...]
    answer_ids: np.ndarray
    variables: dict[str, np.ndarray]
    task: str
    style: str
    split: str
    population: int = 0

    def __post_init__(self) -> None:
        shapes = {
            len(self.texts),
            len(self.answers),
            len(self.answer_ids),
            *map(len, self.variables.values()),
        }
        if self.tokens.ndim != 2 or shapes != {len(self.tokens)} or len(self.roles) != self.tokens.shape[1]:
            raise InterpError("prompts: tokens, roles, texts, answers and variables do not have one common length.")
        if len(set(self.roles)) != len(self.roles):
            raise InterpError(f"prompts: a role is used twice in {', '.join(self.roles)}; roles must be unique.")

    @functools.cached_property
    def digest(self) -> str:
        """The sha256 of tokens, roles and answers: equal digests are equal questions."""
        text = json.dumps([self.tokens.shape, self.roles, self.answers])
        tokens = np.ascontiguousarray(self.tokens, dtype="<i8")
        return hashlib.sha256(text.encode() + tokens.tobytes()).hexdigest()


def items(task: Task, style: str, operands: np.ndarray) -> list[Item]:
    """Return the questions of `operands` (int [prompt, operand]) in the wording of `style`."""
    template, answers = task.template(style), task.steps(operands)["result"]
    names = task.operands
    rows = (template.fill(dict(zip(names, map(int, row), strict=True))) for row in operands)
    return [
        Item(text, spans, str(answer), template.answer_prefix)
        for (text, spans), answer in zip(rows, answers, strict=True)
    ]


def build(
    task: Task, tokenizer: Any, style: str = "plain", split: str = "test", n: int | None = None, seed: int = 0
) -> Prompts:
    """Return `n` prompts of a task (all when None) drawn from `split` without replacement.

    Raises InterpError when the tokenizer cannot take the task: an operand or an answer of several tokens.
    """
    space = task.space(split)
    if not len(space):
        raise InterpError(f"task {task.name!r} has no prompts in split {split!r}; widen its operand ranges.")
    rows = drawn(len(space), n, seed)
    built = from_operands(task, tokenizer, space if rows is None else space[rows], style, split)
    return replace(built, population=len(space)) if split == "all" else built


def from_operands(
    task: Task, tokenizer: Any, operands: np.ndarray | Sequence[Sequence[int]], style: str = "plain", split: str = "own"
) -> Prompts:
    """Return the prompts of the given operand tuples, integers [prompt, operand] in the order of `task.operands`.

    Raises InterpError as `build`, and for operands of another shape, out of range or with a step below zero.
    """
    given = np.asarray(operands)
    if given.ndim != 2 or given.shape[1] != len(task.operands) or not np.issubdtype(given.dtype, np.integer):
        raise InterpError(
            f"task {task.name!r}: operands of shape {given.shape} and type {given.dtype}; give integers "
            f"[prompt, operand] with the columns {', '.join(task.operands)}."
        )
    given = given.astype(np.int64)
    task.check(given)
    encoded = encode(tokenizer, items(task, style, given), numeric=(*task.operands, "answer"))
    return replace(encoded, variables=task.variables(given), task=task.name, style=style, split=split)


def encode(tokenizer: Any, questions: Sequence[Item], numeric: Sequence[str] = ()) -> Prompts:
    """Return `questions` as Prompts (no variables); the roles in `numeric` ("answer" too) must be one whole number
    token each.

    Raises InterpError as `interp.tasks.encoding.tokens_with_roles`.
    """
    encoded = tokens_with_roles(tokenizer, questions, numeric)
    return Prompts(
        tokens=encoded.tokens,
        roles=encoded.roles,
        texts=tuple(encoded.texts),
        answers=tuple(q.answer for q in questions),
        answer_ids=encoded.answer_ids,
        variables={},
        task="own",
        style="own",
        split="own",
    )
