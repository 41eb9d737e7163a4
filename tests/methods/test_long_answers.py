"""Answers of several tokens: a model that says fixed pairs is scored by hand; greedy text obeys its law."""

from __future__ import annotations

import copy
from functools import cache

import numpy as np
import pytest
import torch

from interp.errors import InterpError
from interp.methods.accuracy import accuracy
from interp.methods.generation import Greedy, generate
from interp.methods.long_answers import _digits, long_answers
from interp.tasks import build_long, encode_long, get_task
from interp.tasks.encoding import Item
from tests.checkpoint import random_llama
from tests.tokenizers import tokenizer


@cache
def sayer(says: str, kind: str = "digits"):
    """A model of a tokenizer in which the next token depends on the last alone: `says` "=4 46 6." means that 4 follows
    =, 6 follows 4 and a full stop 6."""
    from transformer_lens.config import TransformerBridgeConfig
    from transformer_lens.model_bridge import TransformerBridge

    made, pairs = tokenizer(kind), says.split()
    size = len(made)
    config = TransformerBridgeConfig(
        n_layers=1, d_model=size, n_ctx=12, d_head=size, n_heads=1, d_mlp=4, d_vocab=size, act_fn="relu",
        normalization_type=None, positional_embedding_type="standard", seed=0,
    )  # fmt: skip
    model = TransformerBridge.boot_native(config).eval().requires_grad_(False)
    weights = {name.replace("._original_component", ""): p for name, p in model.named_parameters()}
    ids = [[made.convert_tokens_to_ids(c) for c in pair] for pair in pairs]
    with torch.no_grad():
        for p in weights.values():
            p.zero_()
        weights["tok_embed.weight"].copy_(torch.eye(size))
        for first, then in ids:
            weights["head.weight"][then, first] = 5.0
    model.tokenizer = made
    return model


def asked(*answers: str, kind: str = "digits"):
    """One question a+b= for each answer, as one set of prompts."""
    items = [Item("1+1=", {"a": (0, 1), "b": (2, 3)}, answer) for answer in answers]
    return [found for _, found in encode_long(tokenizer(kind), items)]


def test_told_and_written_by_hand():
    """It says 4 after =, 6 after 5 and 7 after 4: 47, then a stop."""
    ds = long_answers(sayer("=4 47 56 7."), asked("47", "56", "4", "473", "46"))
    assert ds.answer.values.tolist() == ["4", "47", "56", "46", "473"]  # by length
    assert ds.written.values.tolist() == ["47", "47", "47", "47", "47"]
    assert ds.exact_teacher_forced_by_prompt.values.tolist() == [1, 1, 0, 0, 0]
    assert ds.exact_generated_by_prompt.values.tolist() == [0, 1, 0, 0, 0]
    assert ds.runs_on_by_prompt.values.tolist() == [1, 0, 0, 0, 0]
    none = -1
    assert ds.token_correct.values.tolist() == [[1, none, none], [1, 1, none], [0, 1, none], [1, 0, none], [1, 1, 0]]
    assert ds.n_tokens.values.tolist() == [5, 4, 1]
    assert ds.token_teacher_forced.values == pytest.approx([4 / 5, 3 / 4, 0])
    assert ds.token_generated.values == pytest.approx([4 / 5, 2 / 4, 0])
    assert ds.token_null.values == pytest.approx([4 / 5, 2 / 4, 1])
    assert ds.n_digits.values.tolist() == [5, 4, 1]
    # units, generated 47: of 4, 47, 56, 46, 473 -> 47 alone; tens: 47, 46 (of 473 the tens are 7)
    assert ds.digit_generated.values == pytest.approx([1 / 5, 2 / 4, 0])
    # told: units 4 and 47 and 6 of 56; tens 4 of 47, 4 of 46, 7 of 473; hundreds 4
    assert ds.digit_teacher_forced.values == pytest.approx([3 / 5, 3 / 4, 1])
    assert float(ds.null_majority) == pytest.approx(1 / 5)
    assert float(ds.null_shuffled) == pytest.approx(1 / 5)
    size, right = len(tokenizer("digits")), 5 - np.log(np.exp(5) + len(tokenizer("digits")) - 1)
    assert ds.token_logprob.values[1] == pytest.approx([right, right, np.nan], abs=1e-5, nan_ok=True)
    wrong = -np.log(np.exp(5) + size - 1)
    assert ds.answer_logprob.values[2] == pytest.approx(wrong + right, abs=1e-5)
    assert (int(ds.n), int(ds.n_cuts)) == (5, 1)


def test_digits_of_pieces_are_aligned_at_their_ends():
    made = tokenizer("separate")

    def digits(answer: str, told: str, number: str) -> list[tuple[str, str, str]]:
        tokens, forced = (made(text, add_special_tokens=False)["input_ids"] for text in (answer, told))
        return _digits(made, tuple(tokens), np.array(forced), answer, number)

    # 123|4, told 134|4, written 999
    assert digits("1234", "1344", "999") == [
        ("4", "4", "9"),
        ("3", "4", "9"),
        ("2", "3", "9"),
        ("1", "1", ""),
    ]
    assert digits("46", "123", "46") == [("6", "3", "6"), ("4", "2", "4")]
    assert digits("46", "+", "") == [("6", "+", ""), ("4", "", "")]


def test_a_number_that_goes_on_is_not_the_answer():
    ds = long_answers(sayer("=4 46 66"), asked("46", "466"))
    assert (float(ds.exact_teacher_forced), float(ds.exact_generated), float(ds.runs_on)) == (1.0, 0.0, 1.0)


def test_a_number_in_other_pieces_is_right_when_written():
    """46 is one token of this tokenizer, and the model says 4, then 6."""
    ds = long_answers(sayer("=4 46 6.", "separate"), asked("46", kind="separate"))
    assert ds.n_tokens.values.tolist() == [1]
    assert (float(ds.exact_teacher_forced), float(ds.exact_generated), float(ds.runs_on)) == (0.0, 1.0, 0.0)


def test_a_stop_token_ends_a_number():
    model = sayer("=4 46 66")
    made = tokenizer("digits")
    try:
        made.eos_token = "6"
        assert long_answers(model, asked("4")).written.values.tolist() == ["4"]
    finally:
        made.eos_token = None
    assert long_answers(model, asked("4")).written.values.tolist() == ["46"]


@pytest.fixture(scope="module")
def bridge(tmp_path_factory):
    """A random Llama of the digit tokenizer."""
    from transformer_lens.model_bridge import TransformerBridge

    directory = tmp_path_factory.mktemp("digits")
    made = copy.deepcopy(tokenizer("digits"))  # the bridge gives it a bos token
    random_llama(max(len(made), 1002)).save_pretrained(directory)
    made.save_pretrained(directory)
    model = TransformerBridge.boot_transformers(str(directory), tokenizer=made, device="cpu")
    return model.eval().requires_grad_(False)


def test_all_tokens_are_generated_exactly_when_all_are_right_told_those_before(bridge):
    """Answers that the model does give, and some with a wrong place: greedy text is its own right beginning."""
    found = build_long(get_task("a+b"), tokenizer("digits"), n=60)
    part = max(found, key=len)
    own = generate(bridge, part, Greedy(3)).tokens
    rng = np.random.default_rng(0)
    for i, row in enumerate(own):
        if i % 2:
            row[rng.integers(3)] += 1
    from dataclasses import replace

    answers = tuple(tuple(int(t) for t in row[: 1 + i % 3]) for i, row in enumerate(own))
    ds = long_answers(bridge, [replace(part, answer_tokens=answers)])
    told, wrote = ds.exact_teacher_forced_by_prompt.values, ds.exact_generated_by_prompt.values
    places = generate(bridge, part, Greedy(3)).tokens
    order = sorted(range(len(part)), key=lambda i: len(answers[i]))
    expected = [int(tuple(places[i, : len(answers[i])]) == answers[i]) for i in order]
    assert told.tolist() == expected
    assert 0 < sum(expected) < len(expected)
    assert (wrote <= told).all()


def test_the_next_token_after_a_right_beginning_is_asked_as_any_other(bridge):
    """Each answer token as a single-token question is what teacher forcing says of it."""
    (part,) = build_long(get_task("a+b").within(10, 89), tokenizer("digits"), n=40)
    ds = long_answers(bridge, [part])
    for k in range(3):
        asked = part.token(k)
        held = np.array([len(answer) > k for answer in part.answer_tokens])
        assert asked.roles == (*part.roles, "said1", "said2")[: len(part.roles) + k]
        assert asked.texts == part[held].texts
        found = accuracy(bridge, asked)
        order = {text: float(p) for text, p in zip(ds.prompt.values, ds.token_logprob.values[:, k], strict=True)}
        assert found.answer_logprob.values == pytest.approx([order[text] for text in asked.texts], abs=1e-4)
        assert (asked.variables["result"] == part.variables["result"][held]).all()
    with pytest.raises(InterpError, match="has 4 tokens"):
        part.token(3)


def test_batches_and_ways_of_cutting(bridge):
    found = build_long(get_task("a+b"), tokenizer("digits"), n=40)
    assert len(found) > 1
    one, many = (long_answers(bridge, found, batch_size=size) for size in (3, 512))
    assert one.token_logprob.values == pytest.approx(many.token_logprob.values, abs=1e-4, nan_ok=True)
    assert one.written.values.tolist() == many.written.values.tolist()
    assert (int(one.n), int(one.n_cuts)) == (40, len(found))
    assert sorted(one.answer.values.tolist()) == sorted(a for part in found for a in part.answers)


def test_each_log_probability_is_that_of_the_plain_model(bridge):
    (part,) = build_long(get_task("a+b").within(10, 49), tokenizer("digits"), n=5)
    ds = long_answers(bridge, [part])
    for i, answer in enumerate(part.answer_tokens):
        tokens = torch.tensor([[*part.tokens[i], *answer]])
        with torch.no_grad():
            logprobs = torch.log_softmax(bridge(tokens, attention_mask=torch.ones_like(tokens))[0].float(), -1)
        expected = [float(logprobs[part.tokens.shape[1] - 1 + k, token]) for k, token in enumerate(answer)]
        row = part.texts[i] == ds.prompt.values
        assert ds.token_logprob.values[row][0][: len(answer)] == pytest.approx(expected, abs=1e-4)


def test_bad_input(bridge, copier):
    with pytest.raises(InterpError, match="no prompts"):
        long_answers(bridge, [])
    with pytest.raises(InterpError, match="give each its answer"):
        long_answers(sayer("=4 46 66"), asked("46", ""))
    with pytest.raises(InterpError, match="no tokenizer"):
        long_answers(copier, asked("4"))
    with pytest.raises(InterpError, match=r"room for 12; generate at most 9"):
        long_answers(sayer("=4 46 66"), asked("123456789"))
