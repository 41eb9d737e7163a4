"""Recorded runs from the command line: listed, shown, compared, checked, moved, annotated, deleted."""

from __future__ import annotations

import shutil

import pytest

from interp.store import Spec, Store
from tests.store.conftest import small


@pytest.fixture
def runs(tmp_path) -> list[str]:
    """Three runs in tmp_path/store, the oldest first; no model was asked."""
    store = Store(tmp_path / "store")
    specs = [
        Spec(method="patching", model="mental-math", task="a+b"),
        Spec(method="patching", model="mental-math", task="a+b", seed=1),
        Spec(method="lens", model="other", task="a-b"),
    ]
    made = []
    for i, spec in enumerate(specs):
        facts = {"created": f"2026-01-0{i + 1}T00:00:00.000Z", "seconds": float(i)}
        record = store.write(spec, small(i), summary={"n": 4 + i, "accuracy": 0.5}, provenance=facts)
        made.append(record.run_id)
    return made


def test_list_filters_and_puts_the_newest_first(interp, runs):
    found = interp("runs", "list", "--json").json["runs"]
    assert [run["run_id"] for run in found] == runs[::-1]
    assert found[0]["summary"] == {"n": 6, "accuracy": 0.5}
    assert [run["run_id"] for run in interp("runs", "list", "--method", "lens", "--json").json["runs"]] == [runs[2]]
    assert [run["run_id"] for run in interp("runs", "list", "--task", "a+b", "--json").json["runs"]] == runs[1::-1]
    assert interp("runs", "list", "--model", "nobody", "--json").json == {"runs": []}
    said = interp("runs", "list")
    assert all(run in said.out for run in runs)


def test_show_tells_what_was_asked_and_what_came_out(interp, runs):
    manifest = interp("runs", "show", runs[0], "--json").json
    assert manifest["spec"]["task"] == "a+b"
    assert manifest["summary"]["n"] == 4
    said = interp("runs", "show", runs[0]).out
    assert "recovered" in said
    assert "method=patching" in said


def test_diff_tells_in_what_two_runs_differ(interp, runs):
    found = interp("runs", "diff", runs[0], runs[1], "--json").json
    assert found["spec"] == {"seed": [0, 1]}
    assert found["summary"]["n"] == [4, 5]
    assert "seed" in interp("runs", "diff", runs[0], runs[1]).out


def test_verify_is_silent_on_good_runs_and_names_the_damaged(interp, runs, tmp_path):
    said = interp("runs", "verify", "--json")
    assert (said.code, said.json) == (0, {"checked": 3, "damaged": {}})
    path = tmp_path / "store" / "runs" / runs[1] / "run.json"
    path.write_bytes(path.read_bytes().replace(b"mental-math", b"mental-mathX", 1))
    said = interp("runs", "verify", runs[0], runs[1], "--json")
    assert said.code == 1
    assert list(said.json["damaged"]) == [runs[1]]
    said = interp("runs", "verify")
    assert (said.code, said.err) == (1, "3 runs checked, 1 damaged\n")
    assert runs[1] in said.out
    status = {run["run_id"]: run["status"] for run in interp("runs", "list", "--json").json["runs"]}
    assert status == {runs[0]: "complete", runs[1]: "corrupt", runs[2]: "complete"}
    assert "does not match" in interp("runs", "show", runs[1]).line


def test_export_and_import_carry_a_run_unchanged(interp, runs, tmp_path):
    found = interp("runs", "export", runs[0], "--out", "one.zip", "--json").json
    assert found == {"run_id": runs[0], "file": "one.zip"}
    assert "exists" in interp("runs", "export", runs[0], "--out", "one.zip").line
    assert interp("runs", "import", "one.zip", "--store", tmp_path / "other").code == 0
    assert interp("runs", "verify", "--store", tmp_path / "other", "--json").json["checked"] == 1
    (tmp_path / "broken.zip").write_bytes((tmp_path / "one.zip").read_bytes()[:-40])
    assert "broken.zip" in interp("runs", "import", "broken.zip", "--store", tmp_path / "other").line


def test_rm_deletes_all_or_none(interp, runs):
    line = interp("runs", "rm", runs[0], runs[0][:-1] + "x").line
    assert "nothing was removed. Did you mean" in line
    assert len(interp("runs", "list", "--json").json["runs"]) == 3
    assert interp("runs", "rm", runs[0], runs[2], "--json").json == {"removed": [runs[0], runs[2]]}
    assert [run["run_id"] for run in interp("runs", "list", "--json").json["runs"]] == [runs[1]]


def test_note_says_several_things_at_once_and_shows_them(interp, runs):
    assert interp("runs", "note", runs[0], "--text", "look here", "--tag", "figure-2", "--star").code == 0
    found = interp("runs", "note", runs[0], "--json").json
    assert (found["star"], found["tags"], found["notes"][0]["note"]) == (True, ["figure-2"], "look here")
    interp("runs", "note", runs[0], "--untag", "figure-2", "--unstar")
    assert "look here" in interp("runs", "note", runs[0]).out
    assert interp("runs", "note", runs[0], "--json").json["tags"] == []
    assert interp("runs", "verify", "--json").json["damaged"] == {}  # notes lie apart from the evidence


@pytest.mark.parametrize("command", [["show"], ["diff", "{good}"], ["verify"], ["export", "--out", "x.zip"], ["note"]])
def test_an_unknown_run_is_one_line_with_the_nearest(interp, runs, command):
    wrong = runs[0][:-1] + "x"
    line = interp("runs", command[0], wrong, *[runs[0] if word == "{good}" else word for word in command[1:]]).line
    assert f"no run '{wrong}' in this store. Did you mean" in line
    assert "no path" in interp("runs", command[0], "../x", *[word.format(good=runs[0]) for word in command[1:]]).line


def test_index_is_rebuilt_from_the_directories(interp, runs, tmp_path):
    (tmp_path / "store" / "index.sqlite").unlink()
    (tmp_path / "store" / "runs" / ".staging-1-1-old").mkdir()
    shutil.rmtree(tmp_path / "store" / "runs" / runs[0])
    assert interp("index", "rebuild", "--json").json["runs"] == 2
    assert [run["run_id"] for run in interp("runs", "list", "--json").json["runs"]] == [runs[2], runs[1]]
