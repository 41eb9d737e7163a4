"""All prompts over two operands: of the five architectures (six values each), and of the planted digit models."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from interp.tasks import Task
from interp.tasks.prompts import Prompts
from tests.families import ROLES
from tests.methods.planted import copy_prompts, make_prompts

CONSTANT = dict(zip(ROLES, (1, 0, 30, 0, 31, 32), strict=True))
DIGITS = Task("a-b@0..9", "a-b", (("a", 0, 9), ("b", 0, 9)))


def pair_prompts(n: int = 36, **constant: int) -> Prompts:
    """`n` of the 36 prompts bos a op1 b op2 eq in a fixed random order; `constant` replaces a role's token."""
    a, b = (column[:n] for column in np.divmod(np.random.default_rng(0).permutation(36), 6))
    columns = {role: np.full(len(a), token) for role, token in (CONSTANT | constant).items()}
    built = make_prompts(columns | {"a": a + 5, "b": b + 5}, a + 5)
    return replace(built, population=36)


def digit_pairs(split: str = "filtered") -> Prompts:
    """(bos, a, b, eq) prompts of the digits: those with a >= b ("filtered", 55), or all 100 ("every")."""
    chosen = DIGITS.space() if split == "filtered" else DIGITS.combinations()
    return replace(copy_prompts(*chosen.T, split=split), population=len(chosen))


def joined(first: Prompts, second: Prompts) -> Prompts:
    """The prompts of both, one after the other."""
    return replace(
        first,
        tokens=np.concatenate([first.tokens, second.tokens]),
        texts=first.texts + second.texts,
        answers=first.answers + second.answers,
        answer_ids=np.concatenate([first.answer_ids, second.answer_ids]),
        variables={name: np.concatenate([first.variables[name], second.variables[name]]) for name in first.variables},
    )
