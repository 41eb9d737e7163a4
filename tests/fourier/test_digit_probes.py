"""Digits on planted circles are found in their base and no other; number lines and shuffles are not."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from interp.errors import InterpError
from interp.fourier.digit_circles import decode, digits, n_places, turns
from interp.fourier.digit_fit import labels, line, probe
from interp.fourier.digit_probes import digit_probes
from interp.fourier.ideal import helix
from tests.families import FAMILIES, N_LAYERS, ROLES, family, random_prompts

NUMBERS = np.tile(np.arange(100), 3)


def planted(noise=0.1, line=False, seed=0):
    """Numbers 0..99 on circles of period 10 (units) and 100 steps of tens: both digits of base 10 and nothing else."""
    units, tens = (
        np.stack([np.cos(t), np.sin(t)], 1) for t in (2 * np.pi * NUMBERS / 10, 2 * np.pi * (NUMBERS // 10) / 10)
    )
    plane = np.linalg.qr(np.random.default_rng(seed).standard_normal((12, 5)))[0]
    points = np.concatenate([units, tens, line * NUMBERS[:, None] / 50], 1) @ plane.T
    return torch.from_numpy(points + noise * np.random.default_rng(seed + 1).standard_normal(points.shape)).float()


def whole(x, bases=(7, 9, 10, 11, 12), n_shuffles=0):
    plan = labels(NUMBERS, bases, n_shuffles, 0)
    cell = probe(x, plan)
    return {base: cell.right[base].all(-1).mean(1) for base in bases}, cell


@pytest.mark.parametrize("base", [2, 3, 10, 16, 19])
def test_digits_by_hand_and_back(base):
    numbers = np.array([0, 1, 9, 10, 57, 130, 1999])
    count = n_places(1999, base)
    assert base ** (count - 1) <= 1999 < base**count
    found = digits(numbers, base, count)
    np.testing.assert_array_equal(found @ base ** np.arange(count), numbers)
    for n, row in zip(numbers, found, strict=True):
        assert list(row) == [n // base**i % base for i in range(count)]
    np.testing.assert_array_equal(decode(turns(found, base) * 3.7, base), found)
    np.testing.assert_array_equal(decode(turns(found, base) + 0.2 * np.sin(np.pi / base), base), found)


def test_planted_digits_are_read_in_their_base_alone():
    found, _ = whole(planted(line=True), n_shuffles=19)
    assert found[10][0] > 0.97
    assert max(found[base][0] for base in (7, 9, 11, 12)) < 0.5
    assert max(found[base][1:].max() for base in found) < 0.15  # numbers that have changed places


def test_one_circle_of_period_ten_is_one_digit():
    points = torch.from_numpy(helix(NUMBERS, [10], 12, noise=0.1).points)
    _, cell = whole(points)
    right = cell.right[10][0].mean(0)
    assert right[0] > 0.97
    assert right[1] < 0.3


def test_a_number_line_is_no_base_ten():
    rng = np.random.default_rng(0)
    points = torch.from_numpy(np.outer(NUMBERS / 50, rng.standard_normal(12)) + 0.02 * rng.standard_normal((300, 12)))
    found, cell = whole(points)
    assert found[10][0] < 0.2
    assert cell.rounded.mean() > 0.5
    control, _ = whole(line(NUMBERS))
    assert control[10][0] < 0.2


def test_the_fit_is_ridge_on_numbers_not_seen():
    """The slow twin: scikit-learn's ridge, fold by fold, at the penalty that was chosen; and no recitation."""
    from sklearn.linear_model import Ridge
    from sklearn.preprocessing import StandardScaler

    x, plan = planted(0.6), labels(NUMBERS, (10,), 0, 0)
    cell, best = probe(x, plan), 0
    for alpha in np.logspace(3, -5, 9):
        predicted = np.empty((300, 4))
        for k in range(5):
            train = plan.fold != k
            assert not set(NUMBERS[train]) & set(NUMBERS[~train])
            scaler = StandardScaler().fit(x[train].double().numpy())
            model = Ridge(alpha=alpha * train.sum()).fit(scaler.transform(x[train].double()), plan.circles[0, train])
            predicted[~train] = model.predict(scaler.transform(x[~train].double()))
        same = ((decode(predicted, 10) == digits(NUMBERS, 10, 2)) == cell.right[10][0]).mean()
        best = max(best, same)
    assert best > 0.97  # of 600 digits; penalties differ by column and fold
    recited = torch.eye(100)[NUMBERS]  # one-hot: every number its own direction
    assert whole(recited)[0][10][0] < 0.1


@pytest.mark.parametrize("name", FAMILIES)
def test_every_architecture(name):
    prompts = random_prompts(60)
    found = digit_probes(family(name).bridge, prompts, bases=(3, 10), n_shuffles=19)
    assert found.accuracy.dims == ("target", "base", "layer", "role")
    assert found.sizes["layer"] == N_LAYERS + 1
    assert list(found.role.values) == list(ROLES)
    assert ((found.accuracy_low <= found.accuracy) & (found.accuracy <= found.accuracy_high)).all()
    assert float(found.accuracy.sel(role="bos").max()) <= 0.2  # nothing can be read before the number
    np.testing.assert_allclose(found.right.mean("prompt"), found.accuracy.sel(base=10))
    assert np.isnan(found.digit_accuracy.sel(base=10)).any("place").all()  # base 3 has more places
    assert all(v.attrs["units"] and v.attrs["description"] for v in found.data_vars.values())


def test_batch_size_and_layers_do_not_matter():
    prompts, model = random_prompts(40), family("gpt2").bridge
    how = {"bases": (2,), "n_shuffles": 19}
    first = digit_probes(model, prompts, **how, batch_size=7)
    second = digit_probes(model, prompts, **how, layers=[1], roles=["a"])
    same = first.sel(layer=1, role="a").digit_accuracy.values.ravel()
    np.testing.assert_allclose(same, second.digit_accuracy.values.ravel())
    assert (same > 0).any()


def test_bad_input():
    model, prompts = family("gpt2").bridge, random_prompts(30)
    with pytest.raises(InterpError, match="no number 'z'"):
        digit_probes(model, prompts, targets=["z"])
    with pytest.raises(InterpError, match="at least 19"):
        digit_probes(model, prompts, n_shuffles=5)
    with pytest.raises(InterpError, match="name no numbers"):
        digit_probes(model, dataclasses.replace(prompts, variables={}))
    with pytest.raises(InterpError, match="none below 0"):
        labels(np.arange(-3, 10), (10,), 0, 0)
    with pytest.raises(InterpError, match="base >= 2"):
        n_places(9, 1)
    with pytest.raises(InterpError, match="ask for more digits"):
        digits(np.array([100]), 10, 2)
