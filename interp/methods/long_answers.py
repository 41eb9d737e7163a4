"""How often is the model right when its answer is several tokens? Told the right beginning, and writing by itself.

    teacher-forced   token k is right when argmax logits( prompt + answer[:k] ) = answer[k]; exact: all of them
    generated        greedy, token after token; exact: the number it writes, to its end, is the answer

As long as all tokens were right, greedy text *is* the right beginning, so every token of the answer is generated
exactly when every token is right teacher-forced. The two exact matches differ by two things alone: generation must also
stop (a model that writes 465 for 46 has all tokens right: `runs_on`), and a number written in other pieces than the
tokenizer's is right only when generated. Place by place they differ more: after an early error teacher-forced tokens
get the right context again, and generated ones a wrong one.

    digit c   the c-th digit from the right (0 = units) of the answer: of the token that holds it, its pieces aligned at
              their ends (teacher-forced), or of the number written (generated)

Nulls: the most common answer, token or digit at each place, in hindsight, and generated numbers against shuffled
answers. `answer_logprob` is the sum over the answer's tokens, in nats.

Source: Nogueira et al. (2021) arXiv 2102.13019 (numbers in pieces).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
import xarray as xr

from interp.errors import InterpError
from interp.methods.continuations import Writes, logits_after
from interp.methods.generation import Greedy, generate
from interp.methods.long_result import dataset
from interp.progress import Progress, silent

if TYPE_CHECKING:
    from interp.tasks.long_prompts import LongPrompts

NUMBER = re.compile(r"-?\d+")


class Said(NamedTuple):
    """What the model made of one prompt: of each answer token the log-probability and the top token (teacher-forced),
    the generated tokens and their text, and digits by place from the right: {place: (answer, forced, generated)}."""

    text: str
    answer: str
    tokens: tuple[int, ...]
    logprobs: np.ndarray
    forced: np.ndarray
    generated: np.ndarray
    number: str
    digits: list[tuple[str, str, str]]


def long_answers(
    model: Any,
    prompts: Sequence[LongPrompts],
    *,
    batch_size: int = 512,
    progress: Progress = silent,
    seed: int = 0,
) -> xr.Dataset:
    """Return accuracy on answers of several tokens, teacher-forced and generated, each beside its null.

    `token_teacher_forced` and `token_generated` [token], `digit_teacher_forced` and `digit_generated` [digit],
    `exact_teacher_forced`, `exact_generated` and `runs_on` in [0, 1]; `token_correct`, `token_logprob` [prompt, token],
    `answer_logprob`, `written` [prompt]. `prompts` are the sets of `build_long`. Nothing is random: `seed` is not used.
    Raises InterpError on no prompts, an unknown answer, a model without a tokenizer or without room for the answer.
    """
    tokenizer = getattr(model, "tokenizer", None)
    if tokenizer is None:
        raise InterpError("this model has no tokenizer, so its answers have no text; use accuracy.")
    if not sum(map(len, prompts)):
        raise InterpError("There are no prompts to run; a method needs at least one. Check the split and the filters.")
    total, done = sum(map(len, prompts)), 0
    said: list[Said] = []
    for part in prompts:
        for k in sorted({len(answer) for answer in part.answer_tokens}):
            if k == 0:
                raise InterpError(
                    "some of these prompts have no answer, so nothing can be right; give each its answer."
                )
            chosen = part[np.array([len(answer) == k for answer in part.answer_tokens])]
            progress(done, total, f"answers of {k} tokens")
            said += _said(model, tokenizer, chosen, k, batch_size)
            done += len(chosen)
    progress(total, total, "answered")
    return dataset(model, list(prompts), said)


def _said(model: Any, tokenizer: Any, prompts: LongPrompts, k: int, batch_size: int) -> list[Said]:
    """Return what the model says on prompts whose answers have `k` tokens."""
    answers = np.array(prompts.answer_tokens, dtype=np.int64)
    stop = () if tokenizer.eos_token_id is None else (int(tokenizer.eos_token_id),)
    longest = max(k, *map(len, prompts.answers))  # in other pieces the answer may be more tokens
    written = generate(model, prompts, Greedy(longest + 1, stop), batch_size=batch_size)
    logprobs, forced = _teacher_forced(model, prompts, answers, batch_size)
    texts = written.texts(tokenizer, stop)
    found = []
    for i, answer in enumerate(prompts.answers):
        number = _number(texts[i], answer)
        digits = _digits(tokenizer, prompts.answer_tokens[i], forced[i], answer, number)
        tokens = prompts.answer_tokens[i]
        found.append(
            Said(prompts.texts[i], answer, tokens, logprobs[i], forced[i], written.tokens[i, :k], number, digits)
        )
    return found


def _teacher_forced(
    model: Any, prompts: LongPrompts, answers: np.ndarray, batch_size: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return the log-probability of each answer token [prompt, token] after the ones before it, and the top token."""
    whole = np.concatenate([prompts.tokens, answers[:, :-1]], axis=1)
    logprobs, top = np.empty(answers.shape), np.empty(answers.shape, dtype=np.int64)
    for start in range(0, len(prompts), batch_size):
        rows = np.arange(start, min(start + batch_size, len(prompts)))
        logits = logits_after(model, prompts, whole, Writes(), rows)
        ids = torch.as_tensor(answers[rows], device=logits.device)
        logprobs[rows] = torch.log_softmax(logits, dim=-1).gather(2, ids[:, :, None])[:, :, 0].cpu().numpy()
        top[rows] = logits.argmax(dim=-1).cpu().numpy()
    return logprobs, top


def _number(text: str, answer: str) -> str:
    """Return the number that `text` begins with ("" for none), or as much text as an answer in words has."""
    text = text.strip()
    if not answer.isdecimal():
        return text[: len(answer)]
    found = NUMBER.match(text)
    return found.group() if found else ""


def _digits(
    tokenizer: Any, tokens: tuple[int, ...], forced: np.ndarray, answer: str, number: str
) -> list[tuple[str, str, str]]:
    """Return (answer, teacher-forced, generated) for each digit of the answer, units first; "" where there is none."""
    if not answer.isdecimal():
        return []
    pairs = [
        (tokenizer.decode([t]).strip(), tokenizer.decode([f]).strip()) for t, f in zip(tokens, forced, strict=True)
    ]
    if "".join(piece for piece, _ in pairs) != answer:
        return []  # pieces that are no digits, such as bytes
    by_token = [told[-1 - i : len(told) - i] for piece, told in reversed(pairs) for i in range(len(piece))]
    by_number = [number[-1 - i : len(number) - i] for i in range(len(answer))]
    return list(zip(reversed(answer), by_token, by_number, strict=True))
