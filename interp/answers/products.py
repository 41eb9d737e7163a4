"""How are methods on multiplying models asked? Of problems of their own size, beside the network before training."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import xarray as xr

from interp.answers.question import Question
from interp.store import product_parameters as asked

if TYPE_CHECKING:
    import numpy as np

    from interp.tasks import Prompts


def product_accuracy(question: Question) -> xr.Dataset:
    from interp.methods.product_accuracy import product_accuracy

    p = cast(asked.ProductAccuracy, question.spec.settings)
    return product_accuracy(question.model, _pairs(question, p.split, p.n), _size(question), **question.how)


def digit_attribution(question: Question) -> xr.Dataset:
    from interp.methods.digit_attribution import digit_attribution

    p = cast(asked.DigitAttribution, question.spec.settings)
    pairs = _pairs(question, p.split, p.n)
    return digit_attribution(
        question.model, pairs, _size(question), n_shuffles=p.n_shuffles, **_before(question), **question.how
    )


def running_sums(question: Question) -> xr.Dataset:
    from interp.methods.running_sums import running_sums

    p = cast(asked.RunningSums, question.spec.settings)
    train, test = _prompts(question, "train", p.n_train), _prompts(question, "test", p.n_test)
    how = {"n_shuffles": p.n_shuffles, **_before(question), **question.how}
    return running_sums(question.model, train, test, _size(question), **how)


def attention_tree(question: Question) -> xr.Dataset:
    from interp.methods.attention_tree import attention_tree

    p = cast(asked.AttentionTree, question.spec.settings)
    how = {"thresholds": p.thresholds, "n_random": p.n_random, **_before(question), **question.how}
    return attention_tree(question.model, _prompts(question, p.split, p.n), _size(question), **how)


def digit_geometry(question: Question) -> xr.Dataset:
    from interp.fourier.digit_geometry import digit_geometry

    p = cast(asked.DigitGeometry, question.spec.settings)
    how = {"draws": p.draws, **_before(question), **question.how}
    return digit_geometry(question.model, _prompts(question, p.split, p.n), _size(question), **how)


def product_digits(question: Question) -> xr.Dataset:
    from interp.fourier.product_digits import product_digits

    p = cast(asked.ProductDigits, question.spec.settings)
    how = {"draws": p.draws, **_before(question), **question.how}
    return product_digits(question.model, _prompts(question, p.split, p.n), p.column, **how)


def learning_order(question: Question) -> xr.Dataset:
    from interp.methods.learning_order import learning_order
    from interp.methods.multiplier import multiplication_recipe
    from interp.models.training_directory import read_log

    recipe, about = multiplication_recipe(question.model), question.model.arith
    return learning_order(read_log(about.directory), recipe["n_digits"], recipe["evaluate_prompts"], about.name)


def _size(question: Question) -> int:
    from interp.methods.multiplier import multiplication_recipe

    return int(multiplication_recipe(question.model)["n_digits"])


def _pairs(question: Question, split: str, n: int) -> np.ndarray:
    from interp.tasks.multiplication import pairs

    return pairs(_size(question), n, question.spec.seed, split)


def _prompts(question: Question, split: str, n: int) -> Prompts:
    from interp.tasks.products import product_prompts

    return product_prompts(_pairs(question, split, n), _size(question), split)


def _before(question: Question) -> dict[str, Any]:
    """Return the network before training, the null of every measure of what training did."""
    from interp.methods.multiplier import untrained

    return {"untrained": untrained(question.model)}
