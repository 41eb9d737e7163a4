"""Three rules for key frequencies on planted weights, doubles merged, and the margin of a set."""

from __future__ import annotations

import numpy as np
import pytest

from interp.errors import InterpError
from interp.fourier.basis import inverse
from interp.fourier.ideal import relu_neuron
from interp.fourier.key_frequencies import by_neurons, by_norm, chosen_by, key_frequencies, margin, random_keys
from interp.fourier.neurons import fve
from interp.fourier.two_operand import two_operand
from tests.fourier.modadd import final


def waves(p: int, sizes: dict[int, float]) -> np.ndarray:
    """Return [p, 1] weights whose frequency k has norm sizes[k]."""
    coefficients = np.zeros((p, 1))
    for k, size in sizes.items():
        coefficients[max(0, 2 * k - 1)] = size
    return inverse(coefficients)


def test_a_quarter_of_the_largest_and_never_capped():
    found = by_norm(waves(23, {0: 9, 1: 4, 3: 1.01, 4: 0.99, 11: 2, 7: 2, 5: 2, 8: 2, 9: 2}))
    assert found.chosen == (1, 3, 5, 7, 8, 9, 11)  # the last frequency too; the constant is none, however large
    np.testing.assert_allclose(found.sizes[[0, 2, 3]], [4, 1.01, 0.99])


def test_the_last_frequency_of_an_even_modulus():
    assert by_norm(waves(8, {4: 1.0})).chosen == (4,)


def test_doubles_are_merged_and_real_keys_stay():
    # 22 -> 44 -> 25 (2 x 44 = 88, folded 25): 44 is the double of 22; 25 is larger than 44 and stays, and 50 is its own
    sizes = np.zeros(56)
    published = {7: 9, 22: 8, 24: 8, 25: 8, 30: 7, 36: 7, 14: 2, 41: 2, 44: 2, 48: 2, 50: 2}
    for k, size in published.items():
        sizes[k - 1] = size
    found = chosen_by(sizes, sizes > 0, 113, "coefficients")
    assert found.chosen == tuple(sorted(published))
    assert found.fundamental == (7, 22, 24, 25, 30, 36)
    assert found.doubles == {14: 7, 41: 36, 44: 22, 48: 24, 50: 25}


def test_a_double_that_is_larger_or_equal_is_a_key():
    found = chosen_by(np.array([1.0, 1, 0, 2, 0]), np.array([True, True, False, True, False]), 11, "made")
    assert found.fundamental == (1, 2, 4)


def test_a_chain_of_doubles_ends_after_one():
    # 1 takes 2; 4 is the double of 2, which is no fundamental, so 4 stays
    found = chosen_by(np.array([3.0, 2, 0, 1, 0]), np.array([True, True, False, True, False]), 11, "made")
    assert found.doubles == {2: 1}
    assert found.fundamental == (1, 4)


def test_odd_multiples_are_listed_only():
    found = chosen_by(np.array([5.0, 0, 1, 0, 1]), np.array([True, False, True, False, True]), 11, "made")
    assert found.fundamental == (1, 3, 5)
    assert found.odd_multiples == {3: (1,), 5: (1,)}  # 3 x 1 and 5 x 1


def test_neurons_vote_where_one_frequency_explains_them():
    p, rng = 23, np.random.default_rng(0)
    made = [relu_neuron(p, k, *rng.uniform(0, 6, 2)) for k in (11, 11, 4, 11)]
    mixed = relu_neuron(p, 2, 0, 1) + relu_neuron(p, 5, 1, 0)
    found = by_neurons(fve(np.stack([*made, mixed, np.zeros((p, p))], -1)), p)
    assert found.chosen == (4, 11)
    assert found.sizes[[3, 10]].tolist() == [1, 3]


def test_margins_by_hand_and_of_the_published_sets():
    assert margin([1], 4) == pytest.approx(1)  # cos(pi/2) = 0 is the nearest miss
    assert margin([2], 4) == pytest.approx(0)  # d = 2 looks like the answer
    assert margin(range(1, 57), 113) == pytest.approx(113 / 112, abs=1e-12)
    assert margin([14, 35, 41, 42, 52], 113) == pytest.approx(0.482, abs=5e-4)
    draws = [margin(keys, 113) for keys in random_keys(113, 5, 10000).tolist()]
    assert np.median(draws) == pytest.approx(0.32, abs=0.01)
    assert max(draws[:2000]) == pytest.approx(0.55, abs=0.03)


def test_the_shipped_model_by_all_three_rules():
    net = two_operand(final())
    found = {rule: key_frequencies(net, rule) for rule in ("W_L", "W_E", "neurons")}
    assert {rule: keys.fundamental for rule, keys in found.items()} == dict.fromkeys(found, (12, 18, 20, 25))
    assert found["W_E"].doubles == {19: 20}  # 2 x 20 = 40 = -19 mod 59: no key of its own
    with pytest.raises(InterpError, match="Did you mean W_L"):
        key_frequencies(net, "W_l")


def test_refusals_and_random_sets():
    with pytest.raises(InterpError, match="do not vary"):
        by_norm(np.full((7, 2), 0.3))
    with pytest.raises(InterpError, match="between 0 and 1"):
        by_norm(waves(7, {1: 1.0}), 1.0)
    for keys in ([], [0], [30]):
        with pytest.raises(InterpError, match="frequency from 1 to 29"):
            margin(keys, 59)
    drawn = random_keys(11, 3, 50)
    assert drawn.shape == (50, 3)
    assert (np.diff(drawn, axis=1) > 0).all()
    assert set(drawn.ravel().tolist()) == {1, 2, 3, 4, 5}
    with pytest.raises(InterpError, match="expected 1 to 5"):
        random_keys(11, 6, 1)
