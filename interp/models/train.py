"""Which recipe makes which model? One entry for all trainers: a recipe is data, its `trainer` field says who reads it.

train("mental-math", directory)      train("modadd-59", directory)      train("own.json", directory)
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from interp.errors import InterpError, nearest
from interp.progress import Progress, silent

DEFAULTS = {
    "language": "mental-math",
    "greater-than": "greater-than",
    "modular": "modadd-59",
    "multiplication": "multiply-plain",
    "written": "multiply-by-digit",
}
"""The recipe that fills in what a recipe file of each trainer leaves out."""


def recipes() -> dict[str, dict[str, Any]]:
    """Return the recipes of the shipped models by name."""
    from interp.models.greater_than_training import GREATER_THAN
    from interp.models.language_recipe import MENTAL_MATH, WAITS_2_2
    from interp.models.modular import RECIPE
    from interp.models.multiplication import MULTIPLICATION, REGIMES
    from interp.models.written import RECIPES

    multiply = {f"multiply-{regime}": {**MULTIPLICATION, "regime": regime} for regime in REGIMES}
    language = {"mental-math": MENTAL_MATH, "waits-2-2": WAITS_2_2}
    language |= {"greater-than": GREATER_THAN, "modadd-59": {"trainer": "modular", **RECIPE}}
    return language | multiply | RECIPES


def train(
    name: str, directory: Path, *, device: str = "cpu", resume: bool = True, progress: Progress = silent
) -> dict[str, float]:
    """Train the recipe `name` (or a JSON file) in `directory` and return its final scores.

    Continues an interrupted training of the same recipe unless `resume` is False. Raises InterpError for an unknown
    recipe, or a directory that holds the state of another one.
    """
    recipe = _recipe(name)
    if recipe["trainer"] == "modular":
        from interp.models.modular_training import train_modular

        plain = {key: value for key, value in recipe.items() if key != "trainer"}
        log = train_modular(plain, directory, device, resume=resume, progress=progress)
        return {str(key): float(values[-1]) for key, values in log.data_vars.items() if values.ndim == 1}
    trainer = _trainer(recipe["trainer"])
    return trainer(recipe, directory, device=device, resume_from_state=resume, progress=progress)


def _trainer(name: str) -> Callable[..., dict[str, float]]:
    """Return the function that trains such recipes with `interp.models.training_loop`; each imports torch."""
    if name == "language":
        from interp.models.language import train_language

        return train_language
    if name == "greater-than":
        from interp.models.greater_than_training import train_greater_than

        return train_greater_than
    if name == "multiplication":
        from interp.models.multiplication_training import train_multiplication

        return train_multiplication
    from interp.models.written_training import train_written

    return train_written


def _recipe(name: str) -> dict[str, Any]:
    known = recipes()
    if name in known:
        return known[name]
    if not name.endswith(".json"):
        raise InterpError(f"unknown recipe {name!r}. {nearest(name, known)} Or give a recipe file (.json).")
    try:
        recipe = json.loads(Path(name).read_text())
    except (OSError, ValueError) as error:
        raise InterpError(
            f"recipe {name} cannot be read ({error.__class__.__name__}); it must be a JSON object."
        ) from None
    if isinstance(recipe, dict) and recipe.get("task") == "modadd":
        recipe = {"trainer": "modular", **recipe}  # the recipe.json beside a modular model names its task instead
    if not isinstance(recipe, dict) or recipe.get("trainer") not in DEFAULTS:
        raise InterpError(f"recipe {name} needs 'trainer': {', '.join(map(repr, DEFAULTS))}.")
    return {**known[DEFAULTS[recipe["trainer"]]], **recipe}
