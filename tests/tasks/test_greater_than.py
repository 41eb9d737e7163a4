"""Years: what the prompts say, which splits there are, and what the corrupted twin changes."""

import numpy as np
import pytest

from interp.errors import InterpError
from interp.models.number_tokenizer import number_tokenizer
from interp.models.year_tokenizer import year_tokenizer
from interp.tasks.greater_than import NOUNS, written, year_prompts, year_space, year_twins


@pytest.fixture(scope="module")
def tokenizer():
    return year_tokenizer()


def test_a_prompt_by_hand(tokenizer):
    prompts = written(tokenizer, np.array([[0, 17, 43], [1, 11, 9]]))
    assert prompts.texts == (
        "The war lasted from the year 1743 to the year 17",
        "The siege lasted from the year 1109 to the year 11",
    )
    assert prompts.tokens[:, [7, 8, 12]].tolist() == [[17, 43, 17], [11, 9, 11]]
    assert (prompts.roles[0], prompts.roles[2], prompts.roles[7:9]) == ("bos", "noun", ("century", "yy"))
    assert prompts.position("last") == prompts.position("century2") == 12
    assert (prompts.answers, prompts.answer_ids.tolist()) == (("44", "10"), [44, 10])
    assert prompts.variables["yy"].tolist() == [43, 9]


def test_splits_are_apart_and_each_holds_every_year_and_noun():
    spaces = {split: {tuple(row) for row in year_space(split)} for split in ("train", "selection", "test")}
    assert len(set.union(*spaces.values())) == sum(map(len, spaces.values())) == len(year_space("all")) == 120 * 7 * 97
    assert len(set(NOUNS)) == 120
    for split, share in (("train", 5), ("selection", 1), ("test", 1)):
        assert len(spaces[split]) == share * 120 * 97
        assert {row[2] for row in spaces[split]} == set(range(2, 99))
        assert {row[0] for row in spaces[split]} == set(range(120))
    pairs = {split: {row[1:] for row in rows} for split, rows in spaces.items()}
    assert not pairs["train"] & pairs["test"]


def test_the_twin_says_01_and_keeps_the_rest(tokenizer):
    twins = year_twins(tokenizer, "test", 50, seed=3)
    differ = twins.clean.tokens != twins.corrupted.tokens
    assert differ.sum(axis=0).tolist() == [50 * (role == "yy") for role in twins.clean.roles]
    assert set(twins.corrupted.variables["yy"]) == {1}
    assert (twins.clean.answer_ids > twins.corrupted.answer_ids).all()


def test_prompts_are_drawn_without_replacement_and_all_of_them_are_all(tokenizer):
    some = year_prompts(tokenizer, "test", 200, seed=1)
    assert len({text for text in some.texts}) == 200
    assert not np.array_equal(some.tokens, year_prompts(tokenizer, "test", 200, seed=2).tokens)
    assert year_prompts(tokenizer, "all", 5).population == 120 * 7 * 97


def test_bad_input_is_one_line(tokenizer):
    with pytest.raises(InterpError, match="unknown split 'tets'"):
        year_prompts(tokenizer, "tets")
    with pytest.raises(InterpError) as caught:
        year_prompts(number_tokenizer(), "test", 3)
    assert "\n" not in str(caught.value)
