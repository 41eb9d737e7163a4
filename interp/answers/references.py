"""Whose residuals stand behind a mean? The task's own prompts, another operator's, or all operands without the filter.

    own             the train split of the task (n null: the whole task, which makes the mean exact)
    other operator  the same style and operands, every + turned into - and every - into +
    unfiltered      all operand tuples of the ranges, where the task's filter (every step >= 0) takes any away

Each is drawn as the Spec draws: from the same split, with the same n and seed.
"""

from __future__ import annotations

from collections.abc import Container
from dataclasses import replace
from typing import TYPE_CHECKING

from interp.answers.question import Question, inside
from interp.tasks import Prompts, Task, build, check_task, named_task, other_operators, unfiltered

if TYPE_CHECKING:
    from interp.methods.means import Means
    from interp.methods.waiting import References


def means_of(question: Question, n: int | None) -> Means:
    """Return the CAMA means over `n` prompts of the train split, or (n null) over the whole task."""
    return _means(question, _own(question, n))


def references_of(question: Question, n: int | None, variants: Container[str] = ()) -> References:
    """Return the prompts and means of the task, and of those alternatives among `variants` that it has.

    An alternative that the task does not have (its wording is its own, its filter takes nothing away) is None.
    """
    from interp.methods.waiting import References

    own = _own(question, n)
    others = {
        name: _alternative(question, own, draw(question, n)) if name in variants else None
        for name, draw in (("other_operator", _other), ("unfiltered", _unfiltered))
    }
    return References(
        question.model,
        own,
        _means(question, own),
        others["other_operator"],
        others["unfiltered"],
        question.spec.seed,
        question.batch_size,
    )


def _own(question: Question, n: int | None) -> Prompts:
    return question.prompts(_split(n), n)


def _split(n: int | None) -> str:
    return "all" if n is None else "train"


def _means(question: Question, prompts: Prompts) -> Means:
    from interp.methods.means import reference_means

    given = question.spec.parameters.get("given", "token")
    how = {"batch_size": question.batch_size, "progress": question.progress}
    return reference_means(question.model, prompts, given=given, **how)


def _alternative(question: Question, own: Prompts, found: Prompts | None) -> Means | None:
    """The means over other reference prompts; None where there are none with the same roles."""
    if found is None or found.roles != own.roles:
        return None
    return _means(question, inside(question.model, replace(found, task=own.task)))


def _task(question: Question) -> Task | None:
    """The task by name; a toy model's has none."""
    return None if question.model.arith.task is not None else named_task(str(question.spec.task))


def _other(question: Question, n: int | None) -> Prompts | None:
    task = _task(question)
    if task is None or task.wordings:
        return None
    other, tokenizer, spec = other_operators(task), question.model.arith.tokenizer, question.spec
    check_task(other, tokenizer)
    return build(other, tokenizer, spec.style, _split(n), n, spec.seed)


def _unfiltered(question: Question, n: int | None) -> Prompts | None:
    task = _task(question)
    if task is None or len(task.combinations()) == len(task.space()):
        return None
    spec = question.spec
    return unfiltered(task, question.model.arith.tokenizer, spec.style, _split(n), n, spec.seed)
