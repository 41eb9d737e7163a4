"""Which training is this? Its checkpoints, the pairs it saw, and nets of the same recipe that were never trained.

The recipe, the log and the checkpoints lie in the directory of the model; the split is drawn again from the recipe.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from interp.errors import InterpError
from interp.models import zoo
from interp.models.modular import build_model, complete
from interp.models.native import checkpoint_steps, load_native
from interp.tasks.modular import training_pairs

UNTRAINED_SEED = 10_000
"""Untrained nets are drawn with seeds from here on, which no shipped training has."""


class Training(NamedTuple):
    """The checkpoints of a training: `model(step)` opens one, `untrained(i)` draws a net of the same recipe that was
    never trained; `train` bool [a, b] are the pairs it saw."""

    name: str
    steps: tuple[int, ...]
    model: Callable[[int], Any]
    untrained: Callable[[int], Any]
    train: np.ndarray


def training_of(model: Any) -> Training:
    """Return the training of a model that `interp.models.load` opened.

    Raises InterpError for a model that is no modular addition, or whose directory has no checkpoints by step.
    """
    loaded, device = model.arith, str(model.W_E.device)
    if loaded.config.get("task") != "modadd" or not (steps := checkpoint_steps(loaded.directory)):
        raise InterpError(
            f"{loaded.name!r} is no modular-addition model with checkpoints by step: expected a directory that such a "
            "training made; take --model modadd-59, or train one."
        )
    recipe = complete(zoo.read_recipe(loaded.directory))
    p, dtype = recipe["p"], model.W_E.dtype
    return Training(
        loaded.name,
        tuple(steps),
        lambda step: load_native(loaded.directory, device, dtype, step),
        lambda i: build_model({**recipe, "seed": UNTRAINED_SEED + i}, device),
        training_pairs(p, recipe["train_fraction"], recipe["seed"]).reshape(p, p),
    )
