"""Accuracy on a model whose answers are known."""

import dataclasses

import numpy as np
import pytest

from interp.engine import run
from interp.errors import InterpError
from interp.methods.accuracy import accuracy
from interp.methods.intervals import wilson
from tests.methods.planted import copy_prompts, sum_prompts


def test_counts_what_the_copier_gets_right(copier):
    prompts = copy_prompts(np.array([1, 2, 3, 3]), 5)
    prompts = dataclasses.replace(prompts, answer_ids=np.array([1, 2, 4, 3]), answers=("1", "2", "4", "3"))
    ds = accuracy(copier, prompts)
    assert ds.correct.values.tolist() == [1, 1, 0, 1]
    assert ds.correct.dtype == np.int8
    assert ds.predicted.values.tolist() == ["#1", "#2", "#3", "#3"]
    assert float(ds.accuracy) == 0.75
    assert (float(ds.accuracy_low), float(ds.accuracy_high)) == pytest.approx(wilson(3, 4))
    assert int(ds.n) == 4
    assert float(ds.null_majority) == 0.25
    assert float(ds.null_shuffled) == pytest.approx((1 + 1 + 2 * 1) / 16)
    logits = np.zeros(12)
    logits[1] = 1.0
    assert float(ds.answer_logprob[0]) == pytest.approx(1 - np.log(np.exp(logits).sum()), abs=1e-5)
    assert ds.prompt.values.tolist() == list(prompts.texts)


def test_names_tokens_with_the_models_own_tokenizer(llama):
    ds = accuracy(llama, sum_prompts(np.arange(10), 3))
    said = run(llama, sum_prompts(np.arange(10), 3)).logits.argmax(dim=-1)
    assert ds.predicted.values.tolist() == [f"t{i}" for i in said.tolist()]


def test_carries_what_was_run(copier):
    ds = accuracy(copier, copy_prompts(np.arange(5), 5))
    assert ds.attrs["method"] == "accuracy"
    assert {"task", "style", "split", "model", "title"} <= set(ds.attrs)
    assert all({"units", "description"} <= set(v.attrs) for v in ds.data_vars.values())


def test_batch_size_is_irrelevant(tiny):
    prompts = sum_prompts(np.arange(10), np.arange(10) // 2)
    one, many = accuracy(tiny.bridge, prompts, batch_size=3), accuracy(tiny.bridge, prompts)
    assert np.allclose(one.answer_logprob, many.answer_logprob, atol=tiny.tolerance)


def test_a_random_model_is_near_its_shuffled_null(tiny):
    a, b = map(np.ravel, np.meshgrid(np.arange(10), np.arange(10)))
    ds = accuracy(tiny.bridge, sum_prompts(a, b))
    assert ds.accuracy_low <= ds.null_shuffled <= ds.accuracy_high


def test_bad_input(copier):
    with pytest.raises(InterpError, match="no prompts"):
        accuracy(copier, copy_prompts(np.arange(3), 5)[:0])


def test_non_finite_logits_are_refused(copier, monkeypatch):
    head = next(p for name, p in copier.named_parameters() if name.startswith("head"))
    monkeypatch.setattr(head, "data", head.data * float("nan"))
    with pytest.raises(InterpError, match="non-finite logits"):
        accuracy(copier, copy_prompts(np.arange(3), 5))
