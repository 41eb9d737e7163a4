"""Key heads: planted heads come first and cost the answers; effects are those of paths; random heads cost less."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from interp.engine import Constant, Intervention, Lean, Site, run
from interp.errors import InterpError
from interp.methods import metrics
from interp.methods.key_heads import key_heads
from interp.methods.key_heads_elsewhere import Elsewhere, elsewhere
from interp.models import load
from interp.models.planted_parts import truth
from interp.tasks import build, named_task, twins

PLANTED = "planted:copy"


@pytest.fixture(scope="module")
def asked():
    model, task = load(PLANTED), named_task("a+b")
    tokenizer = model.arith.tokenizer
    pairs = {
        f"swap_{place}": twins(task, tokenizer, split="all", n=30, recipe="swap_operand", place=place) for place in "ab"
    }
    prompts, reference = (build(task, tokenizer, "plain", split, 60, seed=1) for split in ("test", "train"))
    return model, pairs, prompts, reference, key_heads(model, pairs, prompts, reference, n_heads=4, n_random=4)


def test_the_planted_head_is_the_strongest_of_its_counterfactual(asked):
    found = asked[-1]
    for place in "ab":
        (node,) = truth(PLANTED, place).nodes
        effect = np.abs(found.effect.sel(counterfactual=f"swap_{place}", variant="mlps_recomputed").values)
        assert np.unravel_index(effect.argmax(), effect.shape) == tuple(node[1:])
        rest = np.delete(effect.ravel(), effect.argmax())
        assert effect.max() > 10 * rest.max()


def test_removing_a_planted_head_costs_the_answers_and_the_others_do_not(asked):
    """A logit of this model rises or falls with the operand, so its mean effect has no sign and decides no order."""
    found = asked[-1]
    planted = {f"{node[1]}.{node[2]}" for place in "ab" for node in truth(PLANTED, place).nodes}
    ranks = [str(name) for name in found["rank"].values]
    first = min(ranks.index(name) for name in planted if name in ranks)
    assert (found.accuracy.values[: first + 1] == 1).all()
    assert (found.accuracy.values[first + 1 :] < 0.2).all()
    assert float(found.accuracy_null_other.sel(n_removed=1).mean()) > 0.5
    assert found.wrong.values[first] == ""
    assert found.wrong.values[first + 1] != ""


def test_a_knockout_is_a_run_with_means(asked):
    model, _, prompts, reference, found = asked
    layer, head = (int(part) for part in str(found["rank"].values[0]).split("."))
    site = Site("z", layer)
    mean = run(model, reference, reads=[site])[site][:, :, head].double().mean(0).float()
    edit = Intervention(Site("z", layer, head), "all", Constant(mean))
    right = metrics.correct(run(model, prompts, [edit]).logits, prompts).float().mean()
    assert float(found.accuracy.sel(n_removed=1)) == pytest.approx(float(right))


def test_attention_adds_up(asked):
    assert np.allclose(asked[-1].attention.sum("role"), 1, atol=1e-5)


def test_bad_numbers_of_heads(asked):
    model, pairs, prompts, reference, _ = asked
    for n in (0, 999):
        with pytest.raises(InterpError, match="heads to remove"):
            key_heads(model, pairs, prompts, reference, n_heads=n)


def test_the_trace_is_a_cosine_and_a_rank_by_hand(asked):
    model, _, prompts, _, found = asked
    site = Site("mlp_out", 3)
    added = run(model, prompts, reads=[site])[site][:, -1]
    direction = Lean.of(model).W_U.T[prompts.answer_ids]
    expected = torch.nn.functional.cosine_similarity(added, direction, dim=-1).mean()
    assert float(found.towards_answer.sel(layer=3)) == pytest.approx(float(expected), abs=1e-5)
    assert float(found["rank_of"].sel(depth=4, number="answer")) == 1
    assert (found.towards_operand_low <= found.towards_operand).all()


def test_elsewhere_with_the_task_itself_is_the_same_again(asked):
    model, pairs, prompts, reference, found = asked
    told = elsewhere(model, found, {"again": Elsewhere(pairs["swap_a"], prompts, reference)}, k=3, n_random=2)
    assert float(told["elsewhere_accuracy"][0]) == float(found.accuracy.sel(n_removed=0))
    assert float(told["elsewhere_without"][0]) == pytest.approx(float(found.accuracy.sel(n_removed=3)))
    assert float(told["overlap"][0]) == 1
    assert float(told["overlap_null"][0]) == 3 / 16
