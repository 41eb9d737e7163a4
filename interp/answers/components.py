"""How are the components of arithmetic asked for: mediation, circuits of heads and MLPs, heuristic neurons?"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

import xarray as xr

from interp.answers.question import Question, inside, short_name
from interp.errors import InterpError
from interp.store import component_parameters as asked
from interp.tasks import Prompts, Twins, build, check_task, named_task, other_operators, read_pairs, twins
from interp.tasks.other_questions import other_questions

RECIPES = {"result_kept": "keep_result", "operator": "swap_operator"}


def mediation(question: Question) -> xr.Dataset:
    from interp.methods.mediation import mediation

    p = cast(asked.Mediation, question.spec.settings)
    pairs = {change: _pairs(question, change, p.split, p.n) for change in p.changes}
    return mediation(question.model, pairs, **question.how)


def components(question: Question) -> xr.Dataset:
    from interp.methods.localisation import localisation

    p = cast(asked.Components, question.spec.settings)
    pairs = _pairs(question, "operands", "selection", p.n_discovery)
    prompts, reference = question.prompts(p.split, p.n), _every_operator(question, p.n_reference)
    sizes: dict[str, Any] = {"n_random": p.n_random, "threshold": p.threshold}
    return localisation(question.model, pairs, prompts, reference, **sizes, **question.how)


def neurons(question: Question) -> xr.Dataset:
    from interp.methods.heuristic_neurons import heuristic_neurons

    p = cast(asked.Neurons, question.spec.settings)
    task = None if question.model.arith.task else named_task(str(question.spec.task))
    if task is not None and len(task.operands) != 2:  # before the whole grid of a larger task is written out
        raise InterpError(f"heuristics are about two operands; task {task.name!r} has {', '.join(task.operands)}.")
    pairs = _pairs(question, "operands", "selection", p.n_discovery)
    prompts, reference = question.prompts(p.split, p.n), question.prompts("train", p.n_reference)
    sizes: dict[str, Any] = {"layers": p.layers, "n_top": p.n_top, "threshold": p.threshold}
    sizes |= {"n_shuffles": p.n_shuffles, "n_random": p.n_random, "ends": p.ends}
    grid = question.prompts("all", None)
    return heuristic_neurons(question.model, pairs, prompts, reference, grid, **sizes, **question.how)


def _pairs(question: Question, change: str, split: str, n: int) -> Twins:
    """Return `n` pairs of a change. Raises InterpError for a toy model, or a file, which has pairs of one kind."""
    task, model, seed = str(question.spec.task), question.model, question.spec.seed
    tokenizer = model.arith.tokenizer
    if model.arith.task is not None:
        raise InterpError(
            f"{question.spec.method} needs pairs of a task, e.g. --task a+b; {question.spec.model!r} has none."
        )
    if task.endswith(".jsonl"):
        found = read_pairs(task, tokenizer)
        found = replace(found, clean=found.clean[:n], corrupted=found.corrupted[:n])
    else:
        named = named_task(task)
        check_task(named, tokenizer)
        if change == "operands":
            found = other_questions(named, tokenizer, question.spec.style, split, n, seed)
        else:
            found = twins(named, tokenizer, question.spec.style, split, n, RECIPES[change], None, seed)
    if len(found) < n:
        question.short[f"{found.clean.split}, {change}"] = (len(found), n)
    sides = {
        side: inside(model, replace(getattr(found, side), task=short_name(task))) for side in ("clean", "corrupted")
    }
    return replace(found, **sides)


def _every_operator(question: Question, n: int) -> list[Prompts]:
    """Return train-split prompts of the task and, where it has one, of the task with every operator swapped."""
    found = [question.prompts("train", n)]
    task = named_task(str(question.spec.task))
    if not task.wordings and task.operators:
        other = other_operators(task)
        built = build(other, question.model.arith.tokenizer, question.spec.style, "train", n, question.spec.seed)
        if built.roles == found[0].roles:
            found.append(inside(question.model, built))
    return found
