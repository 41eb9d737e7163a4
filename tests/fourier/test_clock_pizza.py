"""Clock and pizza by hand: gradients, maps, circles and formulas whose values are known, and the rule over them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from interp.errors import InterpError
from interp.fourier.algorithm import against, classify, evidence
from interp.fourier.circles import FORMULAS, circles, explained, finite_pizza_logits, principal_circles
from interp.fourier.circularity import circularity
from interp.fourier.distance import distance_irrelevance, logit_map
from interp.fourier.ideal import clock_logits, pizza_logits
from interp.fourier.symmetricity import published_triples, random_triples, symmetricity
from tests.fourier import hand_networks as hand

P, KEYS = 13, (2, 5)


def test_symmetricity_is_the_mean_over_plain_gradients_one_triple_at_a_time():
    net, triples = hand.noise(P), random_triples(P, 40, seed=3)
    found = symmetricity(net, triples)
    slow = []
    for a, b, c in triples:
        x, y = (net.embed_a[i : i + 1].clone().requires_grad_() for i in (a, b))
        net.logits(x, y)[0, c].backward()
        slow.append(float(torch.cosine_similarity(*(each.grad for each in (x, y)))))  # type: ignore[arg-type]
    np.testing.assert_allclose(found.values, slow, atol=1e-12)
    assert (found.n, found.undefined) == (40, 0)
    assert found.standard_error == pytest.approx(np.std(slow, ddof=1) / np.sqrt(40))


def test_a_product_of_operands_has_the_cosine_of_their_angle_and_a_sum_has_one():
    triples = random_triples(P, P**3)
    assert len(np.unique(triples, axis=0)) == P**3
    multiplied = symmetricity(hand.clock(P, (2,)), triples)
    a, b, _ = multiplied.triples.T
    np.testing.assert_allclose(multiplied.values, np.cos(4 * np.pi * (a - b) / P), atol=1e-12)
    assert multiplied.mean == pytest.approx(0, abs=1e-12)
    assert symmetricity(hand.pizza(P, KEYS), triples[:200]).mean == pytest.approx(1, abs=1e-9)


def test_triples_are_checked_and_a_gradient_of_zero_is_no_direction():
    net = hand.noise(P)
    for wrong in (np.zeros((0, 3), int), np.array([[0, 0, P]]), np.array([[0.0, 1.0, 2.0]]), np.array([1, 2, 3])):
        with pytest.raises(InterpError, match="expected rows"):
            symmetricity(net, wrong)
    with pytest.raises(InterpError, match="at least 1"):
        random_triples(P, 0)
    dead = hand._network("dead", P, KEYS, lambda x, y: 0 * (x + y))
    with pytest.raises(InterpError, match="do not depend"):
        symmetricity(dead, random_triples(P, 5))


def test_published_triples_are_a_shuffle_of_all_of_them():
    found = published_triples(5, 125)
    assert len(np.unique(found, axis=0)) == 125
    np.testing.assert_array_equal(published_triples(59, 3), [[29, 1, 57], [49, 36, 24], [40, 38, 8]])


def test_maps_put_every_pair_at_its_sum_and_difference():
    logits = np.random.default_rng(0).normal(size=(P, P, P))
    maps = {name: logit_map(logits, name) for name in ("correct", "margin", "top_wrong")}
    for a in range(P):
        for b in range(P):
            place, answer = ((a + b) % P, (a - b) % P), (a + b) % P
            wrong = np.delete(logits[a, b], answer).max()
            assert maps["correct"][place] == logits[a, b, answer]
            assert maps["top_wrong"][place] == wrong
            assert maps["margin"][place] == logits[a, b, answer] - wrong


def test_distance_irrelevance_is_nothing_for_a_pizza_and_one_for_sums_and_noise():
    p = 31
    assert distance_irrelevance(pizza_logits(p, [3])).q == pytest.approx(0, abs=1e-9)
    assert distance_irrelevance(pizza_logits(p, [3, 7]), "margin").q < 0.1
    by_sum = clock_logits(p, [3]) * (2 + np.cos(2 * np.pi * np.add.outer(np.arange(p), np.arange(p)) / p))[..., None]
    assert distance_irrelevance(by_sum).q == pytest.approx(1, abs=1e-9)
    noise = np.random.default_rng(1).normal(size=(p, p, p))
    assert distance_irrelevance(noise).q == pytest.approx(1 - 1 / p, abs=0.03)
    assert np.isnan(distance_irrelevance(clock_logits(p, [3])).q)
    for wrong, match in ((np.zeros((4, 4, 4)), "even"), (noise[:5], "expected finite"), (noise * np.nan, "finite")):
        with pytest.raises(InterpError, match=match):
            distance_irrelevance(wrong)
    with pytest.raises(InterpError, match="variant"):
        distance_irrelevance(noise, "median")


@pytest.mark.parametrize("p", [30, 31])
def test_circles_are_circular_and_noise_is_as_its_null(p):
    angles = 2 * np.pi * np.outer(np.arange(p), [3, 7]) / p
    points = np.concatenate([np.cos(angles), np.sin(angles)], axis=1) * [2, 1, 2, 1]  # equal ones would mix
    found = circularity(points @ np.linalg.qr(np.random.default_rng(0).normal(size=(8, 8)))[0][:4])
    assert found.mean == pytest.approx(1, abs=1e-12)
    assert set(found.frequencies) == {3, 7}
    assert found.null.max() < 0.6
    random = circularity(np.random.default_rng(2).normal(size=(p, 40)))
    assert np.quantile(random.null, 0.001) < random.mean < np.quantile(random.null, 0.999)
    with pytest.raises(InterpError, match="rank 4"):
        circularity(points, components=5)


@pytest.mark.parametrize("formula", FORMULAS)
def test_explained_is_two_correlations_less_one_by_scikit_learn(formula):
    from sklearn.metrics import explained_variance_score

    rng = np.random.default_rng(0)
    exact = FORMULAS[formula](P, 4)
    noisy = exact + 0.3 * rng.normal(size=exact.shape)
    z, f = ((x.ravel() - x.mean()) / x.std() for x in (noisy, exact))
    assert explained(noisy, exact, "whole") == pytest.approx(explained_variance_score(z, f), abs=1e-12)
    assert explained(3 * exact + 5, exact, "whole") == pytest.approx(1)
    assert explained(3 * exact + rng.normal(size=P), exact, "centred") == pytest.approx(1)
    assert explained(3 * exact + 9 * rng.normal(size=P), exact, "whole") < 0.9
    assert explained(exact, FORMULAS[formula](P, 5)) < -0.9  # a pizza shares a little by its odd overtones
    assert np.isnan(explained(np.ones((P, P, P)), exact))
    with pytest.raises(InterpError, match="variant"):
        explained(exact, exact, "rank")


def test_four_absolute_values_of_the_sum_are_the_finite_pizza():
    logits = hand.pizza(P, (4,)).grid()
    np.testing.assert_allclose(logits, 2 * finite_pizza_logits(P, 4), atol=1e-12)
    assert 0.9 < explained(logits, FORMULAS["pizza"](P, 4)) < 1


@pytest.mark.parametrize("isolate", [circles, lambda net: principal_circles(net, 2)])
def test_a_circle_alone_gives_its_own_formula(isolate):
    net = hand.clock(P, KEYS)
    found = isolate(net)
    assert {each.frequency for each in found} == set(KEYS)
    assert sum(each.share for each in found) == pytest.approx(1)
    if isolate is circles:  # two circles of one size share a plane of principal components only by chance
        for each in found:
            np.testing.assert_allclose(each.logits, clock_logits(P, [each.frequency]), atol=1e-9)
    with pytest.raises(InterpError, match="at most"):
        principal_circles(net, 3)


@pytest.mark.parametrize(("made", "label"), [(hand.clock, "clock"), (hand.pizza, "pizza")])
def test_the_rule_tells_a_clock_from_a_pizza(made, label):
    found = evidence(made(23, (2, 5, 9)), n_triples=2000)
    assert (classify(found), against(found, label)) == (label, [])
    assert against(found, "pizza" if label == "clock" else "clock")
    assert found.weights.sum() == pytest.approx(1)


PIZZA_LIKE = {"s": 0.995, "q": 0.2, "margin": 0.3, "clock": 0.7, "pizza": 0.9}
CLOCK_LIKE = {"s": 0.4, "q": 0.8, "margin": 0.8, "clock": 0.9, "pizza": 0.7}


@pytest.mark.parametrize(
    ("base", "changed", "expected"),
    [
        (PIZZA_LIKE, {}, "pizza"),
        (PIZZA_LIKE, {"s": 0.981}, "undecided"),  # .98 is within 1.96 standard errors of .01
        (PIZZA_LIKE, {"q": 0.61}, "undecided"),
        (PIZZA_LIKE, {"margin": 0.61}, "undecided"),
        (PIZZA_LIKE, {"q": np.nan}, "undecided"),
        (PIZZA_LIKE, {"clock": 0.91}, "undecided"),
        (PIZZA_LIKE, {"clock": 0.3, "pizza": 0.49}, "undecided"),
        (CLOCK_LIKE, {}, "clock"),
        (CLOCK_LIKE, {"q": np.nan, "margin": np.nan}, "clock"),
        (CLOCK_LIKE, {"s": 0.89}, "undecided"),
        (CLOCK_LIKE, {"margin": 0.59}, "undecided"),
        (CLOCK_LIKE, {"pizza": 0.9}, "undecided"),
        (CLOCK_LIKE, {"clock": 0.49, "pizza": 0.3}, "undecided"),
    ],
)
def test_the_rule_needs_every_kind_of_evidence(base, changed, expected):
    told = {**base, **changed}
    error = 0.001 if told["s"] > 0.99 else 0.01
    found: Any = SimpleNamespace(
        symmetricity=SimpleNamespace(mean=told["s"], standard_error=error),
        correct=SimpleNamespace(q=told["q"]),
        margin=SimpleNamespace(q=told["margin"]),
        clock=told["clock"],
        pizza=told["pizza"],
    )
    assert classify(found) == expected


def test_an_untrained_network_is_undecided_however_symmetric():
    found = evidence(hand.noise(23), n_triples=500)
    assert found.symmetricity.mean == pytest.approx(1)  # it adds its operands: s alone would say pizza
    assert classify(found) == "undecided"
    assert max(found.clock, found.pizza) < 0.1
    assert any("formula" in reason for reason in against(found, "pizza"))
