"""The sliders of the AF1 page: every window of the grid, its marks, its words, links that ask for what is not there."""

from __future__ import annotations

import json

import numpy as np
import pytest
from dash import dcc

from apps.dashboard import ids
from apps.dashboard.components import live_window as card
from apps.dashboard.library import Library
from apps.dashboard.selection import Selection, parse
from interp.errors import InterpError
from interp.figures import live_values, live_window
from tests.apps import fixture_store
from tests.apps.test_pages import page, parts, words


def plain(figure) -> dict:
    """Return a figure as its JSON."""
    return json.loads(json.dumps(figure, default=list))


@pytest.fixture(scope="module")
def found(library):
    """Return the AF1 run that found the window 3, 2, and its dataset."""
    run = next(line for line in library.of("af1") if line.task == "a+b").run_id
    return run, library.dataset(run)


@pytest.mark.parametrize(("start", "end"), [((3, 2), (0, 8)), ((0, 8), (8, 0)), ((8, 0), (3, 2))])
def test_the_moves_lead_from_any_window_to_any_other(found, start, end):
    """What the browser does to the figure it has gives the figure that the server would have drawn."""
    _, dataset = found
    moved = plain(live_window.live(dataset, wait=start[0], transfer=start[1]).to_dict())
    moves = live_window.moves(live_values.Grid.of(dataset))
    for of, key in (("wait", str(end[0])), ("transfer", str(end[1])), ("window", live_values.key(*end))):
        for path, value in plain(moves[of][key]):
            live_window.put(moved, path, value)
    assert moved == plain(live_window.live(dataset, wait=end[0], transfer=end[1]).to_dict())


def test_every_window_of_the_grid_has_its_words_and_its_row(found):
    _, dataset = found
    data = card.live_data(live_values.Grid.of(dataset), {"grid": 0, "wait_curve": 1, "peek_curve": 0})
    assert set(data["said"]) == set(data["rows"]) == set(data["moves"]["any_window"]["window"])
    assert len(data["said"]) == int(np.isfinite(dataset["grid_faithfulness"]).sum()) == 45
    assert "blocks 0–2 wait, 3–4 transfer, 5–7 read only themselves and BOS" in data["said"]["3-2"]
    assert "0.97 [0.96, 0.98] on the test split" in data["said"]["3-2"]
    assert "Not judged on the test split" in data["said"]["2-3"]
    assert "block 0 waits" not in data["said"]["0-8"]
    assert all(len(row) == len(live_values.COLUMNS) for row in data["rows"].values())
    assert len(json.dumps(data)) < 160_000


def test_the_marks_stand_where_the_window_is(found):
    grid = live_values.Grid.of(found[1])
    moves = card.marks(grid, "grid", 2)["window"]["3-2"]
    assert moves[0][0] == ["layout", "shapes", 2]
    assert (moves[0][1]["x0"], moves[0][1]["y1"]) == (1.52, 3.48)
    assert card.marks(grid, "wait_curve", 0)["wait"]["5"][0][1]["x0"] == 5
    assert card.marks(grid, "peek_curve", 0)["transfer"]["1"][0][1]["x1"] == 1


def test_a_window_of_the_address_is_shown_and_kept(library, found):
    run, dataset = found
    shown = page(library, "/af1", f"?run={run}&window=2-3&pin=0-8&pin=nothing")
    text = words(shown)
    assert "AF1(2, 3), blocks 0–1 wait" in text
    data = next(part for part in parts(shown) if getattr(part, "id", None) == ids.AF1_LIVE).data
    assert "Random windows of its length keep 0." in data["said"]["3-2"]
    assert "Random windows" not in data["said"]["2-3"]
    assert "AF1(0, 8)" in text
    store = next(part for part in parts(shown) if getattr(part, "id", None) == ids.SELECTION)
    assert parse(store.data["search"])[0] == Selection(run=run, window="2-3", pin=("0-8",))
    assert "no window 'nothing' to pin" in text
    sliders = {
        part.id: part.value for part in parts(shown) if getattr(part, "id", "") in (ids.AF1_WAIT, ids.AF1_TRANSFER)
    }
    assert sliders == {ids.AF1_WAIT: 2, ids.AF1_TRANSFER: 3}
    grid = next(part for part in parts(shown) if isinstance(part, dcc.Graph) and part.id == ids.graph("grid"))
    assert grid.figure["layout"]["shapes"][-1] == card.mark(dataset, "grid", (2, 3))


@pytest.mark.parametrize(("asked", "window"), [("", None), ("&window=3-2", "3-2")])
def test_the_judged_window_needs_no_place_in_the_address_but_may_have_it(library, found, asked, window):
    run, _ = found
    store = next(
        p for p in parts(page(library, "/af1", f"?run={run}{asked}")) if getattr(p, "id", None) == ids.SELECTION
    )
    assert parse(store.data["search"])[0] == Selection(run=run, window=window)


@pytest.mark.parametrize(("window", "said"), [("7-7", "has no window 7-7"), ("3", "is not l_wait-l_transfer")])
def test_a_window_that_is_not_there_is_a_notice(library, found, window, said):
    text = words(page(library, "/af1", f"?run={found[0]}&window={window}"))
    assert said in text
    assert "AF1(3, 2), blocks" in text


def test_drawing_a_window_that_is_not_there_is_an_error(found):
    with pytest.raises(InterpError, match="no window of 7 waiting and 7"):
        live_window.live(found[1], wait=7, transfer=7)


def test_without_an_answered_prompt_the_page_still_stands(tmp_path):
    empty = fixture_store.af1("a+b")
    empty["grid_faithfulness"][:] = np.nan
    fixture_store.fill(tmp_path, [empty])
    shown = page(Library(tmp_path), "/af1")
    assert "the grid of windows is empty" in words(shown)
    assert "interp run cama" in words(shown)


def test_a_run_without_controls_or_threshold_still_slides(tmp_path):
    bare = fixture_store.af1("a+b").drop_vars(["threshold", "null_majority"]).isel(variant=[0])
    fixture_store.fill(tmp_path, [bare])
    assert "n/a" in words(page(Library(tmp_path), "/af1"))
