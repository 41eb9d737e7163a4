"""The whole study on a random Llama of one's own: complete, honest where nothing is answered, and done once."""

from __future__ import annotations

import numpy as np
import pytest

from interp.errors import Cancelled, InterpError
from interp.models import load
from interp.store import Spec, Store
from interp.store.parameters import STUDIED
from interp.study import accuracy_rows, finding_rows, study
from interp.tasks import STYLES, TASKS
from tests.cli.conftest import call

FEW = {"tasks": ["a+b", "a-b"], "styles": ["plain"], "cells": ["a+b"], "methods": ["lens", "spectrum"], "n_accuracy": 7}


@pytest.fixture
def store(tmp_path) -> Store:
    return Store(tmp_path / "store")


@pytest.fixture
def spec(checkpoint) -> Spec:
    return Spec(method="study", model=str(checkpoint), parameters=FEW)


@pytest.mark.slow
def test_whole_study_from_the_command_line(checkpoint, tmp_path, monkeypatch, no_network):
    monkeypatch.setenv("ARITHMOSCOPE_STORE", str(tmp_path / "store"))
    ask = ["study", "--model", checkpoint, "--set", "n_accuracy=25"]
    said = call(*ask, "--json")
    assert said.code == 0, said.err
    assert no_network == []
    store, found = Store(), said.json
    parts = found["parts"]
    assert len(parts) == len(TASKS) * len(STYLES) + 2 * (len(STUDIED) - 1) + 1
    assert all(list(store.verify(run)) == [] for run in (found["run_id"], *(part["run_id"] for part in parts)))
    for part in parts:
        _check_part(store, part)
    table = store.open(found["run_id"]).load()
    assert dict(table.sizes) == {"task": len(TASKS), "style": len(STYLES)}
    assert (table["n"] == 25).all()
    assert (table["accuracy_low"] <= table["accuracy"]).all()
    assert (table["accuracy"] <= table["accuracy_high"]).all()
    again = call(*ask)
    assert again.code == 0
    assert len(Store().list()) == len(parts) + 1  # nothing was computed twice
    assert again.out.count("answers none of these prompts") == 2 * 3  # cama, peeking, af1 on two cells
    assert "af1" in again.out


def _check_part(store: Store, part: dict) -> None:
    """A result that says n, its nulls, and nan (null in JSON) where the model answered nothing."""
    dataset = store.open(part["run_id"]).load()
    assert {"n", "title"} <= {*map(str, dataset.data_vars), *dataset.attrs}
    if part["method"] in ("cama", "peeking", "af1"):
        assert part["n"] == 0
        assert np.isnan(dataset["faithfulness"].values).all()
        assert np.isnan(dataset["faithfulness_low"].values).all()
    elif not dataset.attrs.get("guard", "").startswith("nothing to recover"):  # a share of nothing is undefined
        means = [str(name) for name in dataset.data_vars if f"{name}_low" in dataset.data_vars]
        assert all(np.isfinite(dataset[name].values).all() for name in means)
    assert "nan" not in str(part["finding"])
    if part["method"] == "af1":
        assert (part["found"], part["l_transfer"], part["faithfulness"]) == (False, None, None)
        assert (part["accuracy_full"], part["accuracy_full_low"]) == (0.0, 0.0)


def test_a_study_is_its_parts_and_a_table(store, spec):
    run_id, runs = study(spec, store)
    assert [store.open(run).spec.method for run in runs] == ["accuracy", "accuracy", "lens", "spectrum"]
    manifest = store.open(run_id).manifest
    assert manifest["parents"] == runs
    assert manifest["summary"]["parts"] == 4
    assert manifest["summary"]["n"] == 14
    assert store.open(run_id).dataset.attrs["model"] == spec.model
    rows = list(accuracy_rows(store, run_id))
    assert [row[0] for row in rows] == ["a+b", "a-b"]
    assert all(len(row) == 3 and "[" in row[1] for row in rows)
    assert [row[:2] for row in finding_rows(store, runs)] == [("a+b", "lens"), ("weights", "spectrum")]
    assert store.open(runs[0]).summary["finding"].startswith("Accuracy ")


def test_parts_are_reused_and_fresh_is_not(store, spec):
    first, runs = study(spec, store)
    assert study(spec, store) == (first, runs)
    store.remove(runs[2])
    second, repaired = study(spec, store)
    assert second != first
    assert repaired[:2] + repaired[3:] == runs[:2] + runs[3:]
    third, fresh = study(spec, store, fresh=True)
    assert third not in (first, second)
    assert not set(fresh) & set(repaired)


def test_progress_counts_parts_and_a_stop_keeps_them(store, spec):
    told = []

    def stop(done: int, total: int, message: str) -> None:
        told.append((done, total))
        if done == 2:
            raise Cancelled

    with pytest.raises(Cancelled):
        study(spec, store, stop)
    assert told[0] == (0, 4)
    assert told == sorted(told)
    assert [run.method for run in store.list()] == ["accuracy", "accuracy"]
    _, runs = study(spec, store)
    assert len(runs) == 4
    assert len(store.list()) == 5


def test_an_impossible_part_is_told_before_anything_is_computed(store, spec):
    with pytest.raises(InterpError, match=r"unknown task 'a\+q'"):
        study(spec.but(parameters={"cells": ["a+b", "a+q"]}), store)
    with pytest.raises(InterpError, match="integers up to 1998"):
        study(spec.but(parameters={"tasks": ["a+b", "a+b@0..999"]}), store)
    assert store.list() == []


@pytest.mark.slow
def test_findings_are_said_for_a_model_that_answers(store):
    """The toy model answers everything: its parts, asked one by one, have findings with numbers."""
    from interp.execute import record

    for method in ("cama", "peeking", "ablation", "lens", "attention", "spectrum"):
        said = store.open(record(Spec(method=method, model="modadd-59"), store)).summary["finding"]
        assert "nan" not in said
        assert "nothing to measure" not in said
    assert load("modadd-59").arith.task == "modadd"
