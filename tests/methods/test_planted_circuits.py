"""Planted parts: patching, attribution and paths find exactly the heads and MLPs that carry a change, no decoy."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from interp.engine import Basis, Intervention, Rows, Site, run
from interp.methods import metrics
from tests.methods.planted_truths import CASES, case, heads_and_mlps, is_exactly, opened, patched_effects

cases = pytest.mark.parametrize(("name", "changed"), CASES)


@cases
def test_patching_finds_the_planted_parts_and_nothing_else(name, changed):
    found = case(name, changed)
    effects = patched_effects(found)
    assert is_exactly(effects, found.truth.nodes)
    decoys = [node for node in effects if node not in found.truth.nodes]
    assert len(decoys) >= 3 * len(found.truth.nodes)
    assert max(abs(effects[node]) for node in decoys) < 1e-5


@cases
def test_each_part_acts_where_it_writes_and_nowhere_else(name, changed):
    found = case(name, changed)
    by_role = {role: patched_effects(found, role) for role in found.twins.clean.roles}
    for node, role in found.truth.roles.items():
        assert abs(by_role[role][node]) > 1e-3
        assert max(abs(by_role[other][node]) for other in by_role if other != role) < 1e-5


def test_random_heads_of_the_same_blocks_are_not_found():
    """The control: as many heads drawn from the same blocks restore nothing, all planted ones at once everything."""
    for name, changed in CASES:
        found = case(name, changed)
        effects = patched_effects(found)
        rng = np.random.default_rng(0)
        others = [
            node for node in effects if node not in found.truth.nodes and node[1] in {n[1] for n in found.truth.nodes}
        ]
        drawn = [others[i] for i in rng.permutation(len(others))[: len(found.truth.nodes)]]
        assert restored(found, drawn) == pytest.approx(0, abs=1e-5)
        assert restored(found, found.truth.nodes) == pytest.approx(1, abs=2e-2 if "read" in name else 1e-4)


def restored(found, nodes) -> float:
    model, pairs, _ = found
    sites = [Site(*node) for node in nodes]
    clean = run(model, pairs.clean, reads=sites)
    writes = [Intervention(site, "all", Rows(clean[site])) for site in sites]
    low, high, diff = (
        float(metrics.logit_diff(run(model, side, edits).logits, pairs).mean())
        for side, edits in ((pairs.corrupted, ()), (pairs.clean, ()), (pairs.corrupted, writes))
    )
    return (diff - low) / (high - low)


def test_what_a_decoy_holds_differs_as_much_as_what_a_planted_head_holds():
    """A decoy is silent, not empty: its value moves with the operand as a planted head's does."""
    found = case("planted:compose", "a")
    sites = [site for site in heads_and_mlps(found.model) if site.name == "z"]
    clean, corrupted = (run(found.model, side, reads=sites) for side in (found.twins.clean, found.twins.corrupted))
    moved = {site: float((clean[site] - corrupted[site]).norm(dim=-1).amax(dim=1).mean()) for site in sites}
    planted = [moved.pop(Site(*node)) for node in found.truth.nodes]
    decoys = list(moved.values())
    assert max(decoys) > min(planted) / 2
    assert sum(size > min(planted) / 4 for size in decoys) >= len(planted)


def carry_pairs(n: int = 80):
    """Prompts of the adder and others with another carry, and what the answer must become: units stay, tens change."""
    from interp.tasks import build, named_task

    model = opened("planted:adder,seed=1")
    prompts = build(named_task("a+b"), model.arith.tokenizer, "plain", "all", 4 * n, seed=0)
    a, b = (prompts.variables[name] for name in "ab")
    carry = (a % 10 + b % 10) >= 10
    yes, no = np.flatnonzero(carry)[: n // 2], np.flatnonzero(~carry)[: n // 2]
    base, source = prompts[np.concatenate([yes, no])], prompts[np.concatenate([no, yes])]
    a, b = (base.variables[name] for name in "ab")
    expected = 10 * (a // 10 + b // 10 + np.repeat([0, 1], n // 2)) + (a + b) % 10
    return model, base, source, expected


@pytest.mark.parametrize("layer", range(5))
def test_the_carry_is_interchanged_in_its_direction_where_it_stands_and_nowhere_else(layer):
    model, base, source, expected = carry_pairs()
    direction, role, layers = case("planted:adder,seed=1", "b").truth.carry
    plain = run(model, base).logits.argmax(-1).numpy()
    assert (plain == base.answer_ids).all()
    assert (plain != expected).all()  # the baseline without an intervention is 0
    site, at = Site("resid_pre", layer), base.position(role)
    values = run(model, source, reads=[site])[site]
    rng = np.random.default_rng(layer)
    for basis, right in ((direction, layer in layers), (rng.standard_normal(len(direction)), False)):
        write = Intervention(site, (role,), Rows(values[:, [at]]), Basis(_column(basis)))
        found = run(model, base, (write,)).logits.argmax(-1).numpy()
        assert (found == expected).all() if right else (found == expected).mean() < 0.2, (layer, right)


def _column(vector):
    return torch.as_tensor(vector / np.linalg.norm(vector), dtype=torch.float32)[:, None]
