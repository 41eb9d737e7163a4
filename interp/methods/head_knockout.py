"""How many answers are left when the k strongest heads are set to their mean, beside as many random heads?

    means[layer, pos, head]   over reference prompts;    knockout(k): z of heads order[:k] <- their mean, everywhere

The orders are given: heads by effect, and random draws of the same layers or of any (`random_heads`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from interp.engine import Constant, Intervention, Lean, Site, sweep
from interp.methods.result import token_texts

if TYPE_CHECKING:
    from interp.tasks.prompts import Prompts


def random_heads(
    heads: Sequence[tuple[int, int]], n_layers: int, n_heads: int, rng: np.random.Generator, same_layers: bool
) -> list[tuple[int, int]]:
    """Return as many random heads, in random order: one of each one's layer, or of any layer and none of these."""
    if not same_layers:
        every = [(layer, head) for layer in range(n_layers) for head in range(n_heads)]
        others = [head for head in every if head not in set(heads)]
        chosen = others if len(others) >= len(heads) else every
        return [chosen[i] for i in rng.permutation(len(chosen))[: len(heads)]]
    orders = {layer: rng.permutation(n_heads).tolist() for layer in range(n_layers)}
    return [(layer, int(orders[layer].pop())) for layer, _ in heads]


def head_means(model: Any, reference: Prompts, batch_size: int) -> torch.Tensor:
    """Return the mean of every head at every position [layer, pos, head, d_head]."""
    lean, total = Lean.of(model), torch.zeros(())
    with torch.no_grad():
        for start in range(0, len(reference), batch_size):
            trace = lean.trace(reference.tokens[start : start + batch_size])
            total = total + torch.stack([z.double().sum(0) for z in trace.z])
    return (total / len(reference)).float()


def knockout(
    model: Any, prompts: Prompts, means: torch.Tensor, orders: Sequence[Sequence[tuple[int, int]]], batch_size: int
) -> tuple[np.ndarray, list[str]]:
    """Return whether the answer is given [order, n_removed, prompt], and the first order's commonest wrong output."""
    answers, edits = torch.as_tensor(prompts.answer_ids), []
    for order in orders:
        writes = [Intervention(Site("z", layer, head), "all", Constant(means[layer, :, head])) for layer, head in order]  # type: ignore[arg-type]
        edits += [writes[:k] for k in range(len(order) + 1)]

    def top(logits: torch.Tensor, rows: np.ndarray) -> torch.Tensor:
        return logits.argmax(-1)

    outputs = sweep(model, prompts, edits, top, batch_size=batch_size)
    right = (outputs == answers).numpy().reshape(len(orders), -1, len(prompts))
    first, said = outputs.reshape(len(orders), -1, len(prompts))[0], []
    for row in first:
        wrong = row[row != answers]
        most = int(torch.mode(wrong).values) if len(wrong) else -1
        said.append("" if most < 0 else f"{token_texts(model, np.array([most]))[0]} ({int((wrong == most).sum())})")
    return right, said
