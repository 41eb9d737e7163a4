"""Models that multiply by construction, and a checkpoint of eight steps: what the methods on products are tested on."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch

from interp.models.multiplication import complete
from interp.tasks import multiplication as task

SIZE = 20.0
STEPS = 8
TINY: dict[str, Any] = {
    "trainer": "multiplication",
    "n_digits": 2,
    "architecture": {"n_layer": 2, "n_head": 2, "n_embd": 16, "n_positions": 32},
    "steps": STEPS,
    "batch": 8,
    "learning_rate": [[0, 1e-3]],
    "evaluate_every": 4,
    "evaluate_prompts": 20,
    "measure_every": 2,
    "save_every": STEPS,
}


class Calculator(torch.nn.Module):
    """Foretells the next token of every question: the signs, and SIZE on the right digit of each column it `knows`.

    In a column that it does not know it says 0. It reads the operands alone, never the digits told.
    """

    def __init__(self, n: int, knows: tuple[int, ...] | None = None, last_b: bool = True) -> None:
        super().__init__()
        self.n, self.knows, self.last_b = n, range(2 * n) if knows is None else knows, last_b
        self.weight, self.cfg = torch.nn.Parameter(torch.zeros(1)), SimpleNamespace(model_name="calculator")

    def forward(self, tokens: torch.Tensor, attention_mask: Any = None) -> torch.Tensor:
        n, read = self.n, tokens.cpu().numpy()
        a, b = (read[:, start : start + n] @ 10 ** np.arange(n) for start in (0, n + 1))
        b = b if self.last_b else b - read[:, 2 * n] * 10 ** (n - 1)
        answer = task.columns(a, b, n).answer
        answer = np.where(np.isin(np.arange(2 * n), list(self.knows)), answer, 0)
        signs = np.full((len(a), 3), [task.END, task.ANSWER, task.END])
        target = np.concatenate([np.zeros((len(a), 2 * n + 1), int), signs[:, :2], answer, signs[:, 2:]], axis=1)
        return SIZE * torch.nn.functional.one_hot(torch.from_numpy(target), 16).float()[:, : tokens.shape[1]]


def train_tiny(directory: Path, **changes: Any) -> Path:
    """Train TINY for its eight steps and return its directory."""
    from interp.models.multiplication_training import train_multiplication

    train_multiplication(complete({**TINY, **changes}), directory)
    return directory
