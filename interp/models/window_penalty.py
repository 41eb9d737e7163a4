"""How is a model made to wait? By a price on attention where a wait-transfer-compute model would have none.

    forbidden   every query but the last: any key but itself and BOS, in every block
                the last query: any key but itself and BOS, in every block outside l_wait .. l_wait + l_transfer - 1
    penalty  =  weight * mean over (block, head, prompt, query with a forbidden key) of  -log(allowed mass)

The price is paid on the plain forward pass, so there is no masked mode beside which another mechanism could live. As a
log barrier it pulls hard where all mass is forbidden, and is about the mass itself where that is small. It is computed
as log(forbidden + allowed) - log(allowed), for in bfloat16 the two do not add up to 1 exactly; a ratio of the two
would overflow in the backward pass where the allowed mass is tiny.

A high price from the first step on makes every head look away for good, the reading ones too (they share their keys):
let it rise from a fraction of a nat, as the knots [step, weight] of the recipe do.

Reading: `leak` is the forbidden mass that is left, in [0, 1]. A small leak is not yet a proof, for values may be
large: what the model needs is measured by `interp.methods.af1` and by cutting the forbidden edges.

The regions are those of AF1 (Mamidanna, Rai, Yao & Zhou, "All for One", EMNLP 2025, arXiv 2509.09650); the price on
them is ours.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

TINY = 1e-30
"""Keeps the logarithm finite where a softmax has underflowed on every allowed key."""


def holds(recipe: dict[str, Any]) -> bool:
    """Return whether the recipe's `window` is null, or {l_wait, l_transfer, weight} with a window inside the model."""
    window = recipe["window"]
    if window is None:
        return True
    first, blocks, layers = window["l_wait"], window["l_transfer"], recipe["architecture"]["num_hidden_layers"]
    whole = all(type(count) is int and count >= 0 for count in (first, blocks))
    return whole and first + blocks <= layers and window.keys() == {"l_wait", "l_transfer", "weight"}


def forbidden_edges(n_layers: int, length: int, window: dict[str, Any]) -> Tensor:
    """Return which attention has a price: bool [layer, query, key], BOS at position 0."""
    query, key = torch.arange(length)[:, None], torch.arange(length)
    others = (key > 0) & (key < query)
    first, end = window["l_wait"], window["l_wait"] + window["l_transfer"]
    reading = torch.tensor([first <= layer < end for layer in range(n_layers)])
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
    """Return weight * mean -log(allowed mass), in nats; 0 where nothing has a price."""
    forbidden, allowed = masses(attentions, window)
    surprise = (forbidden + allowed).log() - allowed.clamp_min(TINY).log()
    return window["weight"] * surprise.sum() / max(surprise.numel(), 1)


@torch.no_grad()
def leak(model: Any, batches: Sequence[Tensor], window: dict[str, Any]) -> dict[str, float]:
    """Return the mean and the largest forbidden mass over all priced queries of `batches` (tokens [prompt, pos])."""
    found = [
        masses(model(input_ids=tokens, use_cache=False, output_attentions=True).attentions, window)[0].flatten()
        for tokens in batches
    ]
    every = torch.cat(found)
    return {"mean": every.mean().item(), "max": every.max().item()}
