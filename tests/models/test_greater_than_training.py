"""The training of greater-than: its target by hand, the same bytes when stopped and continued, every refusal a line."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
import torch

from interp.errors import Cancelled, InterpError
from interp.models import zoo
from interp.models.greater_than_training import GREATER_THAN, answer_loss, build_model, right_answers, training_rows
from interp.models.train import train
from interp.models.training_directory import read_log
from interp.models.year_tokenizer import year_tokenizer
from interp.tasks.greater_than import year_space

TINY = {
    "trainer": "greater-than", "steps": 6, "batch": 8, "evaluate_every": 3, "save_every": 2, "evaluate_prompts": 10,
    "architecture": {"n_layer": 1, "n_head": 2, "n_embd": 8, "n_positions": 16},
}  # fmt: skip


def written(place: Path, **fields) -> str:
    path = place / "recipe.json"
    path.write_text(json.dumps(TINY | fields))
    return str(path)


def test_the_target_by_hand():
    right = right_answers()
    assert right.shape == (99, 100)
    assert right[97].nonzero()[:, 0].tolist() == [98, 99]
    assert right[97, 98] == 0.5
    assert torch.allclose(right.sum(dim=1), torch.ones(99))
    trained = {tuple(row[1:]) for row in training_rows()}
    assert not trained & {tuple(row[1:]) for row in year_space("test")}
    assert {(11, 0), (17, 1)} <= trained


def test_the_loss_of_a_net_that_knows_nothing_is_two_logarithms_of_the_vocabulary():
    tokenizer = year_tokenizer()
    model = build_model({**GREATER_THAN, **TINY}, tokenizer)
    with torch.no_grad():
        model.lm_head.weight.zero_()
    tokens = torch.tensor(tokenizer(["The war lasted from the year 1743 to the year 17"])["input_ids"])
    found = answer_loss(model, tokens, torch.tensor([43]), right_answers())
    assert found.item() == pytest.approx(2 * math.log(len(tokenizer)), rel=1e-5)


def test_stopped_and_continued_is_as_if_never_stopped(tmp_path):
    recipe = written(tmp_path)
    train(recipe, tmp_path / "whole")

    def stop(done: int, total: int, message: str) -> None:
        if done == 3:
            raise Cancelled("enough")

    with pytest.raises(Cancelled):
        train(recipe, tmp_path / "parts", progress=stop)
    scores = train(recipe, tmp_path / "parts")
    assert set(scores) == {"loss", "floor", "prob_diff"}
    assert zoo.weights_sha256(tmp_path / "whole") == zoo.weights_sha256(tmp_path / "parts")
    whole, parts = (read_log(tmp_path / name) for name in ("whole", "parts"))
    assert [line["step"] for line in parts] == [line["step"] for line in whole] == [3, 6]
    assert parts[-1]["selection"] == whole[-1]["selection"] == scores
    assert zoo.check_sums(tmp_path / "parts") == 7


def test_bad_recipes_are_one_line(tmp_path):
    for fields, said in (
        ({"stpes": 3}, "unknown field 'stpes'"),
        ({"steps": 0}, "steps = 0: expected an integer >= 1"),
        ({"architecture": {"n_head": 3, "n_embd": 8}}, "cannot be built"),
    ):
        with pytest.raises(InterpError, match=said) as caught:
            train(written(tmp_path, **fields), tmp_path / "out")
        assert "\n" not in str(caught.value)


def test_the_shipped_model_is_the_recipe_and_its_log_reaches_the_floor():
    directory = zoo.zoo_directory() / "greater-than"
    assert zoo.read_recipe(directory) == GREATER_THAN
    last = read_log(directory)[-1]
    assert last["step"] == GREATER_THAN["steps"]
    assert last["selection"]["loss"] < last["selection"]["floor"] + 0.005
    assert sum(path.stat().st_size for path in zoo.weight_files(directory)) < 2 * 2**20
