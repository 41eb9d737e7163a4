"""What is the answer compared with? A direction of the unembedding for each prompt.

    direction_i = W_U[answer_i] - W_U[other_i]                        twin: other = the answer of the twin prompt
    direction_i = W_U[answer_i] - mean over other numbers W_U[o]      numbers: every number token but the answer

The same difference taken of logits is what a direction explains; a logit alone also holds what moves all answers alike.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from interp.errors import InterpError

if TYPE_CHECKING:
    from interp.tasks.prompts import Prompts
    from interp.tasks.twins import Twins

AGAINST = ("twin", "numbers")


@dataclass(frozen=True)
class Contrast:
    """The answer of each prompt int [prompt] against `others`: int [prompt], one a prompt, for "twin"; int [number],
    the same for all and without the answer itself, for "numbers"."""

    against: str
    answers: np.ndarray
    others: np.ndarray

    def __len__(self) -> int:
        return len(self.answers)

    def __getitem__(self, rows: Any) -> Contrast:
        """Return the contrasts of the prompts at `rows`."""
        others = self.others[rows] if self.against == "twin" else self.others
        return replace(self, answers=self.answers[rows], others=others)

    def columns(self, table: Float[Tensor, "*rest vocab"]) -> Float[Tensor, "prompt ..."]:
        """Return the difference of the columns of one `table`, W_U or b_U, for each prompt, in float32 at least."""
        own, others = (wide(table[..., _ids(ids, table)]) for ids in (self.answers, self.others))
        found = own - others if self.against == "twin" else self._less_mean(own, others.sum(dim=-1, keepdim=True))
        return found.movedim(-1, 0)

    def of(self, logits: Float[Tensor, "prompt vocab"]) -> Float[Tensor, " prompt"]:
        """Return the difference of each prompt's own logits."""
        own = logits.gather(1, _ids(self.answers, logits)[:, None])[:, 0]
        if self.against == "twin":
            return own - logits.gather(1, _ids(self.others, logits)[:, None])[:, 0]
        return self._less_mean(own, logits[:, _ids(self.others, logits)].sum(dim=1))

    def _less_mean(self, own: Tensor, total: Tensor) -> Tensor:
        """Return own - mean of the others, of which `total` is the sum with the answer itself where it is one."""
        among = torch.as_tensor(np.isin(self.answers, self.others), device=own.device).to(own.dtype)
        return own - (total - among * own) / (len(self.others) - among)


def against_twin(twins: Twins) -> Contrast:
    """Return the clean answers against those of the twins. Raises InterpError where a pair shares its answer."""
    answers, others = twins.clean.answer_ids, twins.corrupted.answer_ids
    same = int((answers == others).sum())
    if same:
        raise InterpError(
            f"{same} of {len(answers)} pairs have one answer for both prompts, so no direction between them. "
            "Choose a twin recipe that changes the answer, such as swap_operand, or against = numbers."
        )
    return Contrast("twin", answers, others)


def against_numbers(model: Any, prompts: Prompts) -> Contrast:
    """Return the answers against the mean of all other number tokens (for a model without a tokenizer: of the other
    answers of these prompts). Raises InterpError where there is no other."""
    numbers = number_tokens(getattr(model, "tokenizer", None), prompts)
    if len(np.union1d(numbers, prompts.answer_ids)) < 2 or len(numbers) < 1:
        raise InterpError("These prompts have one answer and the tokenizer no other number; contrast needs two.")
    return Contrast("numbers", prompts.answer_ids, numbers)


def number_tokens(tokenizer: Any, prompts: Prompts) -> np.ndarray:
    """Return the ids, rising, of the tokens that are whole numbers written as the answers are: with a space in front
    where the first answer has one. Without a tokenizer: the answers that occur."""
    if tokenizer is None:
        return np.unique(prompts.answer_ids)
    texts = tokenizer.batch_decode([[i] for i in range(len(tokenizer))])
    spaced = texts[prompts.answer_ids[0]][:1].isspace()
    return np.array([i for i, text in enumerate(texts) if text.strip().isdecimal() and text[:1].isspace() == spaced])


def wide(x: Tensor) -> Tensor:
    """Return `x` in float32 at least."""
    return x if x.dtype in (torch.float32, torch.float64) else x.float()


def _ids(ids: np.ndarray, like: Tensor) -> Tensor:
    return torch.as_tensor(np.asarray(ids), device=like.device)
