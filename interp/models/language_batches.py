"""What does a language training see at a step? Prompts of the train split, in rectangular buckets.

A batch is drawn by a generator seeded with (seed, step) and is a function of the recipe and the step alone. Each
bucket holds prompts of one style and one length; nothing is padded.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from interp.errors import InterpError
from interp.tasks import check_task, from_operands, named_task


class Table(NamedTuple):
    """All train prompts of one task in one style, as tokens int64 [prompt, pos] and answers int64 [prompt]."""

    tokens: Tensor
    answers: Tensor


def token_table(task_name: str, style: str, tokenizer: Any) -> Table:
    """Return every train prompt of a task and style, made by writing operand tokens into one encoded exemplar.

    That shortcut is checked against `interp.tasks.from_operands` on 64 prompts. Raises InterpError for a task with
    numbers that are not one token.
    """
    task = named_task(task_name)
    check_task(task, tokenizer)
    space = task.space("train")
    rows = np.random.default_rng(0).choice(len(space), size=min(64, len(space)), replace=False)
    sample = from_operands(task, tokenizer, space[rows], style, "train")
    tokens = np.repeat(sample.tokens[:1], len(space), axis=0)
    ids = np.array(tokenizer.convert_tokens_to_ids([str(n) for n in range(200)]))
    tokens[:, sample.positions(task.operands)] = ids[space]
    answers = ids[task.steps(space)["result"]]
    if not (np.array_equal(tokens[rows], sample.tokens) and np.array_equal(answers[rows], sample.answer_ids)):
        raise InterpError(f"{task_name} {style}: prompts depend on their context; train on encoded prompts instead.")
    return Table(torch.from_numpy(tokens), torch.from_numpy(answers))


def buckets(recipe: dict[str, Any], tables: dict[tuple[str, str], Table], step: int) -> Iterator[Table]:
    """Yield the rectangular parts of the batch of `step`: `styles_per_step` styles x prompts of equal length."""
    draw = np.random.default_rng((recipe["seed"], step))
    phase = next((p for p in recipe["phases"] if step < p["until"]), recipe["phases"][-1])
    styles, weights = zip(*phase["styles"].items(), strict=True)
    chosen = draw.choice(
        len(styles),
        size=min(recipe["styles_per_step"], len(styles)),
        replace=False,
        p=np.array(weights) / sum(weights),
    )
    share = recipe["batch"] // len(chosen) // len(recipe["tasks"])
    for style in (styles[i] for i in chosen):
        by_length: dict[int, list[Table]] = {}
        for task in recipe["tasks"]:
            table = tables[task, style]
            rows = torch.from_numpy(draw.integers(len(table.answers), size=share))
            by_length.setdefault(table.tokens.shape[1], []).append(Table(table.tokens[rows], table.answers[rows]))
        for parts in by_length.values():
            yield Table(torch.cat([p.tokens for p in parts]), torch.cat([p.answers for p in parts]))
