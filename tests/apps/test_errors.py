"""What went wrong is kept by each app for itself, newest first, and the page, the toast and the header say where."""

from __future__ import annotations

from dash import html

from apps.dashboard import create_app, ids, mishaps
from apps.dashboard.components.error_list import error_list
from apps.dashboard.error_log import ErrorLog
from apps.dashboard.library import Library
from apps.dashboard.pages import runs
from apps.dashboard.router import show
from apps.dashboard.settings import Settings
from interp.errors import InterpError
from tests.apps.test_pages import parts, words


def fail(*_):
    return [][3]


def caught() -> Exception:
    try:
        fail()
    except IndexError as error:
        return error
    raise AssertionError


def test_the_newest_stand_first_and_the_oldest_go():
    errors = ErrorLog(most=3)
    for i in range(5):
        errors.add("here", InterpError(f"mistake {i}"))
    assert [entry.message for entry in errors.entries()] == ["mistake 4", "mistake 3", "mistake 2"]
    assert len(errors) == 3


def test_a_mistake_is_one_line_and_a_slip_keeps_its_traceback():
    errors = ErrorLog()
    assert errors.add("here", InterpError("n = 0")).trace == ""
    slip = errors.add("here", caught())
    assert slip.message == "IndexError: list index out of range"
    assert "test_errors.py" in slip.trace


def test_what_comes_again_is_counted_and_newest():
    errors = ErrorLog()
    for _ in range(3):
        errors.add("page /af1", caught())
    errors.add("page /runs", caught())
    assert [(entry.where, entry.times) for entry in errors.entries()] == [("page /runs", 1), ("page /af1", 3)]
    assert "3 times" in words(error_list(errors.entries()))
    errors.add("page /af1", caught())
    assert [(entry.where, entry.times) for entry in errors.entries()] == [("page /af1", 4), ("page /runs", 1)]


def test_the_list_folds_each_traceback_and_copies_it():
    errors = ErrorLog()
    assert "Nothing went wrong" in words(error_list([]))
    errors.add("there", InterpError("n = 0"))
    errors.add("here", caught())
    found = [part for each in error_list(errors.entries()) for part in parts(each)]
    assert sum(isinstance(part, html.Details) for part in found) == 1
    (trace,) = (part for part in found if isinstance(part, html.Pre))
    assert "IndexError" in words(trace)
    assert [getattr(part, "data-copy") for part in found if isinstance(part, html.Button)] == [
        trace.to_plotly_json()["props"]["id"]
    ]


def test_the_message_in_the_corner_says_where_to_look():
    assert mishaps.told(InterpError("n = 0"))["message"] == "n = 0"
    assert mishaps.told(caught())["message"] == "Something went wrong (IndexError); see Errors, at the top right."


def test_a_page_that_fails_is_in_the_log_of_its_app_alone(small, monkeypatch):
    library, other = Library(small), Library(small)
    assert mishaps.shown(library.errors) == {"children": "Errors: 0", "hidden": True}
    monkeypatch.setattr(runs, "layout", fail)
    found = show(library, "/runs", "", "light")[0]
    assert "This page failed (IndexError); see Errors, at the top right." in words(found)
    assert [entry.where for entry in library.errors.entries()] == ["page /runs"]
    assert mishaps.shown(library.errors) == {"children": "Errors: 1", "hidden": False}
    assert len(other.errors) == 0


def test_a_callback_that_fails_is_told_kept_and_counted(small, monkeypatch):
    app = create_app(Settings(store=small))
    monkeypatch.setattr("apps.dashboard.whence.told", fail)
    button = ids.whence("accuracy-x", "card")
    body = {
        "output": f"..{ids.WHENCE_DRAWER}.opened...{ids.WHENCE_DRAWER}.title...{ids.WHENCE_BODY}.children..",
        "outputs": [
            {"id": ids.WHENCE_DRAWER, "property": "opened"},
            {"id": ids.WHENCE_DRAWER, "property": "title"},
            {"id": ids.WHENCE_BODY, "property": "children"},
        ],
        "inputs": [[{"id": button, "property": "n_clicks", "value": 1}]],
        "changedPropIds": ['{"card":"card","run":"accuracy-x","type":"whence"}.n_clicks'],
    }
    answer = app.server.test_client().post("/_dash-update-component", json=body)
    told = answer.get_json()["sideUpdate"]
    assert told[ids.ERRORS] == {"children": "Errors: 1", "hidden": False}
    assert "see Errors" in told[ids.TOAST]["sendNotifications"][0]["message"]


def test_a_file_that_fails_is_in_the_log(small, monkeypatch):
    app = create_app(Settings(store=small))
    kept = []
    monkeypatch.setattr(ErrorLog, "add", lambda self, where, error: kept.append((where, type(error))))
    monkeypatch.setattr("apps.dashboard.downloads._found", fail)
    assert app.server.test_client().get("/download/run/map.csv").status_code == 500
    assert kept == [("request /download/run/map.csv", IndexError)]
