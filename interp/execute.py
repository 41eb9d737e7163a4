"""How does a Spec become a result? A recorded run is a function call: open the model, make the prompts, ask.

    answer(spec)  -> xr.Dataset          record(spec, store) -> run id, or the id of the run that exists already

`pinned` fills in the hash of the weights first, so a Spec means one model, whatever its name or path. The model asked
last stays open, which makes a worker warm.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, cast

import xarray as xr

from interp.errors import InterpError
from interp.models import zoo
from interp.progress import Progress, silent
from interp.store import Spec, Store
from interp.store import parameters as asked
from interp.tasks import Prompts, Twins, build, check_task, named_task, read_pairs, read_prompts, twins

LARGEST_OPERAND = 99
"""The spectrum looks at the integers that the built-in tasks use as operands, unless told otherwise."""


def pinned(spec: Spec) -> Spec:
    """Return `spec` with the sha256 of its model's weights. Raises InterpError when that is not the one it names."""
    found = zoo.weights_sha256(zoo.resolve(spec.model))
    if spec.weights_sha256 not in (None, found):
        raise InterpError(
            f"model {spec.model!r} has weights {found[:12]}..., the spec names {spec.weights_sha256[:12]}...; "
            "restore the weights, or drop weights_sha256 to ask about the present ones."
        )
    return spec.but(weights_sha256=found)


@functools.lru_cache(maxsize=1)
def opened(name: str, device: str, dtype: str, weights: str | None) -> Any:
    """Return the model of a Spec; the one opened last is kept. `weights` is there to key the cache."""
    from interp.models import load

    return load(name, device, dtype)


def answer(spec: Spec, progress: Progress = silent, batch_size: int = 512) -> xr.Dataset:
    """Return the result of `spec`. Raises InterpError for anything the user can mend, Cancelled when asked to stop."""
    if spec.method not in METHODS:
        raise InterpError(f"method {spec.method!r} is not one question: use `interp {spec.method}`.")
    model = opened(spec.model, spec.device, spec.dtype, spec.weights_sha256)
    with seeded_threads():
        dataset = METHODS[spec.method](model, spec, {"batch_size": batch_size, "progress": progress, "seed": spec.seed})
    dataset.attrs["model"] = spec.model
    return dataset


def record(spec: Spec, store: Store, progress: Progress = silent, *, fresh: bool = False, batch_size: int = 512) -> str:
    """Return the id of the recorded run of `spec`; an equal question asked before is not computed again.

    `fresh` computes and records it once more. Killed at any moment, the run is complete or absent.
    """
    spec = pinned(spec)
    known = None if fresh else store.find(spec)
    if known:
        return known
    began = time.time()
    dataset = answer(spec, progress, batch_size)
    facts = circumstances(began, spec)
    return store.write(spec, dataset, provenance=facts, summary=headline(dataset)).run_id


def headline(dataset: xr.Dataset) -> dict[str, Any]:
    """Return every scalar of a result by name: the numbers a table of runs shows. -1 windows become null."""
    numbers = {str(name): values.item() for name, values in dataset.data_vars.items() if values.ndim == 0}
    if "found" in numbers:
        numbers |= {"found": bool(numbers["found"])}
        numbers |= {"l_transfer": None if numbers["l_transfer"] < 0 else numbers["l_transfer"]}
    return {name: None if value != value else value for name, value in numbers.items()}


def circumstances(began: float, spec: Spec) -> dict[str, Any]:
    """Return the provenance of work that began at `began` (seconds since the epoch)."""
    import torch

    from interp.store import provenance

    return provenance(began, device=spec.device, dtype=spec.dtype, threads=torch.get_num_threads(), seeds=[spec.seed])


@contextmanager
def seeded_threads() -> Iterator[None]:
    """Set the number of torch threads explicitly: ARITHMOSCOPE_THREADS, else what torch would take."""
    import os

    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(int(os.environ.get("ARITHMOSCOPE_THREADS", before)))
    try:
        yield
    finally:
        torch.set_num_threads(before)


def prompts_of(model: Any, spec: Spec, split: str, n: int | None) -> Prompts:
    """Return `n` prompts of the Spec's task and style from `split`; the lines of a JSONL file of one's own.

    Raises InterpError for a task the model cannot take.
    """
    if model.arith.task is not None:
        return _toy_prompts(model, split).sample(n, spec.seed)
    if spec.task is None:
        raise InterpError(f"method {spec.method!r} needs a task, e.g. --task a+b.")
    if spec.task.endswith(".jsonl"):
        return read_prompts(spec.task, model.arith.tokenizer).sample(n, spec.seed)
    task = named_task(spec.task)
    check_task(task, model.arith.tokenizer)
    return replace(build(task, model.arith.tokenizer, spec.style, split, n, spec.seed), task=spec.task)


def twins_of(model: Any, spec: Spec, settings: asked.Patching) -> Twins:
    """Return the clean/corrupted pairs of a patching Spec. Raises InterpError where there are none."""
    if model.arith.task is not None or spec.task is None:
        raise InterpError(f"patching needs a task with twins, e.g. --task a+b; {spec.model!r} gives none.")
    if spec.task.endswith(".jsonl"):
        return read_pairs(spec.task, model.arith.tokenizer)
    task = named_task(spec.task)
    check_task(task, model.arith.tokenizer)
    return twins(
        task, model.arith.tokenizer, spec.style, settings.split, settings.n, settings.recipe, settings.place, spec.seed
    )


def _toy_prompts(model: Any, split: str) -> Prompts:
    from interp.tasks.modular import modular_prompts

    recipe = zoo.read_recipe(model.arith.directory)
    if split == "selection":
        raise InterpError("a modular-addition model has no selection split; use train, test or all.")
    return modular_prompts(recipe["p"], split, recipe["train_fraction"], recipe["seed"])


def _splits_needed(spec: Spec) -> None:
    if spec.task is not None and spec.task.endswith(".jsonl"):
        raise InterpError(
            f"method {spec.method!r} needs reference prompts of another split, which a JSONL file does not have; "
            "describe the task in a JSON file (name, expression, ranges, templates) instead."
        )


def _accuracy(model: Any, spec: Spec, how: dict[str, Any]) -> xr.Dataset:
    from interp.methods.accuracy import accuracy

    p = cast(asked.Accuracy, spec.settings)
    return accuracy(model, prompts_of(model, spec, p.split, p.n), **how)


def _patching(model: Any, spec: Spec, how: dict[str, Any]) -> xr.Dataset:
    from interp.methods.patching import patching

    return patching(model, twins_of(model, spec, cast(asked.Patching, spec.settings)), **how)


def _ablation(model: Any, spec: Spec, how: dict[str, Any]) -> xr.Dataset:
    from interp.methods.ablation import ablation

    _splits_needed(spec)
    p = cast(asked.Ablation, spec.settings)
    reference = prompts_of(model, spec, "train", p.n_reference)
    return ablation(model, prompts_of(model, spec, p.split, p.n), reference, kinds=p.kinds, **how)


def _cama(model: Any, spec: Spec, how: dict[str, Any]) -> xr.Dataset:
    from interp.methods.cama import cama

    _splits_needed(spec)
    p = cast(asked.Cama, spec.settings)
    return cama(
        model, prompts_of(model, spec, p.split, p.n), _reference(model, spec, p.n_reference), variants=p.variants, **how
    )


def _peeking(model: Any, spec: Spec, how: dict[str, Any]) -> xr.Dataset:
    from interp.methods.peeking import peeking

    p = cast(asked.Peeking, spec.settings)
    return peeking(model, prompts_of(model, spec, p.split, p.n), variants=p.variants, **how)


def _af1(model: Any, spec: Spec, how: dict[str, Any]) -> xr.Dataset:
    from interp.methods.af1 import af1

    _splits_needed(spec)
    p = cast(asked.Af1, spec.settings)
    selection = prompts_of(model, spec, "selection", p.n_selection)
    test = prompts_of(model, spec, "test", p.n_test)
    return af1(model, _reference(model, spec, p.n_reference), selection, test, threshold=p.threshold, **how)


def _reference(model: Any, spec: Spec, n: int | None) -> Prompts:
    """The prompts behind CAMA means: the train split, or (n null) the whole task, which is the exact mean."""
    return prompts_of(model, spec, "all" if n is None else "train", n)


def _lens(model: Any, spec: Spec, how: dict[str, Any]) -> xr.Dataset:
    from interp.methods.lens import lens

    p = cast(asked.Lens, spec.settings)
    return lens(model, prompts_of(model, spec, p.split, p.n), **how)


def _probing(model: Any, spec: Spec, how: dict[str, Any]) -> xr.Dataset:
    from interp.methods.probing import probing

    _splits_needed(spec)
    p = cast(asked.Probing, spec.settings)
    train, test = prompts_of(model, spec, "train", p.n_train), prompts_of(model, spec, "test", p.n_test)
    return probing(model, train, test, targets=p.targets, n_shuffles=p.n_shuffles, **how)


def _attention(model: Any, spec: Spec, how: dict[str, Any]) -> xr.Dataset:
    from interp.methods.attention import attention

    p = cast(asked.Attention, spec.settings)
    return attention(model, prompts_of(model, spec, p.split, p.n), **how)


def _spectrum(model: Any, spec: Spec, how: dict[str, Any]) -> xr.Dataset:
    from interp.fourier.embedding import embedding_spectrum

    p, toy = cast(asked.Spectrum, spec.settings), model.arith.task is not None
    last = model.arith.config["p"] - 1 if toy else LARGEST_OPERAND
    return embedding_spectrum(
        model,
        model.arith.tokenizer,
        p.low or 0,
        last if p.high is None else p.high,
        n_null=p.n_null,
        seed=spec.seed,
        progress=how["progress"],
    )


METHODS: dict[str, Callable[[Any, Spec, dict[str, Any]], xr.Dataset]] = {
    "accuracy": _accuracy,
    "patching": _patching,
    "ablation": _ablation,
    "cama": _cama,
    "peeking": _peeking,
    "af1": _af1,
    "lens": _lens,
    "probing": _probing,
    "attention": _attention,
    "spectrum": _spectrum,
}
