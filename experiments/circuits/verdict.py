"""Which published findings on circuits hold here? Each claim of `published.json`, judged on one recorded run.

A rule reads one result and says (whether the claim holds, the number measured, both in words); the rules stand in the
claims' texts. Every one compares a number with a control of its own: random heads, random neurons, a kept result.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from interp.verdicts import Verdict, judge, read_claims

PUBLISHED = Path(__file__).with_name("published.json")
SHARE_OF_HEADS, COSINE, FEW_HEADS, FEW_NEURONS, KEEPS, MOST, CUT = 0.05, 0.05, 0.1, 0.15, 0.9, 0.9, -0.05
Holds = tuple[bool, float | None, str]


def verdicts(part: str, found: xr.Dataset) -> Iterator[Verdict]:
    """Yield a verdict on every claim that is judged on this part of the protocol."""
    claims, model = read_claims(PUBLISHED), str(found.attrs.get("model", ""))
    for name, rule in RULES.get(part, {}).items():
        yield judge(claims[name], model, *rule(found))


def _key_heads(found: xr.Dataset) -> Holds:
    effect = found["effect"].sel(variant="mlps_recomputed")
    counts = [int((effect.sel(counterfactual=name) < CUT).sum()) for name in effect["counterfactual"].values]
    heads = found.sizes["layer"] * found.sizes["head"]
    words = ", ".join(f"{n} by {name}" for n, name in zip(counts, effect["counterfactual"].values, strict=True))
    return max(counts) <= SHARE_OF_HEADS * heads, counts[0] / heads, f"of {heads} heads: {words}"


def _knockout(found: xr.Dataset) -> Holds:
    one, random = found.sel(n_removed=1), found["accuracy_null_other"].sel(n_removed=1).values
    words = (
        f"{found['accuracy'].sel(n_removed=0).item():.3f} to {one['accuracy'].item():.3f} "
        f"[{one['accuracy_low'].item():.3f}, {one['accuracy_high'].item():.3f}] without one head of "
        f"{found.sizes['layer'] * found.sizes['head']}; of random ones {random.min():.3f} to {random.max():.3f}"
    )
    return bool(one["accuracy_high"] < random.min()), float(one["accuracy"]), words


def _operands(found: xr.Dataset) -> Holds:
    cosine = found["towards_operand"]
    above = (found["towards_operand_low"] > found["towards_operand_null_high"]) & (cosine >= COSINE)
    most = float(np.abs(cosine).max())
    return bool(above.all("operand").any()), most, f"at most {most:.3f} in any layer"


def _late_mlps(found: xr.Dataset) -> Holds:
    at: dict[str, Any] = {"component": "mlp_out", "aggregate": "mean", "floor": 0.1}
    changed, kept = (found.sel(change=change, **at) for change in ("operands", "result_kept"))
    words = "; ".join(f"{name} {_interval(each, 'relative_importance')}" for name, each in
                      (("operands changed", changed), ("result kept", kept)))  # fmt: skip
    null = changed["relative_importance_null"].item()
    holds = bool(changed["relative_importance_low"] > kept["relative_importance_high"])
    return holds, changed["relative_importance"].item(), f"{words}; an unrelated prompt's output {null:.3f}"


def _few_heads(found: xr.Dataset) -> Holds:
    needed, total = int(found["smallest"]), found.sizes["layer"] * found.sizes["head"]
    words = f"{needed} of {total} heads; as many random ones keep {float(found['random_at_smallest']):.3f}"
    return needed <= FEW_HEADS * total, needed, words


def _few_neurons(found: xr.Dataset) -> Holds:
    width = int(found["kept"].max())
    few = found.sel(kept=found["kept"] <= FEW_NEURONS * width)
    best = few.isel(kept=int(few["faithfulness"].argmax("kept")))
    words = (
        f"{int(best['kept'])} of {width} a layer keep {_interval(best, 'faithfulness')}, as many random ones "
        f"{float(best['faithfulness_random']):.3f}"
    )
    return bool(best["faithfulness"] >= KEEPS), float(best["faithfulness"]), words


def _followers(rule: str) -> Callable[[xr.Dataset], Holds]:
    def judged(found: xr.Dataset) -> Holds:
        at = found.sel(rule=rule)
        top, random, shuffled = at.sel(group="top"), at.sel(group="random"), float(at["share_shuffled"])
        holds = bool(top["share_low"] > max(float(random["share_high"]), shuffled))
        words = f"top {_interval(top, 'share')}, random {_interval(random, 'share')}, shuffled maps {shuffled:.3f}"
        return holds, float(top["share"]), words

    return judged


def _heuristic_knockout(found: xr.Dataset) -> Holds:
    here = found.sel(knocked=np.isfinite(found["knockout_associated"].values))
    own, others = here["knockout_associated"].values, here["knockout_unassociated"].values
    control = here["knockout_associated_control"].values
    lower = float(np.mean(own < others))
    words = (
        f"{own.mean():.2f} on its prompts, {others.mean():.2f} on others, {control.mean():.2f} on its prompts without "
        f"as many others; lower for {int((own < others).sum())} of {len(own)} heuristics"
    )
    return lower > MOST and own.mean() < control.mean(), float(own.mean()), words


def greater_than(found: Mapping[str, Any]) -> Verdict:
    """Return the verdict on the second domain, from its kept results."""
    integrated, plain = (np.array(found[name]["faithfulness"]) for name in ("ig_inputs", "gradient"))
    random = np.array(found["random"]).max(0)
    asked = (plain < KEEPS) & (integrated > 0)  # where neither ranking has reached the logits there is nothing to rank
    holds = bool(asked.any() and (integrated > plain)[asked].all() and (plain >= random)[asked].all())
    at = int(np.argmax(integrated >= KEEPS))
    words = (
        f"{found['counts'][at]} of {found['edges']} edges: EAP-IG {integrated[at]:.3f}, EAP {plain[at]:.3f}, random at "
        f"most {random[at]:.3f}; all edges {found['m_full']:.3f}"
    )
    return judge(read_claims(PUBLISHED)["greater-than"], "greater-than", holds, float(integrated[at]), words)


def _interval(found: xr.Dataset, name: str) -> str:
    return "{:.3f} [{:.3f}, {:.3f}]".format(*(float(found[f"{name}{end}"]) for end in ("", "_low", "_high")))


RULES: dict[str, dict[str, Callable[[xr.Dataset], Holds]]] = {
    "key_heads": {"key heads": _key_heads, "knockout": _knockout, "operands in the stream": _operands},
    "mediation": {"result in late MLPs": _late_mlps},
    "components": {"few heads": _few_heads},
    "neurons": {
        "few neurons": _few_neurons,
        "heuristics": _followers("fixed"),
        "heuristics beyond chance": _followers("corrected"),
        "heuristic knockout": _heuristic_knockout,
    },
}
