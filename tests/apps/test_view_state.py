"""What a page shows, as a JSON file: the selection that is valid, the runs behind it, what people said of them."""

from __future__ import annotations

import json

from apps.dashboard import create_app
from apps.dashboard.library import Library
from apps.dashboard.settings import Settings
from apps.dashboard.view_state import SCHEMA, file_name, view_state


def test_the_selection_and_its_run(small):
    library = Library(small)
    line = library.of("patching")[0]
    found = view_state(library, "/patching", f"?v=1&run={line.run_id}&layer=2&role=a&layer=99x")
    assert (found["schema"], found["app"]) == (SCHEMA, "0.1.0")
    assert found["selection"]["run"] == line.run_id
    assert found["address"].startswith(f"/patching?v=1&run={line.run_id}")
    assert found["notices"] == ["layer = '99x' is not a number from 0 on; it was left out."]
    run = found["runs"][0]
    assert (run["run"], run["spec_hash"]) == (line.run_id, line.spec_hash)
    assert run["weights_sha256"] == library.opened(line.run_id).manifest["model"]["weights_sha256"]
    assert (run["star"], run["baseline"], run["tags"], run["notes"]) == (False, False, [], [])


def test_a_page_opened_without_a_run_names_what_it_shows(small):
    library = Library(small)
    found = view_state(library, "/", "")
    assert found["selection"] == {"model": "mental-math"}
    named = {each["run"] for each in found["runs"]}
    assert {line.run_id for method in ("patching", "af1") for line in library.of(method)} <= named


def test_what_people_said_is_in_it(small):
    library = Library(small)
    name = library.of("af1")[0].run_id
    for said in ({"star": True}, {"tag": "baseline"}, {"tag": "odd"}, {"note": "the third block"}):
        library.say(name, **said)
    run = view_state(library, "/af1", "")["runs"][0]
    assert (run["run"], run["star"], run["baseline"], run["tags"]) == (name, True, True, ["odd"])
    assert [each["note"] for each in run["notes"]] == ["the third block"]


def test_both_runs_of_a_comparison(library):
    shown = view_state(library, "/compare", "")
    chosen = shown["selection"]
    assert [each["run"] for each in shown["runs"]][:2] == [chosen["run"], chosen["against"]]


def test_a_page_that_is_not_there_shows_nothing(small):
    found = view_state(Library(small), "/nowhere", "?run=x")
    assert (found["selection"], found["runs"]) == ({}, [])
    assert [file_name(path) for path in ("/", "/af1", "/../x y")] == [
        "view-overview.json",
        "view-af1.json",
        "view-xy.json",
    ]


def test_the_file_as_the_server_sends_it(small):
    client = create_app(Settings(store=small)).server.test_client()
    answer = client.get("/download/view.json", query_string={"path": "/af1", "search": "?v=1"})
    assert answer.status_code == 200
    assert answer.headers["Content-Disposition"] == 'attachment; filename="view-af1.json"'
    assert json.loads(answer.text)["address"].startswith("/af1?v=1&run=af1-")
