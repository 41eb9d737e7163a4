"""Attention edges: score[query, key] = -inf, so that the pattern reads exactly 0 there and the rest renormalises.

The hidden edges of one layer become one mask [head, query, key], added to the attention mask with which that block's
attention module is called. Every architecture takes such a mask (Llama with grouped queries, GPT-2, GPT-NeoX, GPT-J,
native), while writes to the scores or the pattern are dropped by some. The first forward under a mask reads the
pattern and raises if a hidden edge is not exactly 0.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor

from interp.engine.interventions import Intervention
from interp.engine.sites import Site
from interp.engine.writes import locate
from interp.errors import InterpError


def hidden_edges(model: Any, prompts: Any, interventions: Sequence[Intervention]) -> dict[int, np.ndarray]:
    """Return {layer: bool [head, query, key]}, True where an edge is hidden; layers without any are left out.

    Raises InterpError for an unknown layer, head or role, and when a query would be left without any key.
    """
    n_pos = prompts.tokens.shape[1]
    hidden: dict[int, np.ndarray] = {}
    for each in interventions:
        layer = each.site.layer
        if each.site.name != "attn" or layer is None:
            continue
        each.site.hook_name(model)  # raises for a layer or head that is not there
        mask = hidden.setdefault(layer, np.zeros((model.cfg.n_heads, n_pos, n_pos), dtype=bool))
        _, edges = locate(each.where, prompts)
        heads = slice(None) if each.site.index is None else each.site.index
        for query, key in edges:
            mask[heads, query, key] = True
    for layer, mask in hidden.items():
        _require_a_key(mask, layer, prompts.roles)
    return hidden


@contextmanager
def masked(model: Any, layer: int, hidden: np.ndarray) -> Iterator[None]:
    """Hide edges of one layer (bool [head, query, key]) in every forward inside the context.

    Raises InterpError if the architecture does not honour it; leaves nothing on the model.
    """
    attention = model.blocks[layer].attn
    hide = torch.as_tensor(hidden)[None]  # [1, head, query, key]
    calls: list[int] = []

    def add_mask(module: Any, args: tuple, kwargs: dict) -> tuple:
        if "attention_mask" not in kwargs:
            raise _dropped(model, layer, "its attention takes no mask")
        calls.append(1)
        kwargs = {**kwargs, "attention_mask": _combined(kwargs["attention_mask"], hide, model, args, kwargs)}
        return args, kwargs

    seen: list[int] = []

    def verify(pattern: Tensor, hook: Any) -> None:
        if not seen and bool((pattern * hide.to(pattern.device)).any()):
            raise _dropped(model, layer, "a hidden edge still carries attention")
        seen.append(1)

    name = Site("pattern", layer).hook_name(model)
    handle = attention.register_forward_pre_hook(add_mask, with_kwargs=True)
    try:
        with model.hooks(fwd_hooks=[(name, verify)]):
            yield
    finally:
        handle.remove()
    if calls and not seen:
        raise _dropped(model, layer, "it shows no attention pattern to check against")


def _combined(mask: Tensor | None, hide: Tensor, model: Any, args: tuple, kwargs: dict) -> Tensor:
    """Return the additive mask [prompt or 1, head, query, key] of the call, with the hidden edges at -inf."""
    stream = kwargs["hidden_states"] if "hidden_states" in kwargs else args[0]
    hide = hide.to(stream.device)
    n_pos = stream.shape[1]
    if hide.shape[-1] != n_pos:
        raise InterpError(f"The edges were hidden for prompts of {hide.shape[-1]} tokens, the batch has {n_pos}.")
    if mask is not None and mask.ndim == 4:
        if mask.dtype == torch.bool:  # Hugging Face: True = may attend
            return mask & ~hide
        return mask.masked_fill(hide, -torch.inf)
    blocked = hide
    if getattr(model.cfg, "attention_dir", "causal") == "causal":
        blocked = hide | torch.ones(n_pos, n_pos, dtype=torch.bool, device=hide.device).triu(1)
    if mask is not None:
        blocked = blocked | (mask == 0)[:, None, None, :]
    zeros = torch.zeros(blocked.shape, dtype=stream.dtype, device=stream.device)
    return zeros.masked_fill(blocked, -torch.inf)


def _require_a_key(hidden: np.ndarray, layer: int, roles: Sequence[str]) -> None:
    visible = np.tril(np.ones(hidden.shape[1:], dtype=bool)) & ~hidden
    blind = ~visible.any(axis=-1)  # [head, query]
    if blind.any():
        head, query = np.argwhere(blind)[0]
        raise InterpError(
            f"Layer {layer}, head {head}: every key of query {roles[query]!r} would be hidden; "
            "leave it at least one, for example itself."
        )


def _dropped(model: Any, layer: int, why: str) -> InterpError:
    kind = getattr(model.cfg, "architecture", None) or type(model).__name__
    return InterpError(f"Hidden attention edges at layer {layer} are dropped by {kind}: {why}.")
