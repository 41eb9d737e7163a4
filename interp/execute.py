"""How does a Spec become a result? A recorded run is a function call: open the model, make the prompts, ask.

    answer(spec)  -> xr.Dataset          record(spec, store) -> run id, or the id of the run that exists already

`pinned` checks the question and fills in the hash of the weights first, so a Spec means one model, whatever happens
to its directory later; of a task file the run keeps the hash. The model asked last stays open, so a worker is warm.
"""

from __future__ import annotations

import hashlib
import os
import time
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import xarray as xr

from interp.errors import InterpError
from interp.models import zoo
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
    toy = zoo.read_config(directory).get("task")
    if toy is not None:
        spec = _of_toy(spec, str(toy))
    elif spec.method == "study":
        for part in parts(spec, tuple(TASKS), STYLES):
            _check_question(part)
    else:
        _check_question(spec)
    found = zoo.weights_sha256(directory)
    if spec.weights_sha256 not in (None, found):
        raise InterpError(
            f"model {spec.model!r} has weights {found[:12]}..., the spec names {spec.weights_sha256[:12]}...; "
            "restore the weights, or drop weights_sha256 to ask about the present ones."
        )
    return spec.but(weights_sha256=found)


def _of_toy(spec: Spec, own: str) -> Spec:
    """The Spec with the one task of a toy model (none where only weights are read)."""
    if spec.method in ("study", "patching"):
        raise InterpError(f"{spec.model!r} is a toy model of {own!r}: {spec.method} needs a language model.")
    if spec.task not in (None, own) or spec.style != "plain":
        raise InterpError(f"{spec.model!r} is a toy model of {own!r}; it has no other task or style: leave them out.")
    return spec.but(task=None if spec.method in WEIGHTS_ONLY else own)


def _check_question(spec: Spec) -> None:
    from interp.answers import METHODS, NEED_SPLITS

    if spec.method not in METHODS:
        raise InterpError(f"method {spec.method!r} is not one question: use `interp {spec.method}`.")
    if spec.method in WEIGHTS_ONLY:
        return
    if spec.task is None:
        raise InterpError(f"method {spec.method!r} needs a task, e.g. --task a+b.")
    if not spec.task.endswith(".jsonl"):
        named_task(spec.task).template(spec.style)
    elif spec.method in NEED_SPLITS:
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
    from interp.answers import METHODS

    spec = pinned(spec)
    how = {"batch_size": batch_size, "progress": progress, "seed": spec.seed}
    try:
        dataset = METHODS[spec.method](opened(spec), spec, how)
    except RuntimeError as error:
        if "out of memory" not in str(error) and "can't allocate memory" not in str(error):
            raise
        raise InterpError(
            f"not enough memory on {spec.device} for {batch_size} prompts at a time; use a smaller --batch-size."
        ) from error
    dataset.attrs["model"] = spec.model
    return dataset


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
        dataset = answer(spec, progress, batch_size)
        facts = circumstances(began, spec) | about
    return store.write(spec, dataset, provenance=facts, summary=headline(dataset)).run_id


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


def headline(dataset: xr.Dataset) -> dict[str, Any]:
    """Return every scalar of a result by name, and the finding in words: what a table of runs shows.

    A number that is not defined (nan, a window that was not found) is null.
    """
    numbers: dict[str, Any] = {
        str(name): values.item() for name, values in dataset.data_vars.items() if values.ndim == 0
    }
    if "found" in numbers:
        numbers |= {"found": bool(numbers["found"])}
        numbers |= {"l_transfer": None if numbers["l_transfer"] < 0 else numbers["l_transfer"]}
    defined = {name: None if value != value else value for name, value in numbers.items()}
    return defined | {"finding": finding(dataset)}


def finding(dataset: xr.Dataset) -> str:
    """Return what a result found, in a sentence; where nothing was answered it says that."""
    from interp.figures import FIGURES

    if "n" in dataset and int(dataset["n"]) == 0:
        return "The model answers none of these prompts, so there is nothing to measure (n = 0)."
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
