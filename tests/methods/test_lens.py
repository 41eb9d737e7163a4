"""The lens ends in the model's own logits, and shows the copier's answer where it stands."""

import numpy as np
import pytest
import torch

from interp.engine import run
from interp.errors import InterpError
from interp.methods import metrics
from interp.methods.lens import lens, read_out
from interp.methods.nulls import shuffled_accuracy
from tests.methods.planted import copy_prompts, sum_prompts

A = np.array([1, 2, 3, 4, 6, 7, 8, 8])


def test_shows_where_the_copiers_answer_stands(copier):
    ds = lens(copier, copy_prompts(A, 5))
    assert (ds.accuracy.sel(role="a") == 1).all()
    assert ds.accuracy.sel(role="eq").values.tolist() == [0, 1, 1]
    assert (ds.accuracy.sel(role="bos") == 0).all()
    assert ds["rank"].sel(role="eq").values.tolist() == [1, 1, 1]  # all logits equal at first: nothing above
    assert ds["rank"].sel(role="b", layer=0) == 2
    height = np.array([1, 1.5, 1.5])  # block 0 lets `a` attend evenly to bos and itself: half a copy more
    expected = height - np.log(np.exp(height) + 11)
    assert ds.logprob.sel(role="a").values == pytest.approx(expected, abs=1e-5)
    assert float(ds.accuracy_null.sel(role="a", layer=0)) == pytest.approx((6 + 4) / 64)
    assert (ds.logprob_low <= ds.logprob + 1e-12).all()
    assert int(ds.n) == 8


def test_ends_in_the_models_own_logits(tiny):
    prompts = sum_prompts(np.arange(10), np.arange(10) // 3)
    ds = lens(tiny.bridge, prompts, layers=[0, 3], roles=["a", "last"])
    logits = run(tiny.bridge, prompts).logits
    own = ds.sel(layer=3, role="last")
    assert own.answer_logprob.values == pytest.approx(
        metrics.answer_logprob(logits, prompts).cpu().numpy(), abs=tiny.tolerance
    )
    assert float(own.accuracy) == metrics.correct(logits, prompts).double().mean().item()
    assert float(own["rank"]) == np.median(metrics.answer_rank(logits, prompts).cpu().numpy())
    assert float(own.accuracy_null) == pytest.approx(
        shuffled_accuracy(logits.argmax(-1).cpu().numpy(), prompts.answer_ids)
    )


def test_batch_size_is_irrelevant(tiny):
    prompts = sum_prompts(np.arange(10), 4)
    one, many = (lens(tiny.bridge, prompts, batch_size=size) for size in (3, 512))
    assert np.allclose(one.answer_logprob, many.answer_logprob, atol=tiny.tolerance)


def test_refuses_a_model_whose_output_is_not_the_lens(copier, monkeypatch):
    """Something after the unembedding (here: a cap) would make every earlier layer incomparable."""
    from interp.methods import lens as module

    monkeypatch.setattr(module, "read_out", lambda *args: torch.tanh(read_out(*args)))
    with pytest.raises(InterpError, match="does not end in this model's own logits"):
        lens(copier, copy_prompts(A, 5))


def test_bad_input(copier):
    with pytest.raises(InterpError, match="no prompts"):
        lens(copier, copy_prompts(A, 5)[:0])
    with pytest.raises(InterpError, match="unknown role 'all'"):
        lens(copier, copy_prompts(A, 5), roles=["all"])
    with pytest.raises(InterpError, match=r"layers run 0\.\.2"):
        lens(copier, copy_prompts(A, 5), layers=[-1])
