"""What a recorded result of clock or pizza holds, on networks by hand, and its label on planted models."""

from __future__ import annotations

import numpy as np
import pytest

from interp.errors import InterpError
from interp.fourier.algorithm import classify, evidence
from interp.fourier.circles import FORMULAS, explained
from interp.fourier.clock_pizza import clock_pizza, over_training
from interp.fourier.two_operand import two_operand
from interp.models import load
from tests.fourier import hand_networks as hand

P, KEYS = 13, (2, 5)


@pytest.fixture(scope="module")
def found():
    return clock_pizza(hand.pizza(P, KEYS), [hand.noise(P, seed=s) for s in range(2)], n_triples=300, seed=1)


def test_the_result_is_the_evidence_beside_its_nulls(found):
    told = evidence(hand.pizza(P, KEYS), 300, seed=1)
    assert found.attrs["label"] == "pizza" == classify(told)
    assert found.attrs["against_pizza"] == ""
    assert "q" in found.attrs["against_clock"]
    assert float(found.symmetricity) == pytest.approx(told.symmetricity.mean)
    np.testing.assert_allclose(found.q, [told.correct.q, told.margin.q])
    np.testing.assert_allclose(found.score, [told.clock, told.pizza])
    assert found.sizes["draw"] == 2
    assert float(found.q_null.min()) > 0.9 > float(found.q.max())
    assert float(found.score_null.max()) < 0.3 < float(found.score.min())
    assert (found.sizes["sum"], found.sizes["triple"], int(found.n)) == (P, 300, 300)
    np.testing.assert_allclose(found.cosine, 1, atol=1e-9)
    assert list(found.circle.values) == [each.frequency for each in told.circles]


def test_what_a_formula_explains_lies_in_its_interval_and_above_another_frequency(found):
    logits = hand.pizza(P, KEYS).grid()
    scores, low, high = (found[name].values for name in ("explained", "explained_low", "explained_high"))
    assert (low <= scores + 1e-12).all()
    assert (scores <= high + 1e-12).all()
    pizza = list(FORMULAS).index("finite_pizza")
    np.testing.assert_allclose(scores[:, pizza], 1, atol=1e-9)
    assert found.explained_null.values[:, pizza].max() < 0
    whole = explained(logits, np.sum([FORMULAS["finite_pizza"](P, k) for k in KEYS], axis=0))
    assert whole == pytest.approx(1)


def test_every_variable_has_words_and_a_network_without_a_null_is_refused(found):
    assert all({"units", "description"} <= set(values.attrs) for values in found.data_vars.values())
    with pytest.raises(InterpError, match="untrained"):
        clock_pizza(hand.clock(P, KEYS), [])


def test_over_training_is_the_evidence_of_every_checkpoint():
    nets = [(0, hand.noise(P)), (10, hand.pizza(P, KEYS)), (20, hand.clock(P, KEYS))]
    found = over_training(nets, n_triples=300)
    assert found.label_step.values.tolist() == ["undecided", "pizza", "clock"]
    assert list(found.step.values) == [0, 10, 20]
    assert float(found.symmetricity_step[1]) == pytest.approx(1)
    assert (found.symmetricity_step_low <= found.symmetricity_step).all()
    assert np.isnan(found.q_step[2, 0])  # the correct logit of a perfect clock never varies
    assert found.accuracy_step.values.tolist()[1:] == [1, 1]


@pytest.mark.parametrize("name", ["clock", "pizza"])
def test_planted_models_are_what_they_were_planted_as(name):
    net = two_operand(load(f"planted:{name},p=23,keys=3"))
    found = evidence(net, 1000)
    assert (classify(found), found.accuracy) == (name, 1)
