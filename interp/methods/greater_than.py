"""Does the model put its probability on the years that can follow, and how sharp is the edge?

    prob_diff        sum over y > YY of p(y)  -  sum over y <= YY of p(y)        in [-1, 1], 1 = all of it above YY
    cutoff_sharpness p(YY + 1) - p(YY - 1)                                       in [-1, 1]

y runs over the hundred two-digit tokens; what a model gives to other tokens counts on neither side. Both are functions
(logits [prompt, vocab], prompts) -> [prompt] of prompts with a variable `yy` (`interp.tasks.greater_than`),
differentiable, so attribution can take them. A model that ignores YY scores (98 - 2 YY) / 100 by a uniform guess, 0 on
average over YY = 02..98 up to rounding; the corrupted run (YY = 01, asked about the clean YY) is the other null.

Source: Hanna, Liu & Variengien (2023), arXiv 2305.00586.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from jaxtyping import Float
from torch import Tensor

from interp.errors import InterpError

if TYPE_CHECKING:
    from interp.tasks.prompts import Prompts

N_YEARS = 100
"""Tokens 0..99 of `interp.models.year_tokenizer` are the years 00..99."""


def prob_diff(logits: Float[Tensor, "prompt vocab"], prompts: Prompts) -> Float[Tensor, " prompt"]:
    """Return the probability of greater years less that of the others, in [-1, 1].

    Raises InterpError for prompts without `yy`, another number of rows, or logits that are not finite.
    """
    p, yy = _years(logits, prompts)
    above = torch.arange(N_YEARS, device=p.device) > yy[:, None]
    return torch.where(above, p, -p).sum(dim=-1)


def cutoff_sharpness(logits: Float[Tensor, "prompt vocab"], prompts: Prompts) -> Float[Tensor, " prompt"]:
    """Return p(YY + 1) - p(YY - 1), in [-1, 1]. Raises as `prob_diff`."""
    p, yy = _years(logits, prompts)
    return (p.gather(-1, yy[:, None] + 1) - p.gather(-1, yy[:, None] - 1))[:, 0]


def _years(logits: Tensor, prompts: Prompts) -> tuple[Tensor, Tensor]:
    """The probabilities of 00..99 [prompt, year], among all tokens, and YY [prompt]."""
    yy = prompts.variables.get("yy")
    if yy is None or logits.ndim != 2 or len(logits) != len(yy) or logits.shape[1] < N_YEARS or not len(yy):
        raise InterpError(
            f"Years need logits [prompt, vocab] of prompts with a variable yy; got {tuple(logits.shape)} for "
            f"{'none' if yy is None else len(yy)}. Make the prompts with interp.tasks.greater_than."
        )
    if yy.min() < 1 or yy.max() > N_YEARS - 2:
        raise InterpError(f"Years YY are 01..98, so that both sides hold one; got {yy.min()}..{yy.max()}.")
    if not bool(torch.isfinite(logits.detach()).all()):
        raise InterpError("The model gave logits that are not finite; use float32.")
    return logits.float().softmax(dim=-1)[:, :N_YEARS], torch.as_tensor(yy, device=logits.device)
