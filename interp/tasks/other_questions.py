"""What is the same question about other numbers? Pairs in which every operand and the result differ.

    clean      a + b = r            corrupted      a' + b' = r'         a' != a,  b' != b,  r' != r

The counterfactual of causal mediation (Stolfo et al. 2023, arXiv 2305.15054) and of component localisation (Nikankin et
al. 2025, arXiv 2410.21272): another prompt of the same wording, drawn at random. The recipes of `interp.tasks.twins`
change one thing and keep the rest; here only the task and the wording are kept.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from interp.errors import InterpError
from interp.tasks.prompts import from_operands
from interp.tasks.task import Task
from interp.tasks.twins import Twins

TRIES = 64
"""Random partners tried for a prompt before it is left out."""


def other_questions(
    task: Task, tokenizer: Any, style: str = "plain", split: str = "test", n: int | None = None, seed: int = 0
) -> Twins:
    """Return up to `n` pairs (all prompts of the split when None), each with a partner drawn from the same split.

    A prompt without a partner among 64 random ones is left out, which `Twins.dropped` counts. Raises InterpError for
    n < 1, or when no prompt has a partner.
    """
    if n is not None and n < 1:
        raise InterpError(f"n = {n} pairs asked for; use at least 1.")
    space = task.space(split)
    rng = np.random.default_rng((seed, 2))
    rows = rng.permutation(len(space))[: len(space) if n is None else n]
    result = task.steps(space)["result"]
    partner = np.full(len(rows), -1)
    for _ in range(TRIES if len(space) else 0):
        open_rows = np.flatnonzero(partner < 0)
        drawn = rng.integers(len(space), size=len(open_rows))
        own = rows[open_rows]
        fits = (space[drawn] != space[own]).all(axis=1) & (result[drawn] != result[own])
        partner[open_rows[fits]] = drawn[fits]
    found = partner >= 0
    if not found.any():
        raise InterpError(
            f"no prompt of {task.name!r} ({split}) has a partner with other operands and another result; use more."
        )
    return Twins(
        from_operands(task, tokenizer, space[rows[found]], style, split),
        from_operands(task, tokenizer, space[partner[found]], style, split),
        (*task.operands, "result"),
        (),
        dropped=int((~found).sum()),
    )
