"""Causal checks, transfer, directions and online codes against planted truths and by hand."""

import dataclasses

import numpy as np
import pytest
import torch

from interp.engine import Site, run
from interp.errors import InterpError
from interp.methods.probe_causal import Read, probe_causal
from interp.methods.probe_directions import principal, probe_directions, span
from interp.methods.probe_learning import logistic, online_code, portions, probabilities, probe_learning
from interp.methods.probe_study import Sets
from interp.methods.probe_transfer import operand_keys, probe_transfer
from interp.models import load
from interp.models.planted_parts import truth
from interp.models.untrained import untrained
from interp.tasks import build, named_task
from interp.tasks.interchange import interchanges, parts
from tests.methods.planted import copy_prompts

PLANTED = "planted:adder"
A, B = map(np.ravel, np.meshgrid(np.arange(10), np.arange(10)))
PART = (np.minimum(A, B) * 3 + np.maximum(A, B)) % 5


def copy_sets():
    prompts = copy_prompts(A, B, "train")
    prompts.variables["mirror"] = 9 - A
    return Sets(*(dataclasses.replace(prompts[rows], split=name) for name, rows in
                  (("train", PART < 3), ("selection", PART == 3), ("test", PART == 4))))  # fmt: skip


@pytest.fixture(scope="module")
def carry():
    """The planted adder, prompts with the value of the carry, and pairs that exchange it."""
    model, task = load(PLANTED), named_task("a+b")

    def read(prompts):
        return parts(task, np.stack([prompts.variables[name] for name in task.operands], axis=1))["carry"]

    sides = [build(task, model.arith.tokenizer, "plain", *each) for each in (("train", 600), ("selection", 200))]
    pairs = interchanges(task, model.arith.tokenizer, "carry", n=40)
    vector, role, layers = truth(PLANTED, "b").carry or pytest.fail("no carry")
    asked = (*(Read(each, read(each)) for each in sides), pairs, read(pairs.source), role)
    return model, asked, torch.as_tensor(np.asarray(vector)), layers


def test_the_planted_direction_is_followed_where_it_is_read_and_a_correlated_decoy_is_not(carry):
    model, asked, vector, layers = carry
    ds = probe_causal(model, *asked, direction=vector, n_random=5)
    used = ds.sel(layer=layers.start, dose=1.0)
    assert float(used.r2) > 0.999
    assert float(used.decoy_r2) > 0.99  # as good a reading
    assert float(used.follows.sel(way="probe")) > 0.95
    assert float(used.follows.sel(way="decoy")) == 0
    assert float(used.follows_null.max()) < 0.2
    late = ds.sel(layer=[layer for layer in ds.layer.values if layer not in layers and layer > 0], way="probe")
    assert float(late.follows.max()) == 0  # read, and read by nobody
    assert (ds.n == asked[2].informative.sum()).all()


def test_a_dose_of_one_sets_the_reading(carry):
    from interp.engine import Intervention, Rows
    from interp.methods.probe_causal import reading, written

    model, (train, selection, pairs, aims, role), _, layers = carry
    site = Site("resid_pre", layers.start)
    x, held, h = (run(model, p, reads=[site])[site][:, p.position(role)].double()
                  for p in (train.prompts, selection.prompts, pairs.base))  # fmt: skip
    y, z = (torch.as_tensor(each.values, dtype=torch.float64) for each in (train, selection))
    found = reading(x, y, held, z)
    source, basis = written(h, found, torch.as_tensor(aims, dtype=torch.float64), 1.0)
    edit = Intervention(site, (role,), Rows(source[:, None].float()), basis)
    after = run(model, pairs.base, [edit], reads=[site])[site][:, pairs.base.position(role)].double()
    assert np.allclose(found.c + after @ found.w, aims, atol=1e-3)
    moved = after - h
    along = (moved @ found.w)[:, None] * found.w / found.w.square().sum()
    assert torch.allclose(moved, along, atol=1e-4)


def test_where_nothing_is_read_nothing_is_written(carry):
    """Labels of noise: R² is not above 0, so no way and no random direction moves an answer."""
    model, (train, selection, pairs, aims, role), _, layers = carry
    rng = np.random.default_rng(0)
    noise = [Read(each.prompts, rng.permutation(each.values)) for each in (train, selection)]
    ds = probe_causal(model, *noise, pairs, aims, role, layers=[layers.start], n_random=2)
    assert float(ds.r2.squeeze()) <= 0
    assert float(ds.length.squeeze()) == 0
    assert max(float(abs(ds.moved).max()), float(abs(ds.moved_null).max())) < 1e-4


def test_a_causal_check_needs_something_to_check(carry):
    model, (train, selection, pairs, aims, role), _, _ = carry
    with pytest.raises(InterpError, match="doses above 0"):
        probe_causal(model, train, selection, pairs, aims, role, doses=(0.0,))
    same = Read(train.prompts, 0 * train.values)
    with pytest.raises(InterpError, match="a variable that varies"):
        probe_causal(model, same, selection, pairs, aims, role)


def test_a_probe_transfers_to_the_same_and_fails_where_the_label_is_turned_round(copier):
    sets = copy_sets()
    for each in (sets.train, sets.validation, sets.test):
        each.variables["label"] = each.variables["a"]
    turned = Sets(*(dataclasses.replace(each, variables={**each.variables, "label": each.variables["mirror"]})
                    for each in (sets.train, sets.validation, sets.test)))  # fmt: skip
    ds = probe_transfer(copier, {"one": sets, "same": sets, "turned": turned}, "label", layers=[2], roles=["last"])
    score = ds.score.squeeze()
    assert float(score.sel(fit="one", on="same")) > 0.95
    assert float(score.sel(fit="turned", on="turned")) > 0.95
    assert float(score.sel(fit="one", on="turned")) < -1
    assert float(ds.r.sel(fit="one", on="turned").squeeze()) < -0.95
    assert float(ds.cosine.sel(fit="one", on="turned").squeeze()) == pytest.approx(-1, abs=1e-3)
    assert float(ds.cosine.sel(fit="one", on="same").squeeze()) == pytest.approx(1)
    assert float(ds.score_null_high) < 0.5
    with pytest.raises(InterpError, match="two cells"):
        probe_transfer(copier, {"one": sets}, "a")
    with pytest.raises(InterpError, match="apart from all test"):
        probe_transfer(copier, {"one": sets, "same": Sets(sets.test, sets.validation, sets.test)}, "a")


def test_shuffles_of_two_cells_are_not_the_same_shuffles(copier):
    """The same sums worded twice: were their labels shuffled alike, probes of nothing would agree and the null be 1."""
    ds = probe_transfer(copier, {"one": copy_sets(), "same": copy_sets()}, "a", layers=[2], roles=["last"])
    assert float(ds.cosine.sel(fit="one", on="same").squeeze()) == pytest.approx(1)
    assert float(ds.cosine_null_high) < 0.99


def test_operands_are_compared_in_any_order_and_without_zeros():
    assert operand_keys(copy_prompts([3, 0], [5, 7])) == [(5, 3), (7,)]


def test_principal_angles_by_hand():
    one = torch.eye(4, dtype=torch.float64)
    turned = torch.stack([one[0], one[1] + one[2]], dim=1)
    angle, overlap = principal(span(one[:, :2]), span(turned))
    assert angle == pytest.approx(0, abs=1e-4)
    assert overlap == pytest.approx((1 + 0.5) / 2)
    assert principal(one[:, :1], one[:, 3:]) == (90.0, 0.0)
    assert span(torch.stack([one[0], 2 * one[0]], dim=1)).shape == (4, 1)


def test_directions_of_one_variable_agree_and_of_independent_ones_do_not(copier):
    ds = probe_directions(copier, copy_sets(), ["a", "mirror", "b"], layers=[0], roles=["a", "b"])
    here = ds.sel(space="reads", layer=0, role="a")
    assert float(here.cosine.sel(target="a", other="mirror")) == pytest.approx(-1)
    assert float(here.overlap.sel(target="a", other="mirror")) == pytest.approx(1)
    assert float(here.angle.sel(target="a", other="mirror")) == pytest.approx(0, abs=1e-3)
    assert float(here.overlap_random.max()) == pytest.approx(1 / copier.cfg.d_model)
    assert 0 < float(here.overlap_null_high) <= 1


def test_nothing_has_a_direction_where_the_stream_is_constant(llama):
    ds = probe_directions(llama, copy_sets(), ["a", "b"], layers=[0], roles=["eq"], kind="circular")  # sums that round
    assert float(ds.overlap.max()) == 0  # not even with itself
    assert float(ds.overlap_null_high.max()) == 0


def test_codelength_by_hand():
    """16 rows at log2 2 each, then 16 of which a classifier of one class says (16 p + 1) / 18."""
    y = np.r_[np.zeros(16, int), np.zeros(12, int), np.ones(4, int)]
    expected = 16 - 12 * np.log2(17 / 18) - 4 * np.log2(1 / 18)
    assert online_code(logistic(), np.zeros((32, 2)), y, 2) == pytest.approx(expected)
    assert portions(100) == [25, 50, 100]
    assert np.allclose(probabilities(logistic(), np.zeros((8, 1)), np.repeat([0, 2], 4), np.zeros((1, 1)), 3),
                       [[5 / 11, 1 / 11, 5 / 11]])  # fmt: skip
    with pytest.raises(InterpError, match="at least 32"):
        portions(31)


def test_what_stands_there_is_compressed_and_what_does_not_is_not(copier):
    sets = copy_sets()
    ds = probe_learning(copier, sets.train, sets.test, ["a mod 2"], layers=[0, 1], roles=["eq"])
    found, limit = ds.compression.squeeze(), float(ds.compression_null_high)
    assert float(found.sel(layer=1)) > limit
    assert float(found.sel(layer=0)) <= limit
    curve = ds.accuracy.squeeze().sel(layer=1)
    assert float(curve[-1]) > float(ds.majority_null[0]) + 0.2
    with pytest.raises(InterpError, match="no variable 'x'"):
        probe_learning(copier, sets.train, sets.test, ["x"])


@pytest.mark.parametrize("name", ["mental-math", PLANTED])
def test_untrained_is_the_architecture_with_other_weights(name):
    before = torch.random.get_rng_state()
    model, other, again = load(name), untrained(name), untrained(name)
    assert torch.equal(before, torch.random.get_rng_state())
    prompts = build(named_task("a+b"), model.arith.tokenizer, "plain", "test", 20)
    logits = [run(each, prompts).logits for each in (model, other, again)]
    assert logits[0].shape == logits[1].shape
    assert torch.equal(logits[1], logits[2])
    assert float((logits[1].argmax(-1).numpy() == prompts.answer_ids).mean()) < 0.3
