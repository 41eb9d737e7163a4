"""How is a multiplying model trained so that its learning can be followed digit by digit, and stopped anywhere?

    log line  {"step", "train_loss", "side_loss", "removed", "cpu_seconds",
               "digits": {"loss", "gradient_norm", "cosine"}, "selection": {"exact", "accuracy", "token_accuracy"}}

digits: of the loss L_k of each answer digit on fixed selection prompts without steps: its value (nats), the norm of its
gradient g_k, and the cosine of g_k with the gradient of the mean of all. selection (fewer lines have it): share of
products that are right, of digits by column, and of all tokens after the first <eos> (signs and the end included: this
counts as accuracy in some reports and is higher). Greedy writing is right exactly when every digit is, told the right
ones before it. The directory is that of `interp.models.training_directory`.
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
from interp.models.multiplication import batch_at, build_model, complete, loss_of, removed_tokens, side_weights
from interp.models.symbol_tokenizer import symbol_tokenizer
from interp.progress import Progress, silent
from interp.tasks import multiplication as task

N_MEASURED = 256


def train_multiplication(
    recipe: dict[str, Any],
    directory: Path,
    device: str = "cpu",
    resume_from_state: bool = True,
    progress: Progress = silent,
) -> dict[str, float]:
    """Train (or continue) the recipe in `directory` and return its final accuracies on the selection split.

    Safe to stop at any moment; the same call goes on. Raises InterpError for a recipe, a device or a directory that
    cannot be used.
    """
    recipe = complete(recipe)
    check_device(device)
    place.claim(directory, recipe, fresh=not resume_from_state)
    with threads(recipe["threads"]):
        parts = Parts(recipe).to(device)
        _train(parts, recipe, directory, device, progress)
        place.seal(directory, parts.model, symbol_tokenizer())
        scores = selection_scores(parts.model, recipe)
    return {"exact": scores["exact"], "token_accuracy": scores["token_accuracy"]}


def questions(recipe: dict[str, Any], count: int, split: str = "selection") -> tuple[np.ndarray, np.ndarray]:
    """Return sequences without steps [problem, token] and their operands, of a split, always the same ones."""
    n = recipe["n_digits"]
    ab = task.pairs(n, count, 0, split)
    tokens, _ = task.shortened(task.sequences(ab, n), n, np.full(count, task.n_steps(n)))
    return tokens, ab


def digit_logits(model: Any, tokens: Tensor, n: int) -> Tensor:
    """Return float32 logits [problem, column, symbol] of every answer digit, told the right ones before it."""
    logits = model(input_ids=tokens[:, :-1], use_cache=False).logits
    return logits[:, 2 * n + 3 : 4 * n + 3].float()


@torch.no_grad()
def selection_scores(model: Any, recipe: dict[str, Any]) -> dict[str, Any]:
    """Return exact [0, 1], accuracy by column and token accuracy on the selection split."""
    n, device = recipe["n_digits"], next(model.parameters()).device
    tokens, _ = questions(recipe, recipe["evaluate_prompts"])
    ids = torch.from_numpy(tokens).to(device)
    told = model(input_ids=ids[:, :-1], use_cache=False).logits.argmax(-1) == ids[:, 1:]
    right = told[:, 2 * n + 3 : 4 * n + 3]
    by_token = told[:, 2 * n + 1 :].double().mean().item()
    by_column = right.double().mean(0).tolist()
    return {"exact": right.all(1).double().mean().item(), "accuracy": by_column, "token_accuracy": by_token}


def digit_gradients(model: Any, recipe: dict[str, Any]) -> dict[str, list[float]]:
    """Return loss (nats), gradient norm and cosine with the mean gradient of every answer digit, by column."""
    n = recipe["n_digits"]
    tokens, ab = questions(recipe, N_MEASURED)
    ids = torch.from_numpy(tokens).to(next(model.parameters()).device)
    right = torch.from_numpy(task.columns(ab[:, 0], ab[:, 1], n).answer).to(ids.device)
    nats = torch.nn.functional.cross_entropy(digit_logits(model, ids, n).transpose(1, 2), right, reduction="none")
    losses, weights = nats.mean(0), [p for p in model.parameters() if p.requires_grad]
    each = [torch.autograd.grad(loss, weights, retain_graph=True) for loss in losses]
    flat = torch.stack([torch.cat([g.flatten() for g in gradient]) for gradient in each])
    norms, mean = flat.norm(dim=1), flat.mean(0)
    cosines = flat @ mean / (norms * mean.norm()).clamp(min=1e-30)
    found = {"loss": losses.detach(), "gradient_norm": norms, "cosine": cosines}
    return {name: [round(float(x), 6) for x in values] for name, values in found.items()}


class Parts(torch.nn.Module):
    """What is trained: the model, and the maps of the side task, which are thrown away at the end."""

    def __init__(self, recipe: dict[str, Any]) -> None:
        super().__init__()
        self.model, self.side = build_model(recipe), side_weights(recipe)


def _train(parts: Parts, recipe: dict[str, Any], directory: Path, device: str, progress: Progress) -> None:
    """Take every step that is left."""
    optimizer = torch.optim.AdamW(parts.parameters(), lr=1e-3, betas=tuple(recipe["betas"]))
    for group in optimizer.param_groups:
        group["weight_decay"] = recipe["weight_decay"]
    state, digest, last = directory / zoo.STATE, state_digest(recipe), recipe["steps"]
    first = resume.load_state(state, parts, optimizer, digest)
    if first >= last:
        return
    spent = place.begin(directory, recipe, first) - time.process_time()
    with deferred() as stopped:
        for step in range(first, last):
            losses, done = _step(parts, optimizer, recipe, step), step + 1
            if done % recipe["measure_every"] == 0 or done in (1, last):
                line = {"step": done, **losses, "removed": removed_tokens(recipe, step)}
                line |= {"cpu_seconds": round(spent + time.process_time(), 1)}
                line |= {"digits": digit_gradients(parts.model, recipe)}
                if done % recipe["evaluate_every"] == 0 or done == last:
                    line |= {"selection": selection_scores(parts.model, recipe)}
                place.log(directory, line)
            try:
                progress(done, last, f"loss {losses['train_loss']:.4f}")
                if stopped():
                    raise KeyboardInterrupt(f"training stopped after step {done}; the same command goes on from there.")
            except (KeyboardInterrupt, Cancelled):
                resume.save_state(state, parts, optimizer, done, digest)
                raise
            if done % recipe["save_every"] == 0 or done == last:
                resume.save_state(state, parts, optimizer, done, digest)


def _step(parts: Parts, optimizer: Any, recipe: dict[str, Any], step: int) -> dict[str, float]:
    """Take one step. The moments are forgotten whenever another step token is taken away."""
    for group in optimizer.param_groups:
        group["lr"] = scheduled(recipe["learning_rate"], step)
    if step and removed_tokens(recipe, step) != removed_tokens(recipe, step - 1):
        optimizer.state.clear()
    loss = loss_of(parts.model, parts.side, recipe, batch_at(recipe, step))
    optimizer.zero_grad(set_to_none=True)
    loss.total.backward()
    torch.nn.utils.clip_grad_norm_(parts.parameters(), recipe["clip"])
    optimizer.step()
    return {"train_loss": loss.total.item(), "side_loss": loss.side.item()}
