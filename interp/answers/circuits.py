"""How are attribution and circuits asked?"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import xarray as xr

from interp.answers.question import Question
from interp.errors import InterpError
from interp.store.circuit_parameters import Attribution, Circuits, Interchange, KeyHeads, Paired, Steering
from interp.tasks import check_task, named_task

if TYPE_CHECKING:
    from interp.methods.key_heads_elsewhere import Elsewhere
    from interp.tasks.task import Task


def attribution(question: Question) -> xr.Dataset:
    from interp.methods.prescreen import attribution_map

    p = cast(Attribution, question.spec.settings)
    pairs = question.pairs(cast(Any, p))
    return attribution_map(question.model, pairs, variant=p.variant, steps=p.steps, k=p.k, **question.how)


def circuits(question: Question) -> xr.Dataset:
    from interp.methods.circuits import circuits

    p = cast(Circuits, question.spec.settings)
    discovery = question.pairs(cast(Any, p.model_copy(update={"n": p.n_discovery, "split": "train"})))
    evaluation = question.pairs(cast(Any, p))
    reference = question.prompts("train", p.n_reference) if p.ablation == "mean" else None
    given: dict[str, Any] = {name: getattr(p, name) for name in ("attribution", "steps", "ablation", "n_random")}
    return circuits(question.model, discovery, evaluation, reference, **given, **question.how)


def interchange(question: Question) -> xr.Dataset:
    from interp.methods.interchange import interchange
    from interp.tasks.interchange import interchanges

    p, spec = cast(Interchange, question.spec.settings), question.spec
    task, tokenizer = _two_numbers(question)
    train, test = (
        interchanges(task, tokenizer, p.variable, spec.style, split, n, spec.seed)
        for split, n in (("train", p.n_train), (p.split, p.n))
    )
    return interchange(question.model, train, test, rank=p.rank, steps=p.steps, **question.how)


def _two_numbers(question: Question) -> tuple[Task, Any]:
    """The task and the tokenizer of a question about the numbers of a prompt."""
    spec, tokenizer = question.spec, question.model.arith.tokenizer
    task = named_task(str(spec.task))
    if tokenizer is None:
        raise InterpError(f"{spec.method} needs a task of two numbers, e.g. --task a+b; {spec.model!r} has none.")
    check_task(task, tokenizer)
    return task, tokenizer


def key_heads(question: Question) -> xr.Dataset:
    from interp.methods.key_heads import key_heads
    from interp.methods.key_heads_elsewhere import elsewhere

    p = cast(KeyHeads, question.spec.settings)
    asked = Paired.model_validate({"n": p.n_pairs, "split": "selection"})
    pairs = {name: question.pairs(cast(Any, asked.model_copy(update={"recipe": name}))) for name in p.counterfactuals}
    prompts, reference = question.prompts(p.split, p.n), question.prompts("train", p.n_reference)
    sizes: dict[str, Any] = {"n_heads": p.n_heads, "n_random": p.n_random}
    found = key_heads(question.model, pairs, prompts, reference, **sizes, **question.how)
    cells = {cell: _elsewhere(question, cell, p) for cell in p.elsewhere}
    if not cells:
        return found
    k = min(p.n_heads, max(1, int(found.n_key)))
    told = elsewhere(question.model, found, cells, k=k, n_random=p.n_random, seed=question.spec.seed)
    return found.assign(told).assign_coords(cell=list(cells)).assign_attrs(k_elsewhere=k)


def _elsewhere(question: Question, cell: str, p: KeyHeads) -> Elsewhere:
    """The prompts of another task or style, named "a-b" or "a+b verbal"."""
    from interp.methods.key_heads_elsewhere import Elsewhere

    task, _, style = cell.partition(" ")
    there = replace(question, spec=question.spec.but(task=task, style=style or "plain"))
    asked = Paired.model_validate({"n": p.n_pairs, "split": "selection", "recipe": p.counterfactuals[0]})
    pairs = there.pairs(cast(Any, asked))
    return Elsewhere(pairs, there.prompts(p.split, p.n), there.prompts("train", p.n_reference))


def steering(question: Question) -> xr.Dataset:
    from interp.methods.steering import contrast, steering
    from interp.tasks.interchange import interchanges, parts

    p, spec = cast(Steering, question.spec.settings), question.spec
    task, tokenizer = _two_numbers(question)
    train = question.prompts("train", p.n_train)
    value = parts(task, np.stack([train.variables[name] for name in task.operands], axis=1))[p.variable]
    middle = np.median(value) if p.variable != "carry" else 0.5 if task.operators[0] == "+" else -0.5
    role = p.role or train.roles[-1]
    direction = contrast(question.model, train[value < middle], train[value > middle], p.layer, role)
    pairs = interchanges(task, tokenizer, p.variable, spec.style, p.split, p.n, spec.seed)
    return steering(question.model, pairs, direction, p.layer, role, n_random=p.n_random, **question.how)
