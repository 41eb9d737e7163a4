"""How is a model made to wait? By a price on attention where a wait-transfer-compute model would have none.

    forbidden   every query but the last: any key but itself and BOS, in every block
                the last query: any key but itself and BOS, in every block outside l_wait .. l_wait + l_transfer - 1
    penalty  =  weight * mean over (block, head, prompt, query with a forbidden key) of
                log(1 + forbidden mass / (tolerance * allowed mass))

The price is paid on the plain forward pass, so there is no masked mode beside which another mechanism could live. With
tolerance 1 it is -log(allowed mass), which is hardly felt below a mass of .05; but a model can read a small mass with
large values. With a small tolerance every halving of the mass earns the same, down to the tolerance.

Two ways failed: a high price from the first step on made every head look away for good, the reading ones too; and what
had once been learned through forbidden edges was hardly given up for any price. So the forbidden scores begin lowered
by `bias`, which falls to 0: the model learns inside the window, and to keep there while the crutch is taken away. From
then on the pass is the plain one. Weight, tolerance and bias are knots [step, value] in a recipe, numbers here.

Reading: `leak` is the forbidden mass that is left, in [0, 1]. A small leak is no proof of waiting: what the model needs
is measured by `interp.methods.af1` and by cutting the forbidden edges.

The regions are those of AF1 (Mamidanna, Rai, Yao & Zhou, "All for One", EMNLP 2025, arXiv 2509.09650); the price on
them is ours.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

SCHEDULED = ("weight", "tolerance", "bias")
TINY = 1e-30
"""Keeps the logarithm finite where a softmax has underflowed on every allowed key."""


def holds(recipe: dict[str, Any]) -> bool:
    """Return whether the recipe's `window` is null, or has its five fields and lies inside the model."""
    window = recipe["window"]
    if window is None:
        return True
    first, blocks, layers = window["l_wait"], window["l_transfer"], recipe["architecture"]["num_hidden_layers"]
    whole = all(type(count) is int and count >= 0 for count in (first, blocks))
    return whole and first + blocks <= layers and window.keys() == {"l_wait", "l_transfer", *SCHEDULED}


def forbidden_edges(n_layers: int, length: int, window: dict[str, Any]) -> Tensor:
    """Return which attention has a price: bool [layer, query, key], BOS at position 0."""
    query, key = torch.arange(length)[:, None], torch.arange(length)
    others = (key > 0) & (key < query)
    first, end = window["l_wait"], window["l_wait"] + window["l_transfer"]
    reading = torch.tensor([first <= layer < end for layer in range(n_layers)], dtype=torch.bool)
    return others & ~(reading[:, None, None] & (query == length - 1))


def masses(attentions: Sequence[Tensor], window: dict[str, Any]) -> tuple[Tensor, Tensor]:
    """Return (forbidden, allowed) attention mass of each priced query: float32 [prompt, head, priced (layer, query)].

    `attentions` holds the pattern [prompt, head, query, key] of every block.
    """
    pattern = torch.stack(tuple(attentions), dim=2).float()
    edges = forbidden_edges(pattern.shape[2], pattern.shape[-1], window).to(pattern.device)
    priced = edges.any(-1)
    forbidden, allowed = ((pattern * part).sum(-1)[:, :, priced] for part in (edges, ~edges))
    return forbidden, allowed


def window_penalty(attentions: Sequence[Tensor], window: dict[str, Any]) -> Tensor:
    """Return the penalty in nats; 0 where nothing has a price."""
    forbidden, allowed = masses(attentions, window)
    spared = window["tolerance"] * allowed.clamp_min(TINY)
    dear = (forbidden + spared).log() - spared.log()  # as a ratio it would overflow in the backward pass
    return window["weight"] * dear.sum() / max(dear.numel(), 1)


@contextmanager
def lowered(model: Any, length: int, window: dict[str, Any]) -> Iterator[None]:
    """Lower the forbidden attention scores of a Llama with eager attention by `bias` nats while the context lasts."""
    blocks = model.model.layers if window["bias"] else []
    edges = forbidden_edges(len(blocks), length, window)

    def lower(cost: Tensor) -> Any:
        return lambda _, args, kwargs: (args, kwargs | {"attention_mask": kwargs["attention_mask"] - cost})

    hooks = [
        block.self_attn.register_forward_pre_hook(lower(window["bias"] * edges[i].to(model.device)), with_kwargs=True)
        for i, block in enumerate(blocks)
    ]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


@torch.no_grad()
def leak(model: Any, batches: Sequence[Tensor], window: dict[str, Any]) -> dict[str, float]:
    """Return the mean and the largest forbidden mass over all priced queries of `batches` (tokens [prompt, pos])."""
    found = [
        masses(model(input_ids=tokens, use_cache=False, output_attentions=True).attentions, window)[0].flatten()
        for tokens in batches
    ]
    every = torch.cat(found)
    return {"mean": every.mean().item(), "max": every.max().item()}
