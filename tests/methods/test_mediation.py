"""Mediation: effects by hand on two tokens, the copier's one path, and every cell against a plain run."""

import numpy as np
import pytest
import torch

from interp.engine import Intervention, Rows, Site, run
from interp.errors import InterpError
from interp.methods import relative_importance as ri
from interp.methods.mediated import answer_logprobs, effect, log_effect
from interp.methods.mediation import mediation
from interp.methods.nulls import derangement
from interp.models.number_tokenizer import number_tokenizer
from interp.tasks import get_task
from interp.tasks.other_questions import other_questions
from interp.tasks.twins import Twins
from tests.families import N_LAYERS
from tests.methods.planted import copy_prompts, sum_prompts

BASE, SOURCE = np.array([1, 2, 3, 4, 5, 6]), np.array([7, 8, 9, 0, 1, 2])


def test_effects_by_hand():
    base = np.log([[0.2, 0.5], [0.4, 0.4]])
    patched = np.log([[0.6, 0.25], [0.4, 0.4]])
    assert effect(base, patched) == pytest.approx([0.5 * ((0.6 - 0.2) / 0.2 + (0.5 - 0.25) / 0.25), 0.0])
    assert log_effect(base, patched) == pytest.approx([0.5 * (np.log(3) + np.log(2)), 0.0])
    one = np.log([[0.5, 0.5]]), np.log([[0.25, 0.25]])
    assert effect(*one) == pytest.approx([0.5 * (0.25 / 0.5 + 0.5 / 0.25) - 1])
    assert log_effect(*one, one_result=True) == pytest.approx([np.log(2)])
    assert np.isfinite(effect(np.array([-1e4, 0.0]), np.array([0.0, -1e4])))


def test_log_probabilities_of_both_answers_by_hand():
    twins = Twins(copy_prompts([0, 1], 5), copy_prompts([2, 0], 5), ("a",), ("b",))
    logits = torch.tensor([[0.0, 0.0, np.log(2.0)], [np.log(2.0), 0.0, 0.0]])
    found = answer_logprobs(twins)(logits, np.array([0, 1])).exp()
    assert found.tolist() == [pytest.approx([0.5, 0.25]), pytest.approx([0.5, 0.25])]
    assert answer_logprobs(twins)(logits[:1], np.array([1])).exp().tolist() == [pytest.approx([0.25, 0.25])]


def test_token_classes():
    roles = ("bos", "a", "op1", "b", "op2", "c", "w1", "eq")
    expected = ["early", "operand 1", "operator", "operand 2", "operator", "operand 3", "late", "last"]
    assert ri.token_classes(roles, ("a", "b", "c")) == expected
    cells = np.arange(8.0)[None]
    grid, names = ri.by_class(cells, expected)
    assert names[2] == "operator"
    assert grid[0].tolist() == [0, 1, 3, 3, 5, 6, 7]  # op1 and op2 weigh as one


def test_relative_importance_by_hand():
    grid = np.array([[1.0, -0.5, 0.0], [0.05, 3.0, np.e - 1], [0.0, 0.0, np.e - 1]])  # layer x class
    floored = np.log1p(np.maximum(grid, 0.1))
    assert ri.late_layers(3) == [1, 2]
    assert ri.share(ri.weights(grid, 0.1), [1, 2]) == pytest.approx(2 / floored.sum())
    assert ri.share(ri.weights(grid, 0.0), [1, 2]) == pytest.approx(2 / (np.log(2) + np.log(1.05) + np.log(4) + 2))
    nothing = np.zeros((3, 3))
    assert ri.share(ri.weights(nothing, 0.1), [1, 2]) == pytest.approx(2 / 9)
    assert np.isnan(ri.share(ri.weights(nothing, 0.0), [1, 2]))


def test_the_copier_mediates_through_one_attention_output(copier):
    twins = Twins(copy_prompts(BASE, 5), copy_prompts(SOURCE, 5), ("a", "result"), ())
    ds = mediation(copier, {"operands": twins}, seed=3)
    logits = np.zeros((6, 12))
    logits[np.arange(6), BASE] = 1
    p = np.exp(1) / (np.exp(1) + 11) / (1 / (np.exp(1) + 11))  # the answer against any other: a factor e
    expected = np.zeros((2, 2, 4))
    expected[0, 0, 3] = 0.5 * ((p - 1) + (p - 1))
    assert ds.effect.sel(change="operands").values == pytest.approx(expected, abs=1e-5)
    assert ds.log_effects.values[:, 0, 0, 3] == pytest.approx(np.ones(6), abs=1e-5)
    chosen = ds.relative_importance.sel(change="operands", aggregate="mean", floor=0)
    assert float(chosen.sel(component="attn_out")) == pytest.approx(0)  # block 0 is not late
    assert np.isnan(chosen.sel(component="mlp_out"))  # no MLP does anything
    assert float(ds.chance) == pytest.approx(1 / 8)
    assert ds.accuracy.values.tolist() == [1.0]
    other = SOURCE[derangement(6, 3)]
    by_hand = np.mean([0.5 * ((np.e if o == s else 1) - 1 + (1 if o == b else np.e) - 1)
                       for o, s, b in zip(other, SOURCE, BASE, strict=True)])  # fmt: skip
    assert float(ds.effect_null.sel(change="operands", component="attn_out", layer=0, role="eq")) == pytest.approx(
        by_hand, abs=1e-5
    )


def test_one_result_has_no_effect_where_only_the_result_stands(copier):
    """b changes, the answer a stays: nothing that the copier moves differs."""
    twins = Twins(copy_prompts(BASE, 5), copy_prompts(BASE, 6), ("b",), ("result",))
    ds = mediation(copier, {"result_kept": twins})
    assert np.abs(ds.effects.values).max() < 1e-6
    with pytest.raises(InterpError, match="6 of 6 pairs of 'operands' share a result"):
        mediation(copier, {"operands": twins})


@pytest.fixture(scope="module")
def pairs():
    rng = np.random.default_rng(0)
    a, b = rng.integers(0, 10, (2, 8))
    return {
        "operands": Twins(sum_prompts(a, b), sum_prompts((a + 1) % 10, (b + 2) % 10), ("a", "b"), ()),
        "result_kept": Twins(sum_prompts(a, b), sum_prompts((a + 1) % 10, (b - 1) % 10), ("a", "b"), ("result",)),
    }


def test_every_cell_is_a_plain_run_with_that_write(tiny, pairs):
    ds = mediation(tiny.bridge, pairs, batch_size=3, seed=1)
    assert ds.attrs["late"] == "1 2"
    for change, twins in pairs.items():
        measure, rows = answer_logprobs(twins), np.arange(8)
        base = measure(run(tiny.bridge, twins.clean).logits, rows).cpu().numpy()
        for name, site in (("attn_out", Site("attn_out", 1)), ("mlp_out", Site("mlp_out", N_LAYERS - 1))):
            source = run(tiny.bridge, twins.corrupted, reads=(site,))[site]
            for role in ("a", "eq"):
                here = source[:, [twins.clean.position(role)]]
                for variable, order in (("effect", None), ("effect_null", derangement(8, 1))):
                    edit = Intervention(site, (role,), Rows(here, order=order))
                    patched = measure(run(tiny.bridge, twins.clean, (edit,)).logits, rows).cpu().numpy()
                    cell = ds[variable].sel(change=change, component=name, layer=site.layer, role=role)
                    assert float(cell) == pytest.approx(effect(base, patched).mean(), abs=100 * tiny.tolerance)


def test_pairs_of_other_questions_differ_in_everything():
    task = get_task("a+b")
    found = other_questions(task, number_tokenizer(), n=300, seed=4)
    assert len(found) == 300
    for name in ("a", "b", "result"):
        assert (found.clean.variables[name] != found.corrupted.variables[name]).all()
    assert len(set(found.clean.texts)) == 300
    again = other_questions(task, number_tokenizer(), n=300, seed=4)
    assert again.corrupted.texts == found.corrupted.texts
    assert other_questions(task, number_tokenizer(), n=300, seed=5).corrupted.texts != found.corrupted.texts
    few = other_questions(get_task("a+b").within(0, 1), number_tokenizer(), split="all")
    assert (len(few), few.dropped) == (2, 2)  # 0+1 and 1+0 have one sum
    with pytest.raises(InterpError, match="use at least 1"):
        other_questions(task, number_tokenizer(), n=0)


def test_bad_input(copier, pairs):
    one = Twins(copy_prompts(BASE[:1], 5), copy_prompts(SOURCE[:1], 5), (), ())
    with pytest.raises(InterpError, match="at least 2 pairs"):
        mediation(copier, {"operands": one})
    with pytest.raises(InterpError, match="Did you mean operands"):
        mediation(copier, {"operand": one})
    with pytest.raises(InterpError, match="at least one change"):
        mediation(copier, {})
    two = Twins(copy_prompts(BASE, 5), copy_prompts(BASE, 6), (), ())
    with pytest.raises(InterpError, match="same roles"):
        mediation(copier, {"result_kept": two, "operands": pairs["operands"]})
