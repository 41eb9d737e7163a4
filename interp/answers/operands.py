"""How is a model asked at every pair of operands? With the whole grid of a task, or a square of it."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

import numpy as np
import xarray as xr

from interp.answers.question import Question
from interp.errors import InterpError
from interp.store.operand_parameters import Operands
from interp.tasks import named_task

LARGEST_GRID = 250_000
"""Pairs of the widest grid that is asked at once."""


def operands(question: Question) -> xr.Dataset:
    from interp.methods.operands import operands

    p = cast(Operands, question.spec.settings)
    name = str(question.spec.task)
    if question.model.arith.task is None and not name.endswith(".jsonl"):  # before a large grid is written out
        task = named_task(name)
        if len(task.operands) != 2:
            raise InterpError(f"operand maps are over two operands; task {task.name!r} has {', '.join(task.operands)}.")
    grid = question.prompts("all", None)
    pair = [role for role in grid.roles if role in grid.variables]
    inside = np.ones(len(grid), dtype=bool)
    for role in pair:
        column = grid.variables[role]
        inside &= (column >= (p.low or 0)) & (column <= (column.max() if p.high is None else p.high))
    if not inside.any():
        raise InterpError(f"No pair of {grid.task} has both operands in {p.low or 0}..{p.high}. Widen the range.")
    if inside.sum() > LARGEST_GRID:
        raise InterpError(f"{int(inside.sum()):,} pairs are too many; narrow them with --set low=0 --set high=99.")
    grid = replace(grid[inside], split="all")
    sizes = {"layers": p.layers, "n_neurons": p.n_neurons, "direct": p.direct, "probes": p.probes}
    return operands(question.model, grid, n_shuffles=p.n_shuffles, **sizes, **question.how)  # type: ignore[arg-type]
