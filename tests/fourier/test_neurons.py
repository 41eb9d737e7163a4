"""The share of one frequency in a neuron: against F x F^T, on ideal neurons, and on nulls."""

from __future__ import annotations

import numpy as np
import pytest

from interp.errors import InterpError
from interp.fourier import neurons
from interp.fourier.basis import rows, transform_2d
from interp.fourier.ideal import abs_neuron, relu_neuron
from interp.fourier.neuron_nulls import (
    discoveries,
    empirical_p,
    untrained_shares,
    white_noise_mean,
    white_noise_p,
)
from interp.fourier.neurons import best_frequency, best_share, double, fve, with_double


def slow(x: np.ndarray) -> np.ndarray:
    """Return the same by definition: the whole 2-D transform of the centred neuron, a block at a time."""
    p = len(x)
    squares = np.square(transform_2d(x - x.mean((0, 1))))
    total = squares.sum((0, 1))
    index = [np.array([0, *rows(p, k)]) for k in range(1, p // 2 + 1)]
    return np.stack([squares[np.ix_(i, i)].sum((0, 1)) / total for i in index])


@pytest.mark.parametrize("p", [2, 3, 4, 5, 8, 11])
def test_equals_the_whole_transform(p, monkeypatch):
    monkeypatch.setattr(neurons, "CHUNK", 3)  # several chunks, the last one short
    x = np.random.default_rng(p).standard_normal((p, p, 7)) ** 3 + 100
    np.testing.assert_allclose(fve(x), slow(x), atol=1e-12)
    np.testing.assert_allclose(fve(x.astype(np.float32)), slow(x.astype(np.float32).astype(float)), atol=1e-10)


def test_by_hand_on_two_by_two():
    # x = 3 + (-1)^a + 2 (-1)^(a + b): all that varies is at the one frequency, 1
    sign = np.array([1, -1])
    x = 3 + sign[:, None] + 2 * np.outer(sign, sign)
    np.testing.assert_allclose(fve(x[..., None]), [[1.0]], atol=1e-15)


def test_by_hand_on_four_by_four():
    # energies of 2 cos(pi a / 2), (-1)^b and cos(pi a / 2) (-1)^b on the 16 pairs: 32, 16, 8; the last is in no block
    n = np.arange(4)
    wave, sign = np.cos(np.pi * n / 2), (-1.0) ** n
    x = 2 * wave[:, None] + sign[None, :] + np.outer(wave, sign)
    np.testing.assert_allclose(fve(x[..., None])[:, 0], [32 / 56, 16 / 56], atol=1e-15)


def test_ideal_neurons_are_below_one():
    p, k = 113, 14
    relu, absolute = (make(p, k, 0.3, 1.1)[..., None] for make in (relu_neuron, abs_neuron))
    assert fve(relu)[k - 1, 0] == pytest.approx(0.962, abs=0.002)
    assert fve(absolute)[k - 1, 0] == pytest.approx(0.852, abs=0.002)
    assert with_double(fve(absolute), p)[k - 1, 0] == pytest.approx(0.980, abs=0.002)
    assert best_frequency(fve(relu)).tolist() == [k]


def test_every_frequency_finds_its_neuron():
    for p in (11, 12):
        n, found = np.arange(p), []
        for k in range(1, p // 2 + 1):
            wave = np.cos(2 * np.pi * k * n / p)
            found.append(np.add.outer(wave, wave) + np.outer(wave, wave))
        explained = fve(np.stack(found, -1))
        np.testing.assert_allclose(explained, np.eye(p // 2), atol=1e-12)
        assert best_frequency(explained).tolist() == list(range(1, p // 2 + 1))


def test_doubles_are_folded():
    assert [double(k, 59) for k in (20, 12, 29, 1)] == [19, 24, 1, 2]
    assert [double(k, 8) for k in (1, 2, 3, 4)] == [2, 4, 2, 0]
    shares = np.array([[0.5], [0.2], [0.1], [0.1]])
    np.testing.assert_allclose(with_double(shares, 8)[:, 0], [0.7, 0.3, 0.3, 0.1])  # 4 has no double
    np.testing.assert_allclose(with_double(np.array([[0.5]]), 3), [[0.5]])  # 2 is 1 again: counted once


def test_constant_neurons_have_no_frequency():
    x = np.stack([np.full((5, 5), 0.1), np.zeros((5, 5)), np.arange(25.0).reshape(5, 5)], -1)
    explained = fve(x)
    assert np.isnan(explained[:, :2]).all()
    assert best_frequency(explained).tolist() == [0, 0, best_frequency(explained[:, 2:])[0]]
    assert np.isnan(best_share(explained)).tolist() == [True, True, False]


def test_integers_are_taken_and_other_things_refused():
    whole = np.random.default_rng(0).integers(0, 9, (5, 5, 2))
    np.testing.assert_allclose(fve(whole), slow(whole.astype(float)), atol=1e-12)
    bad = {
        "complex": whole * 1j,
        "nan": np.full((5, 5, 1), np.nan),
        "flat": whole.reshape(25, 2),
        "p = 1": np.ones((1, 1, 3)),
    }
    for name, x in bad.items():
        with pytest.raises(InterpError, match="finite" if name == "nan" else "expected real numbers"):
            fve(x)


def test_white_noise_follows_its_law():
    p, n = 11, 4000
    explained = fve(np.random.default_rng(0).standard_normal((p, p, n)))
    for k in (1, 5):
        assert explained[k - 1].mean() == pytest.approx(white_noise_mean(k, p), rel=0.03)
        assert 0.04 < (white_noise_p(explained[k - 1], k, p) <= 0.05).mean() < 0.06  # 3 sd of 4,000 draws: .01
    assert white_noise_mean(1, 59) == pytest.approx(0.0023, abs=1e-5)
    even = fve(np.random.default_rng(0).standard_normal((4, 4, n)))
    assert even.mean(1) == pytest.approx([8 / 15, 3 / 15], rel=0.03)
    assert 0.04 < (white_noise_p(even[1], 2, 4) <= 0.05).mean() < 0.06


def test_an_untrained_neuron_is_far_from_white():
    null = untrained_shares(59, 1000)
    assert np.median(null) == pytest.approx(0.084, abs=0.004)
    assert np.quantile(null, 0.99) == pytest.approx(0.152, abs=0.02)


def test_p_values_count_the_null_and_discoveries_hold_their_rate():
    np.testing.assert_allclose(empirical_p([3.0, 0.5, np.nan], [1.0, 2.0, 3.0]), [0.5, 1.0, 1.0])
    with pytest.raises(InterpError, match="null values"):
        empirical_p([1.0], [])
    assert discoveries([0.01, 0.04, 0.03, 0.9], 0.05).tolist() == [True, False, False, False]
    assert discoveries([0.02, 0.04, 0.03, 0.9], 0.06).tolist() == [True, True, True, False]  # step-up: .04 carries .02
    assert not discoveries([], 0.05).any()


def test_discoveries_among_noise_and_planted_neurons():
    p, rng = 23, np.random.default_rng(1)
    noise = np.maximum(rng.standard_normal((p, 1, 300)) + rng.standard_normal((1, p, 300)), 0)
    planted = np.stack([relu_neuron(p, 1 + i % 11, i, 2 * i) for i in range(60)], -1)
    shares = best_share(fve(np.concatenate([noise, planted], -1)))
    found = discoveries(empirical_p(shares, untrained_shares(p, 2000, seed=5)), 0.05)
    assert found[300:].all()
    assert found[:300].sum() <= 9  # 5 % of some 63 discoveries is 3
