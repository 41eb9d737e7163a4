"""Interchange: the causal model by hand; a planted carry is found by the learned subspace where it stands, alone."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from interp.engine import Lean, run
from interp.errors import InterpError
from interp.methods.interchange import interchange
from interp.methods.subspace import learn, resumed
from interp.models import load
from interp.models.planted_parts import truth
from interp.tasks import named_task
from interp.tasks.interchange import counterfactual, interchanges, parts
from tests import families
from tests.families import FAMILIES

PLANTED = "planted:adder"


def test_the_causal_model_by_hand():
    task = named_task("a+b")
    base, source = (parts(task, np.array([pair])) for pair in ([27, 15], [48, 39]))  # 27+15 = 42, 48+39 = 87
    assert {name: int(value[0]) for name, value in base.items()} == {
        "carry": 1, "ones": 2, "units": 12, "tens": 3, "result": 42,
    }  # fmt: skip
    assert int(source["carry"][0]) == 1
    assert int(source["ones"][0]) == 7
    expected = {"carry": 42, "ones": 47, "units": 47, "tens": 82, "result": 87}
    assert {name: int(counterfactual(base, source, name)[0]) for name in expected} == expected
    none = parts(task, np.array([[20, 11]]))
    assert int(counterfactual(base, none, "carry")[0]) == 32
    borrow = parts(named_task("a-b"), np.array([[42, 15], [48, 15]]))
    assert borrow["carry"].tolist() == [-1, 0]
    assert (
        int(counterfactual({k: v[:1] for k, v in borrow.items()}, {k: v[1:] for k, v in borrow.items()}, "carry")[0])
        == 37
    )


def test_pairs_are_what_they_say():
    model = load("mental-math")
    pairs = interchanges(named_task("a+b"), model.arith.tokenizer, "carry", n=40)
    told = pairs.informative
    assert told.sum() == 40
    a, b = (np.stack([side.variables["a"], side.variables["b"]]) for side in (pairs.base, pairs.source))
    carry = [(x[0] % 10 + x[1] % 10) // 10 for x in (a, b)]
    assert (carry[0] != carry[1])[told].all()
    assert (carry[0] == carry[1])[~told].all()
    assert (np.abs(pairs.expected - pairs.base.variables["result"])[told] == 10).all()
    decoded = [int(model.arith.tokenizer.decode([i])) for i in pairs.expected_ids]
    assert decoded == pairs.expected.tolist()


@pytest.mark.parametrize("name", FAMILIES)
def test_blocks_resumed_at_any_layer_give_the_model(name):
    model, prompts = families.family(name).bridge, families.random_prompts()
    lean, logits = Lean.of(model), run(model, prompts).logits
    with torch.no_grad():
        trace = lean.trace(prompts.tokens)
        for layer in range(lean.n_layers + 1):
            assert (resumed(lean, layer, trace.resid_pre[layer]) - logits).abs().max() < 1e-5


def test_a_subspace_of_full_rank_is_the_whole_vector():
    model, prompts = families.family("llama").bridge, families.random_prompts(4)
    lean = Lean.of(model)
    with torch.no_grad():
        stream = lean.trace(prompts.tokens).resid_pre[1]
    basis = learn(lean, 1, 2, (stream, stream.flip(0)), np.full(4, 3), rank=families.D_MODEL, steps=1)
    change = torch.randn(3, families.D_MODEL)
    assert torch.allclose(basis.project(change), change, atol=1e-5)
    with pytest.raises(InterpError, match="rank"):
        learn(lean, 1, 2, (stream, stream), np.full(4, 3), rank=families.D_MODEL + 1)


@pytest.fixture(scope="module")
def planted():
    model, task = load(PLANTED), named_task("a+b")
    sides = [
        interchanges(task, model.arith.tokenizer, "carry", split=split, n=n, seed=seed)
        for split, n, seed in (("train", 200, 0), ("test", 60, 1))
    ]
    return interchange(model, *sides, rank=1, roles=["a", "b", "eq"], layers=[0, 1, 2])


def test_the_planted_carry_is_found_where_it_stands(planted):
    _, role, layers = carry_of()
    for layer in layers:
        cell = planted.sel(layer=layer, role=role)
        assert float(cell.iia.sel(featuriser="das")) > 0.95, layer
        assert float(cell.kept.sel(featuriser="das")) > 0.95, layer
        assert float(cell.iia_null.sel(control="random")) < 0.2, layer
        assert float(cell.iia_null.sel(control="none")) == 0


def test_and_nowhere_else_before_it_is_made(planted):
    _, role, layers = carry_of()
    for layer in range(layers.start):
        assert float(planted.iia.sel(featuriser="das", layer=layer, role=role)) < 0.5


def test_per_pair_outcomes_add_up(planted):
    assert np.allclose(planted.hit.mean("prompt"), planted.iia)
    assert int(planted.n) == planted.sizes["prompt"]
    assert (planted.iia_low <= planted.iia).all()
    assert (planted.iia <= planted.iia_high).all()


def carry_of():
    found = truth(PLANTED, "b").carry
    assert found is not None
    return found


def test_what_cannot_be_asked_is_refused():
    model, task = load("mental-math"), named_task("a+b")
    with pytest.raises(InterpError, match="unknown causal variable"):
        interchanges(task, model.arith.tokenizer, "carri")
    with pytest.raises(InterpError, match="no sum or difference"):
        interchanges(named_task("a+b+c"), model.arith.tokenizer, "carry")
    with pytest.raises(InterpError, match="at least 1"):
        interchanges(task, model.arith.tokenizer, "carry", n=0)
