"""The Patching page as functions: components, metrics, cells, pairs and pins, and what stores lack."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest
from dash import dcc, no_update

from apps.dashboard import ids
from apps.dashboard.components.pair_card import note
from apps.dashboard.library import Library
from apps.dashboard.pages import patching_leads as leads
from apps.dashboard.pages import patching_moves as moves
from apps.dashboard.pages.patching_chosen import default_cell
from apps.dashboard.patches import component_of, label_of, siblings
from apps.dashboard.selection import Selection, parse
from interp.errors import InterpError
from interp.figures import pairs, pairs_compared, patch_maps, patch_tables, places
from interp.figures.places import Cell
from tests.apps import fixture_circuits, fixture_patches, fixture_store
from tests.apps.test_pages import flip_a_bit, page, parts, words

PATH = "/patching"
LIGHT = "light"


@pytest.fixture(scope="module")
def several(tmp_path_factory) -> Library:
    """Return a store with three components of one question, heads, attribution, and one run noising."""
    return Library(fixture_patches.fill(tmp_path_factory.mktemp("several")))


@pytest.fixture(scope="module")
def run(several) -> dict[str, str]:
    """Return the run of each component."""
    line = next(each for each in several.of("patching") if component_of(each) == "attn_out")
    return {name: each.run_id for name, each in siblings(several, line).items()}


@pytest.fixture(scope="module")
def shown(run):
    return Selection(run=run["resid_pre"], layer=4, role="eq", example=3).search


def click(x, y, shift=False, graph=ids.PATCHING_MAP, **more):
    return {"graph": graph, "x": x, "y": y, "shift": shift, "n": 1, **more}


def ids_of(found) -> dict:
    return {part.id: part for part in parts(found) if isinstance(getattr(part, "id", None), str)}


def test_the_page_shows_map_pairs_components_heads_and_attribution(several):
    found = page(several, PATH)
    text = words(found)
    for said in ("Logit difference recovered by patching resid_pre", "Each prompt pair at layer",
                 "Every component", "recovered by patching z", "Attribution against exact", "Not run for this question",
                 "--set component=resid_mid", "null"):  # fmt: skip
        assert said in text, said
    names = [part.id["name"] for part in parts(found) if isinstance(part, dcc.Graph)]
    assert names == [ids.PATCHING_MAP, ids.PATCHING_DETAIL, ids.PATCHING_COMPONENTS, ids.PATCHING_HEADS,
                     "agreement", "node_maps"]  # fmt: skip


def test_the_components_are_those_of_one_question(several, run):
    assert list(run) == ["resid_pre", "attn_out", "mlp_out", "z"]
    known = ids_of(page(several, PATH))
    assert [each["label"] for each in known[ids.PATCHING_COMPONENT].data] == list(run)
    noising = next(each for each in several.of("patching") if "noising" in label_of(each))
    assert list(siblings(several, noising)) == ["resid_pre"]
    assert "noising: 0 = clean" in words(page(several, PATH, f"?run={noising.run_id}"))


def test_metrics_are_offered_with_their_null_only(several, run, library):
    known = ids_of(page(several, PATH, f"?run={run['attn_out']}&metric=prob_diff"))
    assert [each["value"] for each in known[ids.PATCHING_METRIC].data] == [
        "logit_diff", "prob_diff", "answer_logit", "answer_logprob", "accuracy"]  # fmt: skip
    assert known[ids.PATCHING_METRIC].value == "prob_diff"
    assert parse(known[ids.SELECTION].data["search"])[0].metric == "prob_diff"
    old = ids_of(page(library, PATH))[ids.PATCHING_METRIC]
    assert [each["value"] for each in old.data] == ["logit_diff"]
    assert "does not keep 'kl'" in words(page(several, PATH, "?metric=kl"))


def test_a_deep_link_opens_cell_pair_and_pins(several, run):
    link = f"?v=1&run={run['z']}&metric=&layer=1&head=2&role=eq&example=7&pin=resid_pre+4+eq&pin=z+1.2+eq"
    found = page(several, PATH, link.replace("&metric=", ""))
    known = ids_of(found)
    assert parse(known[ids.SELECTION].data["search"])[0] == parse(link.replace("&metric=", ""))[0]
    assert known[ids.PATCHING_HEAD].value == "2"
    assert known[ids.PATCHING_ROWS].selectedRows == {"ids": ["7"]}
    text = words(found)
    for said in ("head 1.2, role eq", "The same pairs at the pinned places", "treat the pairs with r ="):
        assert said in text, said


def test_what_the_run_lacks_is_said(several, run):
    link = f"?run={run['attn_out']}&layer=99&head=1&role=zz&example=5000&pin=z+9.9+eq&pin=nonsense&pin=q+0.0+eq"
    text = words(page(several, PATH, link))
    for said in ("no layer 99 (it has 0 to 7)", "no head 1 (whole layers", "no role 'zz'", "no pair 5000",
                 "no head 9.9, role eq", "'nonsense' is no place", "no run of q"):  # fmt: skip
        assert said in text, said


def test_stores_without_a_run_with_an_old_one_and_with_a_damaged_one(tmp_path, library):
    fixture_store.fill(tmp_path / "other", [fixture_store.lens("a+b")])
    assert "interp run patching --model mental-math" in words(page(Library(tmp_path / "other"), PATH))
    text = words(page(library, PATH))  # one old run of the stream: no other component, no heads, no attribution
    for said in ("Only one component was run", "interp run head_patching", "interp run attribution"):
        assert said in text, said
    fixture_store.fill(tmp_path / "one", [fixture_store.patching("a+b")])
    damaged = Library(tmp_path / "one")
    victim: Path = tmp_path / "one" / "runs" / damaged.of("patching")[0].run_id
    flip_a_bit(max((p for p in victim.rglob("c/*") if p.is_file()), key=lambda path: path.stat().st_size))
    text = words(page(damaged, PATH))
    assert "cannot be read" in text or "damaged" in text


def test_a_run_of_heads_without_pairs_says_what_it_lacks(tmp_path):
    fixture_store.fill(tmp_path, [fixture_circuits.head_patching("a+b")])
    assert "has no logit_diff" in words(page(Library(tmp_path), PATH))


def test_a_click_moves_everything(several, shown):
    out = moves.clicked(several, shown, click(1, 0), LIGHT)
    assert out[0] == {"path": PATH, "search": shown.replace("layer=4&role=eq", "layer=0&role=a")}
    assert out[1:4] == ("0", None, "a")
    assert out[6] == "Each prompt pair at layer 0, role a"
    assert "200 of 200 pairs" in out[7]
    assert len(out[8]) == 200
    assert out[9] is no_update
    known = ids_of(page(several, PATH, out[0]["search"]))
    assert out[10] == known[ids.part(ids.PATCHING_DETAIL, "subtitle")].children
    assert out[10] != ids_of(page(several, PATH, shown))[ids.part(ids.PATCHING_DETAIL, "subtitle")].children
    assert out[4].to_plotly_json()["operations"][0]["location"] == ["layout", "shapes"]
    changed = {tuple(op["location"]) for op in out[5].to_plotly_json()["operations"]}
    assert {("data", 2, "y"), ("data", 2, "selectedpoints")} <= changed


def test_the_keyboard_does_the_same(several, shown):
    by_key, by_click = (
        moves.chosen(several, shown, ("0", None, "a"), LIGHT),
        moves.clicked(several, shown, click(1, 0), LIGHT),
    )
    assert (by_key[0], by_key[8]) == (by_click[0], by_click[8])
    assert moves.chosen(several, shown, ("4", None, "eq"), LIGHT) == moves.NOTHING


def test_a_click_on_heads_chooses_layer_and_head(several, run):
    out = moves.clicked(several, Selection(run=run["z"]).search, click(4, 6), LIGHT)
    assert out[0]["search"] == Selection(run=run["z"], layer=1, head=2, role="eq").search
    assert out[1:4] == ("1", "2", "eq")


@pytest.mark.parametrize(
    "bad", [None, {}, click(99, 0), click("x", 0), click(-1, 2), click(None, None), click(1, 1, graph="other")]
)
def test_a_click_beside_the_map_changes_nothing(several, shown, bad):
    assert moves.clicked(several, shown, bad, LIGHT) == moves.NOTHING


@pytest.mark.parametrize(
    ("place", "said"), [(("99", None, "a"), "no layer 99"), (("0", None, "nobody"), "role nobody"),
                        (("0", "1", "a"), "no head 0.1"), (("x", None, "a"), "not numbers"), ((None, None, "a"), "not")]
)  # fmt: skip
def test_a_cell_that_is_not_there_is_an_error_in_one_line(several, shown, place, said):
    with pytest.raises(InterpError, match=said):
        moves.chosen(several, shown, place, LIGHT)


def test_a_made_up_run_is_an_error(several):
    with pytest.raises(InterpError, match="no run"):
        moves.chosen(several, "?run=nope&layer=0&role=a", ("1", None, "a"), LIGHT)


def test_shift_pins_and_escape_lets_go(several, shown):
    out = moves.clicked(several, shown, click(1, 2, shift=True), LIGHT)
    assert parse(out[0]["search"])[0].pin == ("resid_pre 2 a",)
    assert out[6] == "Each prompt pair at layer 4, role eq"
    assert "The same pairs at the pinned places" in words(out[9])
    free = moves.clicked(several, out[0]["search"], {"unlock": True, "n": 2}, LIGHT)
    run = parse(shown)[0].run
    usual = default_cell(several.dataset(run))
    assert parse(free[0]["search"])[0] == Selection(run=run, layer=usual.layer, role=usual.role)
    assert free[9] == []
    assert moves.clicked(several, free[0]["search"], {"unlock": True, "n": 3}, LIGHT) == moves.NOTHING


def test_a_pair_is_selected_by_row_and_by_point(several, shown):
    rows = moves.chosen(several, shown, ("0", None, "a"), LIGHT)[8]
    address, detail, compared = leads.pair_selected(several, shown, [rows[5]], rows, LIGHT)
    assert f"example={rows[5]['prompt_index']}" in address["search"]
    assert detail.to_plotly_json()["operations"][0]["params"]["value"] == [5]
    assert compared is no_update
    point = click(5, 1.0, graph=ids.PATCHING_DETAIL, custom=rows[5]["prompt_index"])
    chosen = leads.pair_clicked(point, rows)
    assert chosen == {"ids": [rows[5]["prompt_index"]]}
    assert leads.pair_selected(several, shown, chosen, rows, LIGHT)[0] == address
    assert leads.pair_clicked(click(5, 1.0, graph=ids.PATCHING_DETAIL, custom="777"), rows) is no_update


@pytest.mark.parametrize(
    "rows", [None, [], {"ids": ["3"]}, {"ids": []}, [{"prompt_index": "x"}], [{"prompt_index": "3"}]]
)
def test_rows_that_change_nothing(several, shown, rows):
    assert leads.pair_selected(several, shown, rows, [], LIGHT) == (no_update,) * 3


def test_other_maps_lead_to_their_run_and_cell(several, run, shown):
    at = click(1, 2, graph=ids.PATCHING_COMPONENTS, curve=2)
    assert leads.led(several, shown, at) == Selection(run=run["mlp_out"], layer=2, role="a", example=3).search
    at = click(4, 6, graph=ids.PATCHING_HEADS, curve=0)
    assert leads.led(several, shown, at) == Selection(run=run["z"], layer=1, head=2, role="eq", example=3).search
    for bad in (
        None,
        click(1, 1),
        click(1, 1, graph=ids.PATCHING_COMPONENTS, curve=9),
        click(1, 99, graph=ids.PATCHING_HEADS),
    ):
        assert leads.led(several, shown, bad) is no_update


def test_another_component_or_metric_keeps_the_cell_where_it_can(several, run, shown):
    assert leads.turned(several, shown, run["attn_out"], "logit_diff") == shown.replace(
        run["resid_pre"], run["attn_out"]
    )
    assert "metric=accuracy" in leads.turned(several, shown, run["resid_pre"], "accuracy")
    heads = parse(
        leads.turned(several, Selection(run=run["resid_pre"], layer=2, role="a").search, run["z"], "logit_diff")
    )[0]
    assert (heads.layer, heads.head, heads.role) == (2, 2, "a")
    assert parse(leads.turned(several, heads.search, run["mlp_out"], "logit_diff"))[0] == Selection(
        run=run["mlp_out"], layer=2, role="a"
    )
    last = Selection(run=run["resid_pre"], layer=8, role="eq").search
    assert parse(leads.turned(several, last, run["attn_out"], "logit_diff"))[0].layer < 8  # there is no layer 8
    assert leads.turned(several, shown, run["resid_pre"], "logit_diff") is no_update
    with pytest.raises(InterpError, match="no run"):
        leads.turned(several, shown, "nope", "logit_diff")


def test_click_to_detail_is_fast_on_the_server(several, shown):
    moves.clicked(several, shown, click(1, 0), LIGHT)
    started = time.process_time()
    for y in (1, 2, 3, 5):
        moves.clicked(several, shown, click(3, y), LIGHT)
    assert (time.process_time() - started) / 4 < 0.1


def test_frames_stand_on_map_and_null(several, run):
    found = page(several, PATH, f"?run={run['resid_pre']}&layer=2&role=a&pin=resid_pre+3+b&pin=attn_out+3+b")
    graph = next(p for p in parts(found) if isinstance(p, dcc.Graph) and p.id["name"] == ids.PATCHING_MAP)
    frames = [
        (each["xref"], each["x0"], each["y0"], each["label"]["text"]) for each in graph.figure["layout"]["shapes"]
    ]
    assert frames == [("x", 2.5, 2.5, "1"), ("x2", 2.5, 2.5, "1"), ("x", 0.5, 1.5, ""), ("x2", 0.5, 1.5, "")]


def test_a_pair_has_the_same_place_in_every_panel(several, run):
    dataset = several.dataset(run["resid_pre"])
    compared = {name: (dataset, Cell(layer, "a")) for name, layer in (("low", 1), ("high", 6))}
    figure = pairs_compared.side_by_side(compared, "logit_diff", example=3)
    low, high = (np.asarray(figure.data[k].customdata) for k in (2, 5))
    assert (low == high).all()
    value = dataset["logit_diff"].sel(layer=6, role="a").values
    assert np.asarray(figure.data[5].y) == pytest.approx(value[high.astype(int)])
    assert figure.data[2].selectedpoints == figure.data[5].selectedpoints == (list(low).index("3"),)
    assert len(pairs_compared.table(compared, "logit_diff").rows) == 200


def test_pairs_of_other_prompts_are_not_compared(several, run):
    dataset = several.dataset(run["resid_pre"])
    other = dataset.assign_coords(prompt=dataset["prompt"].values[::-1])
    with pytest.raises(InterpError, match="other pairs"):
        pairs_compared.side_by_side({"a": (dataset, Cell(1, "a")), "b": (other, Cell(1, "a"))}, "logit_diff")


def test_noising_counts_from_the_clean_run(several):
    line = next(each for each in several.of("patching") if "noising" in label_of(each))
    dataset = several.dataset(line.run_id)
    row = pairs.example_rows(dataset, 4, "eq")[0]
    share = (row["patched"] - row["clean"]) / (row["corrupted"] - row["clean"])
    assert row["recovered"] == pytest.approx(share)
    assert [trace.name for trace in pairs.examples(dataset, 4, "eq").data] == [
        "corrupted run (1)", "clean run (0)", "patched"]  # fmt: skip


def test_maps_of_every_metric_carry_their_null(several, run):
    dataset = several.dataset(run["attn_out"])
    for metric in places.kept(dataset):
        figure = patch_maps.metric_map(dataset, metric)
        assert figure.data[1].name == "null: unrelated pair"
        assert np.asarray(figure.data[0].z) == pytest.approx(places.measured(dataset, metric)[0].value)
    with pytest.raises(InterpError, match="does not keep"):
        patch_maps.metric_map(dataset, "mean_kl")


def test_tables_hold_the_maps_of_all_components(several, run, monkeypatch):
    datasets = {name: several.dataset(run[name]) for name in ("resid_pre", "attn_out")}
    found = patch_tables.table(datasets, "accuracy")
    assert found.columns == ("component", "layer", "role", "Accuracy", "95 % from", "95 % to", "null")
    there = datasets["attn_out"].sel(layer=0, role="b")
    row = next(row for row in found.rows if row[:3] == ("attn_out", "0", "b"))
    assert row[3] == f"{float(there['accuracy']):.3f}"
    assert row[6].startswith(f"{float(there['accuracy_null']):.3f}")
    monkeypatch.setattr(patch_tables, "LONGEST", 9)
    wide = patch_tables.table(datasets, "accuracy")
    assert wide.columns[:3] == ("component", "layer", "bos")
    assert [row[:2] for row in wide.rows][8:10] == [("resid_pre", "8"), ("attn_out", "0")]
    assert wide.rows[9][wide.columns.index("b")].startswith(f"{float(there['accuracy']):.3f}")
    assert "the null is in the CSV" in wide.caption
    assert patch_tables.table({"z": several.dataset(run["z"])}, "logit_diff").columns[0] == "head"


def test_a_component_run_before_a_metric_was_kept_is_told_apart(tmp_path):
    new = fixture_patches.richer(fixture_store.patching("a+b"), "resid_pre")
    root = fixture_patches.fill(tmp_path)
    store = Library(root)
    old = fixture_store.patching("a+b").assign_attrs(component="mlp_post")
    fixture_patches.write(store.store(), old, {"component": "mlp_post"}, 40)
    fixture_patches.write(store.store(), new, {"component": "resid_pre"}, 41)
    text = words(page(Library(root), PATH, "?metric=accuracy"))
    assert "run before this metric was kept with its null: mlp_post" in text


@pytest.mark.parametrize(("metric", "has"), [("logit_diff", True), ("accuracy", False)])
def test_the_pairs_have_a_share_recovered_only_where_it_means_something(several, run, metric, has):
    found = page(several, PATH, Selection(run=run["resid_pre"], metric=metric).search)
    grid = next(part for part in parts(found) if getattr(part, "id", None) == ids.PATCHING_ROWS)
    assert ("recovered" in [column["field"] for column in grid.columnDefs]) is has


def test_accuracy_says_how_many_pairs_turn_and_forgets_none():
    ends = [(1, 0, 1), (1, 0, 1), (1, 0, 0), (1, 1, 0), (1, 1, 1)]
    rows = [{"clean": c, "corrupted": k, "patched": p, "recovered": np.nan} for c, k, p in ends]
    said = note({"interval": "mean accuracy", "base": "corrupted"}, rows, "accuracy")
    assert "of 5 pairs 2 become right, 1 stops being right" in said
    assert "half way" not in said
    assert "of 5 pairs 0 become right, 2 stop" in note({"interval": "mean", "base": "clean"}, rows, "accuracy")
