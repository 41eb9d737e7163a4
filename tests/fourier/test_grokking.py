"""What the shipped trainings show, on three seeds, and that the course of a training says what its parts say."""

from __future__ import annotations

import time
from functools import cache

import numpy as np
import pytest
import xarray as xr

from interp.errors import InterpError
from interp.execute import answer, headline
from interp.fourier import progress_measures as measures
from interp.fourier.checkpoint_measures import MEASURES, Fixed, checkpoint_measures
from interp.fourier.grokking import grokking
from interp.fourier.grokking_course import courses, events
from interp.fourier.key_frequencies import key_frequencies, random_keys
from interp.fourier.phases import reached
from interp.fourier.training import Training, training_of
from interp.fourier.two_operand import two_operand
from interp.models import load
from interp.models.modular import build_model
from interp.models.modular_training import history
from interp.store import spec_from
from tests.fourier.modadd import ROOT, SEEDS, final, training


@cache
def course(name: str) -> xr.Dataset:
    return answer(spec_from({"method": "grokking", "model": name}))


@pytest.mark.parametrize("name", SEEDS)
@pytest.mark.parametrize("level", [2.0, 1.0, 0.1, 0.01])
def test_restricted_loss_falls_before_test_loss(name, level):
    result = course(name)
    steps, curves = result["step"].values, courses(result)
    restricted = {
        variant: reached(steps, result["restricted"].sel(split="test", variant=variant).values, level, "below")
        for variant in result["variant"].values.tolist()
    }
    test = reached(steps, curves["test_loss"], level, "below")
    assert test.seen
    assert restricted["sum_directions"].at < test.before  # apart by more than the distance of two checkpoints
    assert all(event.at <= test.at for event in restricted.values())


@pytest.mark.parametrize("name", SEEDS)
def test_excluded_loss_rises_while_the_circuit_forms_and_random_keys_do_not(name):
    result, happened = course(name), events(course(name))
    assert happened["memorised"].at < happened["circuit formed"].at <= happened["grokked"].at
    excluded = result["excluded"].sel(split="train")
    assert float(excluded.sel(step=happened["circuit formed"].at)) > 2 * float(excluded.min("step"))
    null = result["excluded_null"].sel(step=happened["circuit formed"].at)
    assert float(null.median()) < 0.05 < float(excluded.sel(step=happened["circuit formed"].at))


@pytest.mark.parametrize("name", SEEDS)
def test_gini_keeps_rising_after_accuracy_is_there(name):
    result = course(name)
    grokked = result["step"].values >= events(result)["grokked"].at
    for weight in ("gini W_E", "gini W_L"):
        curve = courses(result)[weight][grokked]
        assert (np.diff(curve) > 0).all()
        assert curve[-1] - curve[0] > 0.1
    # before training it is what untrained nets have
    assert float(np.abs(result["gini"].sel(step=0) - result["gini_null"].mean("untrained")).max()) < 0.02


@pytest.mark.parametrize("name", SEEDS)
def test_at_the_end_the_keys_answer_better_than_the_model(name):
    last = course(name).isel(step=-1)
    assert float(last["restricted"].sel(variant="sum_directions", split="test")) < float(last["loss"].sel(split="test"))
    without = ~np.isin(last["null_keys"].values, last.attrs["keys"]).any(1)  # random sets that hit no key
    assert without.sum() >= 5
    assert float(last["restricted_null"][without].min()) > 1
    assert float(last["single"]) > 0.8
    assert float(course(name)["single_null"].max()) == 0
    assert float(last["beyond_null"]) == 1
    assert float(course(name)["beyond_null"][0]) < 0.05  # an untrained net is not beyond untrained nets


@pytest.mark.parametrize("name", SEEDS)
def test_the_embeddings_come_to_stand_on_the_circles_of_the_keys(name):
    result = course(name)
    assert result["circle"].values.tolist() == result.attrs["keys"]
    ring, null = result["ring"], result["ring_null"]
    assert float(ring.isel(step=-1).min()) > 0.85
    assert float(null.max()) < 0.7
    assert float(ring.isel(step=0).max()) < 0.7
    formed = ring.sel(step=result["grokked_at"])
    assert float(formed.min()) > float(null.max())  # the circles stand when the answers generalise


def test_the_course_is_what_the_log_and_the_parts_say():
    result, log = course("modadd-59"), history(ROOT / "modadd-59")
    for split in ("train", "test"):
        expected = log[f"{split}_loss"].sel(step=result["step"]).values
        np.testing.assert_allclose(result["loss"].sel(split=split).values, expected, rtol=1e-4)
        accuracy = log[f"{split}_accuracy"].sel(step=result["step"]).values
        np.testing.assert_allclose(result["accuracy"].sel(split=split).values, accuracy, atol=1e-12)
    np.testing.assert_allclose(result["sum_squares"], log["sum_squared_weights"].sel(step=result["step"]), rtol=1e-6)
    assert result.attrs["keys"] == [12, 18, 20, 25]
    net, train = two_operand(final(step=1200)), training()
    one = result.sel(step=1200)
    slow = measures.over_splits(measures.restricted_loss(net.grid(), [12, 18, 20, 25], "3x3_block"), train)
    assert float(one["restricted"].sel(variant="3x3_block", split="test")) == pytest.approx(slow["test"], rel=1e-9)
    assert result["null_keys"].shape == (20, 4)
    alone = [measures.excluded_loss(net.grid(), [k])[train].mean() for k in (12, 18, 20, 25)]
    assert float(one["excluded_largest"]) == pytest.approx(max(alone), rel=1e-9)
    said = headline(result)
    assert (said["grokked_at"], said["n"], said["n_keys"]) == (1800, 1741, 4)
    assert "restricted loss is halved by step 200, test loss by step 1200" in said["finding"]


def test_a_censored_course_says_so():
    whole = training_of(load("modadd-59"))
    early = whole._replace(steps=tuple(step for step in whole.steps if step <= 500))
    result = grokking(early, rule="W_E", n_random=2, n_untrained=1)
    assert np.isnan(result["grokked_at"])
    assert float(result["event_before"].sel(event="grokked")) == 500
    assert np.isnan(result["at_grok"]).all()
    assert "test accuracy is .99 not before step 500" in headline(result)["finding"]


def test_every_measure_in_under_a_tenth_of_a_second():
    net, train = two_operand(final()), training()
    keys = key_frequencies(net).fundamental
    fixed = Fixed(keys, train, random_keys(59, len(keys), 20))
    taken = []
    for _ in range(3):
        began = time.process_time()
        found = checkpoint_measures(net, fixed)
        taken.append(time.process_time() - began)
    assert set(found) == set(MEASURES)
    assert min(taken) < 0.1


@pytest.mark.parametrize("p", [11, 12])
def test_an_untrained_net_has_no_course_to_tell(p):
    recipe = {"p": p, "d_model": 16, "n_heads": 2, "d_mlp": 24, "seed": 3}
    net = Training(
        "blank", (0, 1, 2), lambda _: build_model(recipe), lambda i: build_model(recipe | {"seed": i}), _half(p)
    )
    result = grokking(net, n_random=3, n_untrained=2)
    assert np.isnan(result["memorised_at"])
    assert float(result["loss"].max()) < 4
    with pytest.raises(InterpError, match="at least three"):
        grokking(net._replace(steps=(0, 1)))


def test_a_model_without_a_training_is_refused():
    with pytest.raises(InterpError, match="no modular-addition model with checkpoints"):
        training_of(load("planted:wait=1,transfer=1,layers=3"))


def _half(p: int) -> np.ndarray:
    return np.random.default_rng(0).random((p, p)) < 0.5
