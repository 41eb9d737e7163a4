"""Closed forms: the largest margin is reached and by no trained network exceeded; wide random phases suffice."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from interp.errors import InterpError
from interp.models.quadratic import Quadratic, answers, gamma_star, max_margin, random_phase
from interp.models.quadratic_training import train_quadratic

CASES = [(5, 2), (7, 2), (11, 2), (23, 2), (59, 2), (5, 3), (7, 3), (113, 2)]


@pytest.mark.parametrize(("p", "k"), CASES)
def test_every_margin_of_the_construction_is_the_largest_possible(p, k):
    network = max_margin(p, k)
    assert network.outputs.shape == ((p - 1) * 4 ** (k - 1), p)
    np.testing.assert_allclose(network.margins() / gamma_star(p, k), 1, rtol=0, atol=1e-12)
    assert network.accuracy() == 1


def test_gamma_star_of_two_inputs_is_the_papers():
    for p in (5, 59, 113):
        assert gamma_star(p) == pytest.approx(np.sqrt(2 / 27) / (np.sqrt(p) * (p - 1)), rel=1e-14)


def test_logits_margin_and_norm_by_definition():
    rng = np.random.default_rng(0)
    u, w = rng.standard_normal((2, 4, 3)), rng.standard_normal((4, 3))
    network = Quadratic(u, w)
    gaps = []
    for a, b in itertools.product(range(3), repeat=2):
        f = [sum((u[0, i, a] + u[1, i, b]) ** 2 * w[i, c] for i in range(4)) for c in range(3)]
        np.testing.assert_allclose(network.logits()[a, b], f, rtol=1e-12)
        gaps += [f[(a + b) % 3] - f[c] for c in range(3) if c != (a + b) % 3]
    norm = sum(np.sqrt((u[:, i] ** 2).sum() + (w[i] ** 2).sum()) ** 3 for i in range(4)) ** (1 / 3)
    assert network.norm() == pytest.approx(norm, rel=1e-12)
    np.testing.assert_allclose(network.margins().ravel(), np.array(gaps) / norm**3, rtol=1e-12)
    assert network.efficiency() == pytest.approx(min(gaps) / norm**3 / (np.sqrt(2 / 27) / (np.sqrt(3) * 2)), rel=1e-12)


def test_margin_does_not_depend_on_scale_and_is_lost_with_any_frequency():
    network = max_margin(7)
    louder = Quadratic(3 * network.inputs, 3 * network.outputs)
    assert louder.efficiency() == pytest.approx(1, abs=1e-12)
    fewer = Quadratic(network.inputs[:, 8:], network.outputs[8:])  # the first frequency gone
    assert fewer.efficiency() < 0.9
    lopsided = Quadratic(network.inputs * [[[1.2]], [[0.8]]], network.outputs)
    assert lopsided.efficiency() < 0.97


@pytest.mark.parametrize("p", [7, 23])
def test_all_centred_logit_energy_is_in_sum_directions(p):
    logits = max_margin(p).logits()
    rows = logits.reshape(p * p, p)
    means = np.stack([rows[answers(p, 2) == s].mean(0) for s in range(p)])
    rest = rows - means[answers(p, 2)]
    assert (rest**2).sum() <= 1e-24 * ((rows - rows.mean(0)) ** 2).sum()


def test_random_phases_are_right_when_wide_enough():
    for seed in range(3):
        for times in (2, 4):
            assert random_phase(97, times * 97, seed).accuracy() == 1
    found = {t: np.mean([random_phase(23, t * 23, seed).accuracy() for seed in range(20)]) for t in (1, 2, 4, 8)}
    assert 0.55 <= found[1] <= 0.85  # three draws gave .69-.79 at N = p, .89-.94 at 2p; 20 draws reach further
    assert 0.85 <= found[2] <= 0.98
    assert found[4] >= 0.99
    assert found[8] == 1
    assert 1 / 97 < random_phase(97, 4).accuracy() < 0.5  # and not when narrow


def test_logits_in_groups_of_neurons_are_the_same(monkeypatch):
    network = random_phase(11, 50, 3)
    whole = network.logits()
    monkeypatch.setattr("interp.models.quadratic.MEMORY", 1000)
    np.testing.assert_allclose(network.logits(), whole, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize(("p", "width"), [(11, 64), (17, 96)])
def test_no_trained_network_exceeds_the_largest_margin(p, width):
    found = train_quadratic(p, width, steps=600, seed=p)
    assert (found.efficiency <= 1 + 1e-9).all()
    assert found.efficiency[0] < 0 < 0.9 < found.efficiency[-1]
    assert found.accuracy[-1] == 1
    assert found.network.efficiency() == found.efficiency[-1]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: max_margin(6), "expected an odd p"),
        (lambda: max_margin(7, 1), "k >= 2"),
        (lambda: gamma_star(1), "p >= 3"),
        (lambda: random_phase(7, 0), "widen it"),
        (lambda: Quadratic(np.ones((2, 3, 5)), np.ones((4, 5))), "no network"),
        (lambda: train_quadratic(7, 4, steps=3), "expected at least 1 and 10"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(InterpError, match=message):
        call()
