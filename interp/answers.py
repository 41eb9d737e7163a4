"""How is each method asked? A Spec's prompts, its reference prompts and its parameters, as the method wants them.

    METHODS[method](model, spec, how) -> xr.Dataset        how = batch size, progress and seed

A toy model has one task of its own, which its recipe describes; a language model takes a task by name, or a file.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, cast

import numpy as np
import xarray as xr

from interp.errors import InterpError
from interp.models import zoo
from interp.store import Spec
from interp.store import parameters as asked
from interp.tasks import Prompts, Twins, build, check_task, named_task, read_pairs, read_prompts, twins

LARGEST_OPERAND = 99
"""The spectrum looks at the integers that the built-in tasks use as operands, unless told otherwise."""

NEED_SPLITS = ("ablation", "cama", "af1", "probing")
"""Methods that need reference prompts of another split than those they measure."""


def prompts_of(model: Any, spec: Spec, split: str, n: int | None) -> Prompts:
    """Return `n` prompts of the Spec's task and style from `split`; the lines of a JSONL file of one's own.

    Raises InterpError for a task the model cannot take.
    """
    if model.arith.task is not None:
        return _toy_prompts(model, split).sample(n, spec.seed)
    task = str(spec.task)
    if task.endswith(".jsonl"):
        found = read_prompts(task, model.arith.tokenizer).sample(n, spec.seed)
    else:
        named = named_task(task)
        check_task(named, model.arith.tokenizer)
        found = build(named, model.arith.tokenizer, spec.style, split, n, spec.seed)
    return _inside(model, replace(found, task=_short(task)))


def twins_of(model: Any, spec: Spec, settings: asked.Patching) -> Twins:
    """Return the clean/corrupted pairs of a patching Spec. Raises InterpError where there are none."""
    task, tokenizer = str(spec.task), model.arith.tokenizer
    if model.arith.task is not None:
        raise InterpError(f"patching needs a task with twins, e.g. --task a+b; {spec.model!r} has none.")
    if task.endswith(".jsonl"):
        pairs = read_pairs(task, tokenizer)
        rows = np.arange(len(pairs))
        if settings.n < len(pairs):
            rows = np.sort(np.random.default_rng(spec.seed).choice(len(pairs), size=settings.n, replace=False))
        pairs = replace(pairs, clean=pairs.clean[rows], corrupted=pairs.corrupted[rows])
    else:
        named = named_task(task)
        check_task(named, tokenizer)
        how = (settings.split, settings.n, settings.recipe, settings.place, spec.seed)
        pairs = twins(named, tokenizer, spec.style, *how)
    sides = {side: replace(getattr(pairs, side), task=_short(task)) for side in ("clean", "corrupted")}
    _inside(model, sides["corrupted"])
    return replace(pairs, clean=_inside(model, sides["clean"]), corrupted=sides["corrupted"])


def _short(task: str) -> str:
    """The name of a task as results show it: of a file its own name, without the path."""
    return task.replace("\\", "/").rpartition("/")[2] if task.endswith((".json", ".jsonl")) else task


def _inside(model: Any, prompts: Prompts) -> Prompts:
    """Return `prompts` when the model has all their tokens: a tokenizer may have more than its model."""
    top, d_vocab = int(max(prompts.tokens.max(), prompts.answer_ids.max())), model.cfg.d_vocab
    if top >= d_vocab:
        raise InterpError(
            f"the tokenizer gives token {top}, but the model has 0..{d_vocab - 1}; "
            "they do not belong together: restore the checkpoint."
        )
    if prompts.tokens.shape[1] > model.cfg.n_ctx:
        raise InterpError(
            f"these prompts have {prompts.tokens.shape[1]} tokens, the model has room for {model.cfg.n_ctx}; "
            "choose a shorter style."
        )
    return prompts


def _toy_prompts(model: Any, split: str) -> Prompts:
    from interp.tasks.modular import modular_prompts

    recipe = zoo.read_recipe(model.arith.directory)
    if split == "selection":
        raise InterpError("a modular-addition model has no selection split; use train, test or all.")
    return modular_prompts(recipe["p"], split, recipe["train_fraction"], recipe["seed"])


def _accuracy(model: Any, spec: Spec, how: dict[str, Any]) -> xr.Dataset:
    from interp.methods.accuracy import accuracy

    p = cast(asked.Accuracy, spec.settings)
    return accuracy(model, prompts_of(model, spec, p.split, p.n), **how)


def _patching(model: Any, spec: Spec, how: dict[str, Any]) -> xr.Dataset:
    from interp.methods.patching import patching

    return patching(model, twins_of(model, spec, cast(asked.Patching, spec.settings)), **how)


def _ablation(model: Any, spec: Spec, how: dict[str, Any]) -> xr.Dataset:
    from interp.methods.ablation import ablation

    p = cast(asked.Ablation, spec.settings)
    reference = prompts_of(model, spec, "train", p.n_reference)
    return ablation(model, prompts_of(model, spec, p.split, p.n), reference, kinds=p.kinds, **how)


def _cama(model: Any, spec: Spec, how: dict[str, Any]) -> xr.Dataset:
    from interp.methods.cama import cama

    p = cast(asked.Cama, spec.settings)
    means = _means(model, spec, p.n_reference, how)
    return cama(model, prompts_of(model, spec, p.split, p.n), means, variants=p.variants, **how)


def _peeking(model: Any, spec: Spec, how: dict[str, Any]) -> xr.Dataset:
    from interp.methods.peeking import peeking

    p = cast(asked.Peeking, spec.settings)
    return peeking(model, prompts_of(model, spec, p.split, p.n), variants=p.variants, **how)


def _af1(model: Any, spec: Spec, how: dict[str, Any]) -> xr.Dataset:
    from interp.methods.af1 import af1

    p = cast(asked.Af1, spec.settings)
    selection = prompts_of(model, spec, "selection", p.n_selection)
    test = prompts_of(model, spec, "test", p.n_test)
    means = _means(model, spec, p.n_reference, how)
    return af1(model, means, selection, test, threshold=p.threshold, **how)


def _means(model: Any, spec: Spec, n: int | None, how: dict[str, Any]) -> Any:
    """The CAMA means over `n` prompts of the train split, or (n null) over the whole task, which is exact."""
    from interp.methods.means import reference_means

    reference = prompts_of(model, spec, "all" if n is None else "train", n)
    return reference_means(model, reference, batch_size=how["batch_size"], progress=how["progress"])


def _lens(model: Any, spec: Spec, how: dict[str, Any]) -> xr.Dataset:
    from interp.methods.lens import lens

    p = cast(asked.Lens, spec.settings)
    return lens(model, prompts_of(model, spec, p.split, p.n), **how)


def _probing(model: Any, spec: Spec, how: dict[str, Any]) -> xr.Dataset:
    from interp.methods.probing import probing

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
