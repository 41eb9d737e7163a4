"""The variations of plain training: each recipe can be trained, each cell can be searched, at one budget."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from experiments.af1.variations.__main__ import keep, short, told
from experiments.af1.variations.recipes import BASE, VARIATIONS
from interp.models.language_batches import token_table
from interp.models.language_recipe import complete, styles
from interp.models.number_tokenizer import number_tokenizer
from interp.tasks import named_task

BUDGET = ("batch", "learning_rate", "window", "precision", "betas", "clip", "styles_per_step")


@pytest.fixture(autouse=True)
def at_the_root(monkeypatch):
    monkeypatch.chdir(Path(__file__).parents[2])


@pytest.mark.parametrize("name", VARIATIONS)
def test_a_variation_keeps_the_budget_and_what_is_searched_was_trained(name):
    recipe, base = complete({**BASE, **VARIATIONS[name].changes}), complete(BASE)
    assert {field: recipe[field] for field in BUDGET} == {field: base[field] for field in BUDGET}
    assert recipe["phases"][-1]["until"] == base["phases"][-1]["until"] == base["learning_rate"][-1][0]
    assert {task for task, _ in VARIATIONS[name].cells} == set(recipe["tasks"])
    assert {style for _, style in VARIATIONS[name].cells} <= set(styles(recipe))
    assert (recipe == base) == (name == "base")


def test_solved_examples_in_front_are_solved_and_no_prompt_but_them_is_given_away():
    for path in Path("experiments/af1/variations/tasks").glob("*few-shot.json"):
        task = named_task(str(path))
        trained = {tuple(row) for row in task.space("train").tolist()}
        for style in task.styles:
            literal = "".join(s.text for s in task.template(style).segments if s.text and not s.role)
            examples = literal.rstrip(", ").split(", ")
            assert len(examples) == 2
            for example in examples:
                question, answer = example.split("=")
                operands = tuple(map(int, question.split("+")))
                assert sum(operands) == int(answer)
                assert operands in trained


def test_task_files_become_tables():
    tokenizer = number_tokenizer()
    for name in ("filler", "few-shot"):
        for task, style in VARIATIONS[name].cells:
            table = token_table(task, style, tokenizer)
            assert table.tokens.shape == (len(named_task(task).space("train")), table.tokens.shape[1])


def test_results_are_replaced_by_variation_and_kept_in_order(tmp_path):
    path = tmp_path / "results.json"
    keep(path, [{"variation": "depth-3", "n": 1}, {"variation": "depth-3", "n": 2}])
    keep(path, [{"variation": "base", "n": 3}])
    keep(path, [{"variation": "depth-3", "n": 4}])
    assert json.loads(path.read_text()) == [{"variation": "base", "n": 3}, {"variation": "depth-3", "n": 4}]


def test_a_share_of_no_prompt_is_null():
    found = xr.Dataset({f"share{end}": ("l", [np.nan, 0.5]) for end in ("", "_low", "_high")}, coords={"l": [0, 1]})
    assert told(found, "share", l=0) == [None, None, None]
    assert told(found, "share", l=1) == [0.5, 0.5, 0.5]


def test_a_cell_is_named_by_its_task_or_its_file():
    assert [short(task) for task in ("a+b", "a+b@0..19", "some/where/a+b-filler.json")] == [
        "a+b",
        "a+b@0..19",
        "a+b-filler",
    ]
