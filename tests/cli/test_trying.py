"""`interp try`: one prompt in a terminal, recorded only when asked; every mistake is one line."""

from __future__ import annotations

import pytest

from interp.store import Store

MODEL = ("--model", "waits-2-2")


def test_a_try_is_told_and_not_recorded(interp, tmp_path):
    said = interp("try", "17,25", *MODEL, "--head", "1.0")
    assert said.code == 0, said.err
    assert "'17+25=': the model says" in said.out
    assert "head 0 of block 1 no longer reads" in said.err
    assert not (tmp_path / "store").exists()


def test_it_is_recorded_when_asked_and_not_computed_twice(interp):
    asked = ("try", "17,25", *MODEL, "--patch", "resid_pre.6@last", "--from", "17,62", "--keep", "--json")
    first, again = interp(*asked), interp(*asked)
    assert first.code == 0, first.err
    assert first.json == again.json
    assert first.json["roles"] == ["bos", "a", "op1", "b", "eq"]
    assert sorted(first.json["top"]) == ["clean", "control", "edited"]
    assert first.json["effect"]["clean"] == 0
    (line,) = Store().list()
    assert (line.run_id, line.method) == (first.json["run_id"], "try")
    assert "one prompt, n = 1" in str(line.summary["finding"])


def test_a_typed_prompt_needs_no_task(interp):
    said = interp("try", "12+34=", *MODEL, "--json")
    assert said.code == 0, said.err
    assert (said.json["prompt"], said.json["run_id"]) == ("12+34=", None)


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("17,25", "--head", "2"), "--head '2' cannot be read"),
        (("17,25", "--cama", "two"), "--cama 'two' cannot be read"),
        (("17,25", "--plane", "2@a"), "--plane '2@a' cannot be read"),
        (("17,25", "--plane", "2@b,1.2.3"), "--plane '2@b,1.2.3' cannot be read"),
        (("17,25", "--plane", "2@b,."), "--plane '2@b,.' cannot be read"),
        (("17,25", "--plane", "2@b,0"), "period"),
        (("17,25", "--head", f"{'9' * 5000}.1"), "cannot be read"),
        (("17," + "9" * 5000,), "prompt = "),
        (("17,25", "--patch", "b"), "belong together"),
        (("17,25", "--from", "1,2"), "belong together"),
        (("17,25", "--patch", "b", "--from", "1,2"), "--patch 'b' cannot be read"),
        (("17,25", "--cama", "1", "--head", "2.1"), "one intervention at a time"),
        (("17,125",), "operand b = 125 is out of range"),
        (("hello",), "does not know"),
        (("17,25", "--task", "a*b"), "unknown task"),
    ],
)
def test_a_mistake_is_one_line(interp, words, line):
    assert line in interp("try", *words, *MODEL).line
