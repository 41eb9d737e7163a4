"""How is one prompt tried? The prompt that is typed or made of operands, and the edit with what it has to read first.

Means and tables over reference prompts are kept while the model stays open, so that a second try of a task is quick.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace
from typing import Any, cast

import numpy as np
import xarray as xr

from interp.answers.question import Question, inside, short_name
from interp.answers.references import means_of
from interp.errors import InterpError
from interp.store.try_parameters import KnockOut, Patch, Try, TryAbp, TryCama, TryPlane, TryWindow
from interp.tasks import Prompts, from_operands, named_task

KEPT = 4
"""Reference readings that are held at once."""
_readings: OrderedDict[tuple[object, ...], Any] = OrderedDict()


def one_prompt(question: Question) -> xr.Dataset:
    """Return what one prompt gives, clean and under the intervention of the Spec. Raises InterpError."""
    from interp.methods.trial import clean_run, trial

    p, model = cast(Try, question.spec.settings), question.model
    prompt = _prompt(question, p.prompt, p.operands)
    question.progress(0, 3, "clean run")
    clean = clean_run(model, prompt)
    edit = None if p.intervention is None else _edit(question, prompt, clean, p.intervention)
    return trial(model, prompt, clean, edit, top=p.top, progress=question.progress)


def _prompt(question: Question, text: str | None, operands: tuple[int, ...] | None) -> Prompts:
    """The prompt of `text`, of `operands` of the task, or (neither) one of the task's test prompts."""
    if text is not None:
        return _typed(question, text)
    if operands is None:
        return question.prompts("test", 1)
    if question.model.arith.task is not None:
        return _of_toy(question, operands)
    if question.spec.task is None:
        raise InterpError("operands need a task, e.g. a+b; or type the whole prompt.")
    if question.spec.task.endswith(".jsonl"):
        raise InterpError("a JSONL file has prompts, no operands; type the prompt instead.")
    task = named_task(question.spec.task)
    if len(operands) != len(task.operands):
        raise InterpError(
            f"task {task.name!r} has the operands {', '.join(task.operands)}; give {len(task.operands)} numbers, "
            f"not {len(operands)}."
        )
    found = from_operands(task, question.model.arith.tokenizer, [list(operands)], question.spec.style)
    return inside(question.model, replace(found, task=short_name(question.spec.task)))


def _typed(question: Question, text: str) -> Prompts:
    from interp.tasks.own_text import typed

    tokenizer = question.model.arith.tokenizer
    if tokenizer is None:
        raise InterpError(f"{question.spec.model!r} is a toy model that reads numbers, not text; give its operands.")
    found = typed(tokenizer, text)
    unknown = np.array([-1], dtype=np.int64)  # the answer: nobody said what it should be
    return inside(
        question.model, Prompts(found.tokens, found.roles, found.texts, ("",), unknown, {}, "own", "own", "own")
    )


def _of_toy(question: Question, operands: tuple[int, ...]) -> Prompts:
    whole = question.prompts("all", None)
    names = [role for role in whole.roles if role in whole.variables]
    if len(operands) != len(names):
        raise InterpError(f"{question.spec.model!r} takes {len(names)} operands ({', '.join(names)}).")
    hits = np.all([whole.variables[name] == value for name, value in zip(names, operands, strict=True)], axis=0)
    if not hits.any():
        top = max(int(whole.variables[name].max()) for name in names)
        raise InterpError(f"{question.spec.model!r} takes operands 0..{top}, not {', '.join(map(str, operands))}.")
    return whole[np.flatnonzero(hits)[:1]]


def _edit(question: Question, prompt: Prompts, clean: Any, asked: Any) -> Any:
    from interp.methods import trial_edits as edits

    n_layers, seed = question.model.cfg.n_layers, question.spec.seed
    if isinstance(asked, Patch):
        return _patch(question, prompt, clean, asked)
    if isinstance(asked, TryCama):
        return edits.cama(_means(question, asked.n_reference), prompt, n_layers, asked.l_wait)
    if isinstance(asked, TryAbp):
        return edits.abp(prompt, n_layers, asked.l_wait, asked.l_transfer)
    if isinstance(asked, TryWindow):
        means = _means(question, asked.n_reference)
        return edits.window(means, prompt, n_layers, asked.l_wait, asked.l_transfer)
    if isinstance(asked, TryPlane):
        return _plane(question, prompt, asked)
    head = cast(KnockOut, asked)
    return edits.head(question.model, prompt, head.layer, head.head, head.cut, seed)


def _patch(question: Question, prompt: Prompts, clean: Any, asked: Patch) -> Any:
    from interp.engine import Site, run
    from interp.methods.trial_edits import patch

    other = _prompt(question, asked.prompt, asked.operands)
    if other.roles != prompt.roles:
        raise InterpError(
            f"{other.texts[0]!r} ({' '.join(other.roles)}) and {prompt.texts[0]!r} ({' '.join(prompt.roles)}) are not "
            "aligned; write both with the same words and the same number of tokens."
        )
    prompt.position(asked.role)  # raises for a role that is not there
    site = Site(asked.component, asked.layer)
    site.hook_name(question.model)
    if site not in clean.reads:
        clean = run(question.model, prompt, reads=[site])
    words = f"{asked.component} {asked.layer} at {asked.role} as in {other.texts[0]!r}"
    return patch(clean, run(question.model, other, reads=[site]), site, asked.role, words, question.spec.seed)


def _plane(question: Question, prompt: Prompts, asked: TryPlane) -> Any:
    from interp.engine import Site
    from interp.fourier.helix_fit import tables
    from interp.fourier.planes import number_planes
    from interp.methods.trial_edits import Edit

    Site("resid_pre", asked.layer).check(question.model)
    _needs_task(question, "a plane")
    how = {"batch_size": question.batch_size, "progress": question.progress}

    def read() -> Any:
        reference = question.prompts("all" if asked.n_reference is None else "train", asked.n_reference)
        reference.position(asked.role)
        return reference.roles, tables(question.model, reference, asked.role, asked.role, [asked.layer], **how)

    roles, found = _kept(question, ("plane", asked.role, asked.layer, asked.n_reference), read)
    if roles != prompt.roles:
        raise InterpError(f"the prompt has roles {' '.join(prompt.roles)}, the task's {' '.join(roles)}.")
    plane = number_planes({asked.role: found}, asked.layer, [asked.period])[0]
    control = plane.control("matched", np.random.default_rng(question.spec.seed))
    words = f"the plane of period {asked.period:g} of {asked.role} before block {asked.layer} at its mean"
    rank = f"another plane of {plane.rank} dimensions and about the same variance"
    return Edit("plane", words, plane.edit("mean"), rank, control.edit("mean"))


def _means(question: Question, n: int | None) -> Any:
    _needs_task(question, "waiting")
    return _kept(question, ("means", n), lambda: means_of(question, n))


def _needs_task(question: Question, what: str) -> None:
    if question.spec.task is None:
        raise InterpError(
            f"{what} reads reference prompts of a task; choose one whose prompts look like this, e.g. a+b."
        )


def _kept(question: Question, what: tuple[object, ...], read: Callable[[], Any]) -> Any:
    """Return what `read` reads, once for each model, task, style and seed."""
    spec = question.spec
    key = (spec.weights_sha256, spec.device, spec.dtype, spec.task, spec.style, spec.seed, *what)
    if spec.weights_sha256 is None:
        return read()
    if key not in _readings:
        _readings[key] = read()
    _readings.move_to_end(key)
    while len(_readings) > KEPT:
        _readings.popitem(last=False)
    return _readings[key]
