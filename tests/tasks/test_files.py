"""Files: prompts out and in again, pairs and tasks of one's own, and the line of every mistake."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest

from interp.errors import InterpError
from interp.tasks import (
    BUILT_IN,
    STYLES,
    build,
    check_task,
    export,
    get_task,
    named_task,
    read_pairs,
    read_prompts,
    read_task,
    twins,
)
from tests.tokenizers import MULTI_DIGIT, tokenizer

DROPPED = tokenizer("dropped")


def write(path, records, name="mine.jsonl"):
    lines = [record if isinstance(record, str) else json.dumps(record) for record in records]
    (path / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path / name


def ask(a, b, **more):
    text = f"{a}+{b}="
    return {
        "prompt": text,
        "answer": str(a + b),
        "roles": {"a": [0, len(str(a))], "b": [len(str(a)) + 1, len(text) - 1]},
        **more,
    }


# --- prompts for others and back ---


@pytest.mark.parametrize("task", BUILT_IN, ids=lambda task: task.name)
@pytest.mark.parametrize("style", STYLES)
def test_exported_prompts_come_back_as_they_were(tmp_path, task, style):
    small = task.within(0, 14)
    path = write(tmp_path, export(small, style, "test"))
    before, after = build(small, DROPPED, style, "test"), read_prompts(path, DROPPED)
    assert after.digest == before.digest
    assert (after.roles, after.texts) == (before.roles, before.texts)
    for name in (*task.operands, "result"):
        assert np.array_equal(after.variables[name], before.variables[name])
        assert after.variables[name].dtype == np.int64
    assert (after.task, after.style, after.split) == ("mine.jsonl", "own", "own")


@pytest.mark.parametrize("kind", MULTI_DIGIT)
def test_the_round_trip_in_every_family(tmp_path, kind):
    small = get_task("a-b").within(0, 20)
    path = write(tmp_path, export(small, "word_problem", "all"))
    family = tokenizer(kind)
    before, after = build(small, family, "word_problem", "all"), read_prompts(path, family)
    assert (after.digest, after.roles, after.texts) == (before.digest, before.roles, before.texts)


def test_an_exported_line_by_hand():
    first = json.loads(next(export(get_task("a-b"), "verbal", "test")))
    assert first == {
        "prompt": "8 minus 5 equals",
        "answer": "3",
        "answer_prefix": " ",
        "operands": {"a": 8, "b": 5},
        "roles": {"a": [0, 1], "op1": [2, 7], "b": [8, 9]},
    }
    assert sum(1 for _ in export(get_task("a-b"), "python", "test")) == 528


# --- prompts of one's own ---


def test_own_prompts_with_words_numbers_and_blank_lines(tmp_path):
    path = write(tmp_path, [ask(12, 34), "", "  ", ask(5, 60, answer=65), ""])
    prompts = read_prompts(path, DROPPED)
    assert prompts.texts == ("12+34=", "5+60=")
    assert prompts.roles == ("bos", "a", "w1", "b", "w2")
    assert prompts.answer_ids.tolist() == [46, 65]
    assert {name: v.tolist() for name, v in prompts.variables.items()} == {
        "a": [12, 5],
        "b": [34, 60],
        "result": [46, 65],
    }


def test_roles_may_be_words_and_answers_too(tmp_path):
    record = {
        "prompt": "12 plus 34 equals",
        "answer": "minus",
        "roles": {"sign": [3, 7], "b": [8, 10]},
        "answer_prefix": " ",
    }
    prompts = read_prompts(write(tmp_path, [record]), DROPPED)
    assert prompts.roles == ("bos", "w1", "sign", "b", "w2")
    assert set(prompts.variables) == {"b"}
    assert read_prompts(write(tmp_path, [{"prompt": "12+34=", "answer": "46"}]), DROPPED).roles[1:] == (
        "w1",
        "w2",
        "w3",
        "w4",
    )


def test_windows_and_unicode_line_ends(tmp_path):
    path = tmp_path / "mine.jsonl"
    path.write_bytes(b"\xef\xbb\xbf" + (json.dumps(ask(1, 2)) + "\r\n" + json.dumps(ask(3, 4)) + "\r\n").encode())
    assert read_prompts(path, DROPPED).texts == ("1+2=", "3+4=")
    inside = json.dumps({**ask(1, 2), "note": "one\u2028line"}, ensure_ascii=False)
    with pytest.raises(InterpError, match="line 2: not JSON"):
        read_prompts(write(tmp_path, [inside, "{"]), DROPPED)


def test_one_answer_prefix_a_file(tmp_path):
    path = write(tmp_path, [ask(1, 2), ask(3, 4), ask(5, 6, answer_prefix=" ")])
    with pytest.raises(InterpError, match=r"line 3: answer_prefix must be '' or ' ', the same for all prompts"):
        read_prompts(path, DROPPED)


GOOD = ask(12, 34)
BAD_LINES = {
    "no JSON": ("{'prompt': 1}", "not JSON (Expecting property name enclosed in double quotes at column 2)"),
    "cut off": ('{"prompt": "12+34=", "ans', "not JSON"),
    "deep": ("[" * 100_000, "nested too deeply"),
    "a list": ([1, 2], "each question needs prompt, answer and roles"),
    "a number": (7, "each question needs prompt"),
    "null": ("null", "each question needs prompt"),
    "no prompt": ({"answer": "46", "roles": {}}, "each question needs prompt"),
    "no answer": ({"prompt": "12+34=", "roles": {}}, "each question needs prompt"),
    "null prompt": ({**GOOD, "prompt": None}, "each question needs prompt"),
    "empty prompt": ({**GOOD, "prompt": ""}, "each question needs prompt"),
    "empty answer": ({**GOOD, "answer": ""}, "each question needs prompt"),
    "true answer": ({**GOOD, "answer": True}, "each question needs prompt"),
    "roles a list": ({**GOOD, "roles": ["a", "b"]}, "each question needs prompt"),
    "one end": ({**GOOD, "roles": {"a": [0]}}, "role 'a' has [0]; write [start, end]"),
    "no span": ({**GOOD, "roles": {"a": 3}}, "role 'a' has 3; write [start, end]"),
    "half": ({**GOOD, "roles": {"a": [0, 1.5]}}, "role 'a' has [0, 1.5]; write [start, end]"),
    "outside": ({**GOOD, "roles": {"a": [4, 9]}}, "role 'a' spans 4..9, outside the prompt of 6 characters"),
    "backwards": ({**GOOD, "roles": {"a": [2, 0]}}, "role 'a' spans 2..0"),
    "before": ({**GOOD, "roles": {"a": [-2, 2]}}, "role 'a' spans -2..2"),
    "reserved": ({**GOOD, "roles": {"last": [5, 6]}}, "role 'last' cannot be given to a place"),
    "prefix": ({**GOOD, "answer_prefix": "  "}, "answer_prefix must be '' or ' ', not '  '"),
    "unknown word": ({**GOOD, "prompt": "12*34="}, "'12*34=' holds a word or number that the tokenizer does not know"),
    "unknown answer": ({**GOOD, "answer": "forty"}, "'forty' holds a word or number"),
    "two tokens": ({**GOOD, "answer": "4 6"}, "is 2 tokens or merges with the prompt"),
    "misaligned": ({**GOOD, "prompt": "12+34==", "answer": "46"}, "prompts are not aligned"),
    "other roles": ({**GOOD, "roles": {"a": [0, 2], "c": [3, 5]}}, "give every prompt the same roles"),
    "fewer roles": ({**GOOD, "roles": {"a": [0, 2]}}, "give every prompt the same roles"),
    "overlap": ({**GOOD, "roles": {"a": [0, 2], "b": [0, 2]}}, "no token of its own for role 'b'"),
}


@pytest.mark.parametrize("name", BAD_LINES)
def test_the_line_of_every_mistake(tmp_path, name):
    line, why = BAD_LINES[name]
    path = write(tmp_path, [GOOD, "", ask(1, 2), line, ask(3, 4)])  # the bad one is line 4
    with pytest.raises(InterpError, match=re.escape(why)) as caught:
        read_prompts(path, DROPPED)
    assert str(caught.value).startswith(f"{path}, line 4: ")
    assert "\n" not in str(caught.value)


def test_numbers_of_several_tokens_are_located(tmp_path):
    path = write(tmp_path, [ask(1, 2), ask(1234, 5), ask(3, 4)])
    with pytest.raises(InterpError, match=r"line 2: prompt '1234\+5=': operand 1234 is 2 tokens"):
        read_prompts(path, tokenizer("separate"))
    path = write(tmp_path, [ask(1, 2), ask(3, 4), ask(700, 400)])
    with pytest.raises(InterpError, match=r"line 3: answer '1100' of '700\+400=' is 2 tokens"):
        read_prompts(path, tokenizer("separate"))


def test_files_that_are_not_there_or_not_text(tmp_path):
    for function in (read_prompts, read_pairs):
        with pytest.raises(InterpError, match="no such file; give the path of a JSON or JSONL file"):
            function(tmp_path / "none.jsonl", DROPPED)
        with pytest.raises(InterpError, match="no such file"):
            function(tmp_path, DROPPED)
        (tmp_path / "empty.jsonl").write_text("\n\n")
        with pytest.raises(InterpError, match="no prompts; write one JSON object a line"):
            function(tmp_path / "empty.jsonl", DROPPED)
        (tmp_path / "binary.jsonl").write_bytes(b"\xff\xfe\x00")
        with pytest.raises(InterpError, match="it must be UTF-8 text"):
            function(tmp_path / "binary.jsonl", DROPPED)


# --- pairs of one's own ---


def test_own_pairs(tmp_path):
    records = [ask(12, 34, corrupted=ask(12, 40)), ask(5, 6, corrupted=ask(5, 60)), ask(7, 8, corrupted=ask(7, 8))]
    pairs = read_pairs(write(tmp_path, records), DROPPED)
    assert pairs.clean.texts == ("12+34=", "5+6=", "7+8=")
    assert pairs.corrupted.texts == ("12+40=", "5+60=", "7+8=")
    assert pairs.corrupted.answers == ("52", "65", "15")
    assert (pairs.changed, pairs.kept, pairs.dropped) == (("b", "result"), ("a", "w1", "w2"), 0)


def test_pairs_that_need_not_be_sums(tmp_path):
    """Arbitrary pairs: another answer word, the same operands."""
    clean = {"prompt": "12 plus 34", "answer": "equals", "roles": {"a": [0, 2], "sign": [3, 7]}, "answer_prefix": " "}
    corrupted = {
        "prompt": "12 minus 34",
        "answer": "equals",
        "roles": {"a": [0, 2], "sign": [3, 8]},
        "answer_prefix": " ",
    }
    pairs = read_pairs(write(tmp_path, [{**clean, "corrupted": corrupted}]), tokenizer("fused"))
    assert (pairs.changed, pairs.kept) == (("sign",), ("a", "w1", "result"))


def test_twins_that_were_written_down_are_twins(tmp_path):
    made = twins(get_task("a+b"), DROPPED, n=10, recipe="flip_carry")
    sides = [np.stack([s.variables["a"], s.variables["b"]], axis=1).tolist() for s in (made.clean, made.corrupted)]
    lines = [ask(*clean, corrupted=ask(*twin)) for clean, twin in zip(*sides, strict=True)]
    read = read_pairs(write(tmp_path, lines), DROPPED)
    assert np.array_equal(read.clean.tokens, made.clean.tokens)
    assert np.array_equal(read.corrupted.tokens, made.corrupted.tokens)


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (ask(3, 4), "line 4: no 'corrupted' question"),
        (ask(3, 4, corrupted={"prompt": "1+2="}), "line 4, corrupted: each question needs"),
        (ask(3, 4, corrupted=[]), "line 4, corrupted: each question needs"),
        (ask(3, 4, corrupted={**ask(1, 2), "roles": {"a": [0, 9]}}), "line 4, corrupted: role 'a' spans 0..9"),
        (ask(3, 4, corrupted={**ask(1, 2), "answer": "one"}), "line 4, corrupted: 'one' holds a word"),
        (ask(3, 4, corrupted=ask(1, 200)), "line 4, corrupted: '1+200=' holds a word or number"),
    ],
)
def test_the_line_of_every_mistaken_pair(tmp_path, line, why):
    path = write(tmp_path, ["", ask(1, 2, corrupted=ask(1, 3)), "", line])
    with pytest.raises(InterpError, match=re.escape(f"{path}, {why}")) as caught:
        read_pairs(path, DROPPED)
    assert "\n" not in str(caught.value)


def test_pairs_of_two_lengths(tmp_path):
    twin = {"prompt": "1+2+3=", "answer": "6", "roles": {"a": [0, 1], "b": [2, 3]}}
    path = write(tmp_path, ["", ask(1, 2, corrupted=twin)])
    with pytest.raises(InterpError, match="line 2: the pair is not aligned, bos a w1 b w2 against bos a w1 b w2 w3"):
        read_pairs(path, DROPPED)


# --- tasks of one's own ---

DOUBLE = {
    "name": "double",
    "expression": "2*a+b",
    "ranges": {"a": [0, 49], "b": [0, 49]},
    "templates": {"plain": "x {a}[op1:+]{b}[eq:=]", "words": "then {a} and {b} has"},
    "answer_prefix": {"plain": "", "words": " "},
}


def test_a_task_file_from_end_to_end(tmp_path):
    path = write(tmp_path, [DOUBLE], "double.json")
    task = named_task(str(path))
    assert task == read_task(path)
    assert (task.name, task.styles, len(task.space())) == ("double", ("plain", "words"), 2500)
    check_task(task, DROPPED)
    prompts = build(task, DROPPED, "words", "test", n=50)
    assert prompts.roles == ("bos", "w1", "a", "w2", "b", "w3")
    assert np.array_equal(prompts.answer_ids, 2 * prompts.variables["a"] + prompts.variables["b"])
    assert np.array_equal(prompts.variables["partial"], 2 * prompts.variables["a"])
    again = read_prompts(write(tmp_path, export(task, "words", "test")), DROPPED)
    assert build(task, DROPPED, "words", "test").digest == again.digest
    pairs = twins(task, DROPPED, n=20, recipe="swap_operand", place="a")
    assert (pairs.changed, pairs.kept) == (("a", "result"), ("b",))
    separate = build(task, tokenizer("separate"), "words", "test", n=5)
    assert separate.texts[0].endswith("has ")
    with pytest.raises(InterpError, match="needs integers up to 147 as single tokens"):
        check_task(task, tokenizer("digits"))


def test_a_task_file_without_templates_takes_the_built_in_styles(tmp_path):
    record = {"name": "small", "expression": "a - b", "ranges": {"a": [0, 9], "b": [0, 9]}}
    task = read_task(write(tmp_path, [json.dumps(record, indent=2)], "small.json"))
    assert task.styles == STYLES
    assert build(task, DROPPED, "verbal", "all", n=3).texts[0].endswith("equals")


def test_one_prefix_for_all_templates(tmp_path):
    record = {**DOUBLE, "answer_prefix": " "}
    assert {prefix for _, _, prefix in read_task(write(tmp_path, [record], "t.json")).wordings} == {" "}


@pytest.mark.parametrize(
    ("record", "why"),
    [
        ("{", "not JSON (Expecting property name enclosed in double quotes at"),
        ('{"name": "x",\n  oops}', "at line 2, column 3"),
        ([1], "no task; it needs name, expression, ranges"),
        ({"name": "x", "expression": "a+b"}, "no task; it needs name"),
        ({**DOUBLE, "template": {}}, "unknown field 'template'. Did you mean templates"),
        ({**DOUBLE, "name": 5}, "the name is 5"),
        ({**DOUBLE, "name": ""}, "the name is ''"),
        ({**DOUBLE, "expression": "2*a+"}, "expression '2*a+' cannot be read"),
        ({**DOUBLE, "expression": 5}, "the expression is 5; write e.g."),
        ({**DOUBLE, "expression": ["a"]}, "the expression is ['a']"),
        ({**DOUBLE, "ranges": {"a": [0, 9]}}, "ranges for a, but the expression '2*a+b' has operands a, b"),
        ({**DOUBLE, "ranges": {"a": [0, 9], "b": 9}}, "write {operand: [low, high]} with two integers each"),
        ({**DOUBLE, "ranges": {"a": [0, 9], "b": [0, 9.5]}}, "with two integers each"),
        ({**DOUBLE, "ranges": {"a": [0, 9], "b": [0, 9, 1]}}, "with two integers each"),
        ({**DOUBLE, "ranges": [["a", 0, 9]]}, "with two integers each"),
        ({**DOUBLE, "ranges": {"a": [9, 0], "b": [0, 9]}}, "range 9..0 of a"),
        ({**DOUBLE, "templates": {"plain": 5}}, "write {style: text}"),
        ({**DOUBLE, "templates": ["{a}{b}"]}, "write {style: text}"),
        ({**DOUBLE, "templates": {"plain": "{a}="}, "answer_prefix": ""}, "operand b is not in both"),
        ({**DOUBLE, "answer_prefix": {"plain": ""}}, "one for all templates or one for each"),
        ({**DOUBLE, "answer_prefix": 5}, "answer_prefix must be '' or ' '"),
        ({"name": "x", "expression": "a*b", "ranges": {"a": [0, 9], "b": [0, 9]}}, "have no words for *"),
    ],
)
def test_task_files_that_are_none(tmp_path, record, why):
    path = write(tmp_path, [record], "mine.json")
    with pytest.raises(InterpError, match=re.escape(why)) as caught:
        read_task(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


def test_a_task_file_that_is_not_there(tmp_path):
    with pytest.raises(InterpError, match="no such file"):
        named_task(str(tmp_path / "none.json"))
