"""How does a small model of written arithmetic learn, digit by digit and subtask by subtask? Stopped anywhere.

    log line  {"step", "train_loss", "cpu_seconds", "digits": {"loss", "accuracy"}, "subtasks", "exact"}

On fixed selection questions: loss (nats) and accuracy of every answer digit by column (units first), told the right
digits before it; `subtasks`: the mean loss over the cells of each (`interp.tasks.written.cells`), none where there is
no such cell; exact: the share of answers that are right. Greedy writing is right exactly when every digit is, told the
right ones before it, so `exact` is that of writing alone too; by digit the two differ (`written_digits`).
The directory is that of `interp.models.training_directory`.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from interp.errors import Cancelled
from interp.models import resume, zoo
from interp.models import training_directory as place
from interp.models.devices import check_device, threads
from interp.models.interrupts import deferred
from interp.models.language import scheduled
from interp.models.language_recipe import state_digest
from interp.models.multiplication import build_model
from interp.models.symbol_tokenizer import symbol_tokenizer
from interp.models.written import answer_logits, batch_at, complete, form_of, loss_of
from interp.progress import Progress, silent
from interp.tasks import written as task


def train_written(
    recipe: dict[str, Any],
    directory: Path,
    device: str = "cpu",
    resume_from_state: bool = True,
    progress: Progress = silent,
) -> dict[str, float]:
    """Train (or continue) the recipe in `directory` and return its final scores on the selection split.

    Safe to stop at any moment; the same call goes on. Raises InterpError for a recipe, a device or a directory that
    cannot be used.
    """
    recipe = complete(recipe)
    check_device(device)
    place.claim(directory, recipe, fresh=not resume_from_state)
    with threads(recipe["threads"]):
        model = build_model(recipe).to(device)
        _train(model, recipe, directory, progress)
        place.seal(directory, model, symbol_tokenizer())
        scores = measured(model, recipe)
    return {"exact": scores["exact"], "digit_accuracy": float(np.mean(scores["digits"]["accuracy"]))}


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


def _train(model: Any, recipe: dict[str, Any], directory: Path, progress: Progress) -> None:
    """Take every step that is left."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, betas=tuple(recipe["betas"]))
    for group in optimizer.param_groups:
        group["weight_decay"] = recipe["weight_decay"]
    state, digest, last = directory / zoo.STATE, state_digest(recipe), recipe["steps"]
    first = resume.load_state(state, model, optimizer, digest)
    if first >= last:
        return
    spent = place.begin(directory, recipe, first) - time.process_time()
    with deferred() as stopped:
        for step in range(first, last):
            loss, done = _step(model, optimizer, recipe, step), step + 1
            if done % recipe["measure_every"] == 0 or done in (1, last):
                line = {"step": done, "train_loss": loss, "cpu_seconds": round(spent + time.process_time(), 1)}
                place.log(directory, line | measured(model, recipe))
            try:
                progress(done, last, f"loss {loss:.4f}")
                if stopped():
                    raise KeyboardInterrupt(f"training stopped after step {done}; the same command goes on from there.")
            except (KeyboardInterrupt, Cancelled):
                resume.save_state(state, model, optimizer, done, digest)
                raise
            if done % recipe["save_every"] == 0 or done == last:
                resume.save_state(state, model, optimizer, done, digest)


def _step(model: Any, optimizer: Any, recipe: dict[str, Any], step: int) -> float:
    for group in optimizer.param_groups:
        group["lr"] = scheduled(recipe["learning_rate"], step)
    loss = loss_of(model, recipe, batch_at(recipe, step))
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), recipe["clip"])
    optimizer.step()
    return loss.item()
