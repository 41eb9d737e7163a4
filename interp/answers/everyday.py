"""How are the everyday methods asked: direct logit attribution, and answers of several tokens?"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

import xarray as xr

from interp.answers.question import Question, short_name
from interp.errors import InterpError
from interp.store.everyday_parameters import Dla, LongAnswers
from interp.tasks import LongPrompts, build_long, named_task, read_long_prompts


def dla(question: Question) -> xr.Dataset:
    from interp.methods.contrasts import against_numbers, against_twin
    from interp.methods.direct_logits import direct_logits

    p = cast(Dla, question.spec.settings)
    if p.against == "twin":
        twins = question.pairs(cast(Any, p))
        prompts, contrast = twins.clean, against_twin(twins)
    else:
        prompts = question.prompts(p.split, p.n)
        contrast = against_numbers(question.model, prompts)
    sizes: dict[str, Any] = {"neuron_layers": p.neuron_layers, "n_neurons": p.n_neurons}
    return direct_logits(question.model, prompts, contrast, **sizes, **question.how)


def long_answers(question: Question) -> xr.Dataset:
    from interp.methods.long_answers import long_answers

    p = cast(LongAnswers, question.spec.settings)
    return long_answers(question.model, long_prompts(question, p.split, p.n), **question.how)


def long_prompts(question: Question, split: str, n: int | None) -> tuple[LongPrompts, ...]:
    """Return `n` prompts of the task whose numbers may be several tokens, one `LongPrompts` for each way in which their
    operands are cut; a split that has fewer gives all it has. Raises InterpError for a task the model cannot take."""
    model, task, seed = question.model, str(question.spec.task), question.spec.seed
    if model.arith.tokenizer is None:
        raise InterpError(f"{question.spec.model!r} has no tokenizer, so its answers are single tokens; use accuracy.")
    if task.endswith(".jsonl"):
        found = read_long_prompts(task, model.arith.tokenizer, n, seed)
    else:
        found = build_long(named_task(task), model.arith.tokenizer, question.spec.style, split, n, seed)
    had = sum(map(len, found))
    if n is not None and had < n:
        question.short[found[0].split] = (had, n)
    for part in found:
        top = max(int(part.tokens.max()), max((t for answer in part.answer_tokens for t in answer), default=0))
        if top >= model.cfg.d_vocab:
            raise InterpError(
                f"the tokenizer gives token {top}, but the model has 0..{model.cfg.d_vocab - 1}; they do not belong "
                "together: restore the checkpoint."
            )
    return tuple(replace(part, task=short_name(task)) for part in found)
