"""The desk: what can be asked and what it costs, as JSON lines; it opens no weights and survives nonsense."""

from __future__ import annotations

import json
import subprocess
import sys

from interp import desk
from interp.store import Spec
from interp.tasks import STYLES, TASKS


def said(**question: object) -> dict:
    return desk.answered(json.dumps(question))


def plan(**fields: object) -> dict:
    return said(ask="plan", spec={"model": "mental-math", "task": "a+b", **fields})


def test_the_catalogue_names_what_can_be_asked():
    found = said(ask="catalogue")
    models = {each["name"]: each for each in found["models"]}
    assert models["mental-math"]["n_layers"] == 6
    assert models["modadd-59"]["operands"] == [["a", 0, 58], ["b", 0, 58]]
    assert not models["modadd-59"]["reads_text"]
    assert "planted:wait=3,transfer=2" in models
    tasks = {each["name"]: each for each in found["tasks"]}
    assert set(tasks) == set(TASKS)
    assert tasks["a+b"]["operands"] == [["a", 0, 99], ["b", 0, 99]]
    assert tasks["a+b"]["styles"]["plain"] == {"example": "33+33=", "roles": ["a", "op1", "b", "eq"]}
    assert set(tasks["a+b"]["styles"]) == set(STYLES)


def test_a_plan_is_the_dry_run(capsys):
    from interp.cli.planning import show_plan

    show_plan(Spec(method="patching", model="mental-math", task="a+b"), 512, True)
    dry = json.loads(capsys.readouterr().out)
    told = plan(method="patching")
    assert told["spec"] == dry.pop("spec")
    assert {name: told["plan"][name] for name in dry} == dry


def test_mistakes_are_one_line_and_the_desk_goes_on():
    assert "Did you mean patching" in plan(method="patchin")["error"]
    assert "unknown model" in plan(method="lens", model="nonsuch")["error"]
    assert "unknown task" in plan(method="lens", task="a*b")["error"]
    assert "window" in plan(method="window", parameters={"l_wait": 9, "l_transfer": 9})["error"]
    assert "unknown question" in said(ask="weights")["error"]
    assert "error" in desk.answered("nonsense")
    assert "error" in desk.answered("[1]")


def test_a_hub_model_that_nobody_measured_has_no_plan():
    assert plan(method="lens", model="someone/some-model") == {
        "spec": Spec(method="lens", model="someone/some-model", task="a+b").model_dump(mode="json"),
        "plan": None,
    }


def test_as_a_process_it_answers_each_line_without_torch():
    code = (
        "import sys, interp.desk\ninterp.desk.main()\n"
        "assert not {'torch', 'transformers'} & set(sys.modules)\nprint('clean', file=sys.stderr)"
    )
    lines = "\n".join(json.dumps(each) for each in ({"ask": "catalogue"}, {"ask": "plan", "spec": {"method": "lens"}}))
    done = subprocess.run([sys.executable, "-c", code], input=lines, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert "clean" in done.stderr
    assert [sorted(json.loads(line)) for line in done.stdout.splitlines()] == [["models", "tasks"], ["error"]]
