"""The Operands page as functions: what it shows of which store, and what slider, choices and clicks change."""

from __future__ import annotations

import base64
import json
import os

import numpy as np
import plotly.graph_objects as go
import pytest
from dash import Patch, dcc, no_update

from apps.dashboard import ids
from apps.dashboard.library import Library
from apps.dashboard.operand_choice import choice_of
from apps.dashboard.pages import operands_links
from apps.dashboard.pages import operands_moves as moves
from apps.dashboard.selection import parse
from apps.dashboard.typed import typed
from interp.errors import InterpError
from interp.figures import operand_parts as of
from interp.figures import operand_tables
from interp.figures import operands as figures
from tests.apps import fixture_operands, fixture_store
from tests.apps.test_pages import flip_a_bit, page, parts, words

PATH = "/operands"


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    root = tmp_path_factory.mktemp("operands") / "store"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda _: None)
        fixture_store.fill(root, [fixture_operands.operands()])
    return Library(root)


@pytest.fixture(scope="module")
def run(stored):
    return stored.of("operands")[0].run_id


@pytest.fixture(scope="module")
def dataset(stored, run):
    return stored.dataset(run)


def search(run, rest=""):
    return f"?v=1&run={run}{rest}"


def selection(outputs):
    return parse(outputs[0]["search"])[0]


def test_the_page_shows_a_map_its_mean_and_what_explains_it(stored):
    found = page(stored, PATH)
    names = [part.id["name"] for part in parts(found) if isinstance(part, dcc.Graph)]
    assert names == [ids.OPERANDS_MAP, ids.OPERANDS_LINE, ids.OPERANDS_BARS]
    text = words(found)
    for said in ("Logit of the answer less", "n = 143 pairs", "shuffled", "Neurons (6)", "Attention (8)", "1 of 4"):
        assert said in text, said


@pytest.mark.parametrize(
    "rest",
    [
        "&view=behaviour&metric=error&target=result&a=3&b=4",
        "&view=neurons&target=b+mod+5&node=5.2&a=1&b=0&pin=neurons+5.1&pin=attention+0.1+b",
        "&view=attention&target=a&layer=1&head=0&role=b",
        "&view=added&target=carry&layer=0&head=1",
    ],
)
def test_every_selection_round_trips(stored, run, rest):
    found = page(stored, PATH, search(run, rest))
    known = {part.id: part for part in parts(found) if isinstance(getattr(part, "id", None), str)}
    assert parse(known[ids.SELECTION].data["search"]) == parse(search(run, rest))


def test_neurons_are_ordered_by_what_the_property_explains(dataset):
    assert of.ordered(dataset, "neurons", "b mod 5")[0] == "5.1"
    assert of.ordered(dataset, "neurons", "result")[0] == "5.2"
    assert of.ordered(dataset, "neurons", "a")[-1] == "5.3"  # constant: no share


def test_marginals_by_hand(dataset):
    one = of.shown(dataset, "neurons", "5.1")
    found = of.marginal(dataset, one.values, "b mod 5")
    assert found.mean.tolist() == [0, 0, 0, 3, 0]
    assert found.n.sum() == 143
    assert (found.low <= found.mean).all()
    assert "b mod 5 1.00" in figures.says(dataset, one)
    assert "nothing to explain" in figures.says(dataset, of.shown(dataset, "neurons", "5.3"))


def test_a_step_sends_the_numbers_of_the_next_map(stored, run, dataset):
    link = search(run, "&view=neurons&target=result&node=5.2&a=3&b=4")
    out = moves.stepped(stored, link, 1, "light")
    order = of.ordered(dataset, "neurons", "result")
    assert selection(out).node == order[1] == out[2]
    assert (selection(out).a, selection(out).b) == (3, 4)
    sent = {tuple(each["location"]): each["params"].get("value") for each in out[3].to_plotly_json()["operations"]}
    z = sent["data", 0, "z"]
    got = np.frombuffer(base64.b64decode(z["bdata"]), dtype="<f4").reshape(12, 12)
    assert np.array_equal(got, of.shown(dataset, "neurons", order[1]).values, equal_nan=True)
    assert out[9].startswith("2 of 6")
    assert moves.stepped(stored, link, 0, "light") == moves.NOTHING
    for wrong in (99, -1, None, "1"):
        assert moves.stepped(stored, link, wrong, "light") == moves.NOTHING


def test_a_step_names_the_next_map_in_every_card(stored, run, dataset):
    out = moves.stepped(stored, search(run, "&view=neurons&target=result&node=5.2"), 1, "light")
    one = of.shown(dataset, "neurons", out[2])
    assert out[12] == f"What explains it: {one.title}"
    table = json.loads(out[13])
    assert table["caption"] == f"{one.title} by result"
    assert table["rows"] == [list(row) for row in operand_tables.by_property(dataset, one, "result").rows]


def test_clicks_select_pin_and_let_go(stored, run):
    link = search(run, "&view=neurons&target=result&node=5.2")
    click = {"graph": ids.OPERANDS_MAP, "x": 4, "y": 3}
    out = moves.clicked(stored, link, click, "light")
    assert (selection(out).a, selection(out).b) == (3, 4)
    assert "3+4=" in words(out[10])
    pinned = moves.clicked(stored, out[0]["search"], {**click, "shift": True}, "dark")
    assert selection(pinned).pin == ("neurons 5.2",)
    assert "Pinned maps" in words(pinned[11])
    free = moves.clicked(stored, pinned[0]["search"], {"unlock": True}, "light")
    assert selection(free).pin == ()
    assert selection(free).a is None
    for other in ({"graph": "else"}, None, {**click, "x": 99}, {**click, "x": 11, "y": 11}, {**click, "x": "3"}):
        assert moves.clicked(stored, link, other, "light") == moves.NOTHING


def test_two_numbers_select_a_pair_as_a_click_does(stored, run):
    link = search(run, "&view=neurons&target=result&node=5.2")
    by_click = moves.clicked(stored, link, {"graph": ids.OPERANDS_MAP, "x": 4, "y": 3}, "light")
    by_key = moves.typed(stored, link, 3, 4, "light")
    assert by_key[0] == by_click[0]
    assert words(by_key[10]) == words(by_click[10])
    assert by_key[-1] == by_click[-1] == ""
    assert moves.typed(stored, by_key[0]["search"], 3, 4, "light") == (*moves.NOTHING[:-1], "")


@pytest.mark.parametrize(
    ("a", "b", "said"),
    [
        (77, 1, "no pair 77, 1 (0..11 and 0..11)"), (11, 11, "no pair 11, 11"), (3, "", "Give b too."),
        (None, 3, "Give a too."), (1.5, 2, "whole numbers"), ("3", 2, "whole numbers"), ("", "", ""),
    ],
)  # fmt: skip
def test_numbers_that_are_no_pair_are_said_and_nothing_changes(stored, run, a, b, said):
    out = moves.typed(stored, search(run, "&a=3&b=4"), a, b, "light")
    assert out[:-1] == moves.NOTHING[:-1]
    assert said in out[-1]


def test_every_figure_has_a_table_and_that_of_the_map_is_made_when_unfolded(stored, run, dataset):
    found = page(stored, PATH, search(run, "&view=neurons&target=result&node=5.2&pin=neurons+5.1"))
    cells = {part.id: json.loads(getattr(part, "data-twin")) for part in parts(found) if hasattr(part, "data-twin")}
    names = [ids.part(name, "table") for name in (*operands_links.DRAWN, ids.OPERANDS_PINNED)]
    assert sorted(cells) == sorted(names)
    assert cells[names[0]]["rows"] == []
    one = of.shown(dataset, "neurons", "5.2")
    shares, folded = operands_links.tables(stored, search(run, "&view=neurons&node=5.2"), False)
    assert folded is no_update
    assert json.loads(shares) == cells[names[2]]
    assert [row[0] for row in json.loads(shares)["rows"]] == fixture_operands.BY
    made = json.loads(operands_links.tables(stored, search(run, "&view=neurons&node=5.2"), True)[1])
    assert len(made["rows"]) == 12 + 12 + 22  # a, b, result: no pair 11, 11
    row = next(row for row in made["rows"] if row[:2] == ["a", "3"])
    assert row[2] == f"{np.nanmean(one.values[3]):.3f}"
    assert "the CSV has every pair" in made["caption"]


def test_tables_have_the_nulls_that_are_drawn(dataset):
    one = of.shown(dataset, "neurons", "5.1")
    table = operand_tables.by_property(dataset, one, "b mod 5")
    assert table.columns[:3] == ("b mod 5", "mean (activation)", "null: shuffled map")
    assert {row[2] for row in table.rows} == {f"{np.nanmean(one.values):.3f}"}
    shares = operand_tables.explained(dataset, one)
    assert shares.rows[3] == ("b mod 5", "1.000", "0.050", "0.200")
    pair = [one, of.shown(dataset, "behaviour", "error")]
    assert len(operand_tables.compared(dataset, pair, "b mod 5").rows) == 5


def test_a_bar_or_a_choice_orders_anew(stored, run):
    link = search(run, "&view=neurons&target=result&node=5.2")
    click = {"graph": ids.OPERANDS_BARS, "y": "b mod 5", "x": 0.4}
    assert moves.bar_of(click) == "b mod 5"
    after = parse(moves.reordered(stored, link, "b mod 5"))[0]
    assert (after.target, after.node) == ("b mod 5", "5.2")
    assert moves.reordered(stored, link, "result") is no_update
    assert moves.reordered(stored, link, moves.bar_of({"graph": "else", "y": 1})) is no_update
    with pytest.raises(InterpError, match="no property 'zz'"):
        moves.reordered(stored, link, "zz")
    with pytest.raises(InterpError, match=r"no neurons map '9\.9'"):
        moves.named(stored, link, "9.9", "light")


def test_what_a_run_lacks_is_said(stored, run):
    rest = "&view=zz&target=zz&a=77&b=1&pin=neurons+9.9&pin=x"
    text = words(page(stored, PATH, search(run, rest)))
    for said in ("keeps no zz maps", "no property 'zz'", "no pair 77, 1", "no neurons map '9.9'"):
        assert said in text, said
    assert "no neurons map '8.8'" in words(page(stored, PATH, search(run, "&view=neurons&node=8.8")))


def test_stores_without_a_run_partial_and_damaged(tmp_path):
    assert "No results yet" in words(page(Library(tmp_path / "none"), PATH))
    fixture_store.fill(tmp_path / "other", [fixture_store.lens("a+b")])
    assert "interp run operands --model mental-math" in words(page(Library(tmp_path / "other"), PATH))
    fixture_store.fill(tmp_path / "few", [fixture_operands.operands(direct=False)])
    text = words(page(Library(tmp_path / "few"), PATH))
    assert "Neurons (6)" in text
    assert "Written by heads" not in text
    fixture_store.fill(tmp_path / "part", [fixture_operands.operands().drop_vars("group")])
    assert "has no group" in words(page(Library(tmp_path / "part"), PATH))
    library = Library(tmp_path / "few")
    damaged = library.of("operands")[0].run_id
    for path in sorted((tmp_path / "few" / "runs" / damaged).rglob("*")):
        if path.is_file() and "activation/c" in str(path) and path.stat().st_size > 300:
            flip_a_bit(path)
    assert "cannot be read" in words(page(Library(tmp_path / "few"), PATH))


def test_typed_arrays_are_what_plotly_makes():
    for values in (np.arange(6, dtype=np.float32).reshape(2, 3), np.arange(4, dtype=np.int32)):
        made = go.Figure(go.Heatmap(z=values) if values.ndim == 2 else go.Bar(y=values)).to_dict()["data"][0]
        assert typed(values) == made["z" if values.ndim == 2 else "y"]


def test_pinned_maps_share_a_scale_only_where_their_unit_is_one(dataset):
    pair = [of.shown(dataset, "neurons", name) for name in ("5.1", "5.2")]
    figure = figures.compared(dataset, pair)
    assert figure.layout.coloraxis.cmax == pytest.approx(3.0)
    mixed = figures.compared(dataset, [pair[0], of.shown(dataset, "behaviour", "error")])
    assert mixed.layout.coloraxis.cmax == 1
    assert max(np.nanmax(np.abs(trace.z)) for trace in mixed.data) == pytest.approx(1)


def test_choice_names_its_map(dataset, run):
    chosen, notices = choice_of(dataset, run, parse("?v=1&view=attention&layer=1&head=1&role=b")[0])
    assert (chosen.item, chosen.name, notices) == ("1.1 b", "attention 1.1 b", [])
    assert isinstance(moves.bar_patch(dataset, of.shown(dataset, "attention", "1.1 b")), Patch)
