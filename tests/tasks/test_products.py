"""Questions of multiplying models: what stands where, and what changes with a digit."""

from __future__ import annotations

import numpy as np
import pytest

from interp.errors import InterpError
from interp.tasks import multiplication as task
from interp.tasks.products import asked, changed, foretold_at, product_prompts, told

AB = task.pairs(2, 400, 0)


def test_a_question_by_hand():
    found = product_prompts(np.array([[47, 65]]), 2)  # 47 * 65 = 3055
    assert found.tokens.tolist() == [[7, 4, 10, 5, 6, 14, 14, 15, 5, 5, 0, 3]]
    assert found.roles == ("a0", "a1", "times", "b0", "b1", "eos1", "eos2", "#", "c0", "c1", "c2", "c3")
    values = {name: int(column[0]) for name, column in found.variables.items()}
    assert {name: values[name] for name in ("a0", "b1", "c1", "running1", "carry1")} == {
        "a0": 7, "b1": 6, "c1": 5, "running1": 4 * 5 + 7 * 6 + 3, "carry1": 6,
    }  # fmt: skip
    whole = task.sequences(AB, 2)
    short, _ = task.shortened(whole, 2, np.full(len(AB), task.n_steps(2)))
    np.testing.assert_array_equal(product_prompts(AB, 2).tokens, short[:, :-1])


def test_a_digit_is_asked_where_it_is_foretold():
    prompts = product_prompts(AB, 2)
    for k in range(4):
        here = asked(prompts, k)
        assert here.roles[-1] == foretold_at(k)
        np.testing.assert_array_equal(here.answer_ids, task.columns(AB[:, 0], AB[:, 1], 2).answer[:, k])
        assert here.tokens.shape[1] == 8 + k
    with pytest.raises(InterpError, match="from 0 to 3"):
        asked(prompts, 4)


@pytest.mark.parametrize("source", range(4))
def test_one_digit_is_another_and_nothing_else(source):
    there = changed(AB, 2, source, np.random.default_rng(0))
    digits = [np.concatenate([task.digits(x, 2) for x in ab.T], axis=1) for ab in (AB, there)]
    differ = digits[0] != digits[1]
    assert differ[:, source].all()
    assert differ.sum() == len(AB)
    assert there.min() >= 10
    counts = np.bincount(digits[1][:, source], minlength=10)
    assert (counts[0] == 0) == (source % 2 == 1)
    assert (counts[1:] > 0).all()


def test_other_answers_can_be_told():
    answer = np.tile([1, 2, 3, 4], (len(AB), 1))
    np.testing.assert_array_equal(told(AB, 2, answer)[:, 8:], answer)
    np.testing.assert_array_equal(told(AB, 2, answer)[:, :8], product_prompts(AB, 2).tokens[:, :8])
