"""The shipped modular-addition trainings: their models by step, opened once, and their splits."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from interp.models import zoo
from interp.models.native import load_native
from interp.tasks.modular import training_pairs

ROOT = Path(__file__).parents[2] / "data" / "zoo"
SEEDS = ("modadd-59", "modadd-59-seed1", "modadd-59-seed2")


@cache
def final(name: str = "modadd-59", step: int | None = None) -> Any:
    """Return the model of a shipped training after `step`, by default at its end."""
    return load_native(ROOT / name, step=step)


def training(name: str = "modadd-59") -> np.ndarray:
    """Return bool [a, b]: the pairs that it was trained on."""
    recipe = zoo.read_recipe(ROOT / name)
    p = recipe["p"]
    return training_pairs(p, recipe["train_fraction"], recipe["seed"]).reshape(p, p)
