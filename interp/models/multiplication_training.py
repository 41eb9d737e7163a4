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

from functools import partial
from pathlib import Path
from typing import Any, Unpack

import numpy as np
import torch
from torch import Tensor

from interp.models.descent import descend
from interp.models.multiplication import batch_at, build_model, complete, loss_of, removed_tokens, side_weights
from interp.models.symbol_tokenizer import symbol_tokenizer
from interp.models.training_loop import Sitting, Training, run
from interp.tasks import multiplication as task

N_MEASURED = 256


def train_multiplication(recipe: dict[str, Any], directory: Path, **sitting: Unpack[Sitting]) -> dict[str, float]:
    """Train (or continue) the recipe in `directory` (`training_loop.run`); return exact and token_accuracy.

    Both are in [0, 1], on the selection split. Raises InterpError for a recipe that cannot be used.
    """
    return run(_training, complete(recipe), directory, **sitting)


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


def _training(recipe: dict[str, Any], device: str) -> Training:
    parts, last = Parts(recipe).to(device), recipe["steps"]
    betas, decay = tuple(recipe["betas"]), recipe["weight_decay"]
    optimizer = torch.optim.AdamW(parts.parameters(), lr=1e-3, betas=betas, weight_decay=decay)

    def measures(done: int) -> dict[str, Any]:
        if done % recipe["measure_every"] and done not in (1, last):
            return {}
        line: dict[str, Any] = {"digits": digit_gradients(parts.model, recipe)}
        if done % recipe["evaluate_every"] == 0 or done == last:
            line |= {"selection": selection_scores(parts.model, recipe)}
        return line

    def scores() -> dict[str, float]:
        found = selection_scores(parts.model, recipe)
        return {"exact": found["exact"], "token_accuracy": found["token_accuracy"]}

    step = partial(_step, parts, optimizer, recipe)
    return Training(parts.model, symbol_tokenizer(), parts, optimizer, last, step, measures, scores)


def _step(parts: Parts, optimizer: Any, recipe: dict[str, Any], step: int) -> dict[str, float]:
    """Take one step. The moments are forgotten whenever another step token is taken away."""
    removed = removed_tokens(recipe, step)
    if step and removed != removed_tokens(recipe, step - 1):
        optimizer.state.clear()
    loss = loss_of(parts.model, parts.side, recipe, batch_at(recipe, step))
    total = descend(parts, optimizer, recipe, step, loss.total)
    return {"train_loss": total, "side_loss": loss.side.item(), "removed": removed}
