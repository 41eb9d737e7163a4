"""Attention edges: score[query, key] = -inf, so that the pattern reads exactly 0 there and the rest renormalises.

The hidden edges of one layer become one mask [head, query, key], added to the attention mask with which that block's
attention module is called. Every architecture takes such a mask (Llama with grouped queries, GPT-2, GPT-NeoX, GPT-J,
native), while writes to the scores or the pattern are dropped by some. The first forward under a mask reads the
pattern and raises if a hidden edge is not exactly 0.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
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
def masked(model: Any, hidden: Mapping[int, np.ndarray]) -> Iterator[None]:
    """Hide edges {layer: bool [head, query, key]} in every forward inside the context.

    Raises InterpError if the architecture does not honour it; leaves nothing on the model.
    """
    masks = [_LayerMask(model, layer, torch.as_tensor(mask)[None]) for layer, mask in hidden.items()]
    with ExitStack() as stack:
        for mask in masks:
            attention = model.blocks[mask.layer].attn
            stack.callback(attention.register_forward_pre_hook(mask.add, with_kwargs=True).remove)
            stack.callback(attention.register_forward_hook(mask.finish).remove)
        reads = [(Site("pattern", mask.layer).hook_name(model), mask.verify) for mask in masks]
        stack.enter_context(model.hooks(fwd_hooks=reads))
        yield


@dataclass(repr=False)  # TransformerLens takes the repr of every hook: never that of a whole model
class _LayerMask:
    """The hidden edges of one layer: adds them to a call's mask, and looks at the first pattern under it."""

    model: Any
    layer: int
    hide: Tensor  # bool [1, head, query, key]
    seen: bool = False

    def add(self, module: Any, args: tuple, kwargs: dict) -> tuple:
        """Forward pre-hook of the attention module."""
        if "attention_mask" not in kwargs:
            raise self._dropped("its attention takes no mask")
        stream = kwargs["hidden_states"] if "hidden_states" in kwargs else args[0]
        if stream.shape[1] != self.hide.shape[-1]:
            raise InterpError(
                f"The edges were hidden for prompts of {self.hide.shape[-1]} tokens; the batch has {stream.shape[1]}."
            )
        causal = getattr(self.model.cfg, "attention_dir", "causal") == "causal"
        mask = combined(kwargs["attention_mask"], self.hide.to(stream.device), stream.dtype, causal)
        return args, {**kwargs, "attention_mask": mask}

    def verify(self, pattern: Tensor, hook: Any) -> None:
        """Forward hook at the pattern."""
        if not self.seen and bool((pattern * self.hide.to(pattern.device)).any()):
            raise self._dropped("a hidden edge still carries attention")
        self.seen = True

    def finish(self, *call: Any) -> None:
        """Forward hook of the attention module: raise InterpError if its pattern could not be looked at."""
        if not self.seen:
            raise self._dropped("it shows no attention pattern to check against")

    def _dropped(self, why: str) -> InterpError:
        kind = getattr(self.model.cfg, "architecture", None) or type(self.model).__name__
        return InterpError(f"Hidden attention edges at layer {self.layer} are dropped by {kind}: {why}.")


def combined(mask: Tensor | None, hide: Tensor, dtype: torch.dtype, causal: bool) -> Tensor:
    """Return the mask [prompt or 1, head, query, key] of a call, with the hidden edges taken out."""
    if mask is not None and mask.ndim == 4:
        if mask.dtype == torch.bool:  # Hugging Face: True = may attend
            return mask & ~hide
        return mask.masked_fill(hide, -torch.inf)
    blocked = hide
    if causal:
        blocked = blocked | torch.ones(hide.shape[-2:], dtype=torch.bool, device=hide.device).triu(1)
    if mask is not None:  # [prompt, key], 0 = padding
        blocked = blocked | (mask == 0)[:, None, None, :]
    return torch.zeros(blocked.shape, dtype=dtype, device=hide.device).masked_fill(blocked, -torch.inf)


def _require_a_key(hidden: np.ndarray, layer: int, roles: Sequence[str]) -> None:
    visible = np.tril(np.ones(hidden.shape[1:], dtype=bool)) & ~hidden
    blind = ~visible.any(axis=-1)  # [head, query]
    if blind.any():
        head, query = np.argwhere(blind)[0]
        raise InterpError(
            f"Layer {layer}, head {head}: every key of query {roles[query]!r} would be hidden; "
            "leave it at least one, for example itself."
        )
