"""What do trainers log, in which unit, over how many prompts, and what is it worth when nothing was learned?

The null of a measure is a guess that reads nothing: any digit alike, any residue alike. Where the recipe does not say
how many prompts a measure was taken on, it is not claimed.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

N_MEASURED = 256
"""Selection problems behind the digit losses of a multiplication training (`interp.models.multiplication_training`)."""

UNIFORM = math.log(10)


@dataclass(frozen=True)
class Measure:
    """One measure: its dim beside `step` ("" for none), unit, meaning, and which n of a log it is taken over."""

    dim: str
    units: str
    text: str
    of: str = ""


MEASURES: dict[str, Measure] = {
    "digit_loss": Measure("digit", "nats", "loss of each answer digit, units first", "digits"),
    "digit_accuracy": Measure("digit", "fraction", "share right of each answer digit, told those before", "scores"),
    "digit_gradient_norm": Measure("digit", "nats / weight", "norm of the gradient of each digit's loss", "digits"),
    "digit_cosine": Measure("digit", "cosine", "of each digit's gradient with that of the mean loss", "digits"),
    "subtask_loss": Measure("subtask", "nats", "mean loss over the cells of each subtask", "digits"),
    "exact": Measure("", "fraction", "share of answers right in every digit", "scores"),
    "loss": Measure("split", "nats", "mean cross-entropy of each split", "pairs"),
    "accuracy": Measure("split", "fraction", "share right of each split", "pairs"),
    "question_accuracy": Measure("question", "fraction", "share right of each task and style", "scores"),
    "train_loss": Measure("", "nats", "loss of the batch of the step", "batch"),
    "side_loss": Measure("", "squared error", "loss of the auxiliary heads on the batch", "batch"),
    "removed": Measure("", "tokens", "steps written out that the training no longer shows"),
    "selection_loss": Measure("", "nats", "loss on the selection split", "scores"),
    "prob_diff": Measure("", "probability", "mean difference of probabilities of right and wrong years", "scores"),
    "leak": Measure("kind", "attention weight", "attention on edges that the window forbids", "scores"),
    "sum_squared_weights": Measure("", "sum of squares", "of all weights"),
}
"""Every measure that a trainer logs."""


def counts_of(recipe: dict[str, Any]) -> dict[str, str]:
    """Return what n each kind of measure is over, in words, as far as the recipe says."""
    found = {}
    scored = recipe.get("evaluate_prompts") or recipe.get("measure_prompts")
    if scored:
        found["scores"] = f"{scored:,} selection prompts"
    if recipe.get("trainer") == "multiplication":
        found["digits"] = f"{N_MEASURED} selection problems"
    elif recipe.get("measure_prompts"):
        found["digits"] = found["scores"]
    if recipe.get("batch"):
        found["batch"] = f"{recipe['batch']:,} prompts of one batch"
    if recipe.get("p"):
        train = int(recipe["p"] ** 2 * recipe.get("train_fraction", 0.5))
        found["pairs"] = f"{train:,} train and {recipe['p'] ** 2 - train:,} test pairs"
    return found


def null_of(name: str, recipe: dict[str, Any]) -> tuple[float, str] | None:
    """Return the value of a guess that reads nothing, and which guess; None where the recipe does not say."""
    p = recipe.get("p")
    if name in ("digit_loss", "subtask_loss"):
        return UNIFORM, "any digit alike, ln 10"
    if name == "digit_accuracy":
        return 0.1, "any digit alike"
    if name == "loss" and p:
        return math.log(p), f"any residue alike, ln {p}"
    if name == "accuracy" and p:
        return 1 / p, "any residue alike"
    return None
