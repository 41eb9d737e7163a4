"""How far does a training go in one step? AdamW after its clipped gradient, at the rate of the schedule.

lr = scheduled(learning_rate, step);   gradient of the loss, its norm cut to `clip`;   one step of the optimizer
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor


def scheduled(knots: list[list[float]], step: int) -> float:
    """Return the value at `step` of the straight lines through [step, value] knots; constant beyond the ends."""
    steps, values = zip(*knots, strict=True)
    return float(np.interp(step, steps, values))


def descend(
    weights: torch.nn.Module, optimizer: torch.optim.Optimizer, recipe: dict[str, Any], step: int, loss: Tensor
) -> float:
    """Take step number `step` down the gradient of `loss`, and return that loss."""
    for group in optimizer.param_groups:
        group["lr"] = scheduled(recipe["learning_rate"], step)
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(weights.parameters(), recipe["clip"])
    optimizer.step()
    return loss.item()


def matrices_and_gains(model: torch.nn.Module, decay: float = 0.0) -> list[dict[str, Any]]:
    """Return the groups of an optimizer: matrices and embeddings, which decay, and biases and gains, which do not."""
    return [
        {"params": [p for p in model.parameters() if p.ndim > 1], "weight_decay": decay},
        {"params": [p for p in model.parameters() if p.ndim == 1], "weight_decay": 0.0},
    ]
