"""The main job: what is computed where and when, each number beside its null, in one table.

A study is accuracy on every task and style, then each method on a few cells. Every part is a Spec of its own, recorded
and reused as if asked alone; the study's own run keeps the accuracy table and names its parts as parents. Stopped in
the middle, the parts that are done stay, and the next call goes on from there.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any, cast

import numpy as np
import xarray as xr

from interp.execute import circumstances, computing_threads, find, opened, pinned, record
from interp.progress import Progress, silent
from interp.store import Spec, Store, parts
from interp.store import parameters as asked
from interp.tasks import STYLES, TASKS, check_task, named_task

CELL = ("accuracy", "accuracy_low", "accuracy_high", "n", "null_majority", "null_shuffled")
UNITS = {"n": "prompts"}


def study(
    spec: Spec, store: Store, progress: Progress = silent, *, fresh: bool = False, batch_size: int = 512
) -> tuple[str, list[str]]:
    """Return the run id of the study and those of its parts, recording what is missing.

    Raises InterpError, before anything is computed, when the model cannot take one of the tasks.
    """
    began, spec = time.time(), pinned(spec)
    whole = [pinned(part) for part in parts(spec, tuple(TASKS), STYLES)]
    runs = [None if fresh else find(part, store) for part in whole]
    if None in runs:
        _check_tasks(opened(spec).arith.tokenizer, whole)
    for i, part in enumerate(whole):
        label = f"{part.method} {part.task or ''} {part.style if part.method == 'accuracy' else ''}".strip()
        report = _step(progress, i, len(whole), label)
        runs[i] = runs[i] or record(part, store, report, fresh=fresh, batch_size=batch_size)
    progress(len(whole), len(whole), "done")
    return _own_run(spec, store, [str(run) for run in runs], began, fresh), [str(run) for run in runs]


def _check_tasks(tokenizer: Any, whole: list[Spec]) -> None:
    for task in dict.fromkeys(part.task for part in whole if part.task and not part.task.endswith(".jsonl")):
        check_task(named_task(task), tokenizer)


def _own_run(spec: Spec, store: Store, runs: list[str], began: float, fresh: bool) -> str:
    """Record the accuracy table with its parts as parents, unless that very study is there."""
    known = None if fresh else store.find(spec)
    if known and set(store.open(known).manifest["parents"]) == set(runs):
        return known
    table = accuracy_table(store, runs, cast(asked.Study, spec.settings)).assign_attrs(model=spec.model)
    summary = {"parts": len(runs), "accuracy_mean": float(table["accuracy"].mean()), "n": int(table["n"].sum())}
    with computing_threads():
        facts = circumstances(began, spec)
    return store.write(spec, table, provenance=facts, summary=summary, parents=runs).run_id


def accuracy_table(store: Store, runs: list[str], settings: asked.Study) -> xr.Dataset:
    """Return accuracy [task, style] with interval, n and nulls, gathered from the recorded runs."""
    tasks, styles = list(settings.tasks or TASKS), list(settings.styles or STYLES)
    table = {name: np.full((len(tasks), len(styles)), np.nan) for name in CELL}
    for run_id in runs:
        manifest = store.open(run_id).manifest
        if manifest["spec"]["method"] == "accuracy":
            place = tasks.index(manifest["spec"]["task"]), styles.index(manifest["spec"]["style"])
            for name in CELL:
                table[name][place] = manifest["summary"][name]
    return xr.Dataset(
        {
            name: (
                ("task", "style"),
                values,
                {"units": UNITS.get(name, "fraction"), "description": f"{name} of a cell"},
            )
            for name, values in table.items()
        },
        coords={"task": tasks, "style": styles},
        attrs={"method": "study", "title": "Top-1 accuracy on held-out operand tuples, by task and style."},
    )


def _step(progress: Progress, done: int, total: int, label: str) -> Progress:
    """A progress for one part that reports the place in the whole study."""

    def report(_done: int, _total: int, message: str) -> None:
        progress(done, total, f"{label}: {message}" if message else label)

    report(0, 0, "")
    return report


def accuracy_rows(store: Store, run_id: str) -> Iterator[tuple[str, ...]]:
    """Yield the accuracy table of a study, a line a task: accuracy with its interval by style, and the largest null."""
    table = store.open(run_id).dataset
    for task in table["task"].values:
        row = table.sel(task=task)
        ends = zip(row["accuracy"].values, row["accuracy_low"].values, row["accuracy_high"].values, strict=True)
        yield (
            task,
            *(f"{mean:.3f} [{low:.3f}, {high:.3f}]" for mean, low, high in ends),
            f"{row['null_majority'].max():.3f}",
        )


def finding_rows(store: Store, runs: list[str]) -> Iterator[tuple[str, str, str]]:
    """Yield the findings of a study, a line a method and cell: in words, with n, interval and null."""
    for run_id in runs:
        found = store.open(run_id)
        spec = found.manifest["spec"]
        if spec["method"] != "accuracy":
            yield spec["task"] or "weights", spec["method"], found.summary["finding"]
