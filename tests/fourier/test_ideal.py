"""The ideal mechanisms have their textbook values: by hand, and where their variance lies on the grid."""

from __future__ import annotations

import numpy as np
import pytest

from interp.errors import InterpError
from interp.fourier.basis import power, rows, transform_2d
from interp.fourier.ideal import (
    abs_neuron,
    accompanying_logits,
    circle,
    clock_logits,
    helix,
    pizza_logits,
    relu_neuron,
)

P = 113


def share(grid, k, p=P):
    """Variance of a neuron in the 3 x 3 block of frequency k."""
    squares = transform_2d(grid - grid.mean()) ** 2
    block = np.concatenate([[0], rows(p, k)])
    return squares[np.ix_(block, block)].sum() / squares.sum()


def test_clock_and_pizza_by_hand():
    p, k, (a, b, c) = 7, 2, (3, 6, 1)
    w, s, t = 2 * np.pi * k / p, a + b - c, a - b
    assert clock_logits(p, [k])[a, b, c] == pytest.approx(np.cos(w * s), abs=1e-14)
    pizza = 2 * abs(np.cos(w * t / 2)) * (abs(np.cos(w * s / 2)) - abs(np.sin(w * s / 2)))
    assert pizza_logits(p, [k])[a, b, c] == pytest.approx(pizza, abs=1e-14)
    expected = -2 * np.cos(w * t) * np.cos(w * s)
    assert accompanying_logits(p, [k])[a, b, c] == pytest.approx(expected, abs=1e-14)
    both = clock_logits(p, [1, k], [0.5, 2.0])
    np.testing.assert_allclose(both, 0.5 * clock_logits(p, [1]) + 2 * clock_logits(p, [k]), atol=1e-14)


@pytest.mark.parametrize("logits", [clock_logits, pizza_logits])
def test_ideal_logits_are_right_everywhere(logits):
    n = np.arange(11)
    answers = logits(11, range(1, 6)).argmax(-1)
    np.testing.assert_array_equal(answers, (n[:, None] + n) % 11)


def test_share_of_ideal_neurons_in_their_block():
    """.962, .852 and .129 for many phases and large p, to the printed digits."""
    rng = np.random.default_rng(0)
    phases = rng.uniform(0, 2 * np.pi, (20, 2))
    assert np.mean([share(relu_neuron(P, 14, *pair), 14) for pair in phases]) == pytest.approx(0.962, abs=1e-3)
    assert np.mean([share(abs_neuron(P, 14, *pair), 14) for pair in phases]) == pytest.approx(0.852, abs=1e-3)
    assert np.mean([share(abs_neuron(P, 14, *pair), 28) for pair in phases]) == pytest.approx(0.129, abs=1e-3)
    np.testing.assert_allclose(abs_neuron(5, 1), relu_neuron(5, 1) + relu_neuron(5, 1, np.pi, np.pi), atol=1e-14)


def test_helix_is_where_it_says():
    made = helix(range(100), [2, 5, 10], 16, line=True, seed=3)
    for period, plane in made.planes.items():
        assert plane.shape[1] == (1 if period == 2 else 2)
        np.testing.assert_allclose(plane.T @ plane, np.eye(plane.shape[1]), atol=1e-12)
        np.testing.assert_allclose(made.points @ plane, circle(made.numbers, period)[:, : plane.shape[1]], atol=1e-12)
    np.testing.assert_allclose(made.points @ made.line, np.linspace(-1, 1, 100), atol=1e-12)
    shares = power(helix(range(100), [10], 8).points)
    assert shares[9] == pytest.approx(1, abs=1e-12)
    noisy = helix(range(100), [10], 400, noise=0.2, seed=1)
    rest = noisy.points - circle(noisy.numbers, 10) @ noisy.planes[10].T
    assert rest.std() == pytest.approx(0.2, rel=0.02)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: clock_logits(7, [4]), "not in Z_7: expected 1 to 3"),
        (lambda: pizza_logits(7, []), "at least one"),
        (lambda: accompanying_logits(7, [1, 2], [1.0]), "give one each"),
        (lambda: relu_neuron(7, 0), "not in Z_7"),
        (lambda: helix(range(9), [5, 10], 3), "widen d"),
        (lambda: helix(range(9), [1.5], 3), "at least 2"),
        (lambda: helix(range(9), [], 3), "0 directions"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(InterpError, match=message):
        call()
