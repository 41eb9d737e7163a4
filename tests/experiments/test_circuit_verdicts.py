"""Each rule on results made by hand: it holds where the finding is there, and fails where a control does as well."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
import xarray as xr

from experiments.circuits.experiment import EXPERIMENT
from experiments.circuits.protocol import PARTS
from experiments.circuits.verdict import PUBLISHED, RULES, greater_than, verdicts
from interp.verdicts import read_claims


def answers(part: str, found: xr.Dataset) -> dict[str, bool]:
    """Whether each claim of a part holds."""
    return {each.claim.name: each.verdict == "scaled" for each in verdicts(part, found.assign_attrs(model="small"))}


def of(value: float, low: float, high: float, name: str, dims: Any = ()) -> dict[str, Any]:
    """A number and its interval."""
    return {name: (dims, value), f"{name}_low": (dims, low), f"{name}_high": (dims, high)}


def key_heads(n_key: int, without: float, random: float, cosine: float) -> xr.Dataset:
    effect = np.zeros((1, 2, 5, 8))
    effect[0, 1].flat[:n_key] = -0.2
    effect[0, 0] = -0.2  # with frozen MLPs it is another measure: not read
    layers, operands = np.full((5, 2), cosine), ("layer", "operand")
    accuracy = np.array([1.0, without])
    return xr.Dataset(
        {
            "effect": (("counterfactual", "variant", "layer", "head"), effect),
            **of(accuracy, accuracy - 0.05, accuracy + 0.05, "accuracy", "n_removed"),  # type: ignore[arg-type]
            "accuracy_null_other": (("draw", "n_removed"), [[1.0, random], [1.0, random + 0.05]]),
            "towards_operand": (operands, layers),
            "towards_operand_low": (operands, layers - 0.01),
            "towards_operand_null_high": (operands, np.full((5, 2), 0.02)),
        },
        {"counterfactual": ["swap_operand"], "variant": ["mlps_frozen", "mlps_recomputed"], "n_removed": [0, 1]},
    )


def test_key_heads() -> None:
    names = ("key heads", "knockout", "operands in the stream")
    assert answers("key_heads", key_heads(2, 0.3, 0.9, 0.2)) == dict.fromkeys(names, True)
    assert answers("key_heads", key_heads(3, 0.9, 0.9, 0.015)) == dict.fromkeys(names, False)


def test_results_in_late_mlps() -> None:
    def found(changed: float, kept: float) -> xr.Dataset:
        dims = ("change", "component", "aggregate", "floor")
        values = np.array([changed, kept]).reshape(2, 1, 1, 1)
        data = of(values, values - 0.05, values + 0.05, "relative_importance", dims)  # type: ignore[arg-type]
        null = {"relative_importance_null": (dims, values)}
        coords = {
            "change": ["operands", "result_kept"],
            "component": ["mlp_out"],
            "aggregate": ["mean"],
            "floor": [0.1],
        }
        return xr.Dataset({**data, **null}, coords)

    assert answers("mediation", found(0.4, 0.1)) == {"result in late MLPs": True}
    assert answers("mediation", found(0.4, 0.35)) == {"result in late MLPs": False}


@pytest.mark.parametrize(("smallest", "holds"), [(2, True), (3, False)])
def test_few_heads(smallest: int, holds: bool) -> None:
    heads = {"layer": range(4), "head": range(5)}
    found = xr.Dataset({"smallest": smallest, "random_at_smallest": 0.5}, heads)
    assert answers("components", found) == {"few heads": holds}


def neurons(few: float, top: float, random: float, own: float) -> xr.Dataset:
    share, rules = np.array([[top, random]] * 2), ("rule", "group")
    kept = np.array([0.0, few, 0.99])
    return xr.Dataset(
        {
            **of(kept, kept, kept, "faithfulness", "kept"),  # type: ignore[arg-type]
            "faithfulness_random": ("kept", [0.0, 0.0, 1.0]),
            **of(share, share - 0.05, share + 0.05, "share", rules),  # type: ignore[arg-type]
            "share_shuffled": ("rule", [0.1, 0.1]),
            "knockout_associated": ("knocked", [own, own, np.nan]),
            "knockout_associated_control": ("knocked", [0.9, 0.9, np.nan]),
            "knockout_unassociated": ("knocked", [0.8, 0.8, 0.8]),
        },
        {"rule": ["fixed", "corrected"], "group": ["top", "random"], "kept": [0, 15, 100]},
    )


def test_neurons() -> None:
    names = ("few neurons", "heuristics", "heuristics beyond chance", "heuristic knockout")
    assert answers("neurons", neurons(0.95, 0.9, 0.5, 0.2)) == dict.fromkeys(names, True)
    assert answers("neurons", neurons(0.7, 0.9, 0.88, 0.85)) == dict.fromkeys(names, False)


def test_greater_than() -> None:
    found: dict[str, Any] = {"counts": [1, 10, 100], "edges": 100, "m_full": 0.99, "random": [[0.0, 0.1, 1.0]]}

    def verdict(integrated: float, plain: float) -> str:
        rankings = {"ig_inputs": [0.0, integrated, 1.0], "gradient": [0.0, plain, 1.0]}
        return greater_than({**found, **{k: {"faithfulness": v} for k, v in rankings.items()}}).verdict

    assert verdict(0.95, 0.5) == "scaled"
    assert verdict(0.4, 0.5) == "not reproduced"
    assert verdict(0.95, 0.05) == "not reproduced", "a ranking below chance compares with nothing"


def test_every_claim_is_judged_and_every_model_named() -> None:
    claims = read_claims(PUBLISHED)
    assert {name for rules in RULES.values() for name in rules} | {"greater-than"} == set(claims)
    assert set(RULES) <= set(PARTS)
    assert all("here:" in claim.text for claim in claims.values())
    (unshipped,) = [part for part in EXPERIMENT.parts if part.name == "published-models"]
    rows = list(unshipped.verdicts(None))
    assert {row.verdict.claim.name for row in rows} == set(claims) - {"greater-than"}
    assert all(row.verdict.verdict == "not run" and "prompts through" in row.verdict.said for row in rows)


def test_the_kept_results_are_those_judged() -> None:
    from experiments.circuits.greater_than import OUT

    assert greater_than(json.loads(OUT.read_text())).verdict == "scaled"
