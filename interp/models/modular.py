"""How does a one-layer transformer come to add modulo p? The grokking setting, small enough for a CPU.

    tokens (a, b, '=') -> logits at '=' over the p classes c,        a, b, c in Z_p,   c = a + b mod p

One layer, ReLU, learned positions, no normalisation, no biases, untied; full batch, AdamW, weight
decay 1. Weights are drawn from N(0, 1/d_model), the unembedding from N(0, 1/d_vocab). The split is
over ordered pairs, as in the paper, so the mirror (b, a) of a training pair may be a test pair;
`interp.tasks.modular.unmirrored` selects the pairs without one. The loss is computed in float64: in
float32 it floors near 1e-7, where the late training lives.

Read in the log: the training loss falls first (memorisation), the test loss much later (grokking),
and the sum of squared weights rises, then falls. Test accuracy near one half before grokking is the
mirrors only: embeddings are shared, so (b, a) comes with (a, b).   Nanda et al. 2023, arXiv:2301.05217, shrunk to
p=59, d_model=64 and half of the pairs.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from transformer_lens.model_bridge import TransformerBridge

from interp.errors import InterpError, nearest
from interp.models import native
from interp.tasks.modular import pairs, training_pairs, unmirrored

CHECKPOINTS = (
    *(0, 50, 100, 150, *range(200, 1600, 100)),
    *(1600, 1800, 2000, 2250, 2500, 3000, 4000),
)
RECIPE: dict = {
    "task": "modadd",
    "p": 59,
    "d_model": 64,
    "n_heads": 4,
    "d_mlp": 128,
    "train_fraction": 0.5,
    "seed": 0,
    "steps": 4000,
    "learning_rate": 3e-3,
    "warmup_steps": 10,
    "weight_decay": 1.0,
    "betas": [0.9, 0.98],
    "log_every": 10,
    "save_every": 50,
    "checkpoints": list(CHECKPOINTS),
    "threads": 1,
}
"""The recipe of the shipped modadd-59; a recipe given to `train_modular` overrides some fields."""

CONDITIONS = {
    "p": (lambda r: isinstance(r["p"], int) and r["p"] >= 2, "an integer >= 2"),
    "n_heads": (lambda r: r["n_heads"] >= 1 and r["d_model"] % r["n_heads"] == 0, "a divisor of d_model"),
    "train_fraction": (
        lambda r: 1 <= int(r["train_fraction"] * r["p"] ** 2) < r["p"] ** 2,
        "between 0 and 1",
    ),
    "steps": (lambda r: isinstance(r["steps"], int) and r["steps"] >= 1, "an integer >= 1"),
    "log_every": (lambda r: isinstance(r["log_every"], int) and r["log_every"] >= 1, "an integer >= 1"),
    "save_every": (lambda r: isinstance(r["save_every"], int) and r["save_every"] >= 1, "an integer >= 1"),
    "betas": (lambda r: len(r["betas"]) == 2 and all(0 <= beta < 1 for beta in r["betas"]), "two in [0, 1)"),
    "task": (lambda r: r["task"] == "modadd", "'modadd'"),
}


def complete(recipe: dict) -> dict:
    """Return `recipe` with every missing field from RECIPE; first and last step are checkpoints.

    Raises InterpError for an unknown field or an impossible value.
    """
    for field in recipe.keys() - RECIPE.keys():
        raise InterpError(f"Unknown field {field!r} in the recipe. {nearest(field, RECIPE)}")
    whole = {**RECIPE, **recipe}
    for field, (holds, expected) in CONDITIONS.items():
        if not holds(whole):
            raise InterpError(f"The recipe has {field}={whole[field]!r}: expected {expected}; change it.")
    last = whole["steps"]
    whole["checkpoints"] = sorted({0, last} | {step for step in whole["checkpoints"] if 0 <= step <= last})
    return whole


class Batch(NamedTuple):
    """Prompts and their answers."""

    tokens: Int[Tensor, "pair 3"]
    answers: Int[Tensor, " pair"]


class Score(NamedTuple):
    """Mean cross-entropy in nats (float64) and accuracy in [0, 1]."""

    loss: float
    accuracy: float


def model_config(recipe: dict) -> dict:
    """Return the `cfg` of the native model: vocabulary 0..p-1 and '=' (id p), p output classes."""
    return {
        "n_layers": 1,
        "d_model": recipe["d_model"],
        "d_head": recipe["d_model"] // recipe["n_heads"],
        "n_heads": recipe["n_heads"],
        "d_mlp": recipe["d_mlp"],
        "n_ctx": 3,
        "d_vocab": recipe["p"] + 1,
        "d_vocab_out": recipe["p"],
        "act_fn": "relu",
        "normalization_type": None,
        "positional_embedding_type": "standard",
    }


def build_model(recipe: dict, device: str = "cpu") -> TransformerBridge:
    """Return the untrained model, float32. Biases exist in native models: they are zero and frozen here."""
    model = native.boot(model_config(recipe), device)
    generator = torch.Generator().manual_seed(recipe["seed"])  # on the CPU: the same weights on every device
    for name, parameter in model.named_parameters():
        if name.endswith("bias"):
            parameter.data.zero_()
            parameter.requires_grad_(False)
        else:
            variance = 1 / (recipe["p"] + 1 if name.startswith("head") else recipe["d_model"])
            parameter.data.copy_(torch.randn(parameter.shape, generator=generator) * math.sqrt(variance))
    return model


def full_batch(p: int, device: str = "cpu") -> Batch:
    """Return all p * p prompts (a, b, '=') and their answers (a + b) mod p, row a * p + b."""
    a, b = torch.from_numpy(pairs(p)).T
    return Batch(torch.stack([a, b, torch.full_like(a, p)], 1).to(device), ((a + b) % p).to(device))


def split(p: int, fraction: float, seed: int) -> Bool[np.ndarray, " pair"]:
    """Return True for the training rows of `full_batch`; the split of `interp.tasks.modular`."""
    return training_pairs(p, fraction, seed)


def cross_entropy(logits: Float[Tensor, "pair p"], answers: Int[Tensor, " pair"]) -> Float[Tensor, ""]:
    """Return the mean cross-entropy in nats, computed in float64."""
    return torch.nn.functional.cross_entropy(logits.double(), answers)


@torch.no_grad()
def evaluate(model: TransformerBridge, batch: Batch, groups: dict[str, Bool[np.ndarray, " pair"]]) -> dict[str, Score]:
    """Return loss and accuracy at '=' over each named choice of rows of a full batch, from one forward pass."""
    logits, scores = model(batch.tokens)[:, -1], {}
    for name, rows in groups.items():
        chosen = torch.from_numpy(rows).to(logits.device)
        right = logits[chosen].argmax(-1) == batch.answers[chosen]
        loss = cross_entropy(logits[chosen], batch.answers[chosen])
        scores[name] = Score(loss.item(), right.double().mean().item())
    return scores


def measure(model: TransformerBridge, batch: Batch, train: Bool[np.ndarray, " pair"], step: int) -> dict[str, float]:
    """Return one line of the log: the state of the model after `step` updates."""
    groups = {"train": train, "test": ~train, "unmirrored": unmirrored(train)}
    scores = evaluate(model, batch, groups)
    return {
        "step": step,
        **{f"{name}_loss": score.loss for name, score in scores.items()},
        **{f"{name}_accuracy": score.accuracy for name, score in scores.items()},
        "sum_squared_weights": sum(w.detach().double().square().sum().item() for w in model.parameters()),
    }
