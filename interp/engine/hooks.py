"""Interventions on the model: as a context (`edits`), or as TransformerLens `fwd_hooks` (`to_hooks`).

    with edits(model, prompts, interventions):
        logits = model(tokens)                      # and any hooks of your own
    model.run_with_hooks(tokens, fwd_hooks=to_hooks(model, prompts, interventions) + mine)

Writes at one site apply in list order. Everything about names, layers, roles and keys is checked before any forward.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from interp.engine.edge_hooks import edge_hooks
from interp.engine.edges import hidden_edges, masked
from interp.engine.honoured import require_honoured
from interp.engine.interventions import Intervention
from interp.engine.writes import Write, bind
from interp.errors import InterpError

Hook = tuple[str, Callable[..., Any]]


@dataclass
class Cursor:
    """Which prompts are in the batch now: their places in the run."""

    rows: np.ndarray


@contextmanager
def edits(model: Any, prompts: Any, interventions: Sequence[Intervention], rows: Any = None) -> Iterator[Any]:
    """Apply the interventions to every forward inside the context; yield the model.

    `rows` says which prompts the batch holds (default: all, in order). Raises InterpError before any forward for
    what does not exist, and for a write that the architecture drops. Leaves nothing on the model.
    """
    cursor = rows if isinstance(rows, Cursor) else Cursor(_rows(rows, len(prompts)))
    hidden = hidden_edges(model, prompts, interventions)
    hooks = write_hooks(model, prompts, interventions, cursor)
    with masked(model, hidden), model.hooks(fwd_hooks=hooks):
        yield model


def write_hooks(model: Any, prompts: Any, interventions: Sequence[Intervention], cursor: Cursor) -> list[Hook]:
    """Return the forward hooks of all writes but hidden edges, for the batch that `cursor` points at."""
    bound = [(each.site.hook_name(model), bind(each, prompts)) for each in interventions if each.site.name != "attn"]
    tokens = torch.tensor(prompts.tokens[:1], device=device_of(model))
    for _, write in bound:
        require_honoured(model, write.intervention.site, tokens)
    return [(name, _hook(write, cursor)) for name, write in bound]


def to_hooks(model: Any, prompts: Any, interventions: Sequence[Intervention], rows: Any = None) -> list[Hook]:
    """Return the interventions as TransformerLens `fwd_hooks`, to be mixed with your own.

    `rows` says which prompts the batch holds (default: all, in order). Raises InterpError where an architecture
    cannot express a write as a forward hook (GPT-J's attention edges): use `edits` or `run` there.
    """
    cursor = Cursor(_rows(rows, len(prompts)))
    hidden = hidden_edges(model, prompts, interventions)
    writes = write_hooks(model, prompts, interventions, cursor)
    return edge_hooks(model, prompts, hidden) + writes


def device_of(model: Any) -> torch.device:
    """Return the device on which the model takes its tokens."""
    return next(model.parameters()).device


def _hook(write: Write, cursor: Cursor) -> Callable[..., Tensor]:
    in_place = write.intervention.site.name == "resid_mid"

    def hook_fn(h: Tensor, hook: Any) -> Tensor:
        written = write(h, cursor.rows)
        # the hook point is the input of the MLP's norm; the skip connection holds the same tensor, so a new
        # one would reach the MLP alone
        return h.copy_(written) if in_place else written

    return hook_fn


def _rows(rows: Any, n: int) -> np.ndarray:
    """Return row numbers [batch] from an index, a slice, a mask or None (all)."""
    try:
        return np.arange(n) if rows is None else np.atleast_1d(np.arange(n)[rows])
    except IndexError as error:
        raise InterpError(f"rows= must pick from the {n} prompts: {error}.") from None
