"""Callbacks as plain functions: what a click, a key and a row change."""

from __future__ import annotations

import time

import pytest
from dash import no_update

from apps.dashboard.pages import patching, runs
from apps.dashboard.router import moved
from apps.dashboard.selection import Selection
from interp.errors import InterpError


@pytest.fixture(scope="module")
def shown(library):
    """Return the address of the newest patching run at layer 4, role eq."""
    return Selection(run=library.of("patching")[0].run_id, layer=4, role="eq", example=3).search


def click(x, y):
    return {"points": [{"x": x, "y": y, "curveNumber": 0}]}


def test_a_click_moves_everything(library, shown):
    address, layer, role, overlay, detail, title, note, rows = patching.selected(library, shown, click(1, 0), "4", "eq")
    assert address == {"path": "/patching", "search": shown.replace("layer=4&role=eq", "layer=0&role=a")}
    assert (layer, role, title) == ("0", "a", "Each prompt pair at layer 0, role a")
    assert len(rows) == 200
    assert "200 of 200 pairs" in note
    assert overlay.to_plotly_json()["operations"][0]["location"] == ["layout", "shapes"]
    places = {tuple(op["location"]) for op in detail.to_plotly_json()["operations"]}
    assert ("data", 2, "y") in places
    assert ("data", 2, "selectedpoints") in places


def test_the_keyboard_does_the_same(library, shown):
    by_key = patching.selected(library, shown, None, "0", "a")
    by_click = patching.selected(library, shown, click(1, 0), "4", "eq")
    assert by_key[0] == by_click[0]
    assert by_key[7] == by_click[7]


@pytest.mark.parametrize("bad", [{}, {"points": []}, click(99, 0), click("x", 0), click(-1, 2), {"points": [{}]}])
def test_a_click_beside_the_map_changes_nothing(library, shown, bad):
    assert patching.selected(library, shown, bad, "4", "eq") == (no_update,) * 8


def test_the_same_cell_again_changes_nothing(library, shown):
    assert patching.selected(library, shown, None, "4", "eq") == (no_update,) * 8


@pytest.mark.parametrize(("layer", "role"), [("99", "a"), ("0", "nobody")])
def test_a_cell_that_is_not_there_is_an_error_in_one_line(library, shown, layer, role):
    with pytest.raises(InterpError, match="has no cell"):
        patching.selected(library, shown, None, layer, role)


def test_a_made_up_run_is_an_error(library):
    with pytest.raises(InterpError, match="no run"):
        patching.selected(library, "?run=nope&layer=0&role=a", None, "1", "a")


def test_a_row_marks_its_pair(library, shown):
    rows = patching.selected(library, shown, None, "0", "a")[7]
    address, detail = patching.pair_selected([rows[5]], rows, shown)
    assert f"example={rows[5]['prompt_index']}" in address["search"]
    assert detail.to_plotly_json()["operations"][0]["params"]["value"] == [5]


@pytest.mark.parametrize("chosen", [None, [], {"ids": ["3"]}, [{"prompt_index": "x"}], [{"prompt_index": "3"}]])
def test_rows_that_change_nothing(shown, chosen):
    assert patching.pair_selected(chosen, [], shown) == (no_update, no_update)


def test_click_to_detail_is_fast_on_the_server(library, shown):
    patching.selected(library, shown, None, "0", "a")
    started = time.perf_counter()
    for layer in "1235":
        patching.selected(library, shown, None, layer, "b")
    assert (time.perf_counter() - started) / 4 < 0.2


def test_choosing_what_is_shown_does_not_navigate(shown):
    run = shown.split("run=")[1].split("&")[0]
    assert moved({"path": "/patching", "search": shown}, run=run) is no_update
    assert moved({"path": "/patching", "search": shown}, run="other") == "?v=1&run=other"
    assert moved({"search": ""}, run="../x") == ""


@pytest.mark.parametrize(
    ("rows", "expected"),
    [([{"run_id": "r1"}], "r1"), ({"ids": ["r2"]}, "r2"), ([], None), (None, None), ({}, None), ([{"x": 1}], None)],
)
def test_the_selected_run_of_a_grid(rows, expected):
    assert runs.selected_id(rows) == expected


def test_opening_a_path_instead_of_a_run_is_refused(library):
    with pytest.raises(InterpError, match="not a run id"):
        runs.opened(library, "../../etc", "light")
