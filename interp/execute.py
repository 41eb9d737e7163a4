"""How does a Spec become a result? A recorded run is a function call: open the model, make the prompts, ask.

    answer(spec)  -> xr.Dataset          record(spec, store) -> run id, or the id of the run that exists already

Tensors that a method returns beside its result (the means of CAMA) are kept with the run. `pinned` checks the question
and fills in the hash of the weights first, so a Spec means one model, whatever happens to its directory later; of a
task file the run keeps the hash. The model asked last stays open, so a worker is warm.
"""

from __future__ import annotations

import hashlib
import os
import time
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from interp.errors import InterpError
from interp.models import shapes, zoo
from interp.plan import check_window
from interp.progress import Progress, silent
from interp.store import Spec, Store, parts
from interp.store.study import WEIGHTS_ONLY
from interp.tasks import STYLES, TASKS, named_task


def pinned(spec: Spec) -> Spec:
    """Return `spec` with the sha256 of its model's weights, and a toy model's own task.

    Raises InterpError, before anything heavy is imported, when the model is not the one that `spec` names, or the
    model, the task, the style and the method do not go together.
    """
    directory = zoo.resolve(spec.model)
    spec = checked(spec, zoo.read_config(directory))
    found = zoo.weights_sha256(directory)
    if spec.weights_sha256 not in (None, found):
        raise InterpError(
            f"model {spec.model!r} has weights {found[:12]}..., the spec names {spec.weights_sha256[:12]}...; "
            "restore the weights, or drop weights_sha256 to ask about the present ones."
        )
    return spec.but(weights_sha256=found)


def checked(spec: Spec, config: dict[str, Any] | None = None) -> Spec:
    """Return `spec` with a toy model's own task, when model, task, style, method and window go together.

    Needs no weights: `config` is the model's config.json, by default that of a local model, and none of a hub model.
    Raises InterpError.
    """
    if config is None:
        config = {} if shapes.on_the_hub(spec.model) else zoo.read_config(zoo.resolve(spec.model))
    toy = config.get("task")
    if toy is not None:
        spec = _of_toy(spec, str(toy))
    else:
        for part in parts(spec, tuple(TASKS), STYLES) if spec.method == "study" else [spec]:
            _check_question(part)
    if config and spec.parameters.get("l_wait") is not None:
        check_window(spec, shapes.from_config(config, 0, spec.model).n_layers)
    return spec


def _of_toy(spec: Spec, own: str) -> Spec:
    """The Spec with the one task of a toy model (none where only weights are read)."""
    if spec.method in ("study", "patching"):
        raise InterpError(f"{spec.model!r} is a toy model of {own!r}: {spec.method} needs a language model.")
    if spec.task not in (None, own) or spec.style != "plain":
        raise InterpError(f"{spec.model!r} is a toy model of {own!r}; it has no other task or style: leave them out.")
    return spec.but(task=None if spec.method in WEIGHTS_ONLY else own)


def _check_question(spec: Spec) -> None:
    from interp.answers import METHODS, needs_splits

    if spec.method not in METHODS:
        raise InterpError(f"method {spec.method!r} is not one question: use `interp {spec.method}`.")
    if spec.method in WEIGHTS_ONLY or (spec.method == "try" and spec.task is None and spec.parameters["prompt"]):
        return
    if spec.task is None:
        raise InterpError(f"method {spec.method!r} needs a task, e.g. --task a+b.")
    if not spec.task.endswith(".jsonl"):
        named_task(spec.task).template(spec.style)
    elif needs_splits(spec):
        raise InterpError(
            f"method {spec.method!r} needs reference prompts of another split, which a JSONL file does not have; "
            "describe the task in a JSON file (name, expression, ranges, templates) instead."
        )


_open: dict[tuple[str, ...], Any] = {}


def opened(spec: Spec) -> Any:
    """Return the model of a pinned Spec. The one opened last is kept; another one is let go before the next opens."""
    from interp.models import load

    key = (spec.model, spec.device, spec.dtype, str(spec.weights_sha256))
    if key not in _open:
        _open.clear()
        _open[key] = load(spec.model, spec.device, spec.dtype)
    return _open[key]


def answer(spec: Spec, progress: Progress = silent, batch_size: int = 512) -> xr.Dataset:
    """Return the result of `spec`. Raises InterpError for anything the user can mend, Cancelled when asked to stop."""
    return answer_with_tensors(spec, progress, batch_size)[0]


def answer_with_tensors(
    spec: Spec, progress: Progress = silent, batch_size: int = 512
) -> tuple[xr.Dataset, dict[str, np.ndarray]]:
    """Return the result of `spec` and the tensors that a run keeps beside it, {} for most methods.

    A split that has fewer prompts than were asked for gives all it has; the result's attribute `shortfall` says so.
    Its attribute `prompts_sha256` is the hash of all prompts that were drawn: equal hashes are equal data.
    """
    from interp.answers import METHODS, Question, shortfall

    spec = pinned(spec)
    question = Question(opened(spec), spec, batch_size, progress)
    try:
        found = METHODS[spec.method](question)
    except RuntimeError as error:
        if "out of memory" not in str(error) and "can't allocate memory" not in str(error):
            raise
        raise InterpError(
            f"not enough memory on {spec.device} for {batch_size} prompts at a time; use a smaller --batch-size."
        ) from error
    dataset, tensors = found if isinstance(found, tuple) else (found, {})
    dataset.attrs["model"] = spec.model
    if question.short:
        dataset.attrs["shortfall"] = shortfall(question.short)
    if question.prompts_sha256:
        dataset.attrs["prompts_sha256"] = question.prompts_sha256
    return dataset, tensors


def record(spec: Spec, store: Store, progress: Progress = silent, *, fresh: bool = False, batch_size: int = 512) -> str:
    """Return the id of the recorded run of `spec`; an equal question asked before is not computed again.

    `fresh` computes and records it once more. Killed at any moment, the run is complete or absent.
    """
    spec = pinned(spec)
    known = None if fresh else find(spec, store)
    if known:
        return known
    began, about = time.time(), task_file(spec)
    with computing_threads():
        dataset, tensors = answer_with_tensors(spec, progress, batch_size)
        facts = circumstances(began, spec) | about
    return store.write(spec, dataset, tensors=tensors, provenance=facts, summary=headline(dataset)).run_id


def find(spec: Spec, store: Store) -> str | None:
    """Return the newest complete run of a pinned Spec, asked of the same task file where there is one."""
    about = task_file(spec)
    if not about:
        return store.find(spec)
    same = (line.run_id for line in store.list(status="complete") if line.spec_hash == spec.hash)
    return next((run for run in same if store.open(run).manifest.get("task_file") == about["task_file"]), None)


def task_file(spec: Spec) -> dict[str, Any]:
    """Return {"task_file": {name, sha256}} when the Spec's task is a file, whose text the Spec does not hold."""
    if spec.task is None or not spec.task.endswith((".json", ".jsonl")):
        return {}
    try:
        text = Path(spec.task).read_bytes()
    except OSError as error:
        raise InterpError(f"{spec.task} cannot be read ({error.strerror}); give the path of a task file.") from None
    return {"task_file": {"name": Path(spec.task).name, "sha256": hashlib.sha256(text).hexdigest()}}


FLAGS = ("found", "searched", "exact")
NONE = ("l_wait", "l_transfer", "best_l_wait", "best_l_transfer", "paper_index", "best_paper_index", "n_survivors")
"""Scalars that are truth values, and those in which -1 says that there is none."""


def headline(dataset: xr.Dataset) -> dict[str, Any]:
    """Return every scalar of a result by name, and the finding in words: what a table of runs shows.

    A number that is not defined (nan, a window that was not found) is null; `shortfall` is there when prompts were.
    """
    numbers = {str(name): values.item() for name, values in dataset.data_vars.items() if values.ndim == 0}
    flags = {name: bool(numbers[name]) for name in FLAGS if name in numbers}
    absent = {name: None for name in NONE if numbers.get(name, 0) < 0}
    defined = {name: None if value != value else value for name, value in numbers.items()} | flags | absent
    short = {"shortfall": dataset.attrs["shortfall"]} if "shortfall" in dataset.attrs else {}
    return defined | short | {"finding": finding(dataset)}


def finding(dataset: xr.Dataset) -> str:
    """Return what a result found, in a sentence; where nothing was answered it says that."""
    from interp.figures import FIGURES

    if "n" in dataset and int(dataset["n"]) == 0:
        return "The model answers none of these prompts, so there is nothing to measure (n = 0)."
    if dataset.attrs["method"] not in FIGURES:
        return str(dataset.attrs["title"])
    return FIGURES[dataset.attrs["method"]][0].summary(dataset)


def circumstances(began: float, spec: Spec) -> dict[str, Any]:
    """Return the provenance of work that began at `began` (seconds since the epoch)."""
    import torch

    from interp.store import provenance

    return provenance(began, device=spec.device, dtype=spec.dtype, threads=torch.get_num_threads(), seeds=[spec.seed])


def computing_threads() -> AbstractContextManager[None]:
    """Set the number of torch threads explicitly: ARITHMOSCOPE_THREADS, else what torch would take."""
    from interp.models.devices import threads

    wanted = os.environ.get("ARITHMOSCOPE_THREADS")
    if wanted and not (wanted.isdigit() and int(wanted) > 0):
        raise InterpError(f"ARITHMOSCOPE_THREADS is {wanted!r}; set it to a number of threads, or unset it.")
    return threads(int(wanted) if wanted else None)
