"""How is one block called? Every argument of a real call, captured and made again for rows of another arrangement.

    hidden_states                 the rows' residual stream
    attention_mask                the rows' mask, added to the scores (also where the model passed none)
    past..., use_cache            none: rows are no continuation of anything
    position..., cache_position   picked at the rows' places: integers [..., pos], rotary tables [..., pos, d]
    None, numbers, strings        as they were

Any other tensor is an error: nobody could say which entry belongs to which row. A mask that the model passes must say
"seen" or "not seen"; one that adds a bias by distance is an error too. TransformerLens's native attention holds a
causal mask of the size of its context; it is set aside in calls with more rows, whose own mask says it all.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from interp.engine.run import evaluating
from interp.errors import InterpError

BLOCKED = -1e4
"""A score mask at or below this hides a key in every dtype; 0 shows it; anything between is a bias."""


@dataclass(frozen=True)
class Rows:
    """The rows of one call: residual stream [prompt, row, d_model], places int [row], and the mask of the scores."""

    resid: Tensor
    places: Tensor
    mask: Tensor


Argument = Callable[[Rows], Any]


@dataclass(frozen=True)
class Call:
    """How one block is called. allowed: bool [1 or head, place, place], what the model's own mask lets a place see."""

    args: tuple[Argument, ...]
    kwargs: dict[str, Argument]
    allowed: Tensor
    fixed: tuple[Any, ...] = ()  # attention modules with a mask of the size of the context

    def __call__(self, block: Any, rows: Rows) -> Tensor:
        """Return the residual stream [prompt, row, d_model] after the block."""
        kwargs = {name: make(rows) for name, make in self.kwargs.items()}
        with _set_aside(self.fixed, rows.resid.shape[1]):
            out = block(*(make(rows) for make in self.args), **kwargs)
        return out[0] if isinstance(out, (tuple, list)) else out


def capture(model: Any, tokens: Tensor) -> tuple[list[Call], Tensor]:
    """Return how each block is called in a plain forward of tokens [prompt, pos], and the last logits [prompt, vocab].

    Raises InterpError for an argument that cannot be made for other rows.
    """
    calls: list[Call] = []

    def keep(block: Any, args: tuple, kwargs: dict) -> None:
        calls.append(_generalised(block, args, kwargs, tokens, model))

    with ExitStack() as stack, torch.no_grad(), evaluating(model):
        for block in model.blocks:
            stack.callback(block.register_forward_pre_hook(keep, with_kwargs=True).remove)
        logits = model(tokens, attention_mask=torch.ones_like(tokens))
    return calls, logits[:, -1].float()


def _generalised(block: Any, args: tuple, kwargs: dict, tokens: Tensor, model: Any) -> Call:
    parameters = list(inspect.signature(block.original_component.forward).parameters)
    names = ["hidden_states", *parameters[1 : len(args)]] if args else []
    given = dict(zip(names, args, strict=True)) | kwargs
    makers = {name: _argument(name, value, tokens) for name, value in given.items()}
    makers["attention_mask"] = lambda rows: rows.mask
    positional = tuple(makers.pop(name) for name in names)
    causal = getattr(model.cfg, "attention_dir", "causal") == "causal"
    fixed = tuple(
        module for module in block.modules() if "causal_mask" in module._buffers and hasattr(module, "causal")
    )
    return Call(positional, makers, _allowed(given.get("attention_mask"), tokens, causal), fixed)


@contextmanager
def _set_aside(fixed: tuple[Any, ...], n_rows: int) -> Iterator[None]:
    """Switch off the causal masks that are too small for `n_rows`."""
    small = [module for module in fixed if module.causal and module.causal_mask.shape[-1] < n_rows]
    try:
        for module in small:
            module.causal = False
        yield
    finally:
        for module in small:
            module.causal = True


def _argument(name: str, value: Any, tokens: Tensor) -> Argument:
    if name == "hidden_states":
        return lambda rows: rows.resid
    if name == "attention_mask" or value is None or "past" in name:
        return lambda rows: rows.mask if name == "attention_mask" else None
    if name == "use_cache":
        return lambda rows: False
    if isinstance(value, (bool, int, float, str)):
        return lambda rows: value
    if name.startswith("position") or name == "cache_position":
        return _picked(name, value, tokens)
    raise _unknown(name, value)


def _picked(name: str, value: Any, tokens: Tensor) -> Argument:
    """Return the argument made of the entries of `value` at the rows' places."""
    if isinstance(value, (tuple, list)):
        parts, kind = [_picked(name, part, tokens) for part in value], type(value)
        return lambda rows: kind(part(rows) for part in parts)
    axis = -2 if isinstance(value, Tensor) and value.is_floating_point() else -1
    if not isinstance(value, Tensor) or value.ndim < -axis or value.shape[axis] != tokens.shape[1]:
        raise _unknown(name, value)
    by_prompt = value.ndim > -axis and value.shape[0] == len(tokens)
    table = value[:1] if by_prompt else value

    def make(rows: Rows) -> Tensor:
        picked = table.index_select(axis, rows.places)
        return picked.expand(len(rows.resid), *picked.shape[1:]) if by_prompt else picked

    return make


def _allowed(mask: Any, tokens: Tensor, causal: bool) -> Tensor:
    """Return what a call's mask lets each place see, bool [1 or head, place, place]."""
    n_pos = tokens.shape[1]
    square = torch.ones(1, n_pos, n_pos, dtype=torch.bool, device=tokens.device)
    if mask is None or (isinstance(mask, Tensor) and mask.ndim == 2):  # none, or padding: there is none of it
        return square.tril() if causal else square
    if not isinstance(mask, Tensor) or mask.ndim != 4 or mask.shape[-2:] != (n_pos, n_pos):
        raise _unknown("attention_mask", mask)
    if mask.dtype == torch.bool:
        return mask[0]
    if not bool(((mask == 0) | (mask <= BLOCKED)).all()):
        raise _unknown("attention_mask", mask)
    return mask[0] == 0


def _unknown(name: str, value: Any) -> InterpError:
    what = f"a tensor {tuple(value.shape)}" if isinstance(value, Tensor) else type(value).__name__
    return InterpError(
        f"This model's blocks take {name!r} ({what}), which cannot be made for other rows, so they cannot be run one "
        "by one. Use `run` with interventions."
    )
