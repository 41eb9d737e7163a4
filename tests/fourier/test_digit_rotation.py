"""Turning a digit of the planted helix turns the answer; random directions and the other digit do not."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from interp.engine import Intervention, Rows, Site, run
from interp.errors import InterpError
from interp.fourier.digit_planes import KINDS, disguised, fit, waves
from interp.fourier.digit_rotation import Turned, digit_rotation, steps_moved
from interp.fourier.ideal import circle, helix
from interp.models import load
from interp.tasks import build, named_task
from tests.families import FAMILIES, family, random_prompts

SETS = (("train", 800), ("selection", 40), ("test", 60))


@pytest.fixture(scope="module")
def planted():
    model, task = load("planted:helix"), named_task("a+b")
    sets = [build(task, model.arith.tokenizer, "plain", split, n, 0) for split, n in SETS]
    return digit_rotation(model, *sets, Turned("a", "a"), n_random=3)


def test_the_answer_turns_with_the_digits_of_the_planted_helix(planted):
    """Its answer is computed from circles of periods 2, 5, 10, 200: all waves of a digit, turned together, turn it."""
    found = planted.sel(kind="code").isel(steps=slice(1, None))
    assert float(found.follows.sel(rotated=0).min()) > 0.9
    assert float(found.follows.sel(rotated=1).min()) > 0.75
    assert float(found.kept.max()) < 0.1
    assert float(found.follows_null.sel(rotated=0).max()) < 0.15
    assert float(found.wrong.max()) < 0.15
    assert (found.follows_null.max("draw") < found.follows).all()


def test_one_circle_alone_contradicts_its_harmonics(planted):
    half = planted.sel(kind="circle", rotated=0, steps=5)
    assert float(half.follows) < 0.1  # periods 5 and 2 still say the old digit


def test_the_dataset_adds_up(planted):
    at = planted.steps.values
    np.testing.assert_allclose(planted.follows.values, planted.said.values[..., at, at])
    np.testing.assert_allclose(planted.kept, planted.said.sel(shift=0))
    assert (planted.said.sum("shift") <= 1 + 1e-9).all()
    moved = (planted.answered == planted.steps).mean("prompt")
    np.testing.assert_allclose(planted.follows, moved.transpose(*planted.follows.dims))
    assert (planted.kept.sel(steps=0) > 0.95).all()
    assert all(v.attrs["units"] and v.attrs["description"] for v in planted.data_vars.values())


def test_steps_moved_by_hand():
    turned = Turned("b", "b", 10, -1)  # in a - b the answer falls as b grows
    said = np.array([[50, 47, 40, 53, -1, 148]])
    found = steps_moved(said, np.full(6, 50), 2, turned)[0]
    assert found[:, 0].tolist() == [0, 3, 0, 7, -1, 2]
    assert found[:, 1].tolist() == [0, -1, 1, -1, -1, -1]


@pytest.mark.parametrize("kind", KINDS)
def test_a_turn_by_hand_on_a_planted_circle(kind):
    numbers = np.tile(np.arange(10), 20)
    made = helix(numbers, [10], 8, seed=2)
    plane = fit(kind, made.points + 1e-6 * np.random.default_rng(0).standard_normal(made.points.shape), numbers, 10)
    moved = made.points + plane.shift(made.points, numbers, 3)
    np.testing.assert_allclose(moved @ made.planes[10], circle(numbers + 3, 10), atol=1e-3)
    np.testing.assert_allclose(plane.shift(made.points, numbers, 10), 0, atol=1e-9)


def test_code_moves_from_one_mean_to_another():
    rng = np.random.default_rng(0)
    digit, means = np.tile(np.arange(10), 30), rng.standard_normal((10, 12))
    h = means[digit] + 0.1 * rng.standard_normal((300, 12))
    centres = np.stack([h[digit == d].mean(0) for d in range(10)])
    shift = fit("code", h, digit, 10).shift(h, digit, 4)
    np.testing.assert_allclose(shift, centres[(digit + 4) % 10] - centres[digit], atol=1e-9)
    assert waves(digit, 10, 9).shape == (300, 9)


def test_disguised_planes_keep_lengths():
    rng = np.random.default_rng(0)
    digit, h = np.tile(np.arange(10), 30), rng.standard_normal((300, 12))
    for kind in KINDS:
        plane = fit(kind, h, digit, 10)
        other = disguised(plane, rng)
        np.testing.assert_allclose(other.frame.T @ other.frame, plane.frame.T @ plane.frame, atol=1e-9)
        assert np.abs(other.frame - plane.frame).max() > 1e-3
        sizes = [np.linalg.norm(p.shift(h, digit, 3)) for p in (plane, other)]
        assert sizes[0] == pytest.approx(sizes[1])


def numbers_of(n: int, seed: int):
    """Random prompts of two numbers whose tokens say them: a, b in 2..11."""
    prompts = random_prompts(n, seed)
    tokens = prompts.tokens.copy()
    tokens[:, [1, 3]] = 2 + tokens[:, [1, 3]] % 10
    a, b = tokens[:, 1] - 2, tokens[:, 3] - 2
    values = {"a": a, "b": b, "result": a + b}
    return dataclasses.replace(prompts, tokens=tokens, answer_ids=a + b + 2, variables=values)


@pytest.mark.parametrize("name", FAMILIES)
def test_sweep_is_one_run_an_edit(name):
    """The slow twin: every turn is a plain run with the shifted stream written."""
    model, sets = family(name).bridge, [numbers_of(n, seed) for n, seed in ((80, 1), (9, 2), (11, 3))]
    found = digit_rotation(model, *sets, Turned("a", "a"), layers=[1], n_random=1)
    assert found.sizes["rotated"] == 1
    site, tests = Site("resid_pre", 1), sets[2]
    h, train = (run(model, p, reads=[site])[site][:, 1].double().numpy() for p in (tests, sets[0]))
    plane = fit("code", train, sets[0].variables["a"], 10)
    for steps in (0, 4):
        written = torch.as_tensor(h + plane.shift(h, tests.variables["a"], steps)).float()
        said = run(model, tests, [Intervention(site, ("a",), Rows(written[:, None]))]).logits.argmax(-1).numpy()
        numeric = np.isin(said, np.unique([p.answer_ids for p in sets[:1]] + [sets[0].tokens[:, 1]]))
        expected = np.where(numeric, (said - 2 - tests.variables["result"]) % 10, -1)
        np.testing.assert_array_equal(found.answered.sel(kind="code", rotated=0, steps=steps), expected)


def test_bad_input():
    model, sets = family("gpt2").bridge, [numbers_of(n, 1) for n in (80, 9, 11)]
    with pytest.raises(InterpError, match="no number 'z'"):
        digit_rotation(model, *sets, Turned("z", "a"))
    with pytest.raises(InterpError, match="layer below the last"):
        digit_rotation(model, *sets, Turned("a", "a"), layers=[3])
    few = sets[0][np.flatnonzero(sets[0].variables["a"] < 4)]
    with pytest.raises(InterpError, match="use more prompts or a lower place"):
        digit_rotation(model, few, *sets[1:], Turned("a", "a"))
    with pytest.raises(InterpError, match="base >= 3"):
        fit("circle", np.zeros((9, 4)), np.arange(9), 2)
