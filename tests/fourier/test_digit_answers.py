"""Which number is turned, and with which sign does the answer follow it? And questions that have no answer."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from interp.answers import METHODS, Question
from interp.answers.digits import _counts, _number
from interp.errors import InterpError
from interp.store import Spec
from tests.families import random_prompts


def question(task, method="digit_rotation", tokenizer=True, **parameters):
    spec = Spec.model_validate({"method": method, "model": "mental-math", "task": task, "parameters": parameters})
    return Question(SimpleNamespace(arith=SimpleNamespace(tokenizer=object() if tokenizer else None)), spec)


@pytest.mark.parametrize(
    ("task", "name", "expected"),
    [
        ("a+b", None, ("b", 1)),
        ("a-b", None, ("b", -1)),
        ("a-b", "a", ("a", 1)),
        ("a-b", "result", ("result", 1)),
        ("a-b+c", "c", ("c", 1)),
        ("a-b+c", "b", ("b", -1)),
    ],
)
def test_sign_of_the_number_that_is_turned(task, name, expected):
    assert _number(question(task), name) == expected


def test_questions_without_an_answer():
    with pytest.raises(InterpError, match="No summand 'z'"):
        _number(question("a+b"), "z")
    with pytest.raises(InterpError, match="needs a task by name"):
        _number(question("a+b", tokenizer=False), None)
    with pytest.raises(InterpError, match="see its spectrum"):
        METHODS["convergence"](question("a+b", "convergence", tokenizer=False))


def test_tokens_are_counted_in_prompts_and_answers():
    prompts = random_prompts(5)
    found = _counts(prompts, 40)
    assert found.sum() == prompts.tokens.size + 5
    assert found[3] == (prompts.tokens == 3).sum() + 5
    assert found[1] == np.sum(prompts.tokens == 1)
