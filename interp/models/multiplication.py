"""Three ways to teach a small GPT-2 to multiply: answers alone, steps that are taken away, or sums as a side task.

    plain   prompt -> answer;  loss = mean cross-entropy of every token after the first <eos>
    icot    prompt -> steps -> answer, then ever fewer steps: the first r(t) step tokens are removed at step t
    aux     plain, and from heads of the last block the running sums are read linearly:
            loss + weight * mean over heads and columns of (w_h . z_h(t_k) - running_k)^2,   standardised by column

t_k is the token from which c_k is foretold ("#" for c_0). A few more tokens than r(t) are removed at random, with
P(o) ~ e^(-4 o), so that the next stage is not unheard of; the optimizer forgets its moments when r grows. Whatever the
training was, the model is asked without steps.
Bai et al. 2025, arXiv:2510.00184; Deng et al. 2024, arXiv:2405.14838.
"""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from interp.errors import InterpError, nearest
from interp.models import fresh
from interp.models.recipe_fields import filled
from interp.tasks import multiplication as task

REGIMES = ("plain", "icot", "aux")
SMOOTHING, FARTHEST = 4.0, 8
MULTIPLICATION: dict[str, Any] = {
    "trainer": "multiplication",
    "regime": "plain",
    "n_digits": 3,
    "architecture": {"n_layer": 2, "n_head": 4, "n_embd": 128, "n_positions": 64},
    "steps": 8000,
    "batch": 256,
    "learning_rate": [[0, 0], [200, 1e-3], [6000, 1e-3], [8000, 0]],
    "removed": [[0, 0], [800, 0], [5000, 24]],
    "aux_heads": [0, 1],
    "aux_weight": 3.0,
    "weight_decay": 0.01,
    "betas": [0.9, 0.999],
    "clip": 1.0,
    "precision": "bf16",
    "seed": 0,
    "threads": 1,
    "evaluate_every": 500,
    "evaluate_prompts": 1000,
    "measure_every": 200,
    "save_every": 500,
}
"""The usual recipe; a recipe file may override any field. `removed` counts for icot, `aux_*` for aux alone."""
COUNTS = ("steps", "batch", "threads", "evaluate_every", "evaluate_prompts", "measure_every", "save_every")


class Loss(NamedTuple):
    """The loss that is trained on, and its side task (0 where there is none), both means in their own units."""

    total: Tensor
    side: Tensor


def complete(recipe: dict[str, Any]) -> dict[str, Any]:
    """Return `recipe` with every missing field. Raises InterpError for an unknown field or an impossible value."""
    whole = filled(recipe, MULTIPLICATION, COUNTS)
    if whole["regime"] not in REGIMES:
        raise InterpError(f"unknown regime {whole['regime']!r}. {nearest(whole['regime'], REGIMES)}")
    if type(whole["n_digits"]) is not int or not 2 <= whole["n_digits"] <= task.LARGEST:
        raise InterpError(f"the recipe has n_digits = {whole['n_digits']!r}: expected 2 to {task.LARGEST}; change it.")
    if whole["precision"] not in ("float32", "bf16"):
        raise InterpError(f"the recipe has precision = {whole['precision']!r}: expected float32 or bf16; change it.")
    heads = whole["architecture"].get("n_head", 12)
    if not whole["aux_heads"] or not all(type(h) is int and 0 <= h < heads for h in whole["aux_heads"]):
        raise InterpError(f"the recipe has aux_heads = {whole['aux_heads']!r}: expected heads 0 to {heads - 1}.")
    return json.loads(json.dumps(whole))


def build_model(recipe: dict[str, Any]) -> Any:
    """Return the untrained `GPT2LMHeadModel` of a recipe, float32, seeded. Raises InterpError for a bad shape."""
    return fresh.gpt2(recipe, vocab_size=len(task.SYMBOLS), bos_token_id=task.END, eos_token_id=task.END)


def side_weights(recipe: dict[str, Any]) -> torch.nn.Linear:
    """Return the maps w_h of the side task, [head, d_head], seeded; they are no part of the model that is kept."""
    shape = recipe["architecture"]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe["seed"] + 1)
        return torch.nn.Linear(shape["n_embd"] // shape["n_head"], len(recipe["aux_heads"]), bias=False)


def removed_tokens(recipe: dict[str, Any], step: int) -> int:
    """Return how many step tokens are removed at a training step: all of them but in icot."""
    every = task.n_steps(recipe["n_digits"])
    if recipe["regime"] != "icot":
        return every
    at, counts = zip(*recipe["removed"], strict=True)
    return min(every, int(np.interp(step, at, counts)))


def batch_at(recipe: dict[str, Any], step: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return tokens [problem, token], the length of each and its operands: a function of the recipe and the step."""
    rng, n = np.random.default_rng((recipe["seed"], step)), recipe["n_digits"]
    ab = task.pairs(n, recipe["batch"], (recipe["seed"], step, 1), "train")
    odds = np.exp(-SMOOTHING * np.arange(FARTHEST))
    more = rng.choice(FARTHEST, recipe["batch"], p=odds / odds.sum())
    count = np.minimum(removed_tokens(recipe, step) + more, task.n_steps(n))
    return *task.shortened(task.sequences(ab, n), n, count), ab


def loss_of(model: Any, side: torch.nn.Linear, recipe: dict[str, Any], batch: tuple[np.ndarray, ...]) -> Loss:
    """Return the loss of a batch: cross-entropy in nats a token, and the side task where the regime has one."""
    tokens, lengths, ab = batch
    n, device = recipe["n_digits"], next(model.parameters()).device
    ids = torch.from_numpy(tokens).to(device)
    read: list[Tensor] = []
    hook = model.transformer.h[-1].attn.c_proj.register_forward_pre_hook(lambda _, given: read.append(given[0]))
    try:
        with torch.autocast(device.type, dtype=torch.bfloat16, enabled=recipe["precision"] == "bf16"):
            logits = model(input_ids=ids[:, :-1], use_cache=False).logits.float()
    finally:
        hook.remove()
    place = torch.arange(1, ids.shape[1], device=device)
    told = (place > 2 * n + 1) & (place < torch.from_numpy(lengths).to(device)[:, None])
    nats = torch.nn.functional.cross_entropy(logits.transpose(1, 2), ids[:, 1:], reduction="none")
    total = (nats * told).sum() / told.sum()
    if recipe["regime"] != "aux":
        return Loss(total, torch.zeros(()))
    first = 2 * n + 3  # the token "#" of a question without steps
    z = read[0].float().unflatten(-1, (recipe["architecture"]["n_head"], -1))
    z = z[:, first : first + 2 * n, recipe["aux_heads"]]
    foretold = torch.einsum("nkhd,hd->nkh", z, side.weight)
    error = (foretold - torch.from_numpy(standardised(ab, n)).to(z)[..., None]).square().mean()
    return Loss(total + recipe["aux_weight"] * error, error)


def standardised(ab: np.ndarray, n: int) -> np.ndarray:
    """Return the running sums [problem, column] with mean 0 and variance 1 in every column, over all problems."""
    mean, sd = _moments(n)
    a, b = ab.T
    return (task.columns(a, b, n).running - mean) / sd


@lru_cache(maxsize=task.LARGEST)
def _moments(n: int) -> tuple[np.ndarray, np.ndarray]:
    a, b = task.pairs(n, 100_000, 0).T
    running = task.columns(a, b, n).running
    return running.mean(0), running.std(0)
