"""What do the questions asked of multiplying models cost?"""

from __future__ import annotations

from interp.store.passes import Cost, Passes, Size, Work, evaluated
from interp.store.product_parameters import (
    AttentionTree,
    DigitAttribution,
    DigitGeometry,
    LearningOrder,
    ProductAccuracy,
    ProductDigits,
    RunningSums,
)


def _product_accuracy(p: ProductAccuracy, size: Size) -> Work:
    return evaluated(p, 1 + size.roles / 2)  # told once, and written a digit at a time


def _digit_attribution(p: DigitAttribution, size: Size) -> Work:
    return evaluated(p, 2 * (1 + size.roles / 2))  # a forward a digit, and as many before training


def _running_sums(p: RunningSums, size: Size) -> Work:
    return {"train": Passes("train", p.n_train, 2), "test": Passes("test", p.n_test, 2)}


def _products_twice(p: AttentionTree | DigitGeometry | ProductDigits, size: Size) -> Work:
    return evaluated(p, 2)


def _learning_order(p: LearningOrder, size: Size) -> Work:
    return {}  # the log of the training


COSTS: dict[str, Cost] = {
    "product_accuracy": _product_accuracy,
    "digit_attribution": _digit_attribution,
    "running_sums": _running_sums,
    "attention_tree": _products_twice,
    "digit_geometry": _products_twice,
    "product_digits": _products_twice,
    "learning_order": _learning_order,
}
