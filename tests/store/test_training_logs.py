"""Logs of trainings as Datasets: what every trainer wrote is there, with its unit, n and guess; damage is an error."""

from __future__ import annotations

import hashlib
import json
import math
import shutil

import numpy as np
import pytest

from interp.errors import InterpError
from interp.places import zoo_directory
from interp.store.training_logs import read_lines, training_log, trainings
from interp.store.training_measures import MEASURES

ZOO = zoo_directory()


@pytest.mark.parametrize("name", trainings(ZOO))
def test_every_shipped_log_is_read_in_whole(name):
    lines, log = read_lines(ZOO / name), training_log(ZOO / name)
    assert log["step"].values.tolist() == [line["step"] for line in lines]
    assert set(log.data_vars) <= set(MEASURES)
    for variable in log.data_vars.values():
        assert variable.attrs["units"]
        assert variable.attrs["description"]
        assert np.isfinite(variable.values).any()
    assert log.attrs["model"] == name


def test_values_are_those_of_the_lines():
    lines, log = read_lines(ZOO / "multiply-icot"), training_log(ZOO / "multiply-icot")
    for line in lines:
        here = log.sel(step=line["step"])
        np.testing.assert_allclose(here["digit_loss"], line["digits"]["loss"])
        np.testing.assert_allclose(here["digit_gradient_norm"], line["digits"]["gradient_norm"])
        if "selection" in line:
            np.testing.assert_allclose(here["digit_accuracy"], line["selection"]["accuracy"])
            assert float(here["exact"]) == line["selection"]["exact"]
        else:
            assert np.isnan(here["digit_accuracy"]).all()
    assert log["digit_loss"].attrs["null"] == pytest.approx(math.log(10))
    modular = training_log(ZOO / "modadd-59")
    assert modular["loss"].attrs["null"] == pytest.approx(math.log(59))
    assert float(modular["accuracy"].sel(step=4000, split="test")) == 1
    assert modular["loss"].attrs["n"] == "1,740 train and 1,741 test pairs"


def test_n_is_that_of_the_trainers():
    from interp.models.multiplication_training import N_MEASURED as trained
    from interp.store.training_measures import N_MEASURED

    assert trained == N_MEASURED
    history = pytest.importorskip("interp.models.modular_training").history(ZOO / "modadd-59")
    log = training_log(ZOO / "modadd-59")
    for split in ("train", "test", "unmirrored"):
        np.testing.assert_array_equal(log["loss"].sel(split=split), history[f"{split}_loss"])


@pytest.fixture
def place(tmp_path):
    for file in ("log.jsonl", "recipe.json"):
        shutil.copy(ZOO / "add-5" / file, tmp_path / file)
    return tmp_path


def test_a_torn_last_line_is_left_out(place):
    text = (place / "log.jsonl").read_text()
    (place / "log.jsonl").write_text(text[:-20])
    assert training_log(place).sizes["step"] == len(text.splitlines()) - 1


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda text: text.replace('"step": 25,', '"step": 25', 1), "line 2 is damaged"),
        (lambda text: text.replace('"step": 25,', "", 1), "line 2 is damaged"),
        (lambda text: "", "is empty"),
        (lambda text: "[1, 2]\n" + text, "line 1 is damaged"),
    ],
)
def test_a_damaged_log_is_an_error_that_names_the_line(place, spoil, said):
    text = (place / "log.jsonl").read_text()
    (place / "log.jsonl").write_text(spoil(text))
    with pytest.raises(InterpError, match=said):
        training_log(place)


def test_an_altered_log_is_not_the_one_that_was_vouched_for(place):
    data = (place / "log.jsonl").read_bytes()
    (place / "SHA256SUMS").write_text(f"{hashlib.sha256(data).hexdigest()}  log.jsonl\n")
    assert training_log(place).sizes["step"] == 161
    (place / "log.jsonl").write_bytes(data.replace(b"0.9", b"0.8", 1))
    with pytest.raises(InterpError, match="SHA256SUMS"):
        training_log(place)


def test_a_log_without_a_recipe_has_values_and_no_claims(place):
    (place / "recipe.json").write_text("{")
    log = training_log(place)
    assert "n" not in log["digit_loss"].attrs
    assert log.attrs["trainer"] == "training"


def test_what_no_measure_names_is_left_out(place):
    line = json.loads((place / "log.jsonl").read_text().splitlines()[0])
    (place / "log.jsonl").write_text(json.dumps(line | {"weather": "fine", "exact": "many", "digits": {"mood": [1]}}))
    log = training_log(place)
    assert "exact" not in log
    assert "digit_loss" not in log


def test_no_log_and_no_place(tmp_path):
    with pytest.raises(InterpError, match=r"has no log\.jsonl"):
        training_log(tmp_path)
    assert trainings(tmp_path / "nowhere") == []
