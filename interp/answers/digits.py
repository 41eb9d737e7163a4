"""How are digits and residues asked for: probes in every base, turns, the prism, convergence?"""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import xarray as xr

from interp.answers.question import Question
from interp.errors import InterpError, nearest
from interp.store.digit_parameters import Convergence, DigitCodes, DigitProbes, DigitRotation
from interp.tasks import Prompts, named_task


def digit_probes(question: Question) -> xr.Dataset:
    from interp.fourier.digit_probes import digit_probes

    p = cast(DigitProbes, question.spec.settings)
    asked: dict[str, Any] = {name: getattr(p, name) for name in ("targets", "bases", "roles", "n_shuffles")}
    return digit_probes(question.model, question.prompts(p.split, p.n), **asked, **question.how)


def digit_rotation(question: Question) -> xr.Dataset:
    from interp.fourier.digit_rotation import Turned, digit_rotation

    p = cast(DigitRotation, question.spec.settings)
    variable, sign = _number(question, p.variable)
    sizes = (("train", p.n_train), ("selection", p.n_select), (p.split, p.n))
    train, select, prompts = (question.prompts(*each) for each in sizes)
    role = p.role or (train.roles[-1] if variable == "result" else variable)
    turned = Turned(variable, role, p.base, sign)
    return digit_rotation(question.model, train, select, prompts, turned, n_random=p.n_random, **question.how)


def digit_codes(question: Question) -> xr.Dataset:
    from interp.fourier.digit_codes import digit_codes, digit_vectors
    from interp.methods.result import attributes

    p = cast(DigitCodes, question.spec.settings)
    prompts = question.prompts(p.split, p.n)
    vectors = digit_vectors(question.model, prompts, prefix=p.prefix, batch_size=question.batch_size)
    found = digit_codes(vectors, draws=p.draws, seed=question.spec.seed, progress=question.progress)
    return found.assign_attrs(attributes(model=question.model, prompts=prompts, **_named(found)))


def convergence(question: Question) -> xr.Dataset:
    from interp.fourier.convergence import convergence
    from interp.fourier.embedding import number_ids
    from interp.methods.result import attributes

    p, model = cast(Convergence, question.spec.settings), question.model
    tokenizer = model.arith.tokenizer
    if tokenizer is None:
        raise InterpError("convergence needs numbers as text; a toy model of residues has none: see its spectrum.")
    prompts, numbers = question.prompts(p.split, p.n), np.arange(p.high + 1)
    ids = number_ids(tokenizer, numbers.tolist())
    points = {"embedding": model.W_E[ids], "unembedding": model.W_U[:, ids].T}
    covariates = {
        "log n": np.log(numbers + 1),
        "digit count": np.char.str_len(numbers.astype(str)).astype(float),
        "log frequency": np.log(1 + _counts(prompts, int(model.cfg.d_vocab))[ids]),
    }
    found = convergence(
        {site: each.detach().double().cpu().numpy() for site, each in points.items()}, covariates,
        periods=p.periods, n_shuffles=p.n_shuffles, seed=question.spec.seed, progress=question.progress,
    )  # fmt: skip
    return found.assign_attrs(attributes(model=model, prompts=prompts, **_named(found)))


def _named(found: xr.Dataset) -> dict[str, str]:
    return {name: str(found.attrs[name]) for name in ("method", "title")}


def _counts(prompts: Prompts, d_vocab: int) -> np.ndarray:
    """Return how often each token stands in the prompts or is their answer, [vocab]."""
    tokens = np.concatenate([prompts.tokens.ravel(), prompts.answer_ids.ravel()])
    return np.bincount(tokens, minlength=d_vocab)


def _number(question: Question, name: str | None) -> tuple[str, int]:
    """Return the number that is turned, and the sign with which the answer follows it."""
    spec = question.spec
    if question.model.arith.tokenizer is None or str(spec.task).endswith(".jsonl"):
        raise InterpError(f"digit_rotation needs a task by name, e.g. --task a+b; {spec.model!r} has none here.")
    task = named_task(str(spec.task))
    signs = dict(zip(task.operands, ("+", *task.operators), strict=True)) if task.operators else {}
    name = task.operands[-1] if name is None else name
    if name == "result":
        return name, 1
    if signs.get(name) not in ("+", "-"):
        raise InterpError(f"No summand {name!r} in {task.name!r}. {nearest(name, [*task.operands, 'result'])}")
    return name, 1 if signs[name] == "+" else -1
