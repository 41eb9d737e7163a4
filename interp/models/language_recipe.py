"""What is a language recipe? Every number that a training of `interp.models.language` depends on, checked first."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from itertools import pairwise
from typing import Any

from interp.errors import InterpError
from interp.models import window_penalty
from interp.models.recipe_fields import filled
from interp.tasks import named_task

ALL_STYLES = {"plain": 3, "verbal": 2, "question": 2, "instruction": 2, "word_problem": 2, "python": 2}

MENTAL_MATH: dict[str, Any] = {
    "trainer": "language",
    "architecture": {
        "hidden_size": 128,
        "intermediate_size": 384,
        "num_hidden_layers": 6,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": 64,
    },
    "tasks": ["a+b", "a-b", "a+b+c", "a+b-c", "a-b+c", "a-b-c"],
    "phases": [
        {"until": 3000, "styles": {"plain": 1}},
        {"until": 3500, "styles": ALL_STYLES},
        {"until": 8000, "styles": {"plain": 1, "verbal": 1}},
        {"until": 13250, "styles": ALL_STYLES},
        {"until": 19000, "styles": {**ALL_STYLES, "python": 6}},
    ],
    "learning_rate": [
        [0, 0],
        [200, 1e-3],
        [3500, 1e-3],
        [8000, 2e-4],
        [8500, 6e-4],
        [10250, 6e-4],
        [13250, 3.3e-4],
        [19000, 0],
    ],
    "weight_decay": [[0, 0.3], [3499, 0.3], [3500, 0.1]],
    "betas": [0.9, 0.98],
    "clip": 1.0,
    "batch": 512,
    "styles_per_step": 2,
    "window": None,
    "precision": "bf16",
    "seed": 0,
    "threads": 1,
    "evaluate_every": 500,
    "evaluate_prompts": 200,
    "save_every": 250,
}
"""The recipe of the shipped mental-math. Phases say which styles are drawn, with their weights, until which step;
rates and decays are [step, value] knots."""

WAITS_2_2: dict[str, Any] = {
    **MENTAL_MATH,
    "phases": [{"until": 10500, "styles": {"plain": 1}}],
    "learning_rate": [[0, 0], [200, 1e-3], [4500, 1e-3], [8000, 2.222e-4], [10500, 0]],
    "weight_decay": [[0, 0.3], [3499, 0.3], [3500, 0.1]],
    "window": {
        "l_wait": 2,
        "l_transfer": 2,
        "weight": [[0, 10]],
        "tolerance": [[0, 1e-3]],
        "bias": [[0, 12], [1500, 12], [4500, 0]],
    },
}
"""The recipe of the shipped waits-2-2: the shape of mental-math, plain style, with a price on attention outside its
window (`interp.models.window_penalty`). The bias is gone from step 4,500 on: the last 6,000 steps are plain passes."""

SCHEDULE = (
    *("phases", "steps", "learning_rate", "weight_decay"),
    *("threads", "save_every", "evaluate_every", "evaluate_prompts"),
)
"""Fields that may change between sittings: they move the schedule, not the meaning of the saved state."""


def state_digest(recipe: dict[str, Any]) -> str:
    """Return the sha256 of the fields that a saved state depends on; null counts as absent, as in older recipes."""
    fixed = {name: value for name, value in recipe.items() if name not in SCHEDULE and value is not None}
    return hashlib.sha256(json.dumps(fixed, sort_keys=True).encode()).hexdigest()


def complete(recipe: dict[str, Any]) -> dict[str, Any]:
    """Return `recipe` with every missing field (of `architecture` too) from MENTAL_MATH.

    Raises InterpError for an unknown field, task or style, or an impossible value.
    """
    whole = filled(recipe, MENTAL_MATH)
    if isinstance(whole["architecture"], dict):
        whole["architecture"] = {**MENTAL_MATH["architecture"], **whole["architecture"]}
    for field, (holds, expected) in CONDITIONS.items():
        if not _holds(holds, whole):
            raise InterpError(f"the recipe has {field} = {whole[field]!r:.80}: expected {expected}; change it.")
    for name in whole["tasks"]:
        for style in styles(whole):
            named_task(name).template(style)
    return json.loads(json.dumps(whole))  # as it will be read again


def styles(recipe: dict[str, Any]) -> list[str]:
    """Return the styles of all phases, in order of first appearance."""
    return list(dict.fromkeys(style for phase in recipe["phases"] for style in phase["styles"]))


def _holds(condition: Callable[[dict[str, Any]], Any], recipe: dict[str, Any]) -> bool:
    try:
        return bool(condition(recipe))
    except (TypeError, KeyError, ValueError, AttributeError, IndexError):
        return False


def _counts(*names: str) -> dict[str, tuple[Callable[[dict[str, Any]], Any], str]]:
    def whole(name: str) -> Callable[[dict[str, Any]], Any]:
        return lambda r: type(r[name]) is int and r[name] >= 1

    return {name: (whole(name), "an integer >= 1") for name in names}


def _rising(knots: list[list[float]]) -> Any:
    return (
        knots
        and all(len(knot) == 2 and knot[1] >= 0 for knot in knots)
        and all(before[0] < after[0] for before, after in pairwise(knots))
    )


def _knots(name: str) -> Callable[[dict[str, Any]], Any]:
    return lambda r: _rising(r[name])


def _window(recipe: dict[str, Any]) -> Any:
    window = recipe["window"]
    return window_penalty.holds(recipe) and (
        window is None or all(_rising(window[name]) for name in window_penalty.SCHEDULED)
    )


def _phases(recipe: dict[str, Any]) -> bool:
    ends = [0, *(phase["until"] for phase in recipe["phases"])]
    weights = [phase["styles"].values() for phase in recipe["phases"]]
    return len(ends) > 1 and all(a < b for a, b in pairwise(ends)) and all(w and min(w) > 0 for w in weights)


KNOTS = "[step, value] pairs with rising steps and values >= 0"
CONDITIONS: dict[str, tuple[Callable[[dict[str, Any]], Any], str]] = {
    "trainer": (lambda r: r["trainer"] == "language", "'language'"),
    "architecture": (lambda r: isinstance(r["architecture"], dict), "fields of a LlamaConfig by name"),
    "tasks": (lambda r: isinstance(r["tasks"], list) and r["tasks"], "a list of task names (or ranges, files)"),
    "phases": (_phases, "a list of {until: rising step, styles: {style: weight > 0}}"),
    "learning_rate": (_knots("learning_rate"), KNOTS),
    "weight_decay": (_knots("weight_decay"), KNOTS),
    "betas": (lambda r: len(r["betas"]) == 2 and all(0 <= beta < 1 for beta in r["betas"]), "two in [0, 1)"),
    "window": (
        _window,
        f"null or {{l_wait, l_transfer, weight, tolerance, bias}}, a window inside the model, the last three {KNOTS}",
    ),
    "clip": (lambda r: r["clip"] > 0, "a number > 0"),
    "precision": (lambda r: r["precision"] in ("bf16", "fp32"), "'bf16' or 'fp32'"),
    "seed": (lambda r: type(r["seed"]) is int and r["seed"] >= 0, "an integer >= 0"),
    **_counts("styles_per_step", "threads", "evaluate_every", "evaluate_prompts", "save_every"),
    "batch": (
        lambda r: type(r["batch"]) is int and r["batch"] >= len(r["tasks"]) * min(r["styles_per_step"], len(styles(r))),
        "an integer with room for a prompt of every task in every style of a step",
    ),
}
