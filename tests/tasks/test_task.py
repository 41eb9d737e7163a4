"""Tasks: their spaces against a count in plain Python, their causal variables by hand, and tasks of one's own."""

from __future__ import annotations

import itertools
import re
import subprocess
import sys

import numpy as np
import pytest

from interp.errors import InterpError
from interp.tasks import BUILT_IN, TASKS, Task, get_task, named_task, register, splits

# the value and the intermediate of each task, without the code under test
BY_HAND = {
    "a+b": (2, 99, lambda a, b: (a + b,)),
    "a-b": (2, 99, lambda a, b: (a - b,)),
    "a+b+c": (3, 49, lambda a, b, c: (a + b, a + b + c)),
    "a+b-c": (3, 49, lambda a, b, c: (a + b, a + b - c)),
    "a-b+c": (3, 49, lambda a, b, c: (a - b, a - b + c)),
    "a-b-c": (3, 49, lambda a, b, c: (a - b, a - b - c)),
}
COUNTS = {"a+b": 10000, "a-b": 5050, "a+b+c": 125000, "a+b-c": 104175, "a-b+c": 63750, "a-b-c": 22100}
AB = (("a", 0, 9), ("b", 0, 9))


@pytest.fixture
def registry(monkeypatch):
    """The registered tasks, put back after the test."""
    monkeypatch.setattr("interp.tasks.task.TASKS", registered := dict(TASKS))
    return registered


@pytest.mark.parametrize("name", BY_HAND)
def test_the_space_is_every_tuple_without_a_negative_step(name):
    size, high, values = BY_HAND[name]
    expected, steps = [], []
    for row in itertools.product(range(high + 1), repeat=size):
        found = values(*row)
        if min(found) >= 0:
            expected.append(row)
            steps.append(found)
    task = get_task(name)
    space = task.space()
    assert len(space) == len(expected) == COUNTS[name]
    assert np.array_equal(space, np.array(expected))
    assert list(task.steps(space)) == ["partial", "result"][-len(steps[0]) :]
    assert np.array_equal(np.stack(list(task.steps(space).values()), axis=1), np.array(steps))
    assert not space.flags.writeable


def test_the_six_tasks():
    assert [task.name for task in BUILT_IN] == list(BY_HAND)
    assert all(get_task(task.name) is task for task in BUILT_IN)
    assert get_task("a+b-c").operators == ("+", "-")
    assert get_task("a+b-c").operands == ("a", "b", "c")
    assert get_task("a-b").styles == ("plain", "verbal", "question", "instruction", "word_problem", "python")


VARIABLES = {
    ("a+b", (57, 68)): {
        "a": 57, "a0": 7, "a1": 5, "b": 68, "b0": 8, "b1": 6, "result": 125, "result0": 5, "result1": 2, "result2": 1,
        "result_column0": 15, "result_column1": 11, "result_carry0": 1, "result_carry1": 1, "result_carries": 2,
        "result_chain": 2,
    },
    ("a-b", (52, 18)): {
        "a": 52, "a0": 2, "a1": 5, "b": 18, "b0": 8, "b1": 1, "result": 34, "result0": 4, "result1": 3,
        "result_column0": -6, "result_column1": 4, "result_borrow0": 1, "result_borrow1": 0, "result_borrows": 1,
        "result_chain": 1,
    },
    ("a+b-c", (38, 45, 49)): {
        "a": 38, "a0": 8, "a1": 3, "b": 45, "b0": 5, "b1": 4, "c": 49, "c0": 9, "c1": 4,
        "partial": 83, "partial0": 3, "partial1": 8, "partial_column0": 13, "partial_column1": 7,
        "partial_carry0": 1, "partial_carry1": 0, "partial_carries": 1, "partial_chain": 1,
        "result": 34, "result0": 4, "result1": 3, "result_column0": -6, "result_column1": 4,
        "result_borrow0": 1, "result_borrow1": 0, "result_borrows": 1, "result_chain": 1,
    },
}  # fmt: skip


@pytest.mark.parametrize(("name", "row"), VARIABLES, ids=str)
def test_causal_variables_by_hand(name, row):
    table = get_task(name).variables(np.array([row]))
    assert {variable: int(column[0]) for variable, column in table.items()} == VARIABLES[name, row]
    assert {column.dtype for column in table.values()} == {np.dtype(np.int64)}


@pytest.mark.parametrize("task", BUILT_IN, ids=lambda task: task.name)
def test_causal_variables_rebuild_the_numbers_they_are_made_of(task):
    space = task.space("selection")
    table = task.variables(space)
    for name in (*task.operands, *task.steps(space)):
        columns = [v for variable, v in table.items() if re.fullmatch(name + r"\d", variable)]
        assert np.array_equal(sum(digit * 10**i for i, digit in enumerate(columns)), table[name])
    assert all(np.ptp(table[f"{step}0"]) == 9 for step in task.steps(space))  # no digit too many, none too few
    assert all(np.ptp(table[max(v for v in table if re.fullmatch(step + r"\d", v))]) > 0 for step in task.steps(space))


def test_variables_do_not_depend_on_the_prompts_at_hand():
    """Two samples of one task have the same variables, also where the largest product is rare."""
    task = Task("product", "a*b-c", (("a", 0, 20), ("b", 0, 20), ("c", 0, 3)), (("plain", "{a}*{b}-{c}=", ""),))
    few, many = task.variables(task.space()[:1]), task.variables(task.space())
    assert list(few) == list(many)
    assert {"result2", "partial2", "result_borrow2"} <= set(few)
    assert many["result_borrow1"].sum() == sum(  # 400 and 300 need a borrow beyond the width of any operand
        (a * b) % 100 < c for a, b, c in task.space().tolist()
    )


def test_columns_wide_enough_for_running_sums():
    """A borrow beyond the width of the operands is seen: 100 - 1 borrows twice."""
    table = get_task("a+b-c").within(0, 99).variables(np.array([[50, 50, 1]]))
    assert [int(table[f"result_borrow{i}"][0]) for i in range(3)] == [1, 1, 0]


def test_check_names_the_first_bad_operand():
    task = get_task("a-b")
    task.check(np.array([[5, 5], [99, 0]]))
    with pytest.raises(InterpError, match=r"operand a = 100 is out of range; use 0\.\.99"):
        task.check(np.array([[5, 5], [100, 7]]))
    with pytest.raises(InterpError, match=r"result is negative .* operands \(3, 4\); every step must be >= 0"):
        task.check(np.array([[5, 5], [3, 4]]))
    with pytest.raises(InterpError, match=r"partial is negative"):
        get_task("a-b+c").check(np.array([[3, 4, 5]]))


def test_ranges_by_name():
    task = named_task("a+b@10..49")
    assert (task.name, task.ranges) == ("a+b@10..49", (("a", 10, 49), ("b", 10, 49)))
    assert task.within(0, 5).name == "a+b@0..5"
    whole = get_task("a+b").space("test")
    inside = ((whole >= 10) & (whole <= 49)).all(axis=1)
    assert np.array_equal(task.space("test"), whole[inside])
    for text, why in (
        ("a+b@10-49", "cannot be read; write e.g. a"),
        ("a+b@", "cannot be read"),
        ("a+b@49..10", "need integers 0 <= low <= high"),
        ("a+b@0..70000", "need integers"),
        ("a++b@0..9", "unknown task 'a++b'"),
    ):
        with pytest.raises(InterpError, match=re.escape(why)):
            named_task(text)
    with pytest.raises(InterpError, match=r"unknown task 'a\+b\+d'\. Did you mean a\+b"):
        get_task("a+b+d")


def test_a_task_of_ones_own(registry):
    task = register(Task("double", "2*a+b", AB, (("plain", "2*{a}[op1:+]{b}[eq:=]", ""), ("words", "{a} {b}", " "))))
    assert registry["double"] is task is get_task("double") is register(task)
    assert task.styles == ("plain", "words")
    assert len(task.space()) == 100
    assert task.steps(np.array([[3, 4]]))["result"].tolist() == [10]
    with pytest.raises(InterpError, match=r"has no style 'verbal'\. Choose one of: plain, words"):
        task.template("verbal")
    with pytest.raises(InterpError, match="a task named 'double' exists and is different"):
        register(Task("double", "a+b", AB))
    assert "double" not in TASKS


def test_longer_chains_take_the_built_in_styles():
    task = Task("four", "a+b-c+d", tuple((name, 0, 5) for name in "abcd"))
    text, _ = task.template("python").fill({"a": 1, "b": 2, "c": 3, "d": 4})
    assert text == "x = 1\ny = 2\nz = 3\nu = 4\nprint(x + y - z + u) #"
    assert list(task.steps(task.space())) == ["partial1", "partial2", "result"]


def test_lists_are_welcome():
    task = Task("mine", "a+b", [["a", 0, 3], ["b", 0, 3]])  # type: ignore[arg-type]
    assert len(task.space()) == 16


PLAIN = (("plain", "{a}[op1:+]{b}[eq:=]", ""),)


@pytest.mark.parametrize(
    ("expression", "ranges", "wordings", "why"),
    [
        ("a+b", (("a", 0, 9),), (), "ranges for a, but the expression 'a+b' has operands a, b"),
        ("a+b", (*AB, ("c", 0, 9)), (), "ranges for a, b, c"),
        ("a+b", (("a", 0, 9), ("a", 0, 9)), (), "ranges for a, a"),
        ("a+b", (("a", 9, 0), ("b", 0, 9)), (), "range 9..0 of a"),
        ("a+b", (("a", -1, 9), ("b", 0, 9)), (), "range -1..9 of a"),
        ("a+b", (("a", 0, 65536), ("b", 0, 9)), (), "high <= 65535"),
        ("a+b", (("a", 0, 1.5), ("b", 0, 9)), (), "need integers"),
        ("a*b*a*b", (("a", 65000, 65001), ("b", 65000, 65001)), PLAIN, "can pass 2^62"),
        ("a*b", AB, (), "have no words for *"),
        ("b-a", AB, (), "word a chain of + and - such as a+b-c, not 'b-a'"),
        ("a-(a+b)", AB, (), "word a chain"),
        ("a+5", (("a", 0, 9),), (), "word a chain"),
        ("a+b", AB, (("plain", "{a}=", ""),), "operand b is not in both"),
        ("a+b", AB, (("plain", "{a}{b}{z}=", ""),), "operand z is not in both"),
        ("a+b", AB, (*PLAIN, *PLAIN), "style 'plain' is worded twice"),
        ("a+b", AB, (("plain", "{a}+{b}=", "  "),), "answer_prefix"),
    ],
)
def test_tasks_that_cannot_be_meant_are_refused(expression, ranges, wordings, why):
    with pytest.raises(InterpError, match=re.escape(why)) as caught:
        Task("mine", expression, ranges, wordings)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["", "a+b@0..9", "mine.json", "mine.jsonl"])
def test_names_that_mean_something_else_are_not_registered(registry, name):
    with pytest.raises(InterpError, match="cannot be registered"):
        register(Task(name, "a+b", AB))


def test_a_space_too_large_to_list():
    with pytest.raises(InterpError, match="more than 20,000,000 operand tuples; narrow its ranges"):
        get_task("a+b+c").within(0, 999).space("test")


def test_an_unreachable_task_is_empty():
    task = Task("never", "a-b", (("a", 0, 3), ("b", 5, 9)))
    assert task.space().shape == (0, 2)
    assert splits.in_split(task.space(), "train").shape == (0,)


def test_tasks_import_neither_torch_nor_transformers():
    code = (
        "import sys, interp.tasks; print([m for m in ('torch', 'transformers', 'interp.models') if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"
