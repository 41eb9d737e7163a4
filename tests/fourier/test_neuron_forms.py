"""Which form a neuron has: known neurons, an exhaustive fit, and noise."""

from __future__ import annotations

import numpy as np
import pytest

from interp.errors import InterpError
from interp.fourier.ideal import abs_neuron, relu_neuron
from interp.fourier.neuron_forms import abs_cosine, neuron_forms, of_sums
from interp.fourier.two_operand import two_operand
from interp.models import load
from tests.fourier import hand_networks as hand

P = 23


def test_ideal_neurons_have_their_form():
    phase = 3 * np.pi / P  # one of the phases tried
    neurons = np.stack([relu_neuron(P, 4, phase, phase), abs_neuron(P, 4, phase, phase), relu_neuron(P, 4, 0, 2)], -1)
    found = abs_cosine(neurons, np.array([4, 4, 4]))
    np.testing.assert_allclose(found[:2], 1, atol=1e-12)
    assert found[2] < 0.6
    np.testing.assert_allclose(of_sums(neurons)[:2], [0.115, 0.448], atol=0.01)
    assert abs_cosine(neurons[..., :1], np.array([7])) < 0.02


def test_the_best_phase_is_that_of_least_squares_over_all():
    rng = np.random.default_rng(0)
    neuron = relu_neuron(P, 3, 0.5, 0.9) + 0.1 * rng.normal(size=(P, P))
    turn = 2 * np.pi * 3 * np.arange(P) / P
    shares = []
    for phase in np.pi * np.arange(P) / P:
        x = np.cos(turn + phase)[:, None] + np.cos(turn + phase)[None, :]
        y = np.sin(turn)[:, None] + np.sin(turn)[None, :]
        z = np.cos(turn)[:, None] + np.cos(turn)[None, :]
        columns = np.stack([np.ones(P * P), y.ravel(), z.ravel(), np.abs(x).ravel()], 1)
        rest = neuron.ravel() - columns @ np.linalg.lstsq(columns, neuron.ravel(), rcond=None)[0]
        shares.append(1 - rest.var() / neuron.var())
    assert abs_cosine(neuron[..., None], np.array([3]))[0] == pytest.approx(max(shares))


def test_sums_are_found_and_a_constant_has_no_share():
    s = np.add.outer(np.arange(P), np.arange(P)) % P
    by_sum = np.random.default_rng(1).normal(size=P)[s]
    neurons = np.stack([by_sum, np.ones((P, P)), np.random.default_rng(2).normal(size=(P, P))], -1)
    found = of_sums(neurons)
    assert found[0] == pytest.approx(1)
    assert np.isnan(found[1])
    assert found[2] == pytest.approx(1 / P, abs=0.03)


def test_neurons_of_networks_beside_another_frequency():
    found = neuron_forms(two_operand(load("planted:pizza,p=23,keys=3")))
    assert (int(found.n), "n" in found.data_vars) == (found.sizes["neuron"], True)
    assert float(found.abs_cosine.min()) > 0.99
    assert float(found.abs_cosine_null.max()) < 0.1
    noise = neuron_forms(hand.noise(P))
    assert float(np.median(noise.abs_cosine)) < 0.3


def test_what_cannot_be_asked_is_refused():
    neurons = np.random.default_rng(0).normal(size=(P, P, 2))
    for frequencies in (np.array([1]), np.array([1, P]), np.array([0, 1])):
        with pytest.raises(InterpError, match="frequencies of 2 neurons"):
            abs_cosine(neurons, frequencies)
    with pytest.raises(InterpError, match="expected finite"):
        of_sums(neurons * np.nan)
    dead = hand._network("dead", P, (1,), lambda x, y: 0 * (x + y))
    with pytest.raises(InterpError, match="No neuron"):
        neuron_forms(dead)
