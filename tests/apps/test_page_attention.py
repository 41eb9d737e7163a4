"""The Attention page as functions: what it shows of which store, and what the pointer, a click and a key change."""

from __future__ import annotations

import json
import time

import numpy as np
import pytest
from dash import dcc, no_update

from apps.dashboard import ids
from apps.dashboard.library import Library
from apps.dashboard.pages import attention_moves as moves
from apps.dashboard.selection import parse
from interp.errors import InterpError
from interp.figures import attention_heads, attention_mosaic
from tests.apps import fixture_store
from tests.apps.test_pages import flip_a_bit, page, parts, words

PATH = "/attention"


@pytest.fixture(scope="module")
def shown(library):
    """Return the address of the newest attention run with nothing locked."""
    return f"?v=1&run={library.of('attention')[0].run_id}"


@pytest.fixture(scope="module")
def dataset(library):
    return library.dataset(library.of("attention")[0].run_id)


def click(x, y, shift=False):
    return {"graph": ids.ATTENTION_MAP, "x": x, "y": y, "shift": shift, "n": 1}


def tile(dataset, layer, head):
    down, across = attention_mosaic.span(dataset)
    return head * across + 1, layer * down + 1


def test_the_page_shows_all_heads_one_head_and_its_null(library):
    found = page(library, PATH)
    text = words(found)
    for said in ("What every head reads", "0 on the scale", "What head", "uniform", "n = 500", "a click locks it"):
        assert said in text, said
    names = [part.id["name"] for part in parts(found) if isinstance(part, dcc.Graph)]
    assert names == [ids.ATTENTION_MAP, ids.ATTENTION_DETAIL, ids.ATTENTION_QUERIED]


def test_a_deep_link_locks_and_pins(library, shown):
    link = f"{shown}&layer=3&head=1&role=b&pin=4.0&pin=2.2"
    found = page(library, PATH, link)
    known = {part.id: part for part in parts(found) if isinstance(getattr(part, "id", None), str)}
    assert parse(known[ids.SELECTION].data["search"]) == parse(link)
    assert (known[ids.ATTENTION_LAYER].value, known[ids.ATTENTION_HEAD].value) == ("3", "1")
    text = words(found)
    for said in (
        "Locked on head 3.1",
        "Pinned for comparison: 4.0, 2.2",
        "What head 3.1 reads",
        "Attention of b above",
    ):
        assert said in text, said


def test_what_a_run_lacks_is_said(library):
    text = words(page(library, PATH, "?layer=99&head=0&role=zz&pin=77.1&pin=x"))
    for said in ("no head 99.0", "no role 'zz'", "no head 77.1", "'x' is not a head"):
        assert said in text, said
    assert "What every head reads" in text


def test_stores_without_a_run_and_with_a_damaged_one(tmp_path):
    fixture_store.fill(tmp_path / "other", [fixture_store.lens("a+b")])
    assert "interp run attention --model mental-math" in words(page(Library(tmp_path / "other"), PATH))
    fixture_store.fill(tmp_path / "one", [fixture_store.attention("a+b")])
    library = Library(tmp_path / "one")
    run = library.of("attention")[0].run_id
    chunks = [path for path in (tmp_path / "one" / "runs" / run / "arrays.zarr").rglob("c/*") if path.is_file()]
    flip_a_bit(max(chunks, key=lambda path: path.stat().st_size))
    text = words(page(library, PATH))
    assert "cannot be read" in text or "damaged" in text


def test_a_run_without_the_null_is_a_card_that_says_so(tmp_path):
    fixture_store.fill(tmp_path, [fixture_store.attention("a+b").drop_vars("pattern_uniform")])
    assert "has no pattern_uniform" in words(page(Library(tmp_path), PATH))


def test_a_click_locks_and_the_address_keeps_it(library, shown, dataset):
    out = moves.clicked(library, shown, click(*tile(dataset, 4, 2)), "light")
    assert out[0] == {"path": PATH, "search": f"{shown}&layer=4&head=2"}
    assert out[1:3] == ("4", "2")
    assert out[5] == "What head 4.2 reads"
    rows = json.loads(out[9])["rows"]
    assert [row[0] for row in rows] == ["4.2"] * dataset.sizes["role"] + ["null: uniform"] * dataset.sizes["role"]
    assert "Locked on head 4.2" in out[7][0]
    assert out[8] is no_update
    assert out[3].to_plotly_json()["operations"][0]["location"] == ["layout", "shapes"]


def test_the_keyboard_does_the_same(library, shown, dataset):
    by_click = moves.clicked(library, shown, click(*tile(dataset, 4, 2)), "light")
    by_key = moves.chosen(library, shown, "4", "2", "light")
    assert (by_key[0], by_key[5:7], by_key[7][0]) == (by_click[0], by_click[5:7], by_click[7][0])
    assert moves.chosen(library, f"{shown}&layer=4&head=2", "4", "2", "light") == moves.NOTHING
    assert moves.chosen(library, shown, None, None, "light") == moves.NOTHING
    with pytest.raises(InterpError, match=r"no head 4\.99"):
        moves.chosen(library, shown, "4", "99", "light")


def test_shift_pins_and_pins_again_lets_go(library, shown, dataset):
    out = moves.clicked(library, shown, click(*tile(dataset, 1, 1), shift=True), "light")
    assert out[0]["search"] == f"{shown}&pin=1.1"
    assert "head 1.1" in str(out[8][0].to_plotly_json())
    again = moves.clicked(library, out[0]["search"], click(*tile(dataset, 1, 1), shift=True), "light")
    assert again[0]["search"] == shown
    assert again[8] == []


def test_escape_lets_go_of_head_and_pins(library, shown):
    out = moves.clicked(library, f"{shown}&layer=4&head=2&pin=1.1", {"unlock": True, "n": 3}, "light")
    assert out[0]["search"] == shown
    assert out[1:3] == (None, None)
    assert out[8] == []
    assert moves.clicked(library, shown, {"unlock": True, "n": 4}, "light") == moves.NOTHING


def test_the_pointer_shows_a_head_until_one_is_locked(library, shown, dataset):
    x, y = tile(dataset, 0, 3)
    out = moves.pointed(library, shown, {"x": x, "y": y})
    assert out[5] == "What head 0.3 reads"
    assert out[0] is no_update
    assert json.loads(out[9])["rows"][0][0] == "0.3"
    assert moves.pointed(library, f"{shown}&layer=1&head=1", {"x": x, "y": y}) == moves.NOTHING


@pytest.mark.parametrize(
    "bad", [None, {}, {"graph": "other", "x": 1, "y": 1}, click("x", 1), click(None, 2), click(1e9, 0), click(-30, 2)]
)
def test_a_click_elsewhere_changes_nothing(library, shown, bad):
    assert moves.clicked(library, shown, bad, "light") == moves.NOTHING


def test_another_token_that_reads_is_another_address(library, shown):
    assert moves.asked(library, shown, "b") == f"{shown}&role=b"
    assert moves.asked(library, shown, "nobody") is no_update
    assert moves.asked(library, f"{shown}&role=b", "b") is no_update


def test_every_cell_of_the_mosaic_is_the_cell_of_its_head(dataset):
    figure = attention_mosaic.all_heads(dataset)
    z, down = np.asarray(figure.data[0].z, dtype=float), attention_mosaic.span(dataset)[0]
    roles = dataset.sizes["role"]
    for layer, head, query, key in ((0, 0, 0, 0), (3, 1, 6, 1), (7, 3, 6, 6), (2, 2, 5, 3)):
        x, y = head * (dataset.sizes["key"] + 1) + key, layer * down + roles - 1 - query
        expected = float(dataset["pattern"][layer, head, query, key] - dataset["pattern_uniform"][query, key])
        assert z[y, x] == pytest.approx(expected)
        assert attention_mosaic.head_at(dataset, x, y) == (layer, head)
        assert f"head {layer}.{head}" in figure.data[0].hovertext[y][x]


def test_keys_that_a_query_cannot_see_are_blank(dataset):
    z = np.asarray(attention_heads.one_head(dataset, head=(2, 1)).data[0].z, dtype=float)
    assert np.isnan(z[0, 1:]).all()
    assert np.isfinite(z[-1]).all()


def test_pointer_to_head_is_fast_on_the_server(library, shown, dataset):
    moves.pointed(library, shown, {"x": 1, "y": 1})
    started = time.perf_counter()
    for layer in range(4):
        x, y = tile(dataset, layer, 1)
        moves.pointed(library, shown, {"x": x, "y": y})
    assert (time.perf_counter() - started) / 4 < 0.2


def test_the_table_of_heads_leaves_out_what_cannot_be_seen(dataset):
    found = attention_heads.table(dataset, [(2, 1), (0, 3)])
    assert found.columns == ("head", "reads", *[str(key) for key in dataset["key"].values])
    assert found.rows[1][:2] == ("2.1", "a")
    assert found.rows[1][2:5][2] == ""
    assert found.rows[7][:2] == ("0.3", "bos")
