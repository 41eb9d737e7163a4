"""The claims about multiplying models meet their rules: every claim has one, and rules tell results apart."""

from __future__ import annotations

from pathlib import Path

import pytest

from experiments.multiplication.icot import PUBLISHED, accuracies, measured, present, regime_of, verdicts
from experiments.multiplication.icot_figures import pictures
from experiments.multiplication.icot_rules import (
    RULES,
    attribution,
    exact,
    failing,
    idle_middle,
    middle,
    middle_last,
    outer_only,
)
from experiments.multiplication.tables import BEGIN, END, README, replaced, written
from interp.errors import InterpError
from interp.figures import FIGURES
from interp.methods.digit_attribution import digit_attribution
from interp.methods.learning_order import learning_order
from interp.methods.product_accuracy import product_accuracy
from interp.store import Store
from interp.tasks import multiplication as task
from interp.verdicts import read_claims
from tests.multipliers import Calculator, train_tiny

AB = task.pairs(3, 150, 0)
SMALL = {
    "product_accuracy": {"n": 20}, "digit_attribution": {"n": 20, "n_shuffles": 19},
    "attention_tree": {"n": 20, "n_random": 19},
    "running_sums": {"n_train": 60, "n_test": 20}, "digit_geometry": {"n": 200, "draws": 1},
    "product_digits": {"n": 400, "draws": 19},
}  # fmt: skip


STORY = Path(__file__).parents[2] / "experiments" / "multiplication" / "story.py"


def log(final: list[float]) -> list[dict]:
    """A log of twelve lines in which the digits end at these losses, one after the other."""
    lines = []
    for step in range(12):
        loss = [end if step > k else 2.3 for k, end in enumerate(final)]
        digits = {"loss": loss, "gradient_norm": [1.0] * 6, "cosine": [0.5] * 6}
        lines.append({"step": 10 * (step + 1), "digits": digits, "selection": {"accuracy": [0.5] * 6}})
    return lines


def test_every_claim_has_a_rule():
    assert set(RULES) == set(read_claims(PUBLISHED))
    assert all(verdict.verdict == "not run" for verdict in verdicts({}))


def test_rules_tell_a_calculator_from_one_without_middle_digits():
    whole, part = (Calculator(3), Calculator(3, knows=(0, 1, 5)))
    known, lacking = ({"product_accuracy": product_accuracy(m, AB, 3), "digit_attribution": digit_attribution(m, AB, 3)}
                      for m in (whole, part))  # fmt: skip
    assert exact(known, 0.95, 1).holds
    assert not exact(lacking, 0.95, 1).holds
    assert exact(lacking, 0, 0.01).holds
    assert attribution(known).holds
    assert not attribution(lacking).holds
    assert idle_middle(lacking).holds
    assert not idle_middle(known).holds
    assert middle(known["product_accuracy"].column.values) == ["c2", "c3", "c4"]
    assert known["product_accuracy"].exact.values.tolist() == [1, 1]


def test_rules_on_the_order_of_learning():
    outer = {"learning_order": learning_order(log([0, 0, 2.3, 2.3, 2.2, 0]), 3, 100)}
    assert outer_only(outer).holds
    assert not middle_last(outer).holds
    whole = learning_order(log([0, 0, 0.1, 0.1, 0.1, 0]), 3, 100)
    assert not outer_only({"learning_order": whole}).holds
    assert not middle_last({"learning_order": whole}).holds  # the last digit was learned last
    order = log([0, 0, 0.1, 0.1, 0.1, 0])
    for line in order:
        line["digits"]["loss"][5] = 0.0
    assert middle_last({"learning_order": learning_order(order, 3, 100)}).holds


@pytest.mark.slow
def test_a_model_of_eight_steps_is_measured_judged_and_drawn(tmp_path):
    directory = train_tiny(tmp_path / "multiply")
    store = Store(tmp_path / "store")
    found = {regime: [measured(str(directory), store, SMALL)] for regime in ("plain", "icot", "aux")}
    judged = {each.claim.name: each for each in verdicts(found)}
    assert judged["T1 icot"].verdict == "not reproduced"
    assert judged["M1 icot"].verdict == "not reproduced"
    assert "match" not in {each.verdict for each in judged.values()}
    assert len(accuracies(found)) == 6
    drawn = dict(pictures({"plain": found["plain"]}))
    assert len(drawn) == sum(len(FIGURES[method]) for method in found["plain"][0])
    assert all("smaller than the published" in str(figure.to_json()) for figure in drawn.values())
    lines = written(found).splitlines()
    assert sum(line.startswith("| multiply | ") for line in lines) == 6 + 3  # two modes and the sums of each
    assert sum(line.startswith(("| T1 ", "| M")) for line in lines) == len(RULES)


def test_tables_go_between_the_marks_of_the_readme():
    assert replaced(f"a\n{BEGIN}\nold\n{END}\nb", "new") == f"a\n{BEGIN}\n\nnew\n\n{END}\nb"
    with pytest.raises(InterpError, match="once each"):
        replaced("a", "new")
    text = README.read_text()
    assert replaced(text, "").count("| M1 icot |") == 0 < text.count("| M1 icot |")
    assert all(f"| {name} |" in text for name in RULES)


def test_the_notebook_is_that_of_the_script():
    """Someone who edits one of the two runs `python -m experiments.notebooks experiments/multiplication/story.py`."""
    import jupytext
    import nbformat

    script, notebook = jupytext.read(STORY), nbformat.read(STORY.with_suffix(".ipynb"), as_version=4)
    assert [(cell.cell_type, cell.source) for cell in notebook.cells] == [
        (cell.cell_type, cell.source) for cell in script.cells
    ]
    outputs = [out for cell in notebook.cells if cell.cell_type == "code" for out in cell.outputs]
    assert not [out for out in outputs if out.output_type == "error"]
    assert sum("image/png" in out.get("data", {}) for out in outputs) == 12, "every figure is a picture"


def test_present_names_only_what_is_there(tmp_path, monkeypatch):
    for name in ("multiply-plain", "multiply-icot", "multiply-icot-seed1", "multiply-icot-long", "multiply-by-digit"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.json").write_text("{}")
    monkeypatch.setenv("ARITHMOSCOPE_ZOO", str(tmp_path))
    there = {"multiply-plain": 1, "multiply-icot": 2, "multiply-icot-long": 1}
    assert {training: len(names) for training, names in present().items()} == there
    assert [regime_of(training) for training in present()] == ["plain", "icot", "icot"]


def test_failing_digits_are_those_whose_interval_ends_below_one_half():
    lacking = product_accuracy(Calculator(3, knows=(0, 1, 5)), AB, 3)
    assert failing(lacking.sel(mode="told")) == ["c2", "c3", "c4"]
    assert failing(product_accuracy(Calculator(3), AB, 3).sel(mode="free")) == []
