"""The labelled result of localisation: effects of heads and MLPs by role, and how circuits of the top heads do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr
from scipy.stats import rankdata

from interp.methods.intervals import t_interval, wilson
from interp.methods.normalised import kept_share
from interp.methods.result import attributes, mean_variables, variable

if TYPE_CHECKING:
    from interp.methods.localisation import Found, Head, Judged
    from interp.tasks.prompts import Prompts

HEADS, MLPS = "layer head role", "layer role"
AGREEMENT = "ranks of heads by mean nats and by this average of the relative effect"


def dataset(
    model: Any,
    prompts: Prompts,
    found: Found,
    judged: Sequence[Judged | None],
    circuits: tuple[Sequence[Head], Sequence[int]],
    facts: Mapping[str, float],
) -> xr.Dataset:
    """Return the Dataset of effects and curves; judged: on the ranking pairs, and on the evaluation prompts; circuits:
    the heads in order and the sizes; facts: counts, the threshold and the seed."""
    n_layers, n_heads, seed = model.cfg.n_layers, model.cfg.n_heads, int(facts["seed"])
    order, sizes = circuits
    ranking, evaluated = judged
    chosen = _curve(ranking, len(sizes), seed) if ranking is not None else None
    curve = _curve(evaluated, len(sizes), seed) if evaluated is not None else _nothing(len(sizes))
    said = "1 = the full model, 0 = heads and MLPs at their means; ratio of means of normalised logits"
    data = {
        **_effects(found, n_layers, n_heads, len(prompts.roles)),
        **mean_variables("faithfulness", "size", curve["value"], curve["interval"], "fraction", said),
        "faithfulness_ratios": variable("size", curve["ratios"], "fraction", "mean of ratios instead"),
        **mean_variables(
            "faithfulness_random", "size", curve["random"][0], curve["random"][1], "fraction",
            "random heads, as many a layer",
        ),
        "faithfulness_draws": variable("draw size", curve["draws"], "fraction", "each draw of random heads"),
        **mean_variables(
            "accuracy", "size", curve["accuracy"][0], curve["accuracy"][1], "fraction", "answered with the circuit"
        ),
        "accuracy_random": variable("size", curve["accuracy_random"], "fraction", "mean over draws of random heads"),
        **_smallest(chosen, curve, sizes, float(facts["threshold"])),
        "added": variable("size", _added(order, sizes), "", "the heads that each size adds"),
        "rank_agreement": variable(
            "average", _agreement(found, n_layers * n_heads, len(prompts.roles)), "Spearman", AGREEMENT
        ),
    }  # fmt: skip
    data |= _per_prompt(evaluated, len(sizes)) if evaluated is not None else {}
    data |= {name: variable("", value, "prompts", name) for name, value in facts.items() if name.startswith("n")}
    title = "Effects of heads and MLPs, and how much of the normalised logit the top heads with all MLPs keep."
    return xr.Dataset(
        data,
        coords={
            "layer": np.arange(n_layers),
            "head": np.arange(n_heads),
            "role": list(prompts.roles),
            "size": list(sizes),
            "average": ["mean", "median"],
        },
        attrs=attributes(
            "components",
            model,
            prompts,
            title,
            ranked_by="mean log effect, largest over roles",
            threshold=facts["threshold"],
            seed=seed,
        ),
    )


def _per_prompt(judged: Judged, n_sizes: int) -> dict[str, xr.Variable]:
    """Return what each prompt gives, and how many the empty circuit answers."""
    normal = judged.normalised
    data = {"normalised": variable("prompt size", normal[:, 2 : 2 + n_sizes], "fraction", "normalised logit")}
    for i, name in enumerate(("full", "empty")):
        data[f"normalised_{name}"] = variable("prompt", normal[:, i], "fraction", f"of the {name} model")
    data["accuracy_empty"] = variable("", judged.right[:, 1].mean(), "fraction", "answered by the empty circuit")
    return data


def _effects(found: Found, n_layers: int, n_heads: int, n_roles: int) -> dict[str, xr.Variable]:
    split, data = n_layers * n_heads * n_roles, {}
    for part, dims, cells, shape in (
        ("head", HEADS, slice(0, split), (n_layers, n_heads, n_roles)),
        ("mlp", MLPS, slice(split, None), (n_layers, n_roles)),
    ):
        for suffix, source, whose in (("", 0, ""), ("_null", 1, ", source of an unrelated pair")):
            log = found.log[:, source, cells].reshape(-1, *shape)
            relative = found.relative[:, source, cells].reshape(-1, *shape)
            what = f"mean change of log P(r) - log P(r'), halved{whose}"
            data |= mean_variables(f"{part}_effect{suffix}", dims, log.mean(axis=0), t_interval(log), "nats", what)
            data[f"{part}_relative{suffix}"] = variable(
                dims, relative.mean(axis=0), "fraction", f"mean relative{whose}"
            )
            data[f"{part}_relative_median{suffix}"] = variable(dims, np.median(relative, axis=0), "fraction", "median")
        every = found.log[:, 0, cells].reshape(-1, *shape)
        data[f"{part}_effects"] = variable(f"pair {dims}", every, "nats", "log effect of each pair")
    return data


def _agreement(found: Found, n_heads: int, n_roles: int) -> np.ndarray:
    """Return how far the heads' ranks by mean nats agree with those by mean and by median relative effect."""
    cells = slice(0, n_heads * n_roles)
    of = [found.log[:, 0, cells].mean(axis=0), found.relative[:, 0, cells].mean(axis=0)]
    of.append(np.median(found.relative[:, 0, cells], axis=0))
    ranks = [rankdata(each.reshape(n_heads, n_roles).max(axis=1)) for each in of]
    if any(rank.std() == 0 for rank in ranks):
        return np.full(2, np.nan)
    return np.array([np.corrcoef(ranks[0], other)[0, 1] for other in ranks[1:]])


def _curve(judged: Judged, n_sizes: int, seed: int) -> dict[str, Any]:
    normal, right = judged.normalised, judged.right
    value, interval, ratios = kept_share(normal[:, 2:], normal[:, 1], normal[:, 0], seed)
    draws = value[n_sizes:].reshape(-1, n_sizes)
    share = right[:, 2 : 2 + n_sizes]
    random = _over_draws(draws) if len(draws) else _nothing(n_sizes)["random"]
    return {
        "value": value[:n_sizes],
        "interval": (interval.low[:n_sizes], interval.high[:n_sizes]),
        "ratios": ratios[:n_sizes],
        "draws": draws,
        "random": random,
        "accuracy": (share.mean(axis=0), wilson(share.sum(axis=0), len(share))),
        "accuracy_random": right[:, 2 + n_sizes :].mean(axis=0).reshape(-1, n_sizes).mean(axis=0)
        if len(draws)
        else np.full(n_sizes, np.nan),
    }


def _over_draws(draws: np.ndarray) -> tuple[np.ndarray, tuple[np.ndarray, np.ndarray]]:
    low, high = np.nanpercentile(draws, [2.5, 97.5], axis=0) if np.isfinite(draws).all() else draws[:2] * np.nan
    return draws.mean(axis=0), (low, high)


def _nothing(n_sizes: int) -> dict[str, Any]:
    nan = np.full(n_sizes, np.nan)
    pair = (nan, (nan, nan))
    return {
        "value": nan, "interval": (nan, nan), "ratios": nan, "draws": nan[None], "random": pair, "accuracy": pair,
        "accuracy_random": nan,
    }  # fmt: skip


def _smallest(
    chosen: dict[str, Any] | None, curve: dict[str, Any], sizes: Sequence[int], threshold: float
) -> dict[str, xr.Variable]:
    """Return the fewest heads that reach the threshold on the ranking pairs, and what they and random ones keep."""
    reached = np.flatnonzero(chosen["value"] >= threshold) if chosen is not None else np.empty(0, dtype=int)
    at = int(reached[0]) if len(reached) else None
    random = np.flatnonzero(curve["random"][0] >= threshold)
    pick = {
        "smallest": (np.nan if at is None else sizes[at], "heads", "fewest heads that reach the threshold"),
        "smallest_random": (sizes[int(random[0])] if len(random) else np.nan, "heads", "of random heads, on average"),
        "faithfulness_smallest": (np.nan if at is None else curve["value"][at], "fraction", "of these heads, judged"),
        "faithfulness_smallest_low": (np.nan if at is None else curve["interval"][0][at], "fraction", "lower end"),
        "faithfulness_smallest_high": (np.nan if at is None else curve["interval"][1][at], "fraction", "upper end"),
        "random_at_smallest": (np.nan if at is None else curve["random"][0][at], "fraction", "of as many random heads"),
    }
    return {name: variable("", value, units, what) for name, (value, units, what) in pick.items()}


def _added(order: Sequence[Head], sizes: Sequence[int]) -> list[str]:
    """Return the heads that each size has beyond the size before."""
    before = [0, *sizes[:-1]]
    return [" ".join(f"{layer}.{head}" for layer, head in order[a:b]) for a, b in zip(before, sizes, strict=True)]
