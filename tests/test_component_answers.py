"""How mediation, components and neurons are asked: pairs that run short, every operator's means, one-line refusals."""

from __future__ import annotations

import pytest

from interp.answers import METHODS, Question
from interp.answers.components import _every_operator
from interp.errors import InterpError
from interp.execute import answer
from interp.models import load
from interp.store import Spec


def question(model: str, method: str, task: str = "a+b", **parameters: object) -> Question:
    return Question(load(model), Spec(method=method, model=model, task=task, parameters=parameters))


def test_each_change_has_its_own_pairs(checkpoint):
    ask = Spec(
        method="mediation", model=str(checkpoint), task="a-b", parameters={"n": 5, "changes": ["operator", "operands"]}
    )
    found = answer(ask)
    assert found.change.values.tolist() == ["operator", "operands"]
    operator = found.prompt.values[:5], found.source.values[:5]
    assert [x.replace("-", "+") for x in operator[0]] == [str(y) for y in operator[1]]
    assert found.changed.values.tolist() == ["operator"] * 5 + ["operands"] * 5


def test_pairs_that_run_short_are_told(checkpoint):
    ask = Spec(method="mediation", model=str(checkpoint), task="a+b@0..9", parameters={"n": 500, "split": "all"})
    assert "the all, operands split has 100 prompts, 500 were asked for" in answer(ask).attrs["shortfall"]


def test_means_are_over_every_operator_of_one_wording(checkpoint):
    first, second = _every_operator(question(str(checkpoint), "components", "a-b"), 50)
    assert (first.task, second.task) == ("a-b", "a+b")
    assert first.roles == second.roles
    assert (len(first), first.split, second.split) == (50, "train", "train")


def test_what_cannot_be_asked_is_said_in_one_line(checkpoint):
    with pytest.raises(InterpError, match="two operands; task 'a\\+b\\+c' has a, b, c"):
        METHODS["neurons"](question(str(checkpoint), "neurons", "a+b+c"))
    for method in ("mediation", "components", "neurons"):
        with pytest.raises(InterpError, match="needs pairs of a task"):
            METHODS[method](question("modadd-59", method))
