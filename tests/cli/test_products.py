"""The methods on multiplying models from the command line: recorded with their nulls, refused elsewhere."""

from __future__ import annotations

import pytest

from interp.figures import FIGURES
from interp.store import Store
from interp.store.product_parameters import OF_PRODUCTS
from tests.multipliers import train_tiny

from .conftest import quick


@pytest.fixture(scope="module")
def multiplier(tmp_path_factory):
    return train_tiny(tmp_path_factory.mktemp("cli") / "multiply")


@pytest.mark.parametrize("method", OF_PRODUCTS)
def test_a_multiplying_model_answers(interp, multiplier, method):
    said = interp("run", method, "--model", multiplier, *quick(method), "--json")
    assert said.code == 0, said.err
    assert said.json["n"] > 0
    assert said.json["task"] is None
    dataset = Store().open(said.json["run_id"]).load()
    assert dataset.attrs["method"] == method
    assert dataset.attrs["title"]
    assert all({"units", "description"} <= set(values.attrs) for values in dataset.data_vars.values())
    assert [name for name in dataset.variables if "null" in str(name)]
    for drawing in FIGURES[method]:
        assert drawing.shows in dataset.variables
        assert drawing(dataset).data
    assert interp("run", method, "--model", multiplier, *quick(method), "--dry-run").code == 0


def test_other_models_are_refused_in_one_line(interp, checkpoint):
    assert "no multiplying model" in interp("run", "product_accuracy", "--model", checkpoint, "--n", 5).line
