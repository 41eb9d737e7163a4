"""The planted models whose parts are known, their twins and the exact effect of every head and MLP: slow and plain."""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

from interp.engine import Intervention, Rows, Site, run
from interp.methods import metrics
from interp.models import load
from interp.models.planted_parts import Truth, truth
from interp.tasks import named_task, twins
from interp.tasks.twins import Twins

CASES = (
    ("planted:copy", "a"),
    ("planted:copy", "b"),
    ("planted:compose", "a"),
    ("planted:compose", "b"),
    ("planted:compose,read=q", "op1"),
    ("planted:compose,read=q", "b"),
    ("planted:compose,read=k", "op1"),
    ("planted:adder,seed=1", "a"),
    ("planted:adder,seed=1", "b"),
)
GAP = 10
"""How many times stronger the weakest planted part must be than the strongest of all others."""


class Case(NamedTuple):
    """A model, twins that differ in one thing, and what is known to carry it."""

    model: Any
    twins: Twins
    truth: Truth


@cache
def opened(name: str) -> Any:
    return load(name)


@cache
def case(name: str, changed: str, n: int = 60) -> Case:
    model = opened(name)
    recipe = "swap_operator" if changed == "op1" else "flip_carry" if "adder" in name else "swap_operand"
    pairs = twins(named_task("a+b"), model.arith.tokenizer, "plain", "all", n, recipe, changed)
    return Case(model, pairs, truth(name, changed))


def heads_and_mlps(model: Any) -> list[Site]:
    """Every head and every MLP, in the order of the blocks."""
    blocks = range(model.cfg.n_layers)
    return [
        site
        for layer in blocks
        for site in (*(Site("z", layer, h) for h in range(model.cfg.n_heads)), Site("mlp_out", layer))
    ]


def patched_effects(found: Case, where: str = "all") -> dict[tuple, float]:
    """{node: share of the logit difference that the clean value of this part alone restores}, by plain runs."""
    model, pairs, _ = found
    sites = heads_and_mlps(model)
    clean = run(model, pairs.clean, reads=sites)
    low, high = (metrics.logit_diff(run(model, side).logits, pairs).mean() for side in (pairs.corrupted, pairs.clean))
    effects = {}
    for site in sites:
        values = clean[site] if where == "all" else clean[site][:, [pairs.clean.position(where)]]
        write = Intervention(site, (where,), Rows(values))
        diff = metrics.logit_diff(run(model, pairs.corrupted, (write,)).logits, pairs).mean()
        effects[(site.name, site.layer, site.index)] = float((diff - low) / (high - low))
    return effects


def is_exactly(scores: dict[Any, float], planted: Any) -> bool:
    """Whether the strongest |scores| are the planted ones, and nothing else is within GAP of the weakest of them."""
    planted = set(planted)
    weakest = min(abs(scores[each]) for each in planted)
    others = max(abs(score) for each, score in scores.items() if each not in planted)
    return weakest > 0 and others * GAP <= weakest
