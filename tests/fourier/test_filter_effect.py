"""Filters on models: the writes are those of plain runs, planted frequencies are needed, errors are counted by hand."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from interp.engine import Basis, Intervention, Lean, Site, Zero, run
from interp.engine.lean_parts import Norm
from interp.errors import InterpError
from interp.fourier import filters
from interp.fourier.embedding import number_ids
from interp.fourier.filter_effect import Asked, filter_effect
from interp.fourier.filter_result import structure
from interp.models import load
from interp.tasks import build, named_task
from interp.tasks.modular import modular_prompts
from tests.families import FAMILIES, family, random_prompts


def test_the_structure_of_errors_by_hand():
    error = np.array([0, 10, -50, 100, 3, np.nan])
    assert structure(error).tolist() == [0.75, 0.5, 0.25, 0.25, 0.8]
    assert np.isnan(structure(np.zeros(3))[:4]).all()
    assert structure(np.zeros(3))[4] == 1


@pytest.mark.parametrize("name", FAMILIES)
def test_filters_are_zero_writes_at_the_modules(name):
    model, prompts = family(name).bridge, random_prompts()
    prompts = type(prompts)(**{**prompts.__dict__, "answer_ids": np.arange(20, 27)})
    ids = list(range(20, 36))
    found = filter_effect(model, prompts, ids, Asked(cut=4, where="all"), keep=[2], n_random=2, batch_size=3)
    W = filters.numbers_unembedding(Lean.of(model), ids)
    for side in filters.SIDES:
        U = Basis(filters.space(W, filters.rows(16, side, 4)))
        edits = [Intervention(Site("mlp_out", layer), prompts.roles, Zero(), U) for layer in range(3)]
        logits = run(model, prompts, edits).logits.double()
        loss = -logits.log_softmax(-1)[np.arange(7), prompts.answer_ids]
        np.testing.assert_allclose(found.loss_each.sel(removed=side, module="mlp"), loss, atol=1e-4)
    assert found["rank"].values.tolist() == [6, 9]


@pytest.mark.parametrize("name", FAMILIES)
def test_the_read_unembedding_is_what_moves_the_logits(name):
    """A step along null(B F W) leaves the chosen waves of the logits as they are, where nothing is normed anew."""
    lean = Lean.of(family(name).bridge)
    ids = list(range(10))
    W = filters.numbers_unembedding(lean, ids)
    x = np.random.default_rng(0).standard_normal(32)
    norm = lean.norm_final
    centred = x - (x.mean() if norm.kind == "layer" else 0)
    gain = 1 if norm.weight is None else norm.weight.double().numpy()
    np.testing.assert_allclose(W @ x, lean.W_U.double().numpy()[:, ids].T @ (centred * gain), atol=1e-9)


@pytest.mark.parametrize("kind", ["layer", "rms"])
def test_the_gain_of_the_norm_belongs_to_what_is_read(kind):
    rng = np.random.default_rng(1)
    W_U, gain, x = (torch.tensor(rng.standard_normal(shape)) for shape in ((6, 9), (6,), (6,)))
    lean = SimpleNamespace(W_U=W_U, norm_final=Norm(kind, 0.0, gain))
    read, plain = (filters.numbers_unembedding(lean, [3, 5], name) for name in filters.READINGS)
    centred = x - (x.mean() if kind == "layer" else 0)
    scale = float(centred.square().mean().sqrt())
    np.testing.assert_allclose(read @ x.numpy() / scale, (lean.norm_final(x) @ W_U)[[3, 5]], atol=1e-9)
    np.testing.assert_array_equal(plain, W_U.T[[3, 5]])


@pytest.fixture(scope="module")
def planted():
    model = load("planted:helix")
    prompts = build(named_task("a+b"), model.arith.tokenizer, "plain", "test", 120)
    return filter_effect(model, prompts, number_ids(model.arith.tokenizer, range(200)), n_random=19)


def test_planted_periods_fail_as_they_must(planted):
    both = planted.sel(module="both")
    assert float(planted.accuracy_base) == 1
    assert float(both.accuracy.sel(removed="low")) < 0.3  # T = 200 tells the tens
    shares = both.error_share.sel(removed="low")
    assert float(shares.sel(kind="multiple of 10")) == 1  # T = 10, 5, 2 are left
    assert float(both.error_share_null.sel(removed="low", kind="multiple of 10")) < 0.3
    assert float(both.accuracy.sel(removed="high")) > 0.95  # without noise the wave of period 200 is enough alone
    assert (both.accuracy_null.sel(removed="high", control="shuffled numbers") < 0.5).all()
    # before the answer is computed attention's output is no number: nothing is lost there
    assert (planted.accuracy.sel(module="attn") == 1).all()


def test_one_planted_period_keeps_the_answer_modulo_it(planted):
    for period in (2, 5, 10):
        assert float(planted.kept_same.sel(kept=period)) > 0.9
        assert float(planted.kept_same_null.sel(kept=period)) < 0.8
    assert float(planted.kept_accuracy.sel(kept=200)) > 0.95


def test_low_frequencies_of_modadd_are_not_used():
    prompts = modular_prompts().sample(200, 0)
    found = filter_effect(load("modadd-59"), prompts, range(59), Asked(modules=("mlp",)), n_random=19)
    assert float(found.accuracy.sel(removed="low", module="mlp")) == 1  # its frequencies are 12, 18, 20, 25
    high = found.sel(removed="high", module="mlp")
    assert float(high.accuracy) < 0.3
    assert float(high.p_value.sel(control="random subspace")) <= 0.05
    assert found.attrs["cut"] == 6
    assert found["rank"].values.tolist() == [10, 48]


def test_what_makes_no_sense_is_refused():
    model, prompts = family("llama").bridge, random_prompts()
    with pytest.raises(InterpError, match="none of the 3 numbers"):
        filter_effect(model, prompts, [7, 8, 9])
    with pytest.raises(InterpError, match="expected attn, mlp, both"):
        filter_effect(model, prompts, list(range(20)), Asked(modules=("norm",)))
    with pytest.raises(InterpError, match="reading"):
        filter_effect(model, prompts, list(range(20)), Asked(reading="logits"))
    with pytest.raises(InterpError, match="vocabulary"):
        filter_effect(model, prompts, list(range(50)))
