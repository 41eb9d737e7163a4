"""Stars, tags, notes and the baseline: written at once, apart from the evidence, refused where nobody may write."""

from __future__ import annotations

import pytest
from dash import no_update

from apps.dashboard import ids
from apps.dashboard.components.run_notes import compare_href
from apps.dashboard.components.runs_table import columns, group_line
from apps.dashboard.library import Library
from apps.dashboard.pages.runs_said import columns_after, said
from apps.dashboard.router import show
from interp.errors import InterpError
from interp.store import Notes
from tests.apps.test_pages import words


@pytest.fixture
def own(small) -> Library:
    return Library(small)


def notes_of(library: Library, run_id: str) -> Notes:
    return library.notes().get(run_id, Notes())


def test_a_star_is_set_and_taken_away(own):
    run_id = own.runs()[0].run_id
    rows = said(own, ids.RUNS_STAR, run_id, None, None)[1]
    assert [row["star"] for row in rows if row["run_id"] == run_id] == ["★"]
    assert notes_of(own, run_id).star
    said(own, ids.RUNS_STAR, run_id, None, None)
    assert not notes_of(own, run_id).star


def test_tags_and_notes_are_kept_and_shown(own):
    run_id = own.runs()[0].run_id
    drawer, rows = said(own, ids.RUNS_WRITE, run_id, "paper", "stays at <b>one</b>")
    assert "paper" in words(drawer)
    assert "stays at <b>one</b>" in words(drawer)
    assert [row["tags"] for row in rows if row["run_id"] == run_id] == ["paper"]
    said(own, ids.RUNS_WRITE, run_id, "-paper", None)
    assert notes_of(own, run_id).tags == ()
    assert own.store().verify(run_id) == []


def test_a_method_has_one_baseline(study, tmp_path):
    import shutil

    shutil.copytree(study, tmp_path / "store")
    library = Library(tmp_path / "store")
    first, second = (line.run_id for line in library.of("accuracy")[:2])
    other = library.of("patching")[0].run_id
    for run_id in (first, other, second):
        said(library, ids.RUNS_BASELINE, run_id, None, None)
    assert notes_of(library, first).tags == ()
    assert notes_of(library, second).tags == notes_of(library, other).tags == ("baseline",)
    shown = words(show(library, "/runs", f"?run={first}", "light")[0])
    assert "Compare with the baseline" in shown
    assert compare_href(library.of("accuracy")[1], library.of("accuracy")[0]).startswith("/compare?v=1&run=")


@pytest.mark.parametrize(
    ("tag", "note", "words"), [("", " ", "Nothing"), ("x" * 61, "", "Too long"), ("", "x" * 2001, "Too long")]
)
def test_nothing_and_too_much_are_refused(own, tag, note, words):
    with pytest.raises(InterpError, match=words):
        said(own, ids.RUNS_WRITE, own.runs()[0].run_id, tag, note)
    assert own.notes() == {}


def test_an_unknown_run_is_refused(own):
    with pytest.raises(InterpError, match="no run"):
        said(own, ids.RUNS_STAR, "../x", None, None)


def test_a_reader_may_not_write(small):
    library = Library(small, read_only=True)
    run_id = library.runs()[0].run_id
    with pytest.raises(InterpError, match="read only"):
        said(library, ids.RUNS_STAR, run_id, None, None)
    assert "Write it down" not in words(show(library, "/runs", f"?run={run_id}", "light")[0])
    assert library.notes() == {}


def test_what_nobody_said_takes_no_room(own):
    run_id = own.runs()[0].run_id
    _, rows = said(own, ids.RUNS_WRITE, run_id, None, "a note")
    found = {each["field"]: each.get("hide", False) for each in columns("none", rows)}
    assert (found["notes"], found["tags"], found["headline"]) == (False, True, False)
    assert not {each["field"]: each for each in columns("tags", rows)}["tags"]["hide"]  # it is grouped by
    assert columns_after(columns("none", []), rows, "none") == columns("none", rows)
    assert columns_after(columns("none", rows), rows, "none") is no_update


def test_a_group_stands_first_and_is_counted(library):
    assert columns("method", [])[0]["field"] == "method"
    assert {each["field"] for each in columns("method", [])} == {each["field"] for each in columns("none", [])}
    rows = [{"method": "lens"}, {"method": "af1"}, {"method": "lens"}]
    assert words(group_line(rows, "method")).split() == ["lens", "2", "af1", "1"]
    assert group_line(rows, "none") == []
    page = words(show(library, "/runs", "?view=metod", "light")[0])
    assert "Did you mean method" in page
