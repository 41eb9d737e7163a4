"""Pages as functions of a store and an address: whole, empty, absent, partial and damaged stores."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from dash import dcc, html
from dash.development.base_component import Component

from apps.dashboard import ids
from apps.dashboard.components import runs_table
from apps.dashboard.components.card import arranged, missing_card
from apps.dashboard.kin import command
from apps.dashboard.library import Library
from apps.dashboard.pages import PAGES, patching, runs
from apps.dashboard.router import show
from interp.figures import FIGURES, GRAPH_CONFIG
from tests.apps import fixture_store

PATHS = [module.PATH for module in PAGES]


def parts(component: Component) -> list[Component]:
    """Return a component and all below it."""
    return [component, *(part for part in component._traverse() if isinstance(part, Component))]


def words(component) -> str:
    """Return all text below a component."""
    if isinstance(component, list | tuple):
        return " ".join(words(part) for part in component)
    if isinstance(component, Component):
        return words(getattr(component, "children", None))
    return "" if component is None else str(component)


def page(library: Library, path: str, search: str = "") -> Component:
    return show(library, path, search, "light")[0]


def flip_a_bit(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(bytes(data))


@pytest.mark.parametrize("path", PATHS)
def test_one_heading_and_unique_ids(library, path):
    found = parts(page(library, path))
    assert sum(isinstance(part, html.H1) for part in found) == 1
    names = Counter(str(part.id) for part in found if getattr(part, "id", None))
    assert [name for name, count in names.items() if count > 1] == []


@pytest.mark.parametrize("path", ["/", "/af1", "/patching"])
def test_every_graph_is_labelled_described_and_private(library, path):
    found = parts(page(library, path))
    known = {part.id for part in found if isinstance(getattr(part, "id", None), str)}
    figures = [part for part in found if isinstance(part, html.Figure)]
    assert len(figures) == sum(isinstance(part, dcc.Graph) for part in found) > 1
    for figure in figures:
        labels = {getattr(figure, f"aria-{name}") for name in ("labelledby", "describedby")}
        assert labels <= known
    for part in found:
        if isinstance(part, dcc.Graph):
            assert part.config == GRAPH_CONFIG


@pytest.mark.parametrize("path", PATHS)
def test_a_page_is_few_components(library, path):
    """Dash subscribes each component to its store: thousands of them stop the browser."""
    assert len(parts(page(library, path))) < 400


def test_the_overview_shows_the_study_on_one_page(library):
    text = words(page(library, "/"))
    for said in ("a+b", "a+b+c", "AF1: 3 blocks wait, 2 transfer", "AF1: none reaches 0.95", "Logit difference",
                 "ridge probes", "logit lens", "Fourier power", "Accuracy by task and style", "0.992"):  # fmt: skip
        assert said in text, said


def test_a_cell_links_to_its_run(library):
    links = [part.href for part in parts(page(library, "/")) if isinstance(part, dcc.Link)]
    assert sum("/runs?v=1&run=accuracy-" in href for href in links) == 12
    assert sum(href.startswith("/patching?v=1&run=patching-") for href in links) == 2


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("make", [True, False])
def test_an_empty_and_an_absent_store_say_what_to_type(tmp_path, path, make):
    root = tmp_path / "store"
    if make:
        (root / "runs").mkdir(parents=True)
    text = words(page(Library(root), path))
    assert "No results yet" in text
    assert "interp study --model mental-math" in text
    assert root.exists() is make  # reading makes nothing


def test_a_partial_study_says_what_is_missing(small):
    text = words(page(Library(small), "/"))
    assert "interp run probing --model mental-math --task a+b" in text
    assert "interp run spectrum --model mental-math" in text
    assert "Not run yet" in words(page(Library(small), "/af1"))  # no peeking run


@pytest.mark.parametrize("path", ["/af1", "/patching"])
def test_a_store_without_the_method_says_how_to_run_it(tmp_path, path):
    fixture_store.fill(tmp_path, [fixture_store.lens("a+b")])
    assert f"interp run {path[1:]}" in words(page(Library(tmp_path), path))


def test_a_damaged_manifest_leaves_the_run_out_and_says_so(small):
    library = Library(small)
    victim = library.of("patching")[0].run_id
    flip_a_bit(small / "runs" / victim / "run.json")
    assert f"interp run patching --model mental-math --task {'a+b'}" in words(page(library, "/"))
    assert victim in words(page(library, "/"))  # listed as damaged
    text = words(page(library, "/patching", f"?run={victim}"))
    assert f"interp verify {victim}" in text or f"interp runs verify {victim}" in text
    assert "corrupt" in str(page(library, "/runs").to_plotly_json())


def test_a_flipped_bit_in_an_array_is_a_card_that_says_so(small):
    library = Library(small)
    victim = library.of("patching")[0].run_id
    chunks = [path for path in (small / "runs" / victim / "arrays.zarr").rglob("c/*") if path.is_file()]
    flip_a_bit(max(chunks, key=lambda path: path.stat().st_size))
    text = words(page(library, "/patching"))
    assert "cannot be read" in text or "damaged" in text
    assert victim in text
    assert "AF1: 3 blocks wait" in words(page(library, "/"))  # the others still stand


def test_a_run_that_went_away_is_named(small):
    text = words(page(Library(small), "/patching", "?run=patching-20200101-000000-00000000-0000"))
    assert "There is no run" in text
    assert "Logit difference" in text  # the newest is shown instead


def test_a_run_of_another_method_is_explained(library):
    other = library.of("lens")[0].run_id
    assert "is a lens run, not patching" in words(page(library, "/patching", f"?run={other}"))


def test_unknown_model_task_and_page(library):
    assert "No runs of model 'gpt'" in words(page(library, "/", "?model=gpt"))
    assert "No af1 run for task a*b" in words(page(library, "/af1", "?task=a*b"))
    assert "There is no page" in words(page(library, "/nowhere"))


def test_a_deep_link_selects_run_cell_and_pair(library):
    run = library.of("patching")[1].run_id
    shown = page(library, "/patching", f"?v=1&run={run}&layer=2&role=a&example=7")
    found = {part.id: part for part in parts(shown) if isinstance(getattr(part, "id", None), str)}
    assert found[ids.SELECTION].data["search"] == f"?v=1&run={run}&layer=2&role=a&example=7"
    assert found[ids.PATCHING_LAYER].value == "2"
    assert found[ids.PATCHING_ROWS].selectedRows == {"ids": ["7"]}
    assert "layer 2, role a" in words(shown)


def test_a_cell_that_is_not_there_is_said(library):
    text = words(page(library, "/patching", "?layer=99&role=zz&example=5000"))
    for said in ("no layer 99 (it has 0 to 8)", "no role 'zz'", "there is no pair 5000"):
        assert said in text


def test_dark_figures_in_a_dark_page(library):
    graphs = [part for part in parts(show(library, "/af1", "", "dark")[0]) if isinstance(part, dcc.Graph)]
    assert {graph.figure["layout"]["template"]["layout"]["paper_bgcolor"] for graph in graphs} == {"#1f2125"}


def test_an_opened_run_shows_where_it_comes_from(library):
    run = library.of("probing")[0]
    title, body = runs.opened(library, run.run_id, "light")
    text = " ".join(words(body).split())
    assert title == run.run_id
    for said in ("Complete and unchanged", run.spec_hash, "weights sha256", "git commit", "interp study", "python 3"):
        assert said in text, said
    assert f"open({run.run_id!r})" in text


def test_an_opened_run_with_a_flipped_bit_says_which_file(small):
    library = Library(small)
    victim = library.of("lens" if library.of("lens") else "accuracy")[0].run_id
    chunk = next(path for path in (small / "runs" / victim / "arrays.zarr").rglob("zarr.json"))
    flip_a_bit(chunk)
    text = words(runs.opened(library, victim, "light")[1])
    assert "damaged" in text
    assert "zarr.json" in text


def test_a_figure_that_fails_leaves_the_others(library, monkeypatch):
    def fail(dataset, theme):
        raise ZeroDivisionError("a slip")

    broken = replace(FIGURES["lens"][0], draw=fail)
    monkeypatch.setitem(FIGURES, "lens", (broken,))
    text = words(page(library, "/"))
    assert "failed (ZeroDivisionError: a slip)" in text
    assert "Logit difference recovered" in text


def test_a_page_that_fails_says_so(library, monkeypatch):
    monkeypatch.setattr(patching, "picked", lambda *_: 1 / 0)
    shown = page(library, "/patching")
    assert "This page failed (ZeroDivisionError)" in words(shown)
    assert sum(isinstance(part, html.H1) for part in parts(shown)) == 1


def test_headline_numbers_ride_with_their_interval():
    summary = {"accuracy": 0.9911, "accuracy_low": 0.98, "accuracy_high": 0.996, "n": 500, "split": "test"}
    assert runs_table.headline(summary) == "accuracy 0.991 [0.98, 0.996], split test"
    assert (
        runs_table.headline({"found": False, "l_transfer": None, "faithfulness": 0.5})
        == "faithfulness 0.5, found False"
    )
    assert runs_table.headline({"n": 3, "finding": "No peak."}) == "No peak."


def test_the_af1_page_shows_every_part(library):
    run = next(line for line in library.of("af1") if line.task == "a+b").run_id
    text = words(page(library, "/af1", f"?run={run}"))
    for said in ("windows reach 0.95", "CAMA is faithful while 3 of 8 blocks wait", "2 full-peek blocks are enough",
                 "alternatives keep as much as CAMA and ABP", "The last token's reading is needed in blocks 3, 4",
                 "3 of 8 transfer heads are enough", "What the 3 surviving heads read",
                 "heads are missed when cut alone", "The same window elsewhere", "AF1(3, 2) on 4 cells"):  # fmt: skip
        assert said in text, said
    assert "Not run yet" not in text


def test_what_an_af1_page_lacks_comes_with_its_command(small):
    text = words(page(Library(small), "/af1"))
    for method in ("cama", "abp", "alternatives", "heads", "peeking"):
        assert f"interp run {method} --model mental-math --task a+b --style plain" in text, method
    assert "interp run window --model mental-math --task a-b --style plain --set l_wait=3 --set l_transfer=2" in text


def test_a_window_of_another_place_does_not_stand_beside_the_search(tmp_path):
    searched, other = fixture_store.af1("a+b", found=False), fixture_store.window("a+b")
    fixture_store.fill(tmp_path, [searched, other])  # the window is (3, 2), the best cell another
    assert "interp run window" in words(page(Library(tmp_path), "/af1"))


def test_a_command_can_be_typed_whatever_the_model_is_called(small):
    line = replace(Library(small).of("af1")[0], model="dir with space", style="plain")
    assert command("cama", line).startswith("interp run cama --model 'dir with space' --task a+b")


def test_what_was_not_run_stands_last_and_one_card_says_what_one_command_fills():
    there, first = html.Figure("shown"), missing_card("One", "Not run yet.", "interp run heads")
    second, third = (
        missing_card("Two", "Not run yet.", "interp run heads"),
        missing_card("Three", "No.", "interp run x"),
    )
    rows = arranged([first, there, second, third])
    assert [[words(card).split() for card in row.children] for row in rows] == [
        [["shown"]],
        [["One", "·", "Two", "Not", "run", "yet.", "interp", "run", "heads"], ["Three", "No.", "interp", "run", "x"]],
    ]
    assert arranged([]) == []
