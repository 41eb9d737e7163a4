"""Twins: what was asked to change has changed, what was asked to stay has stayed, and the rest is counted."""

from __future__ import annotations

import itertools
import re
from dataclasses import replace

import numpy as np
import pytest

from interp.errors import InterpError
from interp.tasks import BUILT_IN, RECIPES, STYLES, Task, Twins, build, get_task, named_task, splits, twins
from tests.tasks.test_numbers import written_difference, written_sum
from tests.tokenizers import MULTI_DIGIT, tokenizer

DROPPED = tokenizer("dropped")
PLACES = {
    "swap_operand": lambda task: task.operands,
    "swap_operator": lambda task: tuple(f"op{i + 1}" for i in range(len(task.operators))),
    "keep_result": lambda task: (None,),
    "flip_carry": lambda task: task.operands,
}
CASES = [(task, recipe, place) for task in BUILT_IN for recipe in RECIPES for place in PLACES[recipe](task)]
SMALL = named_task("a-b@0..12")


def operands(prompts) -> np.ndarray:
    """The operand tuples as they stand in the texts."""
    return np.array([[int(n) for n in re.findall(r"\d+", text)] for text in prompts.texts])


def written_flags(expression: str, row: list[int]) -> list[int]:
    """Every carry and borrow of a chain, worked out column by column."""
    total, flags = row[0], []
    for sign, operand in zip(re.findall("[+-]", expression), row[1:], strict=True):
        function = written_sum if sign == "+" else written_difference
        flags += function(total, operand, 3)
        total += operand if sign == "+" else -operand
    return flags


@pytest.mark.parametrize(
    ("task", "recipe", "place"), CASES, ids=[f"{task.name} {recipe} {place or ''}" for task, recipe, place in CASES]
)
def test_every_recipe_on_every_task(task, recipe, place):
    pairs = twins(task, DROPPED, "plain", "test", 60, recipe, place, seed=5)
    clean, corrupted = pairs.clean, pairs.corrupted
    assert len(pairs) == len(clean) == len(corrupted) == 60
    assert clean.roles == corrupted.roles
    assert (clean.split, corrupted.split, clean.task) == ("test", "test", task.name)
    before, after = operands(clean), operands(corrupted)
    assert splits.in_split(before, "test").all()
    assert splits.in_split(after, "test").all()
    assert len(set(map(tuple, before.tolist()))) == 60  # no prompt is used twice
    results = np.array([[eval(text[:-1]) for text in side.texts] for side in (clean, corrupted)])
    assert results.min() >= 0
    assert np.array_equal(results, [clean.variables["result"], corrupted.variables["result"]])
    assert np.array_equal(results, [clean.answer_ids, corrupted.answer_ids])
    assert (results[0] == results[1]).all() if recipe == "keep_result" else (results[0] != results[1]).all()
    for name in pairs.kept:  # a kept name is a variable, and its token stays too
        assert np.array_equal(clean.variables[name], corrupted.variables[name])
    for name in (n for n in pairs.changed if n in clean.variables):
        assert (clean.variables[name] != corrupted.variables[name]).all()
    moved = (clean.tokens != corrupted.tokens).any(axis=0)
    moved = tuple(role for role, other in zip(clean.roles, moved, strict=True) if other)
    assert moved == (task.operands if recipe == "keep_result" else (place,))
    if recipe == "swap_operator":
        assert corrupted.task == swapped(task.name, place)
        assert np.array_equal(before, after)
    if recipe == "flip_carry":
        check_one_flip(task, place, before, after)


def swapped(name: str, place: str) -> str:
    signs = [i for i, character in enumerate(name) if character in "+-"]
    i = signs[int(place[2:]) - 1]
    return name[:i] + {"+": "-", "-": "+"}[name[i]] + name[i + 1 :]


def check_one_flip(task: Task, place: str, before: np.ndarray, after: np.ndarray) -> None:
    column = task.operands.index(place)
    for old, new in zip(before.tolist(), after.tolist(), strict=True):
        flips = np.array(written_flags(task.name, old)) != np.array(written_flags(task.name, new))
        assert flips.sum() == 1
        digits = zip(f"{old[column]:03d}", f"{new[column]:03d}", strict=True)
        assert sum(one != other for one, other in digits) == 1


def test_names_of_what_changed():
    task = get_task("a+b-c")
    assert (twins(task, DROPPED, n=5).changed, twins(task, DROPPED, n=5).kept) == (("c", "result"), ("a", "b"))
    pairs = twins(task, DROPPED, n=5, recipe="swap_operator")
    assert (pairs.changed, pairs.kept) == (("op1", "result"), ("a", "b", "c"))
    pairs = twins(task, DROPPED, n=5, recipe="keep_result")
    assert (pairs.changed, pairs.kept) == (("a", "b", "c"), ("result",))
    pairs = twins(task, DROPPED, n=5, recipe="flip_carry", place="a")
    assert (pairs.changed, pairs.kept) == (("a", "carry", "result"), ("b", "c"))


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("kind", MULTI_DIGIT)
def test_twins_are_aligned_in_every_style_and_family(style, kind):
    for recipe in RECIPES:
        pairs = twins(get_task("a+b-c"), tokenizer(kind), style, n=12, recipe=recipe)
        moved = (pairs.clean.tokens != pairs.corrupted.tokens).any(axis=0)
        moved = {role for role, other in zip(pairs.clean.roles, moved, strict=True) if other}
        asked = {name for name in pairs.changed if name in pairs.clean.roles}
        assert moved == asked


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_seed_is_a_draw(recipe):
    one, again, other = (twins(get_task("a-b+c"), DROPPED, n=30, recipe=recipe, seed=seed) for seed in (1, 1, 2))
    assert (one.clean.digest, one.corrupted.digest) == (again.clean.digest, again.corrupted.digest)
    assert one.clean.digest != other.clean.digest
    fewer = twins(get_task("a-b+c"), DROPPED, n=10, recipe=recipe, seed=1)
    assert fewer.clean.digest == one.clean[:10].digest  # the first pairs of a longer draw
    assert fewer.corrupted.digest == one.corrupted[:10].digest


def has_twin(recipe: str, row: tuple[int, ...], space: list[tuple[int, ...]]) -> bool:
    """Whether a - b has a twin of `recipe` in its space, from the words of the module docstring."""
    a, b = row
    if recipe == "swap_operator":
        return a + b != a - b
    for x, y in space:
        if recipe == "swap_operand" and x == a and y != b:
            return True
        if recipe == "keep_result" and x - y == a - b and x != a and y != b:
            return True
        one_digit = sum(p != q for p, q in zip(f"{b:02d}", f"{y:02d}", strict=True)) == 1
        flips = np.array(written_difference(a, b, 2)) != np.array(written_difference(x, y, 2))
        if recipe == "flip_carry" and x == a and one_digit and flips.sum() == 1:
            return True
    return False


@pytest.mark.parametrize(("recipe", "split"), list(itertools.product(RECIPES, ("all", "train"))))
def test_every_prompt_with_a_twin_is_found_and_the_others_are_counted(recipe, split):
    space = [tuple(row) for row in SMALL.space(split).tolist()]
    expected = {row for row in space if has_twin(recipe, row, space)}
    assert len(expected) > 0
    pairs = twins(SMALL, DROPPED, split=split, recipe=recipe)
    assert {tuple(row) for row in operands(pairs.clean).tolist()} == expected
    assert pairs.dropped == len(space) - len(expected)
    order = np.random.default_rng(0).permutation(len(space))
    for n in (1, len(expected) // 2, len(expected)):  # only prompts that were tried are dropped
        some = twins(SMALL, DROPPED, split=split, n=n, recipe=recipe)
        tried = [space[i] in expected for i in order]
        last = int(np.searchsorted(np.cumsum(tried), n))
        assert len(some) == n
        assert some.dropped == last + 1 - n
    assert twins(SMALL, DROPPED, split=split, n=10**6, recipe=recipe).dropped == pairs.dropped


def test_ranges_travel_with_the_twins():
    pairs = twins(named_task("a+b-c@3..20"), DROPPED, n=20, recipe="swap_operator", place="op2", split="all")
    assert (pairs.clean.task, pairs.corrupted.task) == ("a+b-c@3..20", "a+b+c@3..20")
    assert operands(pairs.corrupted).min() >= 3


def test_tasks_of_ones_own_have_twins():
    task = Task("double", "2*a+b", (("a", 0, 20), ("b", 0, 20)), (("plain", "x {a}[op1:+]{b}[eq:=]", ""),))
    for place in ("a", "b"):
        pairs = twins(task, DROPPED, split="all", n=40, recipe="flip_carry", place=place)
        for old, new in zip(operands(pairs.clean).tolist(), operands(pairs.corrupted).tolist(), strict=True):
            flips = np.array(written_sum(2 * old[0], old[1], 3)) != np.array(written_sum(2 * new[0], new[1], 3))
            assert flips.sum() == 1
    four = Task("four", "a+b-c+d", tuple((name, 0, 5) for name in "abcd"))
    pairs = twins(four, DROPPED, "verbal", "all", 20, "swap_operator", "op3")
    assert pairs.corrupted.task == "a+b-c-d"
    single = Task("twice", "2*a", (("a", 0, 20),), (("plain", "x {a}[eq:=]", ""),))
    pairs = twins(single, DROPPED, split="all")
    assert (pairs.changed, pairs.kept, pairs.dropped) == (("a", "result"), (), 0)


def test_a_swapped_operand_moves_the_answer_also_where_many_operands_share_one():
    halves = Task("halves", "a//2", (("a", 0, 20),), (("plain", "x {a}[eq:=]", ""),))
    pairs = twins(halves, DROPPED, split="all")
    assert (operands(pairs.clean) // 2 != operands(pairs.corrupted) // 2).all()
    assert len(pairs) == 21


OWN = Task("own", "a+b", (("a", 0, 9), ("b", 0, 9)), (("plain", "{a}[op1:+]{b}[eq:=]", ""),))
PRODUCT = Task("product", "a*b", (("a", 0, 9), ("b", 0, 9)), (("plain", "{a}[op1:*]{b}[eq:=]", ""),))


@pytest.mark.parametrize(
    ("task", "recipe", "place", "n", "why"),
    [
        ("a+b", "swap_operands", None, 5, "unknown twin recipe 'swap_operands'. Did you mean swap_operand"),
        ("a+b", "swap_operand", "c", 5, "has no operand 'c'. Choose one of: a, b"),
        ("a+b", "flip_carry", "op1", 5, "has no operand 'op1'"),
        ("a+b", "swap_operator", "op2", 5, "has no operator 'op2'. Did you mean op1"),
        ("a+b", "keep_result", "a", 5, "keep_result changes every operand and has no place; leave 'a' out"),
        ("a+b", "swap_operand", None, 0, "n = 0 pairs asked for"),
        ("a+b", "swap_operand", None, -1, "n = -1 pairs asked for"),
        (OWN, "swap_operator", None, 5, "has wordings of its own, which fix the operator; use swap_operand"),
        (PRODUCT, "flip_carry", None, 5, "has no + or - and so no carry to flip"),
        ("a+b@0..2", "flip_carry", None, None, "no prompt of 'a+b@0..2' (all) has a flip_carry twin; try another"),
        ("a+b@3..3", "swap_operand", "a", None, "has a swap_operand twin at a"),
        ("a+b@0..0", "swap_operator", None, None, "has a swap_operator twin"),
        ("a+b@1..1", "keep_result", None, None, "has a keep_result twin"),
    ],
)
def test_twins_that_cannot_be_had(task, recipe, place, n, why):
    task = named_task(task) if isinstance(task, str) else task
    with pytest.raises(InterpError, match=re.escape(why)) as caught:
        twins(task, DROPPED, split="all", n=n, recipe=recipe, place=place)
    assert "\n" not in str(caught.value)


def test_sides_that_do_not_fit_are_refused():
    two, three = build(get_task("a+b"), DROPPED, n=5), build(get_task("a+b+c"), DROPPED, n=5)
    for corrupted in (two[:4], three, replace(two, roles=("bos", "b", "op1", "a", "eq"))):
        with pytest.raises(InterpError, match="twins are not aligned: 5 x 5 tokens against"):
            Twins(two, corrupted, (), ())
