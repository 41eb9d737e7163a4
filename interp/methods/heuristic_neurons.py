"""Which neurons of the late MLPs matter at the last token, and which rule of thumb over the operands does each follow?

    1  the neurons of largest effect of each late layer             neuron_effects.py, on pairs of another split
    2  their activation over the whole operand grid                 operand_maps.py
    3  the heuristics each follows, beside shuffled maps and beside random neurons of the same layers
                                                                    heuristics of interp.tasks, heuristic_scores.py
    4  how few of them keep the answer, and whose knockout hurts whom
                                                                    heuristic_knockout.py, on the `prompts` answered

Reading: the share of neurons that follow some heuristic says little alone. Beside it stand the share of shuffled maps
that do (the rate of false classification at this threshold and with these heuristics), and of random neurons. Three
rules: `fixed` is the published threshold, `calibrated` asks for more than the shuffles give as well, `corrected` takes
the threshold on the scale from chance to 1. Knockouts use the neurons that pass `corrected`.

Source: Nikankin, Reusch, Mueller & Belinkov, Arithmetic Without Algorithms (2025) arXiv 2410.21272.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
import xarray as xr

from interp.engine import Site, run
from interp.errors import InterpError
from interp.methods import heuristic_knockout as knock
from interp.methods import metrics
from interp.methods.grid import require_prompts
from interp.methods.heuristic_result import Knocked, dataset
from interp.methods.heuristic_scores import Null, Rules, classified, scores, shuffled
from interp.methods.neuron_effects import Neuron, Ranked, rank_neurons
from interp.methods.operand_maps import activations, result_values
from interp.methods.position_means import position_means
from interp.methods.relative_importance import late_layers
from interp.progress import Progress, silent
from interp.tasks.heuristics import Families, Heuristic, catalogue

if TYPE_CHECKING:
    from interp.tasks.prompts import Prompts
    from interp.tasks.twins import Twins

MOST_KNOCKED = 24
"""Heuristics whose neurons are knocked out: those that most neurons follow."""


class Followed(NamedTuple):
    """heuristics, those about the result twice: fired on, and written (direct), with `labels`; of the top and random
    neurons, together [neuron, ...]: their maps over the grid, scores, null and which heuristics they follow by rule."""

    heuristics: list[Heuristic]
    labels: list[str]
    rules: Rules
    maps: np.ndarray
    score: np.ndarray
    null: Null
    follows: dict[str, np.ndarray]


def heuristic_neurons(
    model: Any,
    pairs: Twins,
    prompts: Prompts,
    reference: Prompts,
    grid: Prompts,
    *,
    layers: Sequence[int] | None = None,
    n_top: int = 50,
    threshold: float = 0.6,
    n_shuffles: int = 30,
    n_random: int = 5,
    ends: Literal["both", "top"] = "both",
    families: Families | None = None,
    batch_size: int = 512,
    progress: Progress = silent,
    seed: int = 0,
) -> xr.Dataset:
    """Return the top neurons, what they follow beside shuffled maps and random neurons, and what they are needed for.

    pairs rank the neurons, reference gives the means of the ablated ones, grid is every prompt of the task, and
    faithfulness and knockouts are judged on those `prompts` that the model answers. `activation` [neuron, operand_a,
    operand_b]; `score`, `null_mean` [neuron, heuristic]; `share` [rule, group]; `faithfulness` [kept]. Raises
    InterpError for layers that are not there, other than two operands, or prompts of different roles.
    """
    chosen = _check(model, pairs, prompts, reference, grid, layers)
    top = rank_neurons(model, pairs, chosen, n_top, batch_size, progress)
    others = _random_neurons(top.neurons, chosen, model.cfg.d_mlp, seed)
    every, how = [*top.neurons, *others], (ends, threshold, n_shuffles)
    followed = _followed(model, grid, every, families, how, batch_size=batch_size, progress=progress, seed=seed)
    answered = metrics.correct(run(model, prompts, batch_size=batch_size).logits, prompts).cpu().numpy()
    kept = prompts[np.flatnonzero(answered)]
    knocked = None
    if len(kept):
        sites = [Site("mlp_post", layer) for layer in chosen]
        means = position_means(model, [reference], sites, ("last",), batch_size=batch_size)
        values = {layer: means[site][0] for layer, site in zip(chosen, sites, strict=True)}
        stand = knock.Stand.of(model, kept, values, batch_size)._replace(progress=progress)
        knocked = _knocked(stand, kept, top, followed, n_random, seed)
    facts = {"n": len(kept), "n_asked": len(prompts), "n_pairs": len(pairs), "n_reference": len(reference)}
    asked = {"threshold": threshold, "ends": ends, "n_shuffles": n_shuffles, "seed": seed}
    return dataset(model, (prompts, grid), (top, others), followed, knocked, facts | asked)


def _followed(
    model: Any,
    grid: Prompts,
    neurons: list[Neuron],
    families: Families | None,
    how: tuple[str, float, int],
    *,
    batch_size: int,
    progress: Progress,
    seed: int,
) -> Followed:
    ends, threshold, n_shuffles = how
    heuristics, satisfied = catalogue(operands_of(grid), grid.variables, families)
    written = [i for i, heuristic in enumerate(heuristics) if heuristic.direct]
    direct = np.arange(len(heuristics) + len(written)) >= len(heuristics)
    labels = [*map(str, heuristics), *(f"writes {heuristics[i]}" for i in written)]
    heuristics, satisfied = (
        [*heuristics, *(heuristics[i] for i in written)],
        satisfied[[*range(len(satisfied)), *written]],
    )
    rules = Rules(satisfied, direct)
    maps, values = activations(model, grid, neurons, batch_size), result_values(model, grid, neurons)
    score = scores(maps, values, rules, ends, seed)
    null = shuffled(maps, values, rules, ends, threshold, n_shuffles, progress=progress, seed=seed)
    return Followed(heuristics, labels, rules, maps, score, null, classified(score, null, threshold))


def _knocked(
    stand: knock.Stand, prompts: Prompts, top: Ranked, followed: Followed, n_random: int, seed: int
) -> Knocked:
    n_top, d_mlp = len(top.neurons), stand.tail.lean.d_mlp
    rng = np.random.default_rng((seed, 8))
    sizes, removed = knock.sizes_up_to(d_mlp), knock.sizes_up_to(n_top // len(stand.means))
    curve = knock.kept_curve(stand, top.orders, sizes)
    draws = [
        knock.kept_curve(stand, {layer: rng.permutation(d_mlp) for layer in top.orders}, sizes) for _ in range(n_random)
    ]
    follows = followed.follows["corrected"][:n_top]
    counts = follows.sum(axis=0)
    most = np.argsort(-counts, kind="stable")[:MOST_KNOCKED]
    most = most[counts[most] > 0]
    holds = np.stack([h.satisfied(prompts.variables) for h in followed.heuristics])
    without, control = knock.by_rule(stand, top.neurons, follows[:, most], n_random, seed)
    relevance = np.where(follows, followed.score[:n_top], 0.0)
    per_prompt = (relevance[:, :, None] * holds[None]).max(axis=1)
    by_prompt = knock.by_prompt(stand, top.neurons, per_prompt, removed, seed)
    return Knocked(sizes, removed, curve, draws, most, holds[most], without, control, by_prompt)


def _completed(order: list[int], d_mlp: int) -> np.ndarray:
    """Return `order` followed by the other neurons of the layer (which no size reaches)."""
    rest = np.setdiff1d(np.arange(d_mlp), order)
    return np.concatenate([np.array(order, dtype=int), rest])


def operands_of(prompts: Prompts) -> list[str]:
    """Return the roles that are operands, in the order of the prompt."""
    return [role for role in prompts.roles if role in prompts.variables]


def _random_neurons(top: Sequence[Neuron], layers: Sequence[int], d_mlp: int, seed: int) -> list[Neuron]:
    """Return as many other neurons of each layer as were chosen there, fewer where there are none left."""
    rng, found = np.random.default_rng((seed, 9)), []
    for layer in layers:
        own = [i for at, i in top if at == layer]
        rest = np.setdiff1d(np.arange(d_mlp), own)
        found += [(layer, int(i)) for i in np.sort(rng.permutation(rest)[: len(own)])]
    return found


def _check(
    model: Any, pairs: Twins, prompts: Prompts, reference: Prompts, grid: Prompts, layers: Sequence[int] | None
) -> list[int]:
    for each in (prompts, reference, grid):
        require_prompts(each)
    n_layers = model.cfg.n_layers
    chosen = late_layers(n_layers) if layers is None else sorted(int(layer) for layer in layers)
    if not chosen or any(not 0 <= layer < n_layers for layer in chosen) or len(set(chosen)) < len(chosen):
        raise InterpError(f"MLPs of layers {chosen} are not all in this model; use each of 0..{n_layers - 1} once.")
    if len(pairs) < 2:
        raise InterpError(f"Ranking neurons needs at least 2 pairs; got {len(pairs)}. Add pairs.")
    if any(each.roles != prompts.roles for each in (pairs.clean, reference, grid)):
        raise InterpError("Pairs, prompts, reference prompts and the grid must have the same roles; use one style.")
    if len(operands_of(grid)) != 2:
        raise InterpError(f"heuristics are about two operands; this task has {', '.join(operands_of(grid)) or 'none'}.")
    return chosen
