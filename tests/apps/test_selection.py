"""The address: every selection comes back from it, and nothing in it is an error."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from apps.dashboard.selection import KNOWN, Selection, parse

NAMES = st.text(st.characters(blacklist_categories=("Cs", "Cc"), blacklist_characters="<>"), min_size=1, max_size=40)
SELECTIONS = st.builds(
    Selection,
    run=st.none() | st.from_regex(r"[a-z0-9][a-z0-9_-]{0,63}", fullmatch=True),
    against=st.none() | st.from_regex(r"[a-z0-9][a-z0-9_-]{0,63}", fullmatch=True),
    view=st.none() | NAMES,
    metric=st.none() | NAMES,
    head=st.none() | st.integers(0, 999_999),
    a=st.none() | st.integers(0, 999_999),
    b=st.none() | st.integers(0, 999_999),
    period=st.none() | st.floats(0.01, 1000),
    step=st.none() | st.integers(0, 999_999),
    window=st.none() | st.from_regex(r"[0-9]{1,3}-[0-9]{1,3}", fullmatch=True),
    target=st.none() | NAMES,
    node=st.none() | NAMES,
    edges=st.none() | st.integers(0, 999_999),
    pin=st.lists(NAMES, max_size=4, unique=True).map(tuple),
    model=st.none() | NAMES,
    task=st.none() | NAMES,
    style=st.none() | NAMES,
    layer=st.none() | st.integers(0, 999_999),
    role=st.none() | NAMES,
    example=st.none() | st.integers(0, 999_999),
)


@given(SELECTIONS)
@example(Selection(period=0.010000000000000002))  # as many digits as a number may have
def test_every_selection_round_trips(selection):
    assert parse(selection.search) == (selection, [])


@given(st.text(max_size=200))
def test_no_address_is_an_error(text):
    selection, notices = parse(text)
    assert parse(selection.search)[0] == selection
    assert all(isinstance(notice, str) for notice in notices)


def test_a_plus_in_a_task_survives():
    assert Selection(task="a+b").search == "?v=1&task=a%2Bb"
    assert parse("?v=1&task=a%2Bb")[0].task == "a+b"


def test_nothing_selected_is_no_query():
    assert Selection().search == ""


@pytest.mark.parametrize(
    ("search", "said"),
    [
        ("?rum=x", "Did you mean run"),
        ("?layer=x", "not a number"),
        ("?layer=-1", "not a number"),
        ("?layer=٣", "not a number"),
        ("?run=../../etc/passwd", "not a run id"),
        ("?run=", "not a run id"),
        ("?v=2", "version"),
        ("?against=../x", "not a run id"),
        ("?period=0", "positive"),
        ("?period=nan", "positive"),
        ("?period=-3", "positive"),
        ("?step=-1", "not a number"),
        ("?model=%3Cscript%3E", "not a name"),
        ("?role=" + "x" * 300, "not a name"),
    ],
)
def test_what_was_not_understood_is_said(search, said):
    selection, notices = parse(search)
    assert selection == Selection()
    assert len(notices) == 1
    assert said in notices[0]


def test_the_fields_of_an_address_are_few_and_named():
    places = ("layer", "head", "role", "example", "a", "b", "period", "step", "node", "edges")
    first = ("run", "against", "model", "task", "style", "view", "window", "metric", "target")
    assert (*first, *places, "pin") == KNOWN


def test_pins_are_let_go_by_a_second_pin_and_the_oldest_by_a_fifth():
    chosen = Selection()
    for cell in "abcde":
        chosen = chosen.pinned(cell)
    assert chosen.pin == ("b", "c", "d", "e")
    assert chosen.pinned("c").pin == ("b", "d", "e")
    assert parse("?pin=a&pin=a&pin=b")[0].pin == ("a", "b")
    selection, notices = parse("?pin=a&pin=b&pin=c&pin=d&pin=e")
    assert selection.pin == ("a", "b", "c", "d")
    assert notices == ["The link pins 5 cells; the first 4 are kept."]
