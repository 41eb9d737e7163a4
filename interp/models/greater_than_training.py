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
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from interp.errors import Cancelled, InterpError, nearest
from interp.models import resume, zoo
from interp.models import training_directory as place
from interp.models.devices import check_device, threads
from interp.models.interrupts import deferred
from interp.models.language import scheduled
from interp.models.language_recipe import state_digest
from interp.models.year_tokenizer import N_YEARS, year_tokenizer
from interp.progress import Progress, silent
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


def complete(recipe: dict[str, Any]) -> dict[str, Any]:
    """Return `recipe` with every missing field. Raises InterpError for an unknown field or an impossible number."""
    for field in recipe.keys() - GREATER_THAN.keys():
        raise InterpError(f"unknown field {field!r} in the recipe. {nearest(field, GREATER_THAN)}")
    whole = {**GREATER_THAN, **recipe}
    for field in ("steps", "batch", "threads", "evaluate_every", "evaluate_prompts", "save_every"):
        if type(whole[field]) is not int or whole[field] < 1:
            raise InterpError(f"the recipe has {field} = {whole[field]!r}: expected an integer >= 1; change it.")
    return json.loads(json.dumps(whole))


def build_model(recipe: dict[str, Any], tokenizer: Any) -> Any:
    """Return the untrained `GPT2LMHeadModel` of a recipe, float32, seeded. Raises InterpError for a bad shape."""
    from transformers import GPT2Config, GPT2LMHeadModel

    try:
        config = GPT2Config(
            attn_implementation="eager",  # type: ignore[call-arg]
            vocab_size=len(tokenizer),
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
            tie_word_embeddings=False,
            **dict.fromkeys(("resid_pdrop", "embd_pdrop", "attn_pdrop"), 0.0),
            **recipe["architecture"],
        )
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(recipe["seed"])
            return GPT2LMHeadModel(config)
    except Exception as error:  # transformers' own validation raises several kinds
        reason = " ".join(str(error).split())
        raise InterpError(f"the architecture of the recipe cannot be built ({reason:.160}); change it.") from None


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


def train_greater_than(
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
    tokenizer = year_tokenizer()
    with threads(recipe["threads"]):
        model = build_model(recipe, tokenizer).to(device)
        _train(model, tokenizer, recipe, directory, device, progress)
        place.seal(directory, model, tokenizer)
        return selection_scores(model, tokenizer, recipe, device)


def _train(
    model: Any, tokenizer: Any, recipe: dict[str, Any], directory: Path, device: str, progress: Progress
) -> None:
    """Take every step that is left."""
    optimizer = torch.optim.AdamW(_groups(model, recipe["weight_decay"]), lr=1e-3, betas=tuple(recipe["betas"]))
    state, digest, last = directory / zoo.STATE, state_digest(recipe), recipe["steps"]
    first = resume.load_state(state, model, optimizer, digest)
    if first >= last:
        return
    spent = place.begin(directory, recipe, first) - time.process_time()
    rows, right = training_rows(), right_answers().to(device)
    with deferred() as stopped:
        for step in range(first, last):
            drawn = rows[np.random.default_rng((recipe["seed"], step)).integers(len(rows), size=recipe["batch"])]
            tokens = torch.from_numpy(written(tokenizer, drawn).tokens).to(device)
            batch = tokens, torch.from_numpy(drawn[:, 2]).to(device)
            loss, done = _step(model, optimizer, recipe, step, answer_loss(model, *batch, right)), step + 1
            if done % recipe["evaluate_every"] == 0 or done == last:
                scores = selection_scores(model, tokenizer, recipe, device)
                seconds = round(spent + time.process_time(), 1)
                place.log(directory, {"step": done, "train_loss": loss, "cpu_seconds": seconds, "selection": scores})
            try:
                progress(done, last, f"loss {loss:.4f}")
                if stopped():
                    raise KeyboardInterrupt(f"training stopped after step {done}; the same command goes on from there.")
            except (KeyboardInterrupt, Cancelled):
                resume.save_state(state, model, optimizer, done, digest)
                raise
            if done % recipe["save_every"] == 0 or done == last:
                resume.save_state(state, model, optimizer, done, digest)


def _step(model: Any, optimizer: Any, recipe: dict[str, Any], step: int, loss: Tensor) -> float:
    for group in optimizer.param_groups:
        group["lr"] = scheduled(recipe["learning_rate"], step)
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), recipe["clip"])
    optimizer.step()
    return loss.item()


def _groups(model: Any, decay: float) -> list[dict[str, Any]]:
    """Matrices and embeddings, which decay, and biases and the gains of the norms, which do not."""
    return [
        {"params": [p for p in model.parameters() if p.ndim > 1], "weight_decay": decay},
        {"params": [p for p in model.parameters() if p.ndim == 1], "weight_decay": 0.0},
    ]
