"""How does a small model of written arithmetic learn, digit by digit and subtask by subtask? Stopped anywhere.

    log line  {"step", "train_loss", "cpu_seconds", "digits": {"loss", "accuracy"}, "subtasks", "exact"}

On fixed selection questions: loss (nats) and accuracy of every answer digit by column (units first), told the right
digits before it; `subtasks`: the mean loss over the cells of each (`interp.tasks.written.cells`), none where there is
no such cell; exact: the share of answers that are right. Greedy writing is right exactly when every digit is, told the
right ones before it, so `exact` is that of writing alone too; by digit the two differ (`written_digits`).
The directory is that of `interp.models.training_directory`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Unpack

import numpy as np
import torch
from torch import Tensor

from interp.models.descent import descend
from interp.models.multiplication import build_model
from interp.models.symbol_tokenizer import symbol_tokenizer
from interp.models.training_loop import Sitting, Training, run
from interp.models.written import answer_logits, batch_at, complete, form_of, loss_of
from interp.tasks import written as task


def train_written(recipe: dict[str, Any], directory: Path, **sitting: Unpack[Sitting]) -> dict[str, float]:
    """Train (or continue) the recipe in `directory` (`training_loop.run`); return exact and digit_accuracy.

    Both are in [0, 1], on the selection split. Raises InterpError for a recipe that cannot be used.
    """
    return run(_training, complete(recipe), directory, **sitting)


@torch.no_grad()
def measured(model: Any, recipe: dict[str, Any]) -> dict[str, Any]:
    """Return digits (loss in nats and accuracy by column), subtasks (nats by name) and exact [0, 1]."""
    form = form_of(recipe)
    ab = task.draw(form, recipe["measure_prompts"], 0, "selection")
    ids = torch.from_numpy(task.sequences(form, ab)).to(next(model.parameters()).device)
    logits, right = answer_logits(model, form, ids), ids[:, form.start + 1 :]
    written = torch.nn.functional.cross_entropy(logits.transpose(1, 2), right, reduction="none").double()
    place_of = np.argsort(form.columns)
    nats, said = written.cpu().numpy()[:, place_of], (logits.argmax(-1) == right).cpu().numpy()[:, place_of]
    cells = {name: mask for name, mask in task.cells(form, ab).items() if mask.any()}
    return {
        "digits": {"loss": _rounded(nats.mean(0)), "accuracy": _rounded(said.mean(0))},
        "subtasks": {name: round(float(nats[mask].mean()), 6) for name, mask in cells.items()},
        "exact": float(said.all(1).mean()),
    }


@torch.no_grad()
def written_digits(model: Any, form: task.Form, tokens: Tensor) -> Tensor:
    """Return the digits [problem, digit] that the model writes greedily after the question, its own ones told.

    `tokens` may be whole sequences: only the question is looked at.
    """
    seen = tokens[:, : form.start + 1]
    for _ in range(form.width):
        best = model(input_ids=seen, use_cache=False).logits[:, -1].argmax(-1)
        seen = torch.cat([seen, best[:, None]], dim=1)
    return seen[:, form.start + 1 :]


def _rounded(values: np.ndarray) -> list[float]:
    return [round(float(x), 6) for x in values]


def _training(recipe: dict[str, Any], device: str) -> Training:
    model, last = build_model(recipe).to(device), recipe["steps"]
    betas, decay = tuple(recipe["betas"]), recipe["weight_decay"]
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, betas=betas, weight_decay=decay)

    def step(at: int) -> dict[str, float]:
        loss = loss_of(model, recipe, batch_at(recipe, at))
        return {"train_loss": descend(model, optimizer, recipe, at, loss)}

    def measures(done: int) -> dict[str, Any]:
        asked = done % recipe["measure_every"] == 0 or done in (1, last)
        return measured(model, recipe) if asked else {}

    def scores() -> dict[str, float]:
        found = measured(model, recipe)
        return {"exact": found["exact"], "digit_accuracy": float(np.mean(found["digits"]["accuracy"]))}

    return Training(model, symbol_tokenizer(), model, optimizer, last, step, measures, scores)
