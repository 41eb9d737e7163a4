"""The planted circles compute their sum, with the algorithm, frequencies and logits that `truth` says."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from interp.errors import InterpError
from interp.fourier import grid
from interp.fourier.two_operand import two_operand
from interp.models import planted_waves
from interp.models.bridge import load
from interp.models.planted import directory
from interp.tasks import build, named_task

MODULAR = ("planted:clock", "planted:pizza", "planted:clock,p=31,keys=3,seed=4", "planted:pizza,seed=2")


@pytest.fixture(scope="module", params=MODULAR)
def planted(request):
    return request.param, two_operand(load(request.param), request.param)


def test_every_sum_is_right(planted):
    name, found = planted
    logits = found.grid()
    assert found.p == planted_waves.truth(name).p
    assert (logits.argmax(-1) == grid.on_sums(np.arange(found.p))).all()


def test_logits_are_those_of_the_formula(planted):
    name, found = planted
    known, logits = planted_waves.truth(name), found.grid()
    p = found.p
    w = 2 * np.pi / p * np.array(known.keys)
    a, b, c = np.indices((p, p, p))[:, None]
    cosines = np.cos(w[:, None, None, None] * (a + b - c))
    if known.algorithm == "pizza":
        cosines = cosines * np.abs(np.cos(w[:, None, None, None] * (a - b) / 2))
    formula = cosines.sum(0)
    explained = np.corrcoef(formula.ravel(), logits.ravel())[0, 1] ** 2
    assert explained > (0.9999 if known.algorithm == "clock" else 0.99)
    others = [k for k in range(1, p // 2 + 1) if k not in known.keys]
    assert (
        np.abs(grid.cosine_coefficients(logits)[np.array(others) - 1]).max()
        < 0.02 * grid.cosine_coefficients(logits).max()
    )


def test_only_the_pizza_cannot_tell_its_operands_apart(planted):
    """Gradients by E_a and E_b are equal in a pizza, whose attention averages; in a clock they are not."""
    name, found = planted
    rng = np.random.default_rng(0)
    x_a, x_b = (found.embed_a[rng.integers(found.p, size=400)].clone().requires_grad_() for _ in range(2))
    c = torch.from_numpy(rng.integers(found.p, size=400))
    found.logits(x_a, x_b).gather(1, c[:, None]).sum().backward()
    assert x_a.grad is not None
    assert x_b.grad is not None
    cosine = torch.nn.functional.cosine_similarity(x_a.grad, x_b.grad).mean()
    assert (float(cosine) > 0.99) == (planted_waves.truth(name).algorithm == "pizza")
    assert float(cosine) < 0.5 or planted_waves.truth(name).algorithm == "pizza"


def test_the_same_name_gives_the_same_bytes_and_another_seed_other_keys():
    kept = (directory("planted:clock") / "model.safetensors").read_bytes()
    from interp.models.planted_waves_weights import files

    assert files(planted_waves.read_waves("planted:clock"))["model.safetensors"] == kept
    assert planted_waves.truth("planted:clock").keys != planted_waves.truth("planted:clock,seed=1").keys


def test_no_axis_is_a_wave():
    """The circles are turned: no single dimension of the embedding is one frequency."""
    from interp.fourier.basis import power

    embedding = two_operand(load("planted:clock")).embed_a.numpy()
    assert power(embedding.T[..., None]).max() < 0.9


def test_helix_adds_in_text():
    model = load("planted:helix")
    prompts = build(named_task("a+b"), model.arith.tokenizer, "plain", "all", 2000)
    with torch.no_grad():
        logits = model(torch.as_tensor(prompts.tokens))[:, -1]
    assert (logits.argmax(-1).numpy() == prompts.answer_ids).all()
    assert planted_waves.truth("planted:helix").periods == (2, 5, 10, 200)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("planted:clock,p=58", "odd p"),
        ("planted:clock,p=59,p=31", "once"),
        ("planted:pizza,layers=2", "no field 'layers'"),
        ("planted:helix,p=59", "no field 'p'"),
        ("planted:clock,keys=30", "keys <= p / 2"),
        ("planted:clock,seed=x", "whole number"),
    ],
)
def test_a_bad_name_is_one_clear_error(name, words):
    with pytest.raises(InterpError, match=words):
        directory(name)
