"""Numbers in pieces: the roles of the pieces, the tokens of the answers, one set of prompts for each way of cutting."""

from __future__ import annotations

import json

import numpy as np
import pytest

from interp.errors import InterpError
from interp.tasks import build, build_long, encode_long, get_task, read_long_prompts, rectangular
from interp.tasks.encoding import Item
from tests import tokenizers

SUM = get_task("a+b")


def told(kind: str, tokens) -> list[str]:
    return [tokenizers.tokenizer(kind).decode([t]) for t in tokens]


def test_two_digits_by_hand():
    (found,) = build_long(SUM.within(10, 19), tokenizers.tokenizer("digits"), split="all")
    assert found.roles == ("a1", "a", "op1", "b1", "b", "eq")
    assert found.texts[:2] == ("10+10=", "10+11=")
    assert told("digits", found.tokens[1]) == ["1", "0", "+", "1", "1", "="]
    assert [told("digits", answer) for answer in found.answer_tokens[:2]] == [["2", "0"], ["2", "1"]]
    assert found.variables["a"].tolist() == [10 + i // 10 for i in range(100)]
    assert (found.variables["result"] == np.array(found.answers, dtype=int)).all()
    assert (found.task, found.style, found.split) == ("a+b@10..19", "plain", "all")


def test_bos_and_the_space_before_an_answer():
    (found,) = build_long(SUM.within(10, 12), tokenizers.tokenizer("separate"), "verbal", split="all")
    assert found.roles == ("bos", "a", "op1", "w1", "b", "w2", "w3")
    assert all(text.endswith("equals ") for text in found.texts)  # a space of its own belongs to the prompt
    (fused,) = build_long(SUM.within(10, 12), tokenizers.tokenizer("fused"), "verbal", split="all")
    assert told("fused", fused.answer_tokens[0]) == [" 20"]


@pytest.mark.parametrize("kind", tokenizers.KINDS)
@pytest.mark.parametrize("style", ["plain", "question", "python"])
def test_every_kind_of_tokenizer_keeps_the_numbers(kind, style):
    top = 99 if kind == "dropped" else 699
    found = build_long(SUM.within(0, top), tokenizers.tokenizer(kind), style, n=300)
    assert sum(map(len, found)) == 300
    assert len({part.roles for part in found}) == len(found)
    for part in found:
        for i in (0, len(part) - 1):
            written = tokenizers.tokenizer(kind).decode(part.answer_tokens[i]).strip()
            assert written == part.answers[i] == str(part.variables["result"][i])
            for role in ("a", "b"):
                pieces = sorted((r for r in part.roles if r.rstrip("0123456789") == role), key=part.position)
                joined = "".join(told(kind, [part.tokens[i, part.position(r)] for r in pieces]))
                assert joined.replace(" ", "") == str(part.variables[role][i])
                assert pieces[-1] == role
                assert len(pieces) < 2 or pieces[0] == f"{role}{len(pieces) - 1}"


@pytest.mark.parametrize("kind", tokenizers.MULTI_DIGIT)
def test_whole_numbers_are_the_usual_prompts(kind):
    tokenizer = tokenizers.tokenizer(kind)
    (found,) = build_long(SUM, tokenizer, "question", n=50, seed=3)
    usual = build(SUM, tokenizer, "question", n=50, seed=3)
    assert (found.tokens == usual.tokens).all()
    assert (found.roles, found.texts, found.answers) == (usual.roles, usual.texts, usual.answers)
    assert [answer[0] for answer in found.answer_tokens] == usual.answer_ids.tolist()
    assert {name: column.tolist() for name, column in found.variables.items()} == {
        name: column.tolist() for name, column in usual.variables.items()
    }


def test_rows_and_roles():
    found = build_long(SUM, tokenizers.tokenizer("digits"), n=100)
    assert len(found) > 1
    with pytest.raises(InterpError, match=r"cut in \d ways .* e.g. a\+b@10..99"):
        rectangular(found)
    part = max(found, key=len)
    some = part[np.array([1, 0])]
    assert some.texts == (part.texts[1], part.texts[0])
    assert some.answer_tokens == (part.answer_tokens[1], part.answer_tokens[0])
    assert part.position("last") == part.position("eq") == len(part.roles) - 1
    with pytest.raises(InterpError, match="unknown role 'c'"):
        part.position("c")
    assert len(part.sample(3)) == 3


def test_single_token_methods_refuse_them():
    from interp.methods.metrics import correct
    from tests.families import torch

    (found,) = build_long(SUM.within(10, 19), tokenizers.tokenizer("digits"), n=5)
    with pytest.raises(InterpError, match="use long_answers or generate"):
        correct(torch.zeros(5, 10), found)  # type: ignore[arg-type]


def test_an_answer_may_be_unknown():
    ((_, found),) = encode_long(tokenizers.tokenizer("digits"), [Item("12+34=", {"a": (0, 2)}, "")])
    assert found.answer_tokens == ((),)
    assert found.roles == ("a1", "a", "w1", "w2", "w3", "w4")


def test_own_lines(tmp_path):
    rows = [{"prompt": f"{a}+7=", "answer": str(a + 7), "roles": {"a": [0, len(str(a))]}} for a in (5, 95, 995)]
    (tmp_path / "own.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    found = read_long_prompts(tmp_path / "own.jsonl", tokenizers.tokenizer("digits"))
    assert [part.roles[:-3] for part in found] == [("a",), ("a1", "a"), ("a2", "a1", "a")]
    assert {part.task for part in found} == {"own.jsonl"}
    assert len(read_long_prompts(tmp_path / "own.jsonl", tokenizers.tokenizer("digits"), n=2)) == 2


@pytest.mark.parametrize(
    ("item", "said"),
    [
        (Item("12+34=", {"a": (0, 2), "b": (1, 2)}, "46"), "no tokens of its own for role 'b'"),
        (Item("12+34=", {"last": (0, 2)}, "46"), "'last' cannot be given"),
        (Item("12+34= ", {"c": (6, 7)}, "46"), "no tokens of its own for role 'c'"),
    ],
)
def test_bad_questions(item, said):
    with pytest.raises(InterpError, match=said):
        encode_long(tokenizers.tokenizer("digits"), [item])


def test_an_unknown_number_is_refused():
    with pytest.raises(InterpError, match="does not know"):
        build_long(SUM.within(100, 150), tokenizers.tokenizer("dropped"), split="all")
