"""Callbacks as plain functions: what a click, a key and a row change."""

from __future__ import annotations

import pytest
from dash import no_update

from apps.dashboard.pages import runs
from apps.dashboard.router import moved
from apps.dashboard.selection import Selection
from interp.errors import InterpError


@pytest.fixture(scope="module")
def shown(library):
    """Return the address of the newest patching run at layer 4, role eq."""
    return Selection(run=library.of("patching")[0].run_id, layer=4, role="eq", example=3).search


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
