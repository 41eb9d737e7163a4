"""A hand-built head alpha A + (1 - alpha) B is found as one; a product of digits is not."""

from __future__ import annotations

import numpy as np
import pytest

from interp.engine import Site, run
from interp.errors import InterpError
from interp.fourier.minkowski import head_two_way, shuffled, two_way
from tests.families import FAMILIES, family, random_prompts

RNG = np.random.default_rng(0)
CURVE, TURN = RNG.standard_normal((10, 16)), np.linalg.qr(RNG.standard_normal((16, 16)))[0]
A, B = RNG.integers(0, 10, (2, 3000))


def hand_head(alpha, noise=0.05, other=CURVE):
    """alpha A[a] + (1 - alpha) B[b] + eps, B the same points (or a turned copy)."""
    return alpha * CURVE[A] + (1 - alpha) * other[B] + noise * np.random.default_rng(1).standard_normal((3000, 16))


@pytest.mark.parametrize("alpha", [0.2, 0.5, 0.9])
def test_hand_built_head(alpha):
    found = two_way(hand_head(alpha), A, B)
    assert found.additive > 0.98
    assert 0 <= found.interaction < 0.01
    assert found.alpha == pytest.approx(alpha, abs=0.01)
    np.testing.assert_allclose(found.cosines, 1, atol=0.02)
    assert found.parallel > 0.8 if alpha == 0.9 else found.parallel > 0.98
    turned = two_way(hand_head(alpha, other=CURVE @ TURN), A, B)
    assert turned.alpha == pytest.approx(alpha, abs=0.01)
    assert turned.cosines.min() < 0.9


def test_a_product_is_an_interaction():
    signs = RNG.choice([-1.0, 1.0], (10, 10, 16))
    out = signs[A, B] + 0.05 * RNG.standard_normal((3000, 16))
    found = two_way(out, A, B)
    assert found.additive < 0.3
    assert found.interaction > 0.7
    assert abs(found.parallel) < 0.2
    assert found.similarity > 0.5  # under free rotation ten points in 16 dimensions are alike whatever they are


def test_shuffled_digits_explain_what_parameters_explain():
    found = shuffled(hand_head(0.5), A, B, draws=5)
    assert np.mean([each.additive for each in found]) == pytest.approx(18 / 2999, abs=0.002)
    assert np.mean([each.cell for each in found]) == pytest.approx(99 / 2999, abs=0.004)


def test_additive_fit_by_hand():
    out = np.array([[0.0], [1], [2], [5]])
    found = two_way(out, np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1]))
    assert found.cell == pytest.approx(1)
    assert found.additive == pytest.approx(1 - 1 / 14)  # interaction (0 - 1 - 2 + 5) / 4 = 0.5, four cells; total 14
    assert found.alpha == pytest.approx(1 / (1 + np.sqrt((2**2) / (3**2))))  # row means 0.5, 3.5; column means 1, 3
    assert np.isnan(found.similarity)


@pytest.mark.parametrize("name", FAMILIES)
def test_the_head_is_what_it_writes(name):
    model, prompts = family(name).bridge, random_prompts(60)
    prompts.variables["a"] = prompts.tokens[:, 1] % 3
    prompts.variables["b"] = prompts.tokens[:, 3] % 3
    found, null, attention = head_two_way(model, prompts, 1, 2, ("a", "b"), "eq", draws=2)
    z = run(model, prompts, reads=[Site("z", 1, 2)])[Site("z", 1, 2)][:, -1].double().numpy()
    same = two_way(z @ model.W_O[1][2].detach().double().numpy(), prompts.variables["a"], prompts.variables["b"])
    assert found.additive == pytest.approx(same.additive, rel=1e-6)
    assert len(null) == 2
    assert sum(attention.values()) == pytest.approx(1, abs=1e-5)
    assert list(attention) == list(prompts.roles)


def test_bad_input():
    with pytest.raises(InterpError, match="to vary"):
        two_way(np.ones((4, 2)), np.arange(4), np.arange(4))
    with pytest.raises(InterpError, match="to vary"):
        two_way(RNG.standard_normal((4, 2)), np.zeros(4, int), np.arange(4))
    with pytest.raises(InterpError, match="no z"):
        head_two_way(family("gpt2").bridge, random_prompts(4), 0, 0, ("a", "z"))
