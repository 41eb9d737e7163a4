"""Attribution beside exact effects: the effects are those of plain runs; misses by hand."""

from __future__ import annotations

import numpy as np
import pytest

from interp.engine import Intervention, Rows, Site, run
from interp.errors import InterpError
from interp.methods.prescreen import attribution_map, missed
from interp.tasks.twins import Twins
from tests import families
from tests.families import FAMILIES, ROLES


def pairs(n=6):
    clean, corrupted = families.random_prompts(n), families.random_prompts(n, seed=9)
    corrupted = type(corrupted)(**{**corrupted.__dict__, "answer_ids": np.full(n, 4)})
    return Twins(clean, corrupted, ("all",), ())


@pytest.mark.parametrize("name", FAMILIES)
def test_exact_effects_are_those_of_plain_runs(name):
    model, twins = families.family(name).bridge, pairs()
    found = attribution_map(model, twins, k=3)
    z = run(model, twins.clean, reads=[Site("z", 1)])[Site("z", 1)]
    base = run(model, twins.corrupted).logits
    edit = Intervention(Site("z", 1, 2), ("b",), Rows(z[:, [ROLES.index("b")], 2]))
    patched = run(model, twins.corrupted, [edit]).logits
    effect = ((patched - base)[:, 3] - (patched - base)[:, 4]).numpy()
    assert np.abs(found.effect_pair.sel(node="z.1.2", role="b").values - effect).max() < 1e-5
    assert found.metric_corrupted.values == pytest.approx((base[:, 3] - base[:, 4]).numpy(), abs=1e-5)
    whole = run(model, twins.clean).logits
    all_of_it = (whole - base)[:, 3] - (whole - base)[:, 4]
    assert np.abs(found.effect.sel(node="embed").values).max() <= float(all_of_it.abs().max()) * 3


def test_the_estimate_follows_the_effect_and_the_null_does_not_have_to():
    found = attribution_map(families.family("gpt2").bridge, pairs(30), variant="ig_activations", steps=8, k=5)
    plain = attribution_map(families.family("gpt2").bridge, pairs(30), k=5)
    assert float(found.pearson) > 0.8  # heads of a layer move together, so it is an estimate
    assert float(found.pearson) > float(plain.pearson) - 0.02
    null = np.corrcoef(found.score_null.values.ravel(), found.effect.values.ravel())[0, 1]
    assert abs(null) < float(found.pearson)


def test_misses_by_hand():
    effect = np.array([[5.0, -4.0], [1.0, 0.0]])
    assert missed(effect, effect, 2) == []
    assert missed(np.array([[5.0, 0.0], [1.0, 0.0]]), effect, 2) == [1]
    assert missed(np.zeros((2, 2)), effect, 1) == []  # ties go to the first
    assert missed(np.array([[0.0, 0.0], [0.0, 9.0]]), effect, 1) == [0]


def test_pairs_with_one_answer_are_refused():
    clean = families.random_prompts(3)
    with pytest.raises(InterpError, match="answers differ"):
        attribution_map(families.family("gpt2").bridge, Twins(clean, clean, (), ()))
