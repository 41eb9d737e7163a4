"""Which runs does the Fourier page show? For one model and task the newest of each method, or the one a link names.

Methods that read weights alone (the spectrum of the embeddings, the course of a training) have no task and stand beside
every task of their model.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass

from apps.dashboard.desk import desk
from apps.dashboard.library import COMPLETE, Library
from apps.dashboard.page import Request, of_another
from apps.dashboard.pages.fourier_views import MODULAR, TEXT, VIEWS, View
from apps.dashboard.selection import Selection
from interp.errors import InterpError, nearest
from interp.store import RunSummary
from interp.store.study import WEIGHTS_ONLY

METHODS = (
    "spectrum", "spectra", "helix", "planes", "filters", "grokking", "clock_pizza", "digit_probes", "digit_rotation",
    "digit_codes", "convergence", "neurons",
)  # fmt: skip
DEFAULT_TASK = "a+b"
UNEMBEDDING = "unembedding"
"""The spectrum of the unembeddings stands beside that of the embeddings, as a kind of run of its own."""


@dataclass(frozen=True)
class Chosen:
    """The model and task of the page, what else there is to choose, and the run of each kind (where there is one)."""

    model: str
    task: str | None
    models: list[str]
    tasks: list[str]
    runs: dict[str, RunSummary]


def chosen(library: Library, request: Request) -> Chosen:
    """Return what the address asks for, else a model the view shows something of and its task with most methods.

    What cannot be had is a notice.
    """
    complete = [line for line in library.runs() if line.status == COMPLETE]
    lines = [line for line in complete if line.method in METHODS]
    asked, notices = request.selection, request.notices
    named = next((line for line in lines if line.run_id == asked.run), None)
    if asked.run is not None and named is None:
        notices.append(f"The link names run {asked.run!r}, which is no Fourier run of this store; it was left out.")
    models = first_of_view(by_methods(lines, "model"), lines, asked.view)
    models += [model for model in dict.fromkeys(line.model for line in complete) if model not in models]
    notices += of_another(named, asked) if named else []
    model = named.model if named else asked.model or models[0]
    if model not in models:
        notices.append(f"There are no runs of model {model!r} in this store. {nearest(model, models)}")
        model = models[0]
    own = [line for line in lines if line.model == model]
    tasks = by_methods(own, "task")
    task = (named.task if named else None) or asked.task or next(iter(tasks), None)
    if task is not None and task not in tasks and (tasks or all(line.task != task for line in complete)):
        said = f"there are {', '.join(tasks)}" if tasks else "there is none with a task"
        notices.append(f"No Fourier run of {model} asks {task[:60]!r} ({said}).")
        task = next(iter(tasks), None)
    return Chosen(model, task, models, tasks, runs_of(own, task, named))


def cards_for(view: View, found: Chosen) -> list[tuple[str, str, str]]:
    """Return the cards of a view: what was run, and what could be run on this model."""
    never = (TEXT if modular(found) else MODULAR) if {*TEXT, *MODULAR} & {kind for kind, _, _ in view.cards} else ()
    return [card for card in view.cards if card[0] in found.runs or card[0] not in never]


def modular(found: Chosen) -> bool:
    """Return whether the model of the page is a network of modular addition: it has such a run, or interp says so."""
    if set(MODULAR) & set(found.runs):
        return True
    try:
        known = desk().catalogue()["models"]
    except InterpError:
        return False
    return next((each["task"] for each in known if each["name"] == found.model), None) == "modadd"


def again(library: Library, selection: Selection) -> Chosen:
    """Return what a page with the address `selection` shows, for a callback: no notices."""
    return chosen(library, Request(selection, [], "light"))


def first_of_view(models: list[str], lines: list[RunSummary], view: str | None) -> list[str]:
    """Return `models` with those first that have a run which the view shows."""
    kinds = {kind for kind, _, _ in VIEWS.get(view or "", next(iter(VIEWS.values()))).cards}
    there = {line.model for line in lines if kind_of(line) in kinds}
    return sorted(models, key=lambda model: model not in there)


def by_methods(lines: list[RunSummary], name: str) -> list[str]:
    """Return the values of `name` (model or task), the one with most methods first; none is left out."""
    found: dict[str, set[str]] = {}
    for line in lines:
        value = getattr(line, name)
        if value:
            found.setdefault(value, set()).add(line.method)
    return sorted(found, key=lambda value: -len(found[value]))


def runs_of(own: list[RunSummary], task: str | None, named: RunSummary | None) -> dict[str, RunSummary]:
    """Return the newest run of each kind of a model that asks `task` (or no task); `named` before all others."""
    runs = {kind_of(named): named} if named else {}
    for line in own:
        if line.task in (task, None):
            runs.setdefault(kind_of(line), line)
    return runs


def kind_of(line: RunSummary) -> str:
    """Return the kind of a run: its method, but `unembedding` for the spectrum of the unembeddings."""
    unembed = line.method == "spectrum" and (line.spec.get("parameters") or {}).get("of") == "unembed"
    return UNEMBEDDING if unembed else line.method


def method_of(kind: str) -> str:
    """Return the method of a kind of run."""
    return "spectrum" if kind == UNEMBEDDING else kind


def command(kind: str, found: Chosen) -> str:
    """Return what to type for a run of `kind` on the model and task of the page."""
    method = method_of(kind)
    words = ["interp", "run", method, "--model", found.model]
    words += ["--set", "of=unembed"] if kind == UNEMBEDDING else []
    if method in WEIGHTS_ONLY or method in MODULAR:
        return shlex.join(words)
    task = found.task or (None if modular(found) else DEFAULT_TASK)  # a modular network has its one task
    words += ["--task", task] if task else []
    return shlex.join(words)
