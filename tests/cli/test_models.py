"""What can be studied: listed, looked at, trained, and checked with the rest of the installation."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from interp.models.zoo import zoo_directory, zoo_names
from tests.models.recipes import written


@pytest.fixture
def zoo(tmp_path, monkeypatch) -> Path:
    """A zoo with one model, free to be damaged."""
    shutil.copytree(zoo_directory() / "modadd-59", tmp_path / "zoo" / "modadd-59")
    monkeypatch.setenv("ARITHMOSCOPE_ZOO", str(tmp_path / "zoo"))
    return tmp_path / "zoo"


def test_list_has_every_shipped_model(interp):
    found = interp("models", "--json").json["models"]
    assert [model["name"] for model in found] == zoo_names()
    assert all(len(model["weights_sha256"]) == 64 and model["layers"] >= 1 for model in found)
    assert "modadd-59" in interp("models").out


def test_one_model_more_closely(interp, checkpoint):
    (found,) = interp("models", checkpoint, "--json").json["models"]
    assert (found["architecture"], found["layers"], found["d_model"]) == ("LlamaForCausalLM", 2, 32)
    assert found["bare_below"] == 1000
    assert found["megabytes"] == round((checkpoint / "model.safetensors").stat().st_size / 1e6, 2)
    assert "LlamaForCausalLM" in interp("models", checkpoint).out


def test_a_damaged_model_is_a_line_of_the_list_not_its_end(interp, zoo):
    shutil.copytree(zoo / "modadd-59", zoo / "broken")
    (zoo / "broken" / "config.json").write_text("{")
    said = interp("models", "--json")
    assert said.code == 1
    assert [("problem" in model) for model in said.json["models"]] == [True, False]
    shown = " ".join(interp("models").out.split())  # a long path wraps the cell
    assert "is no checkpoint" in shown


def test_train_leaves_a_model_that_can_be_asked(interp, tmp_path):
    said = interp("train", written(tmp_path), "--out", "mine", "--json")
    assert said.code == 0, said.err
    assert said.json["directory"] == "mine"
    assert 0 <= said.json["a+b plain"] <= 1
    assert interp("run", "accuracy", "--model", "mine", "--task", "a+b", "--n", 10, "--json").json["n"] == 10
    assert interp("train", written(tmp_path), "--out", "mine", "--fresh").code == 0
    assert "another recipe" in interp("train", written(tmp_path, seed=2), "--out", "mine").line


def test_train_takes_a_toy_recipe_too(interp, tmp_path):
    recipe = {"trainer": "modular", "p": 7, "d_model": 8, "n_heads": 2, "d_mlp": 16, "steps": 12, "save_every": 4}
    (tmp_path / "toy.json").write_text(json.dumps(recipe))
    assert 0 <= interp("train", "toy.json", "--out", "toy", "--json").json["test_accuracy"] <= 1
    assert interp("run", "accuracy", "--model", "toy", "--json").json["task"] == "modadd"


def test_doctor_is_content_and_says_what_it_saw(interp, tmp_path):
    said = interp("doctor", "--json")
    assert (said.code, said.json["ok"]) == (0, True)
    names = [check["name"] for check in said.json["checks"]]
    assert names == ["python packages", "device", "zoo", "store", "browser (tests only)"]
    assert "modadd-59 (28 files)" in interp("doctor").out
    assert not (tmp_path / "store").exists()  # to look makes nothing


@pytest.mark.parametrize("name", ["model.safetensors", "checkpoints/step-000100.safetensors", "recipe.json"])
def test_doctor_finds_an_altered_file_of_the_zoo(interp, zoo, name):
    data = bytearray((zoo / "modadd-59" / name).read_bytes())
    data[-2] ^= 1
    (zoo / "modadd-59" / name).write_bytes(data)
    said = interp("doctor", "--json")
    assert (said.code, said.json["ok"]) == (1, False)
    assert f"{name} is altered or missing" in next(c["found"] for c in said.json["checks"] if c["name"] == "zoo")


def test_doctor_finds_an_empty_zoo_and_a_store_out_of_reach(interp, tmp_path, monkeypatch):
    monkeypatch.setenv("ARITHMOSCOPE_ZOO", str(tmp_path))
    said = interp("doctor", "--json", "--store", "/proc/store")
    assert said.code == 1
    assert [check["name"] for check in said.json["checks"] if not check["ok"]] == ["zoo", "store"]
