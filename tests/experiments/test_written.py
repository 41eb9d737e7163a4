"""Verdicts and figures of written arithmetic: from what is recorded, from nothing, and from numbers made by hand."""

from __future__ import annotations

import json

import numpy as np
import pytest
import xarray as xr

from experiments.multiplication import addition, dissect, written_evidence, written_trainings
from experiments.multiplication.dissect_rules import RULES
from interp.methods.failures import failures_by_class, overlap
from interp.models import written
from interp.tasks.written import Form, draw, roles
from interp.verdicts import VERDICTS, read_claims


def scores(**exact):
    """Return the accuracy of trainings by name."""
    return {name: {"exact": x, "low": x - 0.01, "high": x + 0.01, "n": 100, "null": 0.1} for name, x in exact.items()}


def steps_of(top, order="ordinal"):
    """Return a staircase of two heads whose largest attention is at `top` {(head, column): role}."""
    form = Form("*", 5, 1, order)
    attention = np.full((1, 2, form.width, len(roles(form))), 0.05)
    for (head, column), role in top.items():
        attention[0, head, column, roles(form).index(role)] = 0.5
    coords = {"column": [f"c{k}" for k in range(form.width)], "role": list(roles(form)), "layer": [0], "head": [0, 1]}
    null = np.full(attention.shape[2:], 1 / len(roles(form)))
    found = {
        "attention": (("layer", "head", "column", "role"), attention),
        "attention_null": (("column", "role"), null),
    }
    return xr.Dataset(found, coords, {"order": order})


def test_every_claim_has_its_rule_and_nothing_recorded_is_not_run(tmp_path):
    for module in (dissect, addition):
        claims = read_claims(module.PUBLISHED)
        assert set(claims) == set(module.RULES)
        found = {each.claim.name: each.verdict for each in module.verdicts(tmp_path / "nothing.json")}
        exact = {name for name, verdict in found.items() if verdict == "match"}
        assert exact == {"cell frequencies"} if module is dissect else {"look-back error", "cascade frequencies"}
        assert {verdict for name, verdict in found.items() if name not in exact} == {"not run"}


@pytest.mark.parametrize("module", [dissect, addition])
def test_what_is_recorded_is_judged_and_drawn(module):
    if not module.RESULTS.is_file():
        pytest.skip("nothing is recorded")
    found = module.verdicts()
    assert {each.verdict for each in found} <= set(VERDICTS)
    drawn = dict(module.pictures(written_evidence.read(module.RESULTS)))
    assert len(drawn) >= 4
    for figure in drawn.values():
        said = figure.to_dict()["layout"]["title"]["subtitle"]["text"]
        assert "small model" in said
        assert any("null" in (trace.name or "") for trace in figure.data) or "null" in str(figure.layout.annotations)


def test_the_staircase_needs_two_heads():
    own, below = {(0, k): f"a{k}" for k in range(5)}, {(1, k): f"a{k - 1}" for k in range(1, 6)}
    same = {(0, k): f"a{k - 1}" for k in range(1, 6)}
    for top, holds in ((own | below, True), (own, False), (below, False), (below | same, False)):
        assert RULES["staircase"]({"ordinal": {"staircase": steps_of(top)}})[0] is holds


def test_own_words_are_the_digits_written_before():
    reads = {(1, k): "c0" for k in range(1, 6)}
    assert RULES["reversed reads what it wrote"]({"reversed": {"staircase": steps_of(reads, "reversed")}})[0]
    away = {(1, k): "b0" for k in range(1, 6)}
    assert not RULES["reversed reads what it wrote"]({"reversed": {"staircase": steps_of(away, "reversed")}})[0]


def test_the_order_of_learning():
    step = list(range(0, 1000, 25))
    names = ("BM", "CM", "CA", "UC", "UCFC")

    def found(*falls):
        curves = {name: [2.0 if s < at else 0.1 for s in step] for name, at in zip(names, falls, strict=True)}
        return {order: {"curves": {"step": step, "subtasks": curves}} for order in ("ordinal", "reversed")}

    assert RULES["order of the subtasks"](found(100, 200, 300, 400, 500))[0]
    assert RULES["order of the subtasks"](found(100, 300, 200, 400, 400))[0]
    assert not RULES["order of the subtasks"](found(300, 200, 200, 400, 500))[0]
    assert not RULES["order of the subtasks"](found(100, 200, 450, 400, 500))[0]
    assert written_evidence.fallen(step, [2.0] * len(step)) == float("inf")
    assert written_evidence.fallen([1, 2, 3, 4, 5, 6], [2, 2, 2, 0, 0, 0], level=1.0, box=3) == 5


def test_tables_by_hand():
    orders = ("ordinal", "reversed")
    heads = {f"digit-{o}{n}": x for o in orders for n, x in (("-heads1", 0.5), ("-heads2", 0.7), ("", 0.9))}
    assert RULES["more heads"]({"accuracy": scores(**heads)})[0]
    assert not RULES["more heads"]({"accuracy": scores(**{**heads, "digit-reversed-heads2": 0.4})})[0]
    close = scores(**{"digit-ordinal": 0.90, "digit-reversed": 0.91})
    assert not RULES["reversed is easier"]({"accuracy": close})[0]
    squares = [name for name in written_trainings.trainings() if name.startswith("square")]
    assert len(squares) == 8
    found = {"accuracy": scores(**dict.fromkeys(squares, 0.1) | {"square-reversed-deep-simple": 0.9})}
    assert RULES["all remedies"](found)[0]
    assert RULES["one remedy is not enough"](found)[0]
    found["accuracy"]["square-simple"]["exact"] = 0.95
    assert not RULES["all remedies"](found)[0]
    assert not RULES["one remedy is not enough"](found)[0]


def test_an_adder_that_is_the_look_back_passes_and_one_that_guesses_does_not():
    ab = draw(Form("+", 5, 5, "ordinal"), 20_000, 0)
    wrong = addition.fails(*ab.T, 5)
    for failed, holds in ((wrong, True), (np.random.default_rng(0).permutation(wrong), False)):
        found = {
            "overlap": {str(reach): overlap(failed, addition.fails(*ab.T, 5, reach)) for reach in (1, 2, 3)},
            "by_cascade": failures_by_class(failed, addition.cascades(*ab.T, 5)),
        }
        assert addition.RULES["fails where the look-back fails"](found)[0] is holds
        assert addition.RULES["longer cascades fail"](found)[0] is holds
        assert addition.RULES["one nine is handled"](found)[0]


def test_results_survive_being_written(tmp_path):
    table = failures_by_class(np.array([True, False, True]), np.array([0, 1, 1]))
    written_evidence.write(tmp_path / "r.json", {"a": {"b": table}, "c": [1 / 3, np.int64(2)]})
    found = written_evidence.read(tmp_path / "r.json")
    assert found["c"] == [0.33333, 2]
    np.testing.assert_allclose(found["a"]["b"].wrong, table.wrong, rtol=1e-4)
    assert found["a"]["b"].wrong.attrs["units"] == "fraction"
    json.loads((tmp_path / "r.json").read_text())


def test_held_out_questions_are_held_out():
    from interp.tasks.splits import in_split

    ab = written_evidence.held_out(Form("*", 2, 2, "ordinal"), 10_000)
    assert 800 < len(ab) < 1200
    assert len(np.unique(ab, axis=0)) == len(ab)
    assert in_split(ab, "test").all()
    assert len(written_evidence.held_out(Form("+", 5, 5, "ordinal"), 50)) == 50


def test_every_training_is_a_recipe():
    recipes = written_trainings.trainings()
    assert recipes["digit-ordinal"] == written.complete(written.WRITTEN)
    assert recipes["square-reversed-deep-simple"]["architecture"]["n_layer"] == 2
    assert recipes["digit-reversed-heads1"]["architecture"]["n_head"] == 1
    assert all(written.complete(recipe) == recipe for recipe in recipes.values())
