"""What may be asked of a model that multiplies: accuracy, attribution, running sums, trees, geometry, learning?"""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from interp.store.fields import Parameters, Sampled, distinct

Threshold = Annotated[float, Field(gt=0, lt=1)]
OF_PRODUCTS = (
    "product_accuracy", "digit_attribution", "running_sums", "attention_tree", "digit_geometry", "product_digits",
    "learning_order",
)  # fmt: skip
"""Methods on multiplying models, whose questions are their recipe's own: they take no task by name."""


class ProductAccuracy(Sampled):
    """How often is a product right: whole, by digit and by token, told the digits before it and writing alone?"""

    n: int = Field(1000, ge=1, description="problems, drawn with the seed")


class DigitAttribution(Sampled):
    """On which digits of the operands does each digit of the product depend?"""

    n: int = Field(1000, ge=2, description="problems, drawn with the seed")
    n_shuffles: int = Field(99, ge=19, description="draws of another problem's digit, for the null; 5 % needs 19")


class RunningSums(Parameters):
    """Where can the running sum of each column be read, and with what error?"""

    n_train: int = Field(3000, ge=50, description="train-split problems the probes are fitted on")
    n_test: int = Field(1000, ge=8, description="test-split problems the probes are scored on")
    n_shuffles: int = Field(19, ge=19, description="refits on shuffled sums behind the null; 5 % needs 19")


class AttentionTree(Sampled):
    """Which products do heads gather for each digit of the answer?"""

    thresholds: Annotated[tuple[Threshold, ...], AfterValidator(distinct)] = Field(
        (0.05, 0.1, 0.15, 0.2, 0.25, 0.3), description="mean attention above which an edge counts"
    )
    n_random: int = Field(200, ge=19, description="random trees with as many edges, for the null")


class DigitGeometry(Sampled):
    """Is what a head writes a sum of one part for each of two digits?"""

    n: int = Field(1500, ge=200, description="problems, drawn with the seed")
    draws: int = Field(3, ge=1, le=100, description="times the digits are dealt out anew, for the null")


class ProductDigits(Sampled):
    """Do the states that foretell a digit form a pentagonal prism?"""

    n: int = Field(2000, ge=100, description="problems, drawn with the seed")
    column: int = Field(2, ge=0, le=11, description="answer digit that is foretold, counted from the units")
    draws: int = Field(2000, ge=19, le=1_000_000, description="random labelings of the ten digits, for the null")


class LearningOrder(Parameters):
    """In which order did the training learn the digits?"""
