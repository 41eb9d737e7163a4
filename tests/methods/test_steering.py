"""Steering: dose 0 is the model, dose 1 along the planted carry flips the tens, random directions do not."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from interp.engine import run
from interp.errors import InterpError
from interp.methods import metrics
from interp.methods.steering import contrast, steering
from interp.models import load
from interp.models.planted_parts import truth
from interp.tasks import build, named_task
from interp.tasks.interchange import interchanges

PLANTED = "planted:adder"


@pytest.fixture(scope="module")
def planted():
    model, task = load(PLANTED), named_task("a+b")
    vector, role, layers = truth(PLANTED, "b").carry or pytest.fail("no carry")
    pairs = interchanges(task, model.arith.tokenizer, "carry", n=60)
    prompts = build(task, model.arith.tokenizer, "plain", "train", 600, seed=2)
    carry = prompts.variables["result_carry0"]
    sides = prompts[carry == 0], prompts[carry == 1]
    return model, pairs, sides, torch.as_tensor(np.asarray(vector)).float(), role, layers.start


def test_dose_zero_is_the_model_and_the_planted_direction_flips_the_carry(planted):
    model, pairs, sides, vector, role, layer = planted
    found = contrast(model, *sides, layer, role)
    along = float(found @ vector / vector.norm())
    direction = vector / vector.norm() * along  # what the difference of means has of the planted direction
    result = steering(model, pairs, direction, layer, role, n_random=5)
    right = metrics.correct(run(model, pairs.base).logits, pairs.base).float().mean()
    assert float(result.kept.sel(dose=0)) == pytest.approx(float(right), abs=0.02)
    assert float(result.moved.sel(dose=0)) == 0
    assert float(result.follows.sel(dose=1)) > 0.95
    assert float(result.follows.sel(dose=-1)) == 0
    assert float(result.follows_null.sel(dose=1).max()) < 0.2


def test_the_dose_is_a_length(planted):
    model, pairs, _, vector, role, layer = planted
    once = steering(model, pairs, 2 * vector, layer, role, doses=(0, 1), n_random=1)
    twice = steering(model, pairs, vector, layer, role, doses=(0, 2), n_random=1)
    assert np.allclose(once.logit_diff.sel(dose=1), twice.logit_diff.sel(dose=2), atol=1e-4)


def test_what_does_not_fit_is_refused(planted):
    model, pairs, sides, vector, role, layer = planted
    with pytest.raises(InterpError, match="finite direction"):
        steering(model, pairs, vector[:3], layer, role)
    with pytest.raises(InterpError, match="doses with 0"):
        steering(model, pairs, vector, layer, role, doses=(1, 2))
    with pytest.raises(InterpError, match="both sides"):
        contrast(model, sides[0][:0], sides[1], layer, role)
    with pytest.raises(InterpError, match="the same"):
        contrast(model, sides[0], sides[0], layer, role)
