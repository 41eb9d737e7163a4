"""Verdicts and figures of written arithmetic: from what is recorded, from nothing, and from numbers made by hand."""

from __future__ import annotations

import json

import numpy as np
import pytest
import xarray as xr

from experiments.multiplication import adder_reach, addition, dissect, written_evidence, written_trainings
from experiments.multiplication.dissect_rules import RULES
from experiments.multiplication.written_verdicts import Ruled, frame, line
from interp.methods.failures import failures_by_class, overlap
from interp.models import written, zoo
from interp.tasks.written import Form, draw, roles, sequences
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
        "n": ((), 100),
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


@pytest.mark.parametrize("module", [dissect, addition])
def test_a_row_says_all_that_a_verdict_rests_on(module):
    rows = frame(module.lines(), module.SCALES, module.COMMAND)
    run = rows[rows.verdict != "not run"]
    assert (
        not run[["claim", "published", "measured", "scale", "command", "source", "how we know"]].isna().any(axis=None)
    )
    assert (run.seeds >= 1).all()
    exact = run.scale == "exact, no model"
    assert set(run.verdict[exact]) == {"match"}
    assert (run.n[~exact] >= 500).all()
    assert not run[["value", "tolerance"]][exact].isna().any(axis=None)
    assert (run[["low", "ours", "high"]].dropna().diff(axis=1).iloc[:, 1:] >= 0).all(axis=None)


def test_a_claim_holds_where_it_does_on_every_seed():
    claim = next(iter(read_claims(dissect.PUBLISHED).values()))._replace(value=None)
    yes, no = Ruled(True, 0.5, "yes", 10, 0.4, 0.6), Ruled(False, 0.1, "no", 20)
    found = line(claim, lambda seed: yes if seed["right"] else no, "t", [{"right": True}, {"right": False}])
    assert (found.verdict.verdict, found.seeds, found.n, found.low, found.verdict.ours) == (
        "not reproduced",
        2,
        10,
        0.4,
        0.5,
    )
    assert found.verdict.said == "seed 0: yes; seed 1: no"
    assert line(claim, lambda seed: yes, "t", [{}]).verdict.verdict == "scaled"
    assert line(claim, lambda seed: yes, "t", []).verdict.verdict == "not run"
    assert line(claim, lambda seed: seed["none"], "t", [{}]).verdict.verdict == "not run"


def test_a_share_of_cells_counts_problems():
    wrong, mask = np.array([[1, 1], [0, 0], [0, 1]], bool), np.array([[1, 1], [1, 1], [1, 0]], bool)
    found = dissect.cell_rate(wrong, mask)
    assert (found["wrong"], found["n"], found["rate"]) == (2, 5, 0.4)
    rng = np.random.default_rng(0)
    alike = np.repeat(rng.random((2000, 1)) < 0.2, 5, axis=1)  # five cells of a problem always fail together
    found = dissect.cell_rate(alike, np.ones_like(alike))
    assert (found["high"] - found["low"]) / 2 == pytest.approx(1.96 * alike[:, 0].std() / np.sqrt(2000), rel=0.01)


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
        return {order: {"curves": {"step": step, "subtasks": curves, "n": 100}} for order in ("ordinal", "reversed")}

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
    squares = [name for name in written_trainings.trainings() if name.startswith("square") and "long" not in name]
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
    trained = np.concatenate([written.batch_at(written_trainings.SQUARE | {"simple": 0.4}, step) for step in range(99)])
    asked = np.concatenate([sequences(Form("*", 2, 2, "ordinal"), each) for each in (ab, ab[:, ::-1])])
    assert not set(map(tuple, trained.tolist())) & set(map(tuple, asked.tolist()))
    many = written_evidence.held_out(Form("+", 5, 5, "ordinal"), 50_000)
    assert len(many) == len(np.unique(many, axis=0)) == 50_000
    assert in_split(many, "test").all()


def test_a_hidden_pair_is_missed_where_it_is_used():
    directory, form = zoo.zoo_directory() / "add-5", Form("+", 5, 5, "ordinal")
    ab = written_evidence.held_out(form, 3_000)
    nines = ((ab[:, 0] // 100 % 10 + ab[:, 1] // 100 % 10) == 9) & (
        (ab[:, 0] // 1000 % 10 + ab[:, 1] // 1000 % 10) == 9
    )
    ab = np.concatenate([ab[nines], ab[~nines][:200]])
    found = adder_reach.reach(directory, form, ab)
    assert found.n.values.tolist() == [nines.sum(), 200]
    right = written_evidence.told(directory, ab)[:, 4]
    plain = [1 - right[: nines.sum()].mean(), 1 - right[nines.sum() :].mean()]
    np.testing.assert_allclose(found.wrong.sel(hidden="none"), plain)
    assert (found.wrong.sel(hidden="column 4") > 0.7).all()  # nine of ten digits are another
    assert (found.attention.sum("column") <= 1).all()
    assert found.attention.sel(kind="nines", head=2).values.argmax() == 4


def test_every_training_is_a_recipe():
    recipes = written_trainings.trainings()
    assert recipes["digit-ordinal"] == written.complete(written.WRITTEN)
    assert recipes["square-reversed-deep-simple"]["architecture"]["n_layer"] == 2
    assert recipes["digit-reversed-heads1"]["architecture"]["n_head"] == 1
    assert all(written.complete(recipe) == recipe for recipe in recipes.values())


@pytest.mark.parametrize("name", ["5x1-published", "5x5-plain", "5x5-remedies", "add-5-published"])
def test_recipes_of_the_published_size_can_be_trained(name):
    recipe = json.loads((written_trainings.RECIPES / f"{name}.json").read_text())
    whole = written.complete(recipe)
    assert whole["architecture"]["n_embd"] in (510, 512)
    form = written.form_of(whole)
    assert written.batch_at({**whole, "batch": 3}, 0).shape == (3, form.start + form.width + 1)
