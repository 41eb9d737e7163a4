"""Hidden attention edges as forward hooks, for those who bring hooks of their own.

-inf in `hook_attn_scores` where the model honours it; else 0 in `hook_pattern` and the row renormalised, which is the
same in exact arithmetic; else there is no hook that does it (GPT-J) and `edits` must be used. Which of the two a
model honours is found by a probe, once for each model.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
import torch
from torch import Tensor

from interp.engine.honoured import reaches
from interp.errors import InterpError

Hook = tuple[str, Callable[..., Any]]
_PLACE: WeakKeyDictionary[Any, str] = WeakKeyDictionary()


def edge_hooks(model: Any, prompts: Any, hidden: dict[int, np.ndarray]) -> list[Hook]:
    """Return forward hooks that hide the edges {layer: bool [head, query, key]}.

    Raises InterpError if the architecture honours neither scores nor pattern.
    """
    hooks: list[Hook] = []
    for layer, mask in hidden.items():
        place = _place(model, layer, prompts)
        hide = torch.as_tensor(mask)[None]
        hooks.append((f"blocks.{layer}.attn.{place}", _SHAPES[place](hide)))
    return hooks


def _scores(hide: Tensor) -> Callable[..., Tensor]:
    def hook_fn(scores: Tensor, hook: Any) -> Tensor:
        return scores.masked_fill(hide.to(scores.device), -torch.inf)

    return hook_fn


def _pattern(hide: Tensor) -> Callable[..., Tensor]:
    def hook_fn(pattern: Tensor, hook: Any) -> Tensor:
        kept = pattern.masked_fill(hide.to(pattern.device), 0.0)
        touched = hide.to(pattern.device).any(-1, keepdim=True)
        return torch.where(touched, kept / kept.sum(-1, keepdim=True), pattern)

    return hook_fn


_SHAPES = {"hook_attn_scores": _scores, "hook_pattern": _pattern}


def _place(model: Any, layer: int, prompts: Any) -> str:
    if model not in _PLACE:
        tokens = torch.tensor(prompts.tokens[:1], device=next(model.parameters()).device)
        honoured = [place for place in _SHAPES if reaches(model, f"blocks.{layer}.attn.{place}", tokens)]
        if not honoured:
            kind = getattr(model.cfg, "architecture", None) or type(model).__name__
            raise InterpError(
                f"{kind} honours no forward hook for attention edges: use `run`, "
                "or `with edits(model, prompts, interventions): ...`, which hide them by a mask."
            )
        _PLACE[model] = honoured[0]
    return _PLACE[model]
