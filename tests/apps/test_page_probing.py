"""The Probing page: maps beside controls, the selected cell, pins, kinds, and stores that lack or damage something."""

from __future__ import annotations

import json
import time

import pytest
from dash import dcc, html, no_update

from apps.dashboard import ids
from apps.dashboard.library import Library
from apps.dashboard.pages import probing, probing_beside, probing_cell, probing_choice
from apps.dashboard.selection import Selection, parse
from interp.errors import InterpError
from interp.figures import probe_cell, probe_errors, probe_map
from interp.figures.twin import INTERVAL
from tests.apps import fixture_probes, fixture_store
from tests.apps.test_pages import flip_a_bit, page, parts, words

MADE = ("probe_learning", "probe_transfer", "probe_directions", "probe_causal")


@pytest.fixture(scope="module")
def probes(tmp_path_factory):
    """Return the library over a store of probes of one cell: two kinds, and all that stands beside."""
    root = tmp_path_factory.mktemp("probes")
    other = fixture_probes.probe_controls("a+b").assign_attrs(kind="circular", period=10.0, unit="mean cosine")
    found = [fixture_store.probing("a+b"), other, fixture_probes.probe_controls("a+b")]
    fixture_store.fill(root, [*found, *(getattr(fixture_probes, name)("a+b") for name in MADE)])
    return Library(root)


@pytest.fixture(scope="module")
def shown(probes):
    """Return the address of the newest run at carry, layer 2, eq."""
    return Selection(run=probes.of("probe_controls")[0].run_id, target="carry", layer=2, role="eq").search


def figure(component, name):
    return next(part.figure for part in parts(component) if isinstance(part, dcc.Graph) and part.id == ids.graph(name))


def written(part) -> str:
    return json.dumps(part, default=str, sort_keys=True)


def test_the_page_shows_the_label_beside_every_control(probes):
    shown = page(probes, "/probing")
    text = words(shown)
    for said in ("Where carry can be read", "the largest control there is untrained 0.30", "carry at eq, by layer",
                 "carry by result carries, layer 2, eq", "What is said for carry, layer 2, eq", "470 of 500 prompts",
                 "Probes beside their controls", "Directions that variables share", "Probes of result on other cells",
                 "Learning curves and codes", "Setting the probed carry"):  # fmt: skip
        assert said in text, said
    assert sum(isinstance(part, html.H1) for part in parts(shown)) == 1
    maps = figure(shown, "target_map")
    assert [trace["name"] for trace in maps["data"]] == ["probe", "shuffled labels", "untrained", "tokens"]
    assert len(maps["layout"]["shapes"]) == 4  # the cell is framed on every map
    assert len(parts(shown)) < 400


def test_a_dot_marks_what_does_not_stand(probes):
    dataset = probes.dataset(probes.of("probe_controls")[0].run_id)
    assert probe_map.stands(dataset.sel(target="b")).sum() == 0  # read well, and by the untrained model as well
    carry = probe_map.stands(dataset.sel(target="carry"))
    assert carry.tolist() == [[False, False], [False, False], [False, True]]
    text = probe_map.target_map(dataset, target="carry").data[0].text
    assert text[0][0] == "·" != text[2][1]


def test_the_address_holds_label_cell_and_pins(probes):
    run = probes.of("probe_controls")[0].run_id
    shown = page(probes, "/probing", f"?run={run}&target=b&layer=1&role=b&pin=carry@2@eq&pin=b@9@b")
    store = next(part for part in parts(shown) if getattr(part, "id", None) == ids.SELECTION)
    expected = Selection(run=run, target="b", layer=1, role="b", pin=("carry@2@eq",))
    assert parse(store.data["search"])[0] == expected
    assert "no cell 'b@9@b'" in words(shown)
    assert "carry · layer 2, eq" in str(figure(shown, "pinned")["layout"]["yaxis"]["ticktext"])


@pytest.mark.parametrize(("search", "said"), [
    ("target=carrot", "no label 'carrot'"), ("layer=9", "no layer 9"), ("role=c", "no role 'c'"),
    ("pin=carry@x@eq", "the pin was left out"),
])  # fmt: skip
def test_what_a_run_has_not_is_a_notice(probes, search, said):
    text = words(page(probes, "/probing", f"?{search}"))
    assert said in text
    assert "Where" in text


def test_a_click_moves_the_figures_of_the_cell(probes, shown):
    address, drawn, layer, role = probing.moved(probes, shown, {"graph": "target_map", "x": 0, "y": 1}, None, None)
    assert parse(address["search"])[0].layer == 1
    assert (layer, role) == ("1", "b")
    assert set(drawn["figures"]) == {"target_map", "cell_curve", "by_class", "confusion", "pinned"}
    assert drawn["texts"]["cell_curve-title"] == "carry at b, by layer"
    assert "template" not in drawn["figures"]["cell_curve"]["layout"]
    assert set(drawn["figures"]["target_map"]) == {"layout"}  # the maps stay, only the frame moves
    tables = {name: json.loads(cells) for name, cells in drawn["tables"].items()}
    assert set(tables) == {f"{name}-table" for name in ("cell_curve", "by_class", "confusion", "pinned")}
    assert tables["cell_curve-table"]["caption"].startswith("carry at b: score")
    assert tables["by_class-table"]["caption"].startswith("carry at layer 1, b: score_by")
    assert tables["by_class-table"]["columns"] == [
        "class",
        "score_by",
        "95 % from",
        "95 % to",
        "score null",
        "score null high",
        "score control: tokens",
        "score control: untrained",
    ]
    assert tables["confusion-table"]["columns"] == ["true carry", "n", "said 0", "said 1", "right", *INTERVAL]
    assert "null: always saying" in tables["confusion-table"]["caption"]
    assert tables["pinned-table"]["rows"][0][:3] == ["carry", "1", "b"]


def test_the_keyboard_does_the_same(probes, shown):
    by_click = probing.moved(probes, shown, {"graph": "target_map", "x": 0, "y": 1}, None, None)
    by_key = probing.moved(probes, shown, None, "1", "b")
    assert by_key[0] == by_click[0]
    assert by_key[1]["texts"] == by_click[1]["texts"]
    assert probing.moved(probes, shown, None, "2", "eq") == (no_update,) * 4
    with pytest.raises(InterpError, match="no cell at layer 7"):
        probing.moved(probes, shown, None, "7", "eq")


def test_a_click_on_the_curve_moves_the_layer(probes, shown):
    address, drawn, *_ = probing.moved(probes, shown, {"graph": "cell_curve", "x": 0, "y": 0.1}, None, None)
    assert parse(address["search"])[0].but(run=None) == Selection(target="carry", layer=0, role="eq")
    assert set(drawn["figures"]["cell_curve"]) == {"layout"}  # the curve stays, only its mark moves


def test_shift_pins_and_esc_lets_go(probes, shown):
    click = {"graph": "target_map", "x": 0, "y": 0, "shift": True}
    address, drawn, *_ = probing.moved(probes, shown, click, None, None)
    chosen = parse(address["search"])[0]
    assert (chosen.layer, chosen.role, chosen.pin) == (2, "eq", ("carry@0@b",))
    assert set(drawn["figures"]) == {"target_map", "pinned"}  # the selected cell has not moved
    assert len(drawn["figures"]["target_map"]["layout"]["shapes"]) == 8
    again = probing.moved(probes, address["search"], click, None, None)[0]
    assert parse(again["search"])[0].pin == ()
    away = chosen.but(layer=0, role="b").search
    let_go = parse(probing.moved(probes, away, {"unlock": True}, None, None)[0]["search"])[0]
    assert (let_go.layer, let_go.role, let_go.pin) == (2, "eq", ())


@pytest.mark.parametrize("click", [
    {}, {"graph": "beside", "x": 0, "y": 0}, {"graph": "target_map", "x": 9, "y": 0},
    {"graph": "target_map", "x": "a", "y": None}, {"graph": "cell_curve", "x": 99},
])  # fmt: skip
def test_a_click_elsewhere_changes_nothing(probes, shown, click):
    assert probing.moved(probes, shown, click, None, None) == (no_update,) * 4


def test_what_the_server_draws_is_what_the_page_draws(probes, shown):
    """The figures of a moved cell are those of the page at that address, but for the theme."""
    address, drawn, *_ = probing.moved(probes, shown, {"graph": "target_map", "x": 0, "y": 1}, None, None)
    there = page(probes, "/probing", address["search"])
    for name, found in drawn["figures"].items():
        whole = figure(there, name)
        assert written(whole["data"]) == written(found.get("data", whole["data"])), name
        for key, value in found["layout"].items():
            assert written(whole["layout"][key]) == written(value), (name, key)


def test_a_click_is_fast_on_the_server(probes, shown):
    probing.moved(probes, shown, None, "1", "b")
    started = time.process_time()
    for layer in "01":
        probing.moved(probes, shown, None, layer, "b")
    assert (time.process_time() - started) / 2 < 0.3


def test_the_kinds_are_the_runs_of_the_same_cell(probes):
    shown = page(probes, "/probing")
    kinds = next(part for part in parts(shown) if getattr(part, "id", None) == ids.PROBING_KIND)
    assert [option["label"] for option in kinds.data] == [
        "circular mod 10",
        "classification",
        "regression, shuffled only",
    ]
    labels = next(part for part in parts(shown) if getattr(part, "id", None) == ids.PROBING_TARGET)
    assert [option["value"] for option in labels.data] == ["carry", "b"]


def test_probes_with_shuffled_labels_alone_say_what_they_lack(probes):
    run = probes.of("probing")[0].run_id
    text = words(page(probes, "/probing", f"?run={run}"))
    assert "the largest control there is shuffled labels" in text
    assert text.count("interp run probe_controls --model mental-math --task a+b") == 1  # one card for both figures
    assert "Held-out R² of ridge probes" in text


def test_a_label_of_large_values_says_why_nothing_is_counted(probes):
    assert "values outside 0 to 9" in words(page(probes, "/probing", "?target=b"))


@pytest.mark.parametrize(("click", "there"), [
    ({"graph": "beside", "x": 0.9, "y": 1}, ("b", 0, "b")), ({"graph": "beside", "x": 0.9, "y": 7}, None),
    ({"graph": "target_map", "x": 0, "y": 1}, None), (None, None), ({"graph": "beside"}, None),
])  # fmt: skip
def test_a_click_on_a_label_leads_to_it(probes, click, there):
    assert probing_choice.label_of(probes, probes.of("probe_controls")[0].run_id, click) == there


def test_of_several_runs_the_one_about_the_label_is_shown(tmp_path):
    first, second = fixture_probes.probe_causal("a+b"), fixture_probes.probe_causal("a+b")
    fixture_store.fill(tmp_path, [first, second.assign_attrs(variable="ones")])
    library = Library(tmp_path)
    runs = library.of("probe_causal")
    found = [probing_beside.about(library, runs, target) for target in ("result_carry0", "result0", "b")]
    kinds = [library.dataset(run.run_id).attrs["variable"] for run in found if run]
    assert kinds == ["carry", "ones", "ones"]


def test_a_store_without_probes_says_how_to_make_them(tmp_path):
    fixture_store.fill(tmp_path, [fixture_store.lens("a+b")])
    text = words(page(Library(tmp_path), "/probing"))
    assert "interp run probe_controls" in text
    assert "interp run probing" in text


def test_a_damaged_run_says_so_and_the_others_stay(tmp_path):
    ids_ = fixture_store.fill(tmp_path, [fixture_probes.probe_controls("a+b"), fixture_probes.probe_controls("a-b")])
    for path in sorted((tmp_path / "runs" / ids_[0]).rglob("c/**/*")):
        if path.is_file():
            flip_a_bit(path)
    text = words(page(Library(tmp_path), "/probing", f"?run={ids_[0]}"))
    assert "checksum do not match" in text
    assert "Where carry can be read" in words(page(Library(tmp_path), "/probing", f"?run={ids_[1]}"))


def test_errors_of_figures_are_one_line(probes):
    dataset = probes.dataset(probes.of("probe_controls")[0].run_id)
    with pytest.raises(InterpError, match="outside 0 to 9"):
        probe_errors.confusion(dataset, cell=("b", 0, "b"))
    bare = dataset.drop_vars("confusion")
    with pytest.raises(InterpError, match="does not keep"):
        probe_errors.confusion(bare)
    counts, right, n, levels = probe_errors.said_at(dataset, ("carry", 2, "eq"))
    assert levels == [0, 1]
    assert n.tolist() == [250, 250]
    assert counts.sum() == 500
    assert right.value.tolist() == [0.96, 0.92]
    rows = probe_cell.row(dataset, ("carry", 2, "eq"))
    assert rows[:3] == ("carry", "2", "eq")
    assert probing_cell.frames(dataset, ("carry", 2, "eq"), [])[0]["x0"] == 0.5


def test_the_maps_of_other_runs_follow_the_cell(probes):
    run = {name: probes.of(name)[0].run_id for name in ("probe_controls", "probe_directions", "probe_transfer")}
    cards = {"overlap_map": run["probe_directions"], "transfer_map": run["probe_transfer"], "learned": "../x"}
    text = words(page(probes, "/probing", "?target=carry&layer=1&role=eq"))
    assert "layer 1, eq" in text
    before = Selection(run=run["probe_controls"], target="carry", layer=1, role="eq").search
    drawn = probing.moved(probes, before, None, "2", "eq", cards)[1]
    assert {"overlap_map", "transfer_map"} <= set(drawn["figures"])
    assert drawn["texts"]["overlap_map-subtitle"].startswith("layer 2, eq")
    assert "At layer 2, last" in drawn["texts"]["transfer_map-summary"]
    assert "template" not in drawn["figures"]["overlap_map"]["layout"]
    assert json.loads(drawn["tables"]["overlap_map-table"])["caption"].startswith("layer 2, eq: overlap")
    assert json.loads(drawn["tables"]["transfer_map-table"])["caption"].startswith("layer 2, last: score")
    assert probing_beside.drawn_anew(probes, {"overlap_map": "../../etc"}, ("carry", 1, "eq")) == {}
    assert probing_beside.drawn_anew(probes, {"overlap_map": run["probe_controls"]}, ("carry", 1, "eq")) == {}
