"""Addresses that are wrong in one thing: the page says so, and what it shows has only what is valid."""

from __future__ import annotations

import pytest

from apps.dashboard.askable import askable
from apps.dashboard.desk import desk
from apps.dashboard.library import Library
from apps.dashboard.selection import Selection, selected
from apps.dashboard.try_address import values_at
from apps.dashboard.try_asked import checked
from apps.dashboard.view_state import view_state

WRONG = [
    ("/", "run=nothing", "Overview shows no run: run=nothing"),
    ("/", "view=circuit", "Overview shows no view: view=circuit"),
    ("/", "task=zz", "has the task 'zz'"),
    ("/af1", "pin=foo", "no window 'foo' to pin"),
    ("/patching", "node=MLP%201", "MLP 1"),
    ("/fourier", "layer=99", "no layer 99"),
    ("/fourier", "role=nowhere", "no role 'nowhere'"),
    ("/fourier", "pin=foo", "'foo' pins no period"),
    ("/fourier", "task=zz", "asks 'zz'"),
    ("/compare", "view=foo", "no place 'foo'"),
    ("/compare", "model=zz", "has the model 'zz'"),
    ("/training", "style=song", "has the style 'song'"),
    ("/operands", "b=4", "b=4"),
    ("/try", "layer=99", "layer=99: the model has blocks 0 to 5"),
    ("/try", "role=nowhere", "role=nowhere: the prompt has no such role"),
    ("/try", "model=zz", "no model 'zz'"),
    ("/try", "view=steer", "no such intervention"),
    ("/study", "view=foo", "view=foo names no job"),
    ("/study", "metric=steer", "no method 'steer'"),
    ("/runs", "layer=3", "Runs shows no layer"),
]


@pytest.mark.parametrize(("path", "asked", "said"), WRONG)
def test_a_wrong_address_is_said_and_not_kept(whole_library, path, asked, said):
    found = view_state(whole_library, path, f"?v=1&{asked}")
    assert any(said in line for line in found["notices"]), found["notices"]
    assert len(found["notices"]) == 1
    name, value = asked.split("=")
    assert str(found["selection"].get(name)) not in (value, f"('{value}',)")


def test_a_run_and_another_model_is_said(library):
    line = library.of("af1")[0]
    (said,) = view_state(library, "/af1", f"?run={line.run_id}&model=other")["notices"]
    assert said == f"Run {line.run_id} is of model mental-math, not other; the run is shown."


def told(**asked) -> tuple[Selection, list[str]]:
    return checked(Selection(**asked), desk().catalogue(), [])


def test_a_toy_model_is_asked_its_own_task():
    values = values_at(told(model="modadd-59")[0], desk().catalogue())
    assert (values["task"], values["style"], values["operands"]) == ("modadd", "plain", "17, 25")
    assert (values["layer"], values["l_wait"], values["l_transfer"]) == (0, 1, 0)
    kept, notices = told(model="modadd-59", task="a+b", style="verbal", a=58, b=60)
    assert kept == Selection(model="modadd-59")
    for said in ("modadd-59 has one task, modadd; 'a+b'", "no style 'verbal'", "b goes from 0 to 58", "a=58"):
        assert any(said in line for line in notices), (said, notices)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"task": "a+b", "a": 120, "b": 2}, ["a=120: a goes from 0 to 99", "b=2: left out with the other operand"]),
        ({"task": "a+b", "a": 3}, ["a=3: an address names both operands or none"]),
        ({"task": "a+b+c", "a": 1, "b": 2}, ["a=1, b=2: the task takes a, b, c"]),
        ({"task": "a+b", "pin": ("1 2 3 4 5",)}, ["'1 2 3 4 5': the task takes a, b"]),
        ({"model": "mental-math", "view": "head", "layer": 6, "head": 0}, ["layer=6: the model has blocks 0 to 5"]),
        ({"model": "mental-math", "view": "patch", "node": "mlp_out", "layer": 6}, ["layer=6"]),
    ],
)
def test_what_the_form_cannot_take_is_said_as_it_is(asked, said):
    kept, notices = told(**asked)
    assert len(notices) == len(said)
    assert all(notice.startswith(each) for notice, each in zip(notices, said, strict=True)), notices
    right = {name: value for name, value in asked.items() if name in ("task", "model", "view", "node", "head")}
    assert kept == Selection(**right)


def test_a_directory_without_a_slash_is_left_as_it_is(tmp_path, monkeypatch):
    (tmp_path / "mine").mkdir()
    monkeypatch.chdir(tmp_path)
    assert askable(Selection(model="mine"), desk().catalogue(), []) == (Selection(model="mine"), [])


def test_what_is_right_is_kept_as_it_is():
    for asked in (
        Selection(model="org/model@main", task="a+b@0..9", a=3, b=9, layer=80, role="w12"),
        Selection(model="mental-math", task="a+b+c", style="word_problem", role="op2", layer=6, head=3, window="3-3"),
        Selection(model="planted:copy", task="own.jsonl", style="mine", view="plane", period=10.0, node="mlp_out"),
        Selection(pin=("17, 62", "1 2")),
    ):
        assert checked(asked, desk().catalogue(), []) == (asked, [])


def test_models_of_the_store_can_be_asked():
    asked = Selection(model="my-model")
    assert askable(asked, desk().catalogue(), ["my-model"]) == (asked, [])
    assert askable(asked, desk().catalogue(), [])[0] == Selection()


def test_a_job_of_an_address_is_all_that_try_it_keeps(idle):
    found = view_state(Library(idle.root), "/try", "?view=job-99&layer=2")
    assert "view" not in found["selection"]
    assert selected({"search": "?view=job-99"}).view == "job-99"
    assert any("names job 99" in line for line in found["notices"])
