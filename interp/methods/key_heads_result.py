"""How are the effects of heads and their knockout written down? `interp.methods.key_heads` says what they mean."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from interp.engine import Lean
from interp.methods.answer_trace import answer_trace, numbers
from interp.methods.intervals import t_interval, wilson
from interp.methods.paths import VARIANTS
from interp.methods.result import attributes, mean_variables, variable

if TYPE_CHECKING:
    from interp.tasks.prompts import Prompts
    from interp.tasks.twins import Twins

KEY = -0.05
"""A head whose effect is below this is a key head."""


@dataclass(frozen=True)
class Effects:
    """Relative logit effects of each pair: heads and null [prompt, layer, head], mlps [prompt, layer]."""

    heads: np.ndarray
    mlps: np.ndarray
    null: np.ndarray


@dataclass(frozen=True)
class Found:
    """What was measured: effects by counterfactual [variant], the heads removed, the curves and what heads read."""

    effects: dict[str, list[Effects]]
    ranked: list[tuple[int, int]]
    curves: np.ndarray  # [ranked and draws, n_removed, prompt]
    said: list[str]
    reads: np.ndarray
    n_random: int

    @property
    def first(self) -> np.ndarray:
        """Effects [pair, layer, head] of the first counterfactual with MLPs recomputed: those that rank the heads."""
        return next(iter(self.effects.values()))[VARIANTS.index("mlps_recomputed")].heads


def dataset(model: Any, twins: dict[str, Twins], prompts: Prompts, found: Found, about: dict[str, Any]) -> xr.Dataset:
    """Return the Dataset of the effects, the knockout and what the strongest heads read."""
    even = np.full(len(prompts.roles), 1 / len(prompts.roles))
    n_key, n_pairs = int((found.first.mean(axis=0) < KEY).sum()), [len(pairs) for pairs in twins.values()]
    data = {
        **_effects(found),
        **_accuracies(found, len(prompts)),
        "attention": variable("rank role", found.reads, "fraction", "mean attention from the last position"),
        "attention_null": variable("role", even, "fraction", "even"),
        "n_key": variable("", n_key, "heads", f"heads with an effect below {KEY:.0%}"),
        "n": variable("", len(prompts), "prompts", "test prompts of the knockout"),
        "n_pairs": variable("counterfactual", n_pairs, "pairs", "selection pairs of the effects"),
    }
    lean = Lean.of(model)
    data |= answer_trace(model, prompts, about["seed"])
    operands, ranked = numbers(prompts)
    names = [f"{layer}.{head}" for layer, head in found.ranked]
    coords = {
        "counterfactual": list(found.effects), "variant": list(VARIANTS), "layer": np.arange(lean.n_layers),
        "head": np.arange(lean.n_heads), "n_removed": np.arange(found.curves.shape[1]), "rank": names,
        "draw": np.arange(found.n_random), "role": list(prompts.roles),
        "wrong": ("n_removed", found.said), "depth": np.arange(lean.n_layers + 1), "operand": operands,
        "number": ranked,
    }  # fmt: skip
    title = "Heads whose path to the logits carries the answer, and the accuracy that is left without them."
    return xr.Dataset(data, coords, attributes("key_heads", model, prompts, title, key=KEY, **about))


def _effects(found: Found) -> dict[str, xr.Variable]:
    """The mean effects by counterfactual and variant with their intervals, and each pair's of the first."""
    mean, ends = {}, {}
    for name in ("heads", "mlps", "null"):  # pairs differ in number between counterfactuals
        rows = [[getattr(effect, name) for effect in row] for row in found.effects.values()]
        mean[name] = np.stack([[x.mean(axis=0) for x in row] for row in rows])
        ends[name] = tuple(np.stack([[t_interval(x)[end] for x in row] for row in rows]) for end in (0, 1))
    dims, unit = "counterfactual variant layer head", "fraction of the clean logit"
    path, same = "relative logit effect of a head's path", "the same of an unrelated pair"
    return {
        **mean_variables("effect", dims, mean["heads"], ends["heads"], unit, path),
        "effect_pair": variable("pair layer head", found.first, unit, "each pair of the first, MLPs recomputed"),
        **mean_variables("effect_null", dims, mean["null"], ends["null"], unit, same),
        **mean_variables(
            "mlp_effect", "counterfactual variant layer", mean["mlps"], ends["mlps"], unit, "the same of an MLP's path"
        ),
    }


def _accuracies(found: Found, n: int) -> dict[str, xr.Variable]:
    """What is left of `n` prompts without the strongest heads, and without random ones."""
    right, accuracy, random = found.curves.sum(axis=-1), found.curves.mean(axis=-1), 1 + found.n_random
    dims, other = "draw n_removed", "random heads, none of those removed"
    return {
        **mean_variables(
            "accuracy", "n_removed", accuracy[0], wilson(right[0], n), "fraction", "top token = answer, heads removed"
        ),
        "accuracy_null_layers": variable(dims, accuracy[1:random], "fraction", "random heads, same layers"),
        "accuracy_null_other": variable(dims, accuracy[random:], "fraction", other),
    }
