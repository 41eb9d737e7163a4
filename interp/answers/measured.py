"""How are the methods asked that look at the whole model: accuracy, patching, ablation, lens, probes, spectra?"""

from __future__ import annotations

from typing import Any, cast

import xarray as xr

from interp.answers.question import Question
from interp.store import parameters as asked

LARGEST_OPERAND = 99
"""The spectrum looks at the integers that the built-in tasks use as operands, unless told otherwise."""


def accuracy(question: Question) -> xr.Dataset:
    from interp.methods.accuracy import accuracy

    p = cast(asked.Accuracy, question.spec.settings)
    return accuracy(question.model, question.prompts(p.split, p.n), **question.how)


def patching(question: Question) -> xr.Dataset:
    from interp.methods.patching import patching
    from interp.methods.patching_question import Asked

    p = cast(Any, question.spec.settings)
    asked = Asked(p.component, p.direction, p.source, p.metric)
    reference = question.prompts("train", p.n_reference) if p.source == "mean" else None
    return patching(question.model, question.pairs(p), asked, reference=reference, **question.how)


def ablation(question: Question) -> xr.Dataset:
    from interp.methods.ablation import ablation

    p = cast(asked.Ablation, question.spec.settings)
    reference, prompts = question.prompts("train", p.n_reference), question.prompts(p.split, p.n)
    return ablation(question.model, prompts, reference, kinds=p.kinds, **question.how)


def lens(question: Question) -> xr.Dataset:
    from interp.methods.lens import lens

    p = cast(asked.Lens, question.spec.settings)
    return lens(question.model, question.prompts(p.split, p.n), **question.how)


def probing(question: Question) -> xr.Dataset:
    from interp.methods.probing import probing

    p = cast(asked.Probing, question.spec.settings)
    train, test = question.prompts("train", p.n_train), question.prompts("test", p.n_test)
    return probing(question.model, train, test, targets=p.targets, n_shuffles=p.n_shuffles, **question.how)


def attention(question: Question) -> xr.Dataset:
    from interp.methods.attention import attention

    p = cast(asked.Attention, question.spec.settings)
    return attention(question.model, question.prompts(p.split, p.n), **question.how)


def spectrum(question: Question) -> xr.Dataset:
    from interp.fourier.embedding import embedding_spectrum

    p, model = cast(asked.Spectrum, question.spec.settings), question.model
    last = model.arith.config["p"] - 1 if model.arith.task is not None else LARGEST_OPERAND
    return embedding_spectrum(
        model,
        model.arith.tokenizer,
        p.low or 0,
        last if p.high is None else p.high,
        of=p.of,
        n_null=p.n_null,
        seed=question.spec.seed,
        progress=question.progress,
    )
