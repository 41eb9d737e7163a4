"""Tokenizer profiles: what each family does to numbers, which tasks it can take, and the shipped tokenizer."""

from __future__ import annotations

import hashlib
import json

import numpy as np
import pytest
from transformers import PreTrainedTokenizerFast

from interp.errors import InterpError
from interp.models.number_tokenizer import number_tokenizer, words
from interp.tasks import (
    BUILT_IN,
    STYLES,
    TASKS,
    Task,
    TokenizerProfile,
    build,
    check_task,
    get_task,
    profile,
    segmentation,
    single_tokens,
)
from interp.tasks.tokens import space_of
from tests.tokenizers import GAPS, KINDS, MULTI_DIGIT, tokenizer

PROFILES = {
    "dropped": TokenizerProfile(200, 200, "dropped", True, 1000),
    "separate": TokenizerProfile(1000, 0, "separate", True, 1000),
    "bare": TokenizerProfile(1000, 0, "separate", False, 1000),
    "fused": TokenizerProfile(*GAPS, "fused", True, 1000),
    "trimmed": TokenizerProfile(*GAPS, "fused", True, 1000),
    "digits": TokenizerProfile(10, 0, "separate", False, 1000),
    "dummy": TokenizerProfile(10, 0, "separate", True, 1000),
}


@pytest.mark.parametrize("kind", KINDS)
def test_the_profile_of_each_family(kind):
    assert profile(tokenizer(kind)) == PROFILES[kind]


@pytest.mark.parametrize("kind", KINDS)
def test_a_profile_of_few_integers(kind):
    known = PROFILES[kind]
    assert profile(tokenizer(kind), 5) == (min(known.bare_below, 5), min(known.spaced_below, 5), *known[2:4], 5)


SEGMENTS = {
    "dropped": {3: ("3",), 46: ("46",), 199: ("199",), 200: ("?",)},
    "separate": {3: ("3",), 46: ("46",), 333: ("333",), 3333: ("333", "3"), 1234567: ("123", "456", "7")},
    "fused": {46: ("46",), 520: ("520",), 521: ("5", "2", "1"), 522: ("522",)},
    "digits": {3: ("3",), 46: ("4", "6"), 333: ("3", "3", "3")},
    "dummy": {3: ("3",), 46: ("4", "6")},
}


@pytest.mark.parametrize("kind", SEGMENTS)
def test_segmentation_gives_the_digits_of_each_token(kind):
    for number, pieces in SEGMENTS[kind].items():
        assert segmentation(tokenizer(kind), number) == pieces
    if kind != "fused":  # the space is no digit and changes nothing
        for number, pieces in SEGMENTS[kind].items():
            assert segmentation(tokenizer(kind), number, spaced=True) == pieces


@pytest.mark.parametrize("kind", ["fused", "trimmed"])
def test_fused_vocabularies_have_whole_numbers_above_their_gaps(kind):
    family, numbers = tokenizer(kind), np.arange(1000)
    assert np.array_equal(single_tokens(family, range(1000)), (numbers < GAPS[0]) | (numbers % 2 == 0))
    assert np.array_equal(single_tokens(family, range(1000), True), (numbers < GAPS[1]) | (numbers % 3 == 0))
    assert segmentation(family, 362) == ("362",)
    assert segmentation(family, 362, spaced=True) == ("3", "6", "2")


def test_offsets_that_hide_the_space_do_not_deceive():
    trimmed = tokenizer("trimmed")
    assert trimmed(" 46", return_offsets_mapping=True, add_special_tokens=False)["offset_mapping"] == [(1, 3)]
    assert space_of(trimmed) == "fused"


@pytest.mark.parametrize("task", BUILT_IN, ids=lambda task: task.name)
@pytest.mark.parametrize("kind", KINDS)
def test_which_tasks_each_family_takes(kind, task):
    family = tokenizer(kind)
    if kind in MULTI_DIGIT:
        check_task(task, family)
        return
    with pytest.raises(
        InterpError, match=r"needs integers up to \d+ as single tokens, but .* 10 is 2 tokens"
    ) as caught:
        check_task(task, family)
    assert "\n" not in str(caught.value)
    assert f"e.g. {task.name}@0.." in str(caught.value)
    with pytest.raises(InterpError, match="tokens"):  # nor is it let through where nobody asked first
        build(task, family, n=200)


@pytest.mark.parametrize("kind", ["digits", "dummy"])
@pytest.mark.parametrize(("name", "high"), [("a+b", 4), ("a-b", 9), ("a+b+c", 3), ("a+b-c", 4), ("a-b-c", 9)])
def test_the_range_that_the_error_advises_is_the_widest_that_works(kind, name, high):
    family, task = tokenizer(kind), get_task(name)
    with pytest.raises(InterpError, match=rf"e\.g\. {name.replace('+', '[+]')}@0\.\.{high}, or"):
        check_task(task, family)
    narrow = task.within(0, high)
    check_task(narrow, family)
    for style in STYLES:
        prompts = build(narrow, family, style, "all")
        assert len(prompts) == len(narrow.space())
        assert all(text.endswith("=" if style == "plain" else " ") for text in prompts.texts)
    with pytest.raises(InterpError, match="10 is 2 tokens"):
        check_task(task.within(0, 10), family)


def test_a_space_that_the_tokenizer_adds_is_filler():
    prompts = build(get_task("a+b").within(0, 4), tokenizer("dummy"), split="all")
    assert prompts.roles == ("bos", "w1", "a", "op1", "b", "eq")


def test_each_integer_counts_not_only_the_first_gap():
    """GPT-2 lacks 521 but has 522: what matters is which integers a task needs."""
    fused = tokenizer("fused")
    even = Task("even", "2*a", (("a", 266, 300),), (("plain", "2*{a}=", ""),))
    with pytest.raises(InterpError, match="after a space is 3 tokens"):
        check_task(even, fused)
    thirds = Task("six", "6*a", (("a", 90, 120),), (("plain", "6*{a}=", ""),))
    check_task(thirds, fused)  # 540, 546, ... 720 are whole on both sides of a space
    with pytest.raises(InterpError, match=r"581 is 3 tokens \(5[|]8[|]1\)"):
        check_task(Task("odd", "a+b", (("a", 0, 0), ("b", 580, 583))), fused)


def test_integers_above_a_thousand_are_looked_at():
    task = Task("large", "a+b", (("a", 1000, 1010), ("b", 1000, 1010)))
    check_task(task, number_tokenizer(3000))
    with pytest.raises(InterpError, match=r"1000 is 2 tokens \(100[|]0\); it has 0\.\.999: narrow the operands"):
        check_task(task, tokenizer("separate"))
    with pytest.raises(InterpError, match="1000 is unknown"):
        check_task(task, tokenizer("dropped"))


def test_a_tokenizer_without_numbers():
    with pytest.raises(InterpError, match="0 is unknown; choose another model"):
        check_task(get_task("a+b"), number_tokenizer(-1))


def test_a_task_without_a_single_question():
    with pytest.raises(InterpError, match="has no operands for which every step is >= 0"):
        check_task(Task("never", "a-b", (("a", 0, 3), ("b", 5, 9))), tokenizer("dropped"))


# --- the shipped tokenizer ---


def test_the_shipped_vocabulary_never_moves():
    """The ids are in the embeddings of mental-math."""
    vocabulary = json.dumps(sorted(number_tokenizer().get_vocab().items()))
    assert hashlib.sha256(vocabulary.encode()).hexdigest().startswith("218dabd94982672388503a811e4f34a3")
    assert len(number_tokenizer()) == 240


def test_the_shipped_vocabulary_forgets_registered_tasks(monkeypatch):
    own = Task("own", "a+b", (("a", 0, 9), ("b", 0, 9)), (("odd", "{a} avec {b}=", ""),))
    monkeypatch.setitem(TASKS, "own", own)
    assert number_tokenizer().get_vocab() == tokenizer("dropped").get_vocab()
    assert "avec" in words((own,), ("odd",))


def test_the_shipped_tokenizer_by_hand():
    family = tokenizer("dropped")
    ids = family("Start from 12, then add 34")["input_ids"]
    assert family.convert_ids_to_tokens(ids) == ["<bos>", "Start", "from", "12", ",", "then", "add", "34"]
    assert family.convert_tokens_to_ids([str(n) for n in range(200)]) == list(range(200))
    assert family("12+34=")["input_ids"] == family(" 12 +  34\n= ")["input_ids"]
    assert family.convert_ids_to_tokens(family("12 apples 200")["input_ids"]) == ["<bos>", "12", "<unk>", "<unk>"]
    own = number_tokenizer(9, ["plus"])
    assert own.convert_ids_to_tokens(range(len(own))) == [*"0123456789", "<bos>", "<eos>", "<unk>", "plus"]


def test_the_shipped_tokenizer_survives_saving(tmp_path):
    tokenizer("dropped").save_pretrained(tmp_path)
    again = PreTrainedTokenizerFast.from_pretrained(tmp_path, local_files_only=True)
    for style in STYLES:
        before, after = (build(get_task("a-b+c"), t, style, n=20) for t in (tokenizer("dropped"), again))
        assert before.digest == after.digest
        assert before.roles == after.roles
    assert profile(again) == PROFILES["dropped"]
