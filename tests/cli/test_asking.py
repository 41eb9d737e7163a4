"""A question to a checkpoint that no one has heard of: answered, recorded, and not computed twice."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest

from interp.store import PARAMETERS, Store
from interp.store.product_parameters import OF_PRODUCTS

from .conftest import quick

TOY_METHODS = ("clock_pizza", "grokking")
NEEDS_RIGHT = ("interchange", "helix")
METHODS = [name for name in PARAMETERS if name not in ("study", "train", *NEEDS_RIGHT, *TOY_METHODS, *OF_PRODUCTS)]


@pytest.mark.parametrize("method", METHODS)
def test_every_method_answers_without_a_network(interp, checkpoint, no_network, method):
    said = interp("run", method, "--model", checkpoint, "--task", "a+b", *quick(method), "--json")
    assert said.code == 0, said.err
    found = said.json
    assert no_network == []
    assert found["method"] == method
    assert found["model"] == str(checkpoint)
    assert found["n"] >= 0
    run = Store().open(found["run_id"])
    assert list(Store().verify(found["run_id"])) == []
    dataset = run.load()
    assert dataset.attrs["method"] == method
    assert dataset.attrs["title"]
    assert all({"units", "description"} <= set(values.attrs) for values in dataset.data_vars.values())
    nulls = [name for name in dataset.variables if "null" in str(name) or "uniform" in str(name)]
    assert nulls or {"random_head", "mean", "zero"} & set(dataset.coords["variant"].values.tolist())


@pytest.mark.parametrize("method", TOY_METHODS)
def test_methods_of_toys_answer_for_a_toy_and_refuse_a_language_model(interp, checkpoint, method):
    said = interp("run", method, "--model", "modadd-59", *quick(method), "--json")
    assert said.code == 0, said.err
    assert said.json["n"] > 0
    dataset = Store().open(said.json["run_id"]).load()
    assert dataset.attrs["method"] == method
    assert dataset.attrs["title"]
    assert all({"units", "description"} <= set(values.attrs) for values in dataset.data_vars.values())
    assert [name for name in dataset.variables if "null" in str(name)]
    refused = interp("run", method, "--model", checkpoint, "--task", "a+b", *quick(method))
    assert "no modular-addition model" in refused.line


def test_interchange_needs_a_model_that_answers(interp, checkpoint):
    said = interp("run", "interchange", "--model", checkpoint, "--task", "a+b", *quick("interchange"))
    assert "informative and answered by the model" in said.line
    assert "interchange accuracy" not in said.err


def test_helix_needs_a_model_that_answers(interp, checkpoint):
    said = interp("run", "helix", "--model", checkpoint, "--task", "a+b", *quick("helix"))
    assert "pairs right on both sides" in said.line


@pytest.mark.parametrize("method", ["cama", "abp", "peeking", "af1", "window", "alternatives"])
def test_a_model_that_answers_nothing_says_so(interp, checkpoint, method):
    said = interp("run", method, "--model", checkpoint, "--task", "a+b", *quick(method))
    assert said.code == 0, said.err
    assert "answers none of these prompts, so there is nothing to measure (n = 0)" in said.out
    run = Store().open(Store().list()[0].run_id)
    assert run.summary["n"] == 0
    assert np.isnan(run.dataset["faithfulness"].values).all()


def test_accuracy_carries_n_interval_and_nulls(interp, checkpoint):
    found = interp(
        "run", "accuracy", "--model", checkpoint, "--task", "a-b", "--style", "verbal", "--n", 30, "--json"
    ).json
    assert found["n"] == 30
    assert found["parameters"] == {"n": 30, "split": "test"}
    assert found["accuracy_low"] <= found["accuracy"] <= found["accuracy_high"]
    assert 0 < found["null_majority"] < 1
    assert 0 <= found["null_shuffled"] < 1


def test_the_same_question_is_not_computed_twice(interp, checkpoint, tmp_path):
    ask = ["run", "accuracy", "--model", checkpoint, "--task", "a+b", "--n", 20, "--json"]
    first = interp(*ask).json["run_id"]
    assert interp(*ask, "--batch-size", 7).json["run_id"] == first  # it changes the speed only
    assert interp(*ask, "--split", "test").json["run_id"] == first  # the default, written out
    fresh = interp(*ask, "--fresh").json["run_id"]
    assert fresh != first
    assert interp(*ask, "--seed", 1).json["run_id"] not in (first, fresh)
    one, two = Store().open(first).load(), Store().open(fresh).load()
    assert one.identical(two)


def test_other_weights_are_another_question(interp, checkpoint, tmp_path):
    mine = shutil.copytree(checkpoint, tmp_path / "mine")
    ask = ["run", "accuracy", "--model", mine, "--task", "a+b", "--n", 20, "--json"]
    first = interp(*ask).json["run_id"]
    config = json.loads((mine / "config.json").read_text())
    for change in ({"rms_norm_eps": 1e-3}, {"rms_norm_eps": config["rms_norm_eps"], "note": 1}):
        (mine / "config.json").write_text(json.dumps(config | change))
        assert interp(*ask).json["run_id"] != first
    (mine / "config.json").write_bytes((checkpoint / "config.json").read_bytes())
    (mine / "training-state.safetensors").write_bytes(b"not a weight")
    assert interp(*ask).json["run_id"] == first
    data = bytearray((mine / "model.safetensors").read_bytes())
    data[-1] ^= 1
    (mine / "model.safetensors").write_bytes(data)
    assert interp(*ask).json["run_id"] != first


def test_a_relative_directory_is_recorded_by_its_place(interp, checkpoint, tmp_path):
    shutil.copytree(checkpoint, tmp_path / "mine")
    found = interp("run", "accuracy", "--model", "mine", "--task", "a+b", "--n", 5, "--json").json
    assert found["model"] == str(tmp_path / "mine")


def test_a_spectrum_has_no_task_whatever_was_given(interp, checkpoint):
    ask = ["run", "spectrum", "--model", checkpoint, *quick("spectrum"), "--json"]
    assert interp(*ask).json["run_id"] == interp(*ask, "--task", "a+b", "--style", "verbal").json["run_id"]


def test_a_narrower_task_and_a_task_file(interp, checkpoint, tmp_path):
    narrow = interp("run", "accuracy", "--model", checkpoint, "--task", "a+b@0..9", "--split", "all", "--json").json
    assert narrow["n"] == 100
    own = {"name": "mine", "expression": "a-b", "ranges": {"a": [50, 59], "b": [0, 9]}}
    (tmp_path / "mine.json").write_text(json.dumps(own | {"templates": {"plain": "{a}-{b}="}}))
    ask = ["run", "accuracy", "--model", checkpoint, "--task", "mine.json", "--split", "all", "--json"]
    found = interp(*ask).json
    assert found["n"] == 100
    assert Store().open(found["run_id"]).dataset.attrs["task"] == "mine.json"
    assert interp(*ask).json["run_id"] == found["run_id"]
    (tmp_path / "mine.json").write_text(json.dumps(own | {"templates": {"plain": "{b}-{a}="}}))
    assert interp(*ask).json["run_id"] != found["run_id"]


def test_own_prompts_and_pairs_count_by_their_text_not_their_name(interp, checkpoint, tmp_path):
    def line(a: int, b: int) -> dict:
        text = f"{a}+{b}="
        spans = {"a": [0, len(str(a))], "b": [len(str(a)) + 1, len(text) - 1]}
        return {"prompt": text, "answer": str(a + b), "roles": spans}

    def write(shift: int) -> None:
        rows = [line(a, 7) | {"corrupted": line(a, 9)} for a in range(10 + shift, 30 + shift)]
        (tmp_path / "own.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))

    write(0)
    ask = ["--model", checkpoint, "--task", "own.jsonl", "--json"]
    first = interp("run", "accuracy", *ask).json
    assert first["n"] == 20
    assert interp("run", "accuracy", *ask, "--n", 8).json["n"] == 8
    assert interp("run", "patching", *ask, "--n", 6).json["n"] == 6
    manifest = Store().open(first["run_id"]).manifest
    assert manifest["task_file"]["name"] == "own.jsonl"
    assert interp("run", "accuracy", *ask).json["run_id"] == first["run_id"]
    write(5)
    assert interp("run", "accuracy", *ask).json["run_id"] != first["run_id"]
    write(0)
    assert interp("run", "accuracy", *ask).json["run_id"] == first["run_id"]
    assert "needs reference prompts of another split" in interp("run", "cama", *ask).line


def test_a_toy_model_is_asked_of_its_own_task(interp):
    found = interp("run", "accuracy", "--model", "modadd-59", "--split", "test", "--json").json
    assert (found["task"], found["style"]) == ("modadd", "plain")
    assert found["accuracy"] > 0.99
    assert (
        interp("run", "accuracy", "--model", "modadd-59", "--task", "modadd", "--split", "test", "--json").json == found
    )
    assert interp("run", "cama", "--model", "modadd-59", "--n", 10, "--json").json["n"] == 10
