"""The labelled result of heuristic neurons: effects, operand maps, scores beside their null, curves and knockouts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import xarray as xr

from interp.methods.heuristic_scores import excess
from interp.methods.intervals import t_interval, wilson
from interp.methods.normalised import kept_share
from interp.methods.operand_maps import as_grid
from interp.methods.result import attributes, mean_variables, variable

if TYPE_CHECKING:
    from interp.methods.heuristic_neurons import Followed
    from interp.methods.neuron_effects import Neuron, Ranked
    from interp.tasks.prompts import Prompts

RULES = ("fixed", "calibrated", "corrected")
GROUPS = ("top", "random")
COUNTS = ("n", "n_asked", "n_pairs", "n_reference")
Curve = tuple[np.ndarray, np.ndarray]


class Knocked(NamedTuple):
    """What ablations gave on the answered prompts: normalised logits and correctness [prompt, size] with the first
    neurons kept, and with random ones by draw; the heuristics knocked out, who satisfies them [rule, prompt],
    correctness without their neurons and without others [rule, prompt]; by prompt: with, control [size, prompt], how
    many neurons [size]."""

    sizes: list[int]
    removed: list[int]
    curve: Curve
    draws: list[Curve]
    rules: np.ndarray
    holds: np.ndarray
    without: np.ndarray
    control: np.ndarray
    by_prompt: tuple[np.ndarray, np.ndarray, np.ndarray]


def dataset(
    model: Any,
    asked: tuple[Prompts, Prompts],
    neurons: tuple[Ranked, list[Neuron]],
    followed: Followed,
    knocked: Knocked | None,
    facts: Mapping[str, Any],
) -> xr.Dataset:
    """Return the Dataset; asked: evaluation prompts and the grid, neurons: the top ones and the random ones, facts:
    counts (n, n_asked, n_pairs, n_reference) and how it was asked."""
    prompts, grid = asked
    top, others = neurons
    n_top, n_layers = len(top.neurons), len({layer for layer, _ in top.neurons})
    judged = _nobody() if knocked is None else _curve_variables(knocked, int(facts["seed"])) | _knockouts(knocked)
    names = [role for role in grid.roles if role in grid.variables]
    maps, a, b = as_grid(followed.maps[:n_top], *(grid.variables[name] for name in names))
    data = {
        "activation": variable("neuron operand_a operand_b", maps, "", "mlp_post at the last token; nan: no prompt"),
        **_neuron_variables(top, followed, n_top),
        **_rule_variables(followed, n_top),
        **_shares(followed, n_top),
        **judged,
        "agreement": variable("", top.agreement, "Spearman", "linear against exact effects of the shortlist"),
        "n_grid": variable("", len(grid), "prompts", "prompts of the operand grid"),
        **{name: variable("", facts[name], "prompts", name) for name in COUNTS},
    }
    label = [f"{layer}.{index}" for layer, index in top.neurons]
    coords = {
        "neuron": label,
        "neuron_layer": ("neuron", [layer for layer, _ in top.neurons]),
        "random_neuron": [f"{layer}.{index}" for layer, index in others],
        "heuristic": followed.labels,
        "family": ("heuristic", [h.family for h in followed.heuristics]),
        "direct": ("heuristic", followed.rules.direct),
        "operand_a": a,
        "operand_b": b,
        "rule": list(RULES),
        "group": list(GROUPS),
    }
    rules = [] if knocked is None else [followed.labels[i] for i in knocked.rules]
    coords |= {
        "kept": [0] if knocked is None else knocked.sizes,
        "removed": [0] if knocked is None else knocked.removed,
    }
    coords["knocked"] = np.array(rules, dtype=str)
    title = "The top neurons of the late MLPs, the heuristics they follow beside shuffled maps, and their knockout."
    how = {name: value for name, value in facts.items() if name not in COUNTS}
    more = {"operands": " ".join(names), "knockout_rule": "corrected", "ablation": "mean", "n_layers": n_layers}
    return xr.Dataset(data, coords, attributes("neurons", model, prompts, title, **more, **how))


def _neuron_variables(top: Ranked, followed: Followed, n_top: int) -> dict[str, xr.Variable]:
    """Effects, and of each neuron the heuristic of largest excess among those that are about something."""
    score, mean = followed.score[:n_top], followed.null.mean[:n_top]
    over = excess(score, mean)
    best = over.argmax(axis=1)
    at = np.arange(n_top), best
    return {
        **mean_variables("effect", "neuron", top.log.mean(axis=0), t_interval(top.log), "nats", "mean log effect"),
        "effects": variable("pair neuron", top.log, "nats", "log effect of each pair"),
        "effect_median": variable("neuron", np.median(top.log, axis=0), "nats", "median log effect over pairs"),
        "effect_linear": variable("neuron", top.linear, "nats", "first-order effect, mean over pairs"),
        "best": variable("neuron", [followed.labels[i] for i in best], "", "heuristic of largest excess"),
        "best_score": variable("neuron", score[at], "fraction", "its score"),
        "best_null": variable("neuron", mean[at], "fraction", "mean score of this neuron's shuffled maps there"),
        "best_bound": variable("neuron", _bound(followed, n_top)[at], "fraction", "score that shuffles do not pass"),
        "best_excess": variable("neuron", over[at], "fraction", "score above chance over what is left above it"),
    }


def _bound(followed: Followed, n_top: int) -> np.ndarray:
    null = followed.null
    return null.mean[:n_top] + null.z_star * null.sd[:n_top]


def _rule_variables(followed: Followed, n_top: int) -> dict[str, xr.Variable]:
    null = followed.null
    k = followed.rules.satisfied.sum(axis=1)
    return {
        "score": variable("neuron heuristic", followed.score[:n_top].astype(np.float32), "fraction", "overlap / k"),
        "null_mean": variable("neuron heuristic", null.mean[:n_top].astype(np.float32), "fraction", "of shuffled maps"),
        "null_sd": variable("neuron heuristic", null.sd[:n_top].astype(np.float32), "fraction", "of shuffled maps"),
        "score_random": variable(
            "random_neuron heuristic", followed.score[n_top:].astype(np.float32), "fraction", "of random neurons"
        ),
        "k": variable("heuristic", k, "prompts", "prompts of the grid that satisfy it"),
        "chance": variable("heuristic", k / followed.rules.satisfied.shape[1], "fraction", "k over all prompts"),
        "false_rate": variable("heuristic", null.false_rate, "fraction", "shuffles that reach the threshold"),
        "n_followers": variable(
            "rule heuristic",
            np.stack([followed.follows[rule][:n_top].sum(axis=0) for rule in RULES]),
            "neurons",
            "top neurons that follow it",
        ),
        "z_star": variable("", null.z_star, "sd", "95 % point of the largest z of a shuffled map"),
    }


def _shares(followed: Followed, n_top: int) -> dict[str, xr.Variable]:
    """Shares of neurons that follow some heuristic [rule, group], and of shuffled maps [rule]."""
    null, threshold_free = followed.null, {}
    for i, part in enumerate((slice(0, n_top), slice(n_top, None))):
        for rule in RULES:
            followers = np.any(followed.follows[rule][part], axis=1).reshape(-1)
            count = max(len(followers), 1)
            threshold_free[rule, GROUPS[i]] = (followers.sum() / count, *wilson(followers.sum(), count))
    values = np.array([[threshold_free[rule, group] for group in GROUPS] for rule in RULES])
    beyond = float((null.largest > null.z_star).mean())
    said = "share of neurons that follow at least one heuristic"
    return {
        **mean_variables("share", "rule group", values[..., 0], (values[..., 1], values[..., 2]), "fraction", said),
        "share_shuffled": variable(
            "rule",
            [null.false_any, min(null.false_any, beyond), beyond],
            "fraction",
            "shuffled maps that do: at the threshold; for the others at most, those with a z beyond z*",
        ),
    }


def _curve_variables(knocked: Knocked, seed: int) -> dict[str, xr.Variable]:
    normal, right = knocked.curve
    whole = _share_of_full(normal, seed)
    draws = np.stack([_share_of_full(drawn, seed)[0] for drawn, _ in knocked.draws])
    ends = draws.min(axis=0), draws.max(axis=0)
    said = "normalised logit kept with the first neurons of each layer, the others at means; 1 = full, 0 = none kept"
    return {
        **mean_variables("faithfulness", "kept", whole[0], whole[1], "fraction", said),
        "faithfulness_ratios": variable("kept", whole[2], "fraction", "mean of ratios instead"),
        **mean_variables("faithfulness_random", "kept", draws.mean(axis=0), ends, "fraction", "random; ends: of draws"),
        **mean_variables(
            "accuracy", "kept", right.mean(axis=0), wilson(right.sum(axis=0), len(right)), "fraction", "answered"
        ),
        "accuracy_random": variable(
            "kept", np.mean([r.mean(axis=0) for _, r in knocked.draws], axis=0), "fraction", "random neurons kept"
        ),
        "normalised": variable("prompt kept", normal, "fraction", "normalised logit of each prompt"),
    }


def _nobody() -> dict[str, xr.Variable]:
    """What there is to say when the model answers no prompt: nothing."""
    data = {}
    for name in ("faithfulness", "faithfulness_random", "accuracy", "prompt_knockout", "prompt_knockout_control"):
        nan, dim = np.full(1, np.nan), "removed" if name.startswith("prompt") else "kept"
        data |= mean_variables(name, dim, nan, (nan, nan), "fraction", "no prompt answered")
    for name in ("associated", "unassociated"):
        none = np.empty(0)
        data |= mean_variables(f"knockout_{name}", "knocked", none, (none, none), "fraction", "no prompt answered")
        data |= {key: variable("knocked", none, "", "none") for key in (f"knockout_{name}_control", f"n_{name}")}
    for name, dim in (("faithfulness_ratios", "kept"), ("accuracy_random", "kept"), ("prompt_knocked", "removed")):
        data[name] = variable(dim, np.full(1, np.nan), "", "no prompt answered")
    return data


def _share_of_full(normal: np.ndarray, seed: int) -> tuple[np.ndarray, Any, np.ndarray]:
    """The full model answers every prompt here, so its normalised logit is 1; size 0 is the empty circuit."""
    return kept_share(normal, normal[:, 0], np.ones(len(normal)), seed)


def _knockouts(knocked: Knocked) -> dict[str, xr.Variable]:
    data = {}
    for name, holds in (("associated", knocked.holds), ("unassociated", ~knocked.holds)):
        n = holds.sum(axis=1)
        counts = [(right & mask).sum() for right, mask in zip(knocked.without, holds, strict=True)]
        ends = [wilson(c, max(int(m), 1)) if m else (np.nan, np.nan) for c, m in zip(counts, n, strict=True)]
        low, high = np.array(ends, dtype=float).reshape(-1, 2).T
        said = f"accuracy on {name} prompts without the neurons of a heuristic"
        data |= mean_variables(f"knockout_{name}", "knocked", _ratio(counts, n), (low, high), "fraction", said)
        control = [(right * mask).sum() for right, mask in zip(knocked.control, holds, strict=True)]
        data[f"knockout_{name}_control"] = variable("knocked", _ratio(control, n), "fraction", "without as many others")
        data[f"n_{name}"] = variable("knocked", n, "prompts", f"{name} prompts")
    own, other, counts = knocked.by_prompt
    for name, right in (("prompt_knockout", own), ("prompt_knockout_control", other)):
        ends = wilson(right.sum(axis=1), right.shape[1])
        said = "accuracy without each prompt's own heuristic neurons" if right is own else "without as many others"
        data |= mean_variables(name, "removed", right.mean(axis=1), ends, "fraction", said)
    data["prompt_knocked"] = variable("removed", counts, "neurons", "neurons knocked out of a prompt, mean")
    return data


def _ratio(counts: Sequence[Any], n: np.ndarray) -> np.ndarray:
    return np.divide(np.array(counts, dtype=float), n, out=np.full(len(n), np.nan), where=n > 0)
