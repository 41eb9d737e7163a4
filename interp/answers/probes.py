"""How are probes asked for: beside controls, by example, across cells, between variables, and causally?"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import xarray as xr

from interp.answers.question import Question, short_name
from interp.errors import InterpError
from interp.store.probe_parameters import (
    ProbeCausal,
    ProbeControls,
    Probed,
    ProbeDirections,
    ProbeLearning,
    ProbeTransfer,
)
from interp.tasks import Prompts, check_task, named_task

if TYPE_CHECKING:
    from interp.methods.probe_study import Sets

FEW = 10  # classes of a label that a code is asked for by default


def probe_controls(question: Question) -> xr.Dataset:
    from interp.methods.probe_controls import Asked, probe_controls
    from interp.models.untrained import untrained

    p, spec = cast(ProbeControls, question.spec.settings), question.spec
    blank = None if p.untrained is None else untrained(spec.model, spec.device, spec.dtype, p.untrained)
    sets, asked = _sets(question, p, p.n_test), Asked(p.kind, p.period, p.n_units, p.by)
    given: dict[str, Any] = {name: getattr(p, name) for name in ("targets", "layers", "roles", "n_shuffles")}
    return probe_controls(question.model, sets, asked, blank=blank, **given, **question.how)


def probe_learning(question: Question) -> xr.Dataset:
    from interp.methods.probe_learning import probe_learning

    p = cast(ProbeLearning, question.spec.settings)
    train, test = question.prompts("train", p.n_train), question.prompts("test", p.n_test)
    targets = p.targets or _coded(train)
    given: dict[str, Any] = {"layers": p.layers, "roles": p.roles or (train.roles[-1],), "n_shuffles": p.n_shuffles}
    return probe_learning(question.model, train, test, targets, **given, **question.how)


def probe_transfer(question: Question) -> xr.Dataset:
    from interp.methods.probe_transfer import probe_transfer

    p, spec = cast(ProbeTransfer, question.spec.settings), question.spec
    cells = {f"{short_name(str(spec.task))} {spec.style}": _sets(question, p, p.n_test)}
    for cell in p.cells:
        task, style = cell.rsplit(" ", 1) if " " in cell else (cell, "")
        there = replace(question, spec=spec.but(task=task, style=style or spec.style))
        cells[f"{short_name(task)} {style or spec.style}"] = _sets(there, p, p.n_test)
    given: dict[str, Any] = {name: getattr(p, name) for name in ("kind", "period", "layers", "roles", "n_shuffles")}
    return probe_transfer(question.model, cells, p.target, **given, **question.how)


def probe_directions(question: Question) -> xr.Dataset:
    from interp.methods.probe_directions import probe_directions

    p = cast(ProbeDirections, question.spec.settings)
    sets = _sets(question, p, 8)  # the third set is not used
    targets = p.targets or [name for name in sets.train.variables if re.fullmatch(r"[a-z]|result\d?", name)]
    given: dict[str, Any] = {name: getattr(p, name) for name in ("kind", "period", "layers", "n_shuffles")}
    roles = p.roles or (sets.train.roles[-1],)
    return probe_directions(question.model, sets, targets, roles=roles, **given, **question.how)


def probe_causal(question: Question) -> xr.Dataset:
    from interp.methods.probe_causal import Read, probe_causal
    from interp.tasks.interchange import interchanges, parts

    p, spec = cast(ProbeCausal, question.spec.settings), question.spec
    tokenizer = question.model.arith.tokenizer
    if tokenizer is None:
        raise InterpError(f"probe_causal needs a task of two numbers, e.g. --task a+b; {spec.model!r} has none.")
    task = named_task(str(spec.task))
    check_task(task, tokenizer)

    def value(prompts: Prompts) -> np.ndarray:
        return parts(task, np.stack([prompts.variables[name] for name in task.operands], axis=1))[p.variable]

    sides = [question.prompts(split, n) for split, n in (("train", p.n_train), ("selection", p.n_selection))]
    pairs = interchanges(task, tokenizer, p.variable, spec.style, p.split, p.n, spec.seed)
    train, selection = (Read(each, value(each)) for each in sides)
    given: dict[str, Any] = {name: getattr(p, name) for name in ("layers", "doses", "n_random")}
    role = p.role or sides[0].roles[-1]
    return probe_causal(question.model, train, selection, pairs, value(pairs.source), role, **given, **question.how)


def _sets(question: Question, p: Probed, n_test: int) -> Sets:
    from interp.methods.probe_study import Sets

    sizes = (("train", p.n_train), ("selection", p.n_selection), ("test", n_test))
    return Sets(*(question.prompts(split, n) for split, n in sizes))


def _coded(prompts: Prompts) -> list[str]:
    """The digits, carries and borrows of the result; where there are none, all labels of few classes."""
    few = [name for name, values in prompts.variables.items() if 2 <= len(np.unique(values)) <= FEW]
    found = [name for name in few if re.fullmatch(r"result(\d|_(carry|borrow)\d)", name)] or few
    if not found:
        raise InterpError(f"No variable of 2 to {FEW} values here; name labels with targets, e.g. 'a mod 5'.")
    return found
