"""Probes as they are asked for: transfer between tasks, styles and templates of one's own; labels nobody named."""

import json

import numpy as np
import pytest

from interp.answers import METHODS, Question
from interp.errors import InterpError
from interp.models import load
from interp.store import Spec

OWN = {"name": "own", "expression": "a+b", "ranges": {"a": [0, 99], "b": [0, 99]}, "answer_prefix": " "}
SIZES = {"n_train": 600, "n_selection": 200, "n_test": 100, "layers": [3]}


@pytest.fixture(scope="module")
def model():
    return load("mental-math")


def ask(model, method, **parameters):
    return METHODS[method](Question(model, Spec(method=method, model="mental-math", task="a+b", parameters=parameters)))


def test_probes_are_carried_to_another_task_another_style_and_a_template_of_ones_own(model, tmp_path):
    """Wordings of a sum are read alike by one probe, a difference is not: as the log has it, and in both directions."""
    path = tmp_path / "own words.json"  # a space in the path is no style
    path.write_text(json.dumps({**OWN, "templates": {"mine": "How much is {a} plus {b} equals"}}))
    cells = ["a-b", "a+b verbal", f"{path} mine"]
    ds = ask(model, "probe_transfer", cells=cells, **SIZES)
    names = ["a+b plain", "a-b plain", "a+b verbal", "own words.json mine"]
    assert ds["fit"].values.tolist() == ds["on"].values.tolist() == names
    score = ds.score.squeeze().to_numpy()
    assert (score.diagonal() > 0.95).all()
    sums = np.ix_([0, 2, 3], [0, 2, 3])
    assert (score[sums] > 0.8).all()
    assert (score[[0, 2, 3], 1] < 0).all()
    assert (score[1, [0, 2, 3]] < 0).all()
    assert (ds.n_test == 100).all()
    assert float(ds.score_null_high) < 0.3


def test_labels_that_are_not_named_are_digits_and_carries(model):
    ds = ask(model, "probe_learning", n_train=32, n_test=20, layers=[3])
    assert ds["target"].values.tolist() == ["result0", "result1", "result2", "result_carry0", "result_carry1"]
    toy = Question(load("modadd-59"), Spec(method="probe_causal", model="modadd-59"))
    with pytest.raises(InterpError, match="two numbers"):
        METHODS["probe_causal"](toy)
