"""Expressions: read into steps, evaluated as Python evaluates them, bounded, refused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from interp.errors import InterpError
from interp.tasks.expression import MOST_STEPS, Step, bounds, chain, evaluate, read


def test_steps_by_hand():
    assert read("a+b-c").operands == ("a", "b", "c")
    assert read("a+b-c").steps == (Step("partial", "+", "a", "b"), Step("result", "-", "partial", "c"))
    assert read("2*a + b").steps == (Step("partial", "*", 2, "a"), Step("result", "+", "partial", "b"))
    assert read("a-(b+c)").steps == (Step("partial", "+", "b", "c"), Step("result", "-", "a", "partial"))
    assert [s.name for s in read("a+b+c+d").steps] == ["partial1", "partial2", "result"]
    assert read("b+a+b").operands == ("b", "a")


@pytest.mark.parametrize("operators", [("+",), ("-",), ("+", "-"), ("-", "+", "+")])
def test_a_chain_reads_from_left_to_right(operators):
    steps = read(chain(operators)).steps
    assert tuple(s.operator for s in steps) == operators
    assert [s.right for s in steps] == list("bcd")[: len(operators)]
    assert [s.left for s in steps[1:]] == [s.name for s in steps[:-1]]


NUMBERS = st.sampled_from(["a", "b", "c", "3", "10"])
EXPRESSIONS = st.recursive(
    NUMBERS,
    lambda inner: st.tuples(inner, st.sampled_from(["+", "-", "*", "//", "%"]), inner).map(
        lambda parts: f"({parts[0]} {parts[1]} {parts[2]})"
    ),
    max_leaves=5,
)


def exact(text: str, values: dict[str, int]) -> int | None:
    """A fully bracketed expression in Python integers; None where a step is negative or divides by zero."""
    if not text.startswith("("):
        return values[text] if text.isalpha() else int(text)
    depth = np.cumsum([(character == "(") - (character == ")") for character in text])
    middle = next(i for i, character in enumerate(text) if depth[i] == 1 and character == " ")
    operator, right = text[middle + 1 : -1].split(" ", 1)
    x, y = exact(text[1:middle], values), exact(right, values)
    if x is None or y is None or (operator in ("//", "%") and y == 0):
        return None
    result = {"+": int.__add__, "-": int.__sub__, "*": int.__mul__, "//": int.__floordiv__, "%": int.__mod__}[operator]
    return None if result(x, y) < 0 else result(x, y)


@given(EXPRESSIONS, st.lists(st.integers(0, 30), min_size=3, max_size=3), st.integers(0, 9))
def test_evaluates_as_python_does_and_stays_within_its_bounds(text, numbers, spread):
    assume(any(operand in text for operand in "abc") and "(" in text)
    expression = read(text)
    values = dict(zip("abc", numbers, strict=True))
    found = evaluate(expression, {name: np.array([values[name]]) for name in expression.operands})
    expected = exact(text, values)
    everything = [int(column[0]) for column in found.values()]
    assert (min(everything) < 0) == (expected is None)
    if expected is not None:
        assert found["result"][0] == expected
        ranges = {n: (max(values[n] - spread, 0), values[n] + spread) for n in expression.operands}
        limits = bounds(expression, ranges)
        assert all(limits[name][0] <= value[0] <= limits[name][1] for name, value in found.items())


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [("a+b", 0, 198), ("a-b", 0, 99), ("a+b-c", 0, 198), ("2*a+b", 0, 297), ("a*b", 0, 9801), ("a//b", 0, 99)],
)
def test_bounds_by_hand(text, low, high):
    expression = read(text)
    assert bounds(expression, dict.fromkeys(expression.operands, (0, 99)))["result"] == (low, high)


def test_bounds_look_at_both_ends_of_both_inputs():
    for text, a, b, expected in (
        ("a-b", (20, 99), (10, 15), (5, 89)),
        ("a-b", (0, 3), (5, 9), (0, 0)),
        ("a*b", (2, 9), (3, 5), (6, 45)),
        ("a//b", (20, 99), (2, 5), (4, 49)),
        ("a%b", (0, 5), (1, 99), (0, 5)),
        ("a%b", (0, 99), (1, 8), (0, 7)),
    ):
        assert bounds(read(text), {"a": a, "b": b})["result"] == expected


def test_bounds_are_reached():
    """Where each operand occurs once, the largest valid value is the bound itself."""
    grid = np.indices((7, 5, 4)).reshape(3, -1)
    for text in ("a+b+c", "a+b-c", "a-b+c", "a-b-c", "a*b+c", "a+b*c"):
        found = evaluate(read(text), dict(zip("abc", grid, strict=True)))
        valid = np.all([v >= 0 for v in found.values()], axis=0)
        limits = bounds(read(text), {"a": (0, 6), "b": (0, 4), "c": (0, 3)})
        assert {n: int(v[valid].max()) for n, v in found.items()} == {n: limits[n][1] for n in found}


def test_division_by_zero_is_below_every_task():
    columns = {"a": np.array([5, 5]), "b": np.array([0, 2])}
    assert evaluate(read("a//b"), columns)["result"].tolist() == [-1, 2]
    assert evaluate(read("a%b"), columns)["result"].tolist() == [-1, 1]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("a+", "cannot be read"),
        ("", "cannot be read"),
        ("a\0+b", "cannot be read"),
        (5, "cannot be read"),
        ("a", "asks nothing"),
        ("2+3", "asks nothing"),
        ("-a", "something else"),
        ("a/b", "something else"),
        ("a**b", "something else"),
        ("ab+c", "something else"),
        ("A+b", "something else"),
        ("é+b", "something else"),
        ("a+1.5", "something else"),
        ("a+True", "something else"),
        ("a+65536", "integers up to 65535"),
        ("f(a)+b", "something else"),
        ("+".join("abcdefghijkl"), f"has 11 steps; use at most {MOST_STEPS}"),
    ],
)
def test_bad_expressions_are_refused_in_one_line(text, why):
    with pytest.raises(InterpError, match=why) as caught:
        read(text)
    assert "\n" not in str(caught.value)
