"""What does the model make of a prompt and what follows it, while interventions stay at the prompt?

    logits[t] = model( prompt + new[:t] ; writes at the prompt's roles )      t = 0 .. number of new tokens

A write at a role of the prompt is made in every one of these forwards, at the same position. A write at `last` has two
variants, by name:

    prompt      at the last position of the prompt alone
    generated   there and at each token that follows (edges: with that token as the query)

"all" names every position of the prompt, and no later one. The whole sequence is run again for each length: slow,
and the same as any other forward.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from interp.engine import Intervention, edits
from interp.engine.hooks import device_of
from interp.engine.run import evaluating
from interp.errors import InterpError, nearest

LAST = ("prompt", "generated")


@dataclass(frozen=True)
class Grown:
    """Prompts with tokens after them: [prompt, pos + new]. Roles are the prompt's; `last` stands `shift` behind it."""

    prompts: Any
    tokens: np.ndarray
    shift: int = 0

    @property
    def roles(self) -> tuple[str, ...]:
        """Return the roles of the prompt, which "all" stands for."""
        return self.prompts.roles

    def __len__(self) -> int:
        return len(self.tokens)

    def position(self, role: str) -> int:
        """Return the position of `role`, `last` moved by `shift`. Raises InterpError for an unknown role."""
        return self.prompts.position(role) + (self.shift if role == "last" else 0)


def following(interventions: Sequence[Intervention], last: str) -> list[Intervention]:
    """Return what is written at each new token: nothing, or the writes at `last`, for `last` = "generated".

    Raises InterpError for an unknown variant, and for one value that is meant for `last` and another role.
    """
    if last not in LAST:
        raise InterpError(f"unknown variant {last!r} of a write at `last`. {nearest(last, LAST)}")
    found = []
    for each in interventions if last == "generated" else ():
        own = tuple(
            place for place in each.where if place == "last" or (not isinstance(place, str) and place[0] == "last")
        )
        if own and len(own) < len(each.where) and each.site.name != "attn":
            raise InterpError(
                f"{each.site}: a write at `last` that follows generated tokens stands alone; give the other roles of "
                f"{', '.join(map(str, each.where))} an intervention of their own."
            )
        if own:
            found.append(replace(each, where=own))
    return found


@contextmanager
def continuing(model: Any, prompts: Any, tokens: np.ndarray, writes: Writes, rows: np.ndarray) -> Iterator[None]:
    """Hold the writes on the model while `tokens` [prompt, pos + new] are run; `rows` are the prompts of the batch."""
    new = tokens.shape[1] - prompts.tokens.shape[1]
    with ExitStack() as stack:
        stack.enter_context(edits(model, Grown(prompts, tokens), writes.prompt, rows))
        for shift in range(1, new + 1 if writes.new else 1):
            stack.enter_context(edits(model, Grown(prompts, tokens, shift), writes.new, rows))
        yield


@dataclass(frozen=True)
class Writes:
    """What is written at the prompt, and what at each token that follows it."""

    prompt: tuple[Intervention, ...] = ()
    new: tuple[Intervention, ...] = ()

    @classmethod
    def of(cls, interventions: Sequence[Intervention], last: str = "prompt") -> Writes:
        """Return both, for the variant `last`. Raises InterpError as `following`."""
        return cls(tuple(interventions), tuple(following(interventions, last)))


def logits_after(
    model: Any, prompts: Any, tokens: np.ndarray, writes: Writes, rows: np.ndarray
) -> Float[Tensor, "prompt new_plus_1 vocab"]:
    """Return float32 logits of the prompts `rows` at the prompt's last position and at each new token.

    tokens: int [prompt of the run, pos + new], the prompts of `prompts` with what follows them. Raises InterpError for
    a sequence longer than the model's context, non-finite logits, and as `run`.
    """
    n_ctx, start = getattr(model.cfg, "n_ctx", None), prompts.tokens.shape[1]
    if n_ctx and tokens.shape[1] > n_ctx:
        raise InterpError(
            f"{start} tokens of the prompt and {tokens.shape[1] - start} that follow are more than this model's "
            f"{n_ctx}; ask for fewer new tokens."
        )
    batch = torch.as_tensor(tokens[rows], device=device_of(model))
    with evaluating(model), torch.no_grad(), continuing(model, prompts, tokens, writes, rows):
        logits = model(batch, attention_mask=torch.ones_like(batch))[:, start - 1 :].float()
    if not bool(torch.isfinite(logits).all()):
        raise InterpError("the model gave non-finite logits; look for an edit that hides every key, or use float32.")
    return logits
