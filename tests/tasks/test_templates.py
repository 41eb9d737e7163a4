"""Wordings: places, spans, the six built-in styles word for word, and templates that are refused."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interp.errors import InterpError
from interp.tasks import STYLES
from interp.tasks.templates import Segment, arithmetic_template, check_role, parse

WORDINGS = {
    ("plain", "+"): "12+34=",
    ("plain", "-+"): "12-34+5=",
    ("verbal", "+"): "12 plus 34 equals",
    ("verbal", "-+"): "12 minus 34 plus 5 equals",
    ("question", "+"): "How much is 12 plus 34? Answer:",
    ("question", "-+"): "How much is 12 minus 34 plus 5? Answer:",
    ("instruction", "+"): "Start from 12, then add 34, and you reach",
    ("instruction", "-+"): "Start from 12, then subtract 34, then add 5, and you reach",
    ("word_problem", "+"): "Mia has 12 shells. She finds 34. Now she has",
    ("word_problem", "-+"): "Mia has 12 shells. She loses 34. She finds 5. Now she has",
    ("python", "+"): "x = 12\ny = 34\nprint(x + y) #",
    ("python", "-+"): "x = 12\ny = 34\nz = 5\nprint(x - y + z) #",
}
VALUES = {"a": 12, "b": 34, "c": 5}


@pytest.mark.parametrize(("style", "operators"), WORDINGS, ids=" ".join)
def test_the_six_styles_word_for_word(style, operators):
    template = arithmetic_template(style, tuple(operators))
    text, spans = template.fill(VALUES)
    assert text == WORDINGS[style, operators]
    assert template.answer_prefix == ("" if style == "plain" else " ")
    assert {role: text[slice(*spans[role])] for role in "abc"[: len(operators) + 1]} == {
        role: str(VALUES[role]) for role in "abc"[: len(operators) + 1]
    }
    words = {"+": ("+", "plus", "add", "finds"), "-": ("-", "minus", "subtract", "loses")}
    for i, operator in enumerate(operators):
        assert text[slice(*spans[f"op{i + 1}"])] in words[operator]
    assert text[slice(*spans.get("eq", (0, 0)))] == ("=" if style == "plain" else "")


def test_every_style_is_covered():
    assert {style for style, _ in WORDINGS} == set(STYLES)


def test_parse_by_hand():
    assert parse("2*{a}[op1:+]{b} is", " ").segments == (
        Segment(None, "2*"),
        Segment("a", None),
        Segment("op1", "+"),
        Segment("b", None),
        Segment(None, " is"),
    )
    assert parse("{b}{a}", "").operands == ("b", "a")
    assert parse("[op1:+(]{a}", "").fill({"a": 0}) == ("+(0", {"op1": (0, 2), "a": (2, 3)})


@given(st.integers(0, 10**6), st.integers(0, 10**6), st.text("xyz =+,?\n", max_size=8))
def test_spans_cut_out_what_was_filled_in(a, b, words):
    text, spans = parse("{a}" + words + "[op1:and]{b}", "").fill({"a": a, "b": b})
    assert text == f"{a}{words}and{b}"
    assert {role: text[slice(*span)] for role, span in spans.items()} == {"a": str(a), "op1": "and", "b": str(b)}


@pytest.mark.parametrize(
    ("text", "prefix", "why"),
    [
        ("how much?", "", "has no operand"),
        ("[op1:+]", "", "has no operand"),
        ("{a}+{a}", "", "uses a role twice"),
        ("{a}[op:+][op:-]", "", "uses a role twice"),
        ("{a}[op1+]{b}", "", "stray bracket"),
        ("{a}+{B}", "", "stray bracket"),
        ("{a}+{ab}", "", "stray bracket"),
        ("[{a}]", "", "stray bracket"),
        ("{a}[last:=]", "", "role 'last' cannot be given"),
        ("{a}[w2:=]", "", "role 'w2' cannot be given"),
        ("{a}=", "  ", "answer_prefix must be"),
    ],
)
def test_bad_templates_are_refused(text, prefix, why):
    with pytest.raises(InterpError, match=why):
        parse(text, prefix)


def test_reserved_roles():
    for role in ("bos", "last", "all", "answer", "result", "w1", "w20", ""):
        with pytest.raises(InterpError, match=re.escape(f"role {role!r} cannot")):
            check_role(role)
    for role in ("a", "op1", "eq", "word", "w", "boss"):
        check_role(role)


def test_an_unknown_style_is_named_with_its_nearest():
    with pytest.raises(InterpError, match=r"unknown style 'pyton'\. Did you mean python"):
        arithmetic_template("pyton", ("+",))
