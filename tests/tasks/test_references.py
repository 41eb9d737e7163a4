"""Prompts that means may be taken over: other operators, and operands without the task's filter."""

from __future__ import annotations

import numpy as np
import pytest

from interp.errors import InterpError
from interp.tasks import STYLES, Task, build, get_task, other_operators, splits, unfiltered
from tests.tokenizers import MULTI_DIGIT, tokenizer

DROPPED = tokenizer("dropped")


def test_other_operators() -> None:
    assert other_operators(get_task("a+b-c")) == get_task("a-b+c")
    assert other_operators(get_task("a-b")) == get_task("a+b")
    assert other_operators(get_task("a-b-c").within(0, 9)) == get_task("a+b+c").within(0, 9)
    own = Task("double", "2*a+b", (("a", 0, 49), ("b", 0, 49)), (("plain", "2*{a}[op1:+]{b}[eq:=]", ""),))
    with pytest.raises(InterpError, match="wordings of its own"):
        other_operators(own)


def test_by_hand() -> None:
    """All nine pairs of 0..2, also those with a < b, which a - b leaves out."""
    prompts = unfiltered(get_task("a-b").within(0, 2), DROPPED, split="all")
    assert prompts.texts == ("0-0=", "0-1=", "0-2=", "1-0=", "1-1=", "1-2=", "2-0=", "2-1=", "2-2=")
    assert prompts.variables["b"].tolist() == [0, 1, 2] * 3
    assert set(prompts.variables) == {"a", "b"}
    assert (prompts.population, prompts.split) == (9, "all, unfiltered")
    assert set(prompts.answer_ids) == {-1}
    assert set(prompts.answers) == {""}


@pytest.mark.parametrize("kind", MULTI_DIGIT)
@pytest.mark.parametrize("style", STYLES)
def test_the_tokens_are_those_of_the_task_where_both_exist(kind: str, style: str) -> None:
    task = get_task("a-b").within(0, 7)
    whole, every = build(task, tokenizer(kind), style, "all"), unfiltered(task, tokenizer(kind), style, "all")
    assert every.roles == whole.roles
    rows = every.variables["a"] >= every.variables["b"]
    np.testing.assert_array_equal(every.tokens[rows], whole.tokens)
    assert np.array(every.texts)[rows].tolist() == list(whole.texts)


def test_held_out_operands_stay_out_and_the_operands_are_independent() -> None:
    task = get_task("a-b")
    prompts = unfiltered(task, DROPPED)
    pairs = np.stack([prompts.variables["a"], prompts.variables["b"]], axis=1)
    assert splits.in_split(pairs, "train").all()
    held_out = {tuple(sorted(row)) for split in ("selection", "test") for row in task.space(split).tolist()}
    assert not held_out & {tuple(sorted(row)) for row in pairs.tolist()}
    assert len(pairs) == splits.in_split(task.combinations(), "train").sum()
    assert abs(np.corrcoef(pairs.T)[0, 1]) < 0.03, "7,900 pairs: 2.7 standard errors"
    assert np.corrcoef(task.space("train").T)[0, 1] > 0.4
    assert prompts.population == 0


def test_a_sample_is_drawn_by_the_seed_without_replacement() -> None:
    task = get_task("a-b-c").within(0, 9)
    first, again, other = (unfiltered(task, DROPPED, "verbal", n=200, seed=seed) for seed in (1, 1, 2))
    assert first.texts == again.texts != other.texts
    assert len(set(first.texts)) == 200
    assert (task.steps(np.stack([first.variables[o] for o in "abc"], axis=1))["result"] < 0).any()
    with pytest.raises(InterpError, match="use at least 1"):
        unfiltered(task, DROPPED, n=0)
    with pytest.raises(InterpError, match="unknown split"):
        unfiltered(task, DROPPED, split="tran")


def test_prompts_know_how_many_there_are() -> None:
    task = get_task("a-b").within(0, 9)
    whole = build(task, DROPPED, split="all")
    assert whole.population == len(whole) == 55
    assert whole[:5].population == whole.sample(7).population == 55, "a share of it knows the whole"
    assert build(task, DROPPED, split="all", n=9).population == 55
    assert build(task, DROPPED, split="train").population == 0
