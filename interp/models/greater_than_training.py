"""How does a small GPT-2 learn which years come after YY? Trained on the exact distribution of right answers.

    loss = mean over prompts of  - sum_y q(y | YY) log p(y | prompt) - log p(XX | prompt up to "to the year")
    q(y | YY) = 1 / (99 - YY)  for y = YY + 1 .. 99, else 0

The first term is what sampled answers would give on average; the second is the century, which only has to be copied.
Its least value is the mean entropy of q, `floor` in the log. YY = 00 and 01 are trained on too, in every century, so
that the corrupted prompt is nothing unheard of. A step is a function of (recipe, weights, optimizer, step): stopped
anywhere and called again, the training goes on exactly (`interp.models.training_directory`).
"""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any, Unpack

import numpy as np
import torch
from torch import Tensor

from interp.models import fresh
from interp.models.descent import descend, matrices_and_gains
from interp.models.recipe_fields import filled
from interp.models.training_loop import Sitting, Training, run
from interp.models.year_tokenizer import N_YEARS, year_tokenizer
from interp.tasks.greater_than import CENTURIES, CORRUPTED, NOUNS, written, year_space

GREATER_THAN: dict[str, Any] = {
    "trainer": "greater-than",
    "architecture": {"n_layer": 4, "n_head": 4, "n_embd": 64, "n_positions": 16},
    "steps": 3000,
    "batch": 192,
    "learning_rate": [[0, 0], [100, 2e-3], [1500, 2e-3], [3000, 0]],
    "weight_decay": 0.1,
    "betas": [0.9, 0.98],
    "clip": 1.0,
    "seed": 0,
    "threads": 1,
    "evaluate_every": 250,
    "evaluate_prompts": 970,
    "save_every": 250,
}
"""The recipe of the shipped greater-than; a recipe file may override any field."""
COUNTS = ("steps", "batch", "threads", "evaluate_every", "evaluate_prompts", "save_every")


def complete(recipe: dict[str, Any]) -> dict[str, Any]:
    """Return `recipe` with every missing field. Raises InterpError for an unknown field or an impossible number."""
    return json.loads(json.dumps(filled(recipe, GREATER_THAN, COUNTS)))


def build_model(recipe: dict[str, Any], tokenizer: Any) -> Any:
    """Return the untrained `GPT2LMHeadModel` of a recipe, float32, seeded. Raises InterpError for a bad shape."""
    return fresh.gpt2(recipe, **fresh.vocabulary(tokenizer))


def right_answers() -> Tensor:
    """Return q [YY, y]: the distribution of right answers after 00..98, uniform over what is greater."""
    above = torch.triu(torch.ones(N_YEARS, N_YEARS), diagonal=1)[: N_YEARS - 1]
    return above / above.sum(dim=1, keepdim=True)


def training_rows() -> np.ndarray:
    """Return every (noun, century, yy) that is trained on: the train split, and 00 and 01 in every century."""
    first = np.indices((len(NOUNS), len(CENTURIES), CORRUPTED + 1)).reshape(3, -1).T
    first = first + np.array([0, CENTURIES.start, 0])
    return np.concatenate([year_space("train"), first])


def answer_loss(model: Any, tokens: Tensor, yy: Tensor, right: Tensor) -> Tensor:
    """Return the mean loss in nats of both predictions: the two digits at the last token, the century before it."""
    logits = model(input_ids=tokens, use_cache=False).logits[:, -2:]
    log_p = torch.log_softmax(logits.float(), dim=-1)
    digits = -(right[yy] * log_p[:, 1, :N_YEARS]).sum(dim=-1)
    century = -log_p[:, 0].gather(-1, tokens[:, -1:])[:, 0]
    return (digits + century).mean()


@torch.no_grad()
def selection_scores(model: Any, tokenizer: Any, recipe: dict[str, Any], device: str) -> dict[str, float]:
    """Return loss, its floor (nats) and the mean probability difference in [-1, 1] on the selection split."""
    rows = year_space("selection")
    rows = rows[np.random.default_rng(0).permutation(len(rows))[: recipe["evaluate_prompts"]]]
    tokens = torch.from_numpy(written(tokenizer, rows).tokens).to(device)
    yy, right = torch.from_numpy(rows[:, 2]).to(device), right_answers().to(device)
    p = model(input_ids=tokens, use_cache=False).logits[:, -1].float().softmax(dim=-1)[:, :N_YEARS]
    above = right[yy] > 0
    difference = (p * above).sum(dim=-1) - (p * ~above).sum(dim=-1)
    floor = (N_YEARS - 1 - yy).double().log().mean()
    loss = answer_loss(model, tokens, yy, right)
    return {"loss": loss.item(), "floor": floor.item(), "prob_diff": difference.mean().item()}


def train_greater_than(recipe: dict[str, Any], directory: Path, **sitting: Unpack[Sitting]) -> dict[str, float]:
    """Train (or continue) the recipe in `directory` (`training_loop.run`); return its `selection_scores`.

    Raises InterpError for a recipe that cannot be used.
    """
    return run(_training, complete(recipe), directory, **sitting)


def _training(recipe: dict[str, Any], device: str) -> Training:
    tokenizer, last = year_tokenizer(), recipe["steps"]
    model = build_model(recipe, tokenizer).to(device)
    groups = matrices_and_gains(model, recipe["weight_decay"])
    optimizer = torch.optim.AdamW(groups, lr=1e-3, betas=tuple(recipe["betas"]))
    rows, right = training_rows(), right_answers().to(device)
    scores = partial(selection_scores, model, tokenizer, recipe, device)

    def step(at: int) -> dict[str, float]:
        drawn = rows[np.random.default_rng((recipe["seed"], at)).integers(len(rows), size=recipe["batch"])]
        tokens = torch.from_numpy(written(tokenizer, drawn).tokens).to(device)
        loss = answer_loss(model, tokens, torch.from_numpy(drawn[:, 2]).to(device), right)
        return {"train_loss": descend(model, optimizer, recipe, at, loss)}

    def measures(done: int) -> dict[str, Any]:
        return {"selection": scores()} if done % recipe["evaluate_every"] == 0 or done == last else {}

    return Training(model, tokenizer, model, optimizer, last, step, measures, scores)
