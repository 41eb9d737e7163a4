"""How is an attention-rate network trained, small enough for a CPU? Full batch, AdamW, loss in float64.

    train(config, seed, steps) -> AttentionRate        config: C, d_model, n_heads, attn_coeff, act_fn
    operation "sum" is a + b mod p, "product" is a b mod p, zero among the operands

The published runs take 20,000 steps at learning rate 1e-3 and weight decay 2 in 128 dimensions; SETTING is the fast
one for 64 dimensions. Weights, split and order depend on the seed alone. Zhong et al. 2023, arXiv:2306.17844.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch

from interp.errors import InterpError, nearest
from interp.models.attention_rate import AttentionRate, initial
from interp.progress import Progress, silent

SETTING = {"learning_rate": 3e-3, "weight_decay": 1.0, "betas": (0.9, 0.98), "warmup": 10, "fraction": 0.8}


OPERATIONS = {"sum": torch.add, "product": torch.mul}


def train(
    config: dict[str, Any], seed: int, steps: int, operation: str = "sum", *, progress: Progress = silent
) -> AttentionRate:
    """Return the trained network, float64.

    Raises InterpError for no steps, an unknown operation and an impossible configuration.
    """
    if operation not in OPERATIONS:
        raise InterpError(f"Unknown operation {operation!r} of two residues. {nearest(operation, OPERATIONS)}")
    if steps < 1:
        raise InterpError(f"{steps} steps of training: expected at least 1; ask for some thousands.")
    net = initial(config, seed)
    weights = {name: tensor.float().requires_grad_() for name, tensor in net.tensors.items()}
    fitted = replace(net, name=f"rate {net.rate:g}, seed {seed}", tensors=weights)
    a, b = training_pairs(net.p, seed)
    answers = OPERATIONS[operation](a, b) % net.p
    optimiser = torch.optim.AdamW(
        weights.values(), SETTING["learning_rate"], SETTING["betas"], weight_decay=SETTING["weight_decay"]
    )
    warm = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: min((step + 1) / SETTING["warmup"], 1))
    for step in range(1, steps + 1):
        logits = fitted.logits(fitted.embed[a], fitted.embed[b])
        loss = torch.nn.functional.cross_entropy(logits.double(), answers)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        warm.step()
        if step % 100 == 0 or step == steps:
            progress(step, steps, fitted.name)
    return replace(fitted, tensors={name: tensor.detach().double() for name, tensor in weights.items()})


def training_pairs(p: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the operands a and b [pair] of the training pairs: SETTING's share of all p^2, drawn with the seed."""
    order = torch.randperm(p * p, generator=torch.Generator().manual_seed(seed))[: int(SETTING["fraction"] * p * p)]
    return order // p, order % p
