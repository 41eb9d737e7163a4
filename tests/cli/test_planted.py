"""Planted models on the command line: asked by name, planned, described, exported."""

from __future__ import annotations

SMALL = [word for name in ("n_reference=600", "n_selection=40", "n_test=40") for word in ("--set", name)]


def test_a_planted_window_is_found_and_so_it_is_in_an_exported_copy(interp, tmp_path):
    name = "planted:wait=1,transfer=2,layers=4"
    said = interp("models", "export", name, "riddle", "--json")
    assert (said.code, said.json["directory"]) == (0, "riddle")
    assert sorted(path.name for path in (tmp_path / "riddle").iterdir()) == sorted(said.json["files"])
    for model in (name, "riddle"):
        found = interp("run", "af1", "--model", model, "--task", "a+b@0..29", *SMALL, "--json").json
        assert (found["found"], found["l_wait"], found["l_transfer"], found["faithfulness"]) == (True, 1, 2, 1.0)


def test_where_there_is_no_window_none_is_told(interp):
    found = interp("run", "af1", "--model", "planted:mix=1,layers=3", "--task", "a+b@0..29", *SMALL, "--json").json
    assert (found["found"], found["l_transfer"], found["l_wait"]) == (False, None, 1)


def test_a_plan_and_a_description_and_the_line_in_the_list(interp):
    planned = interp("run", "af1", "--model", "planted:mix=2", "--task", "a+b", "--dry-run", "--json")
    assert (planned.code, planned.json["spec"]["model"]) == (0, "planted:mix=2")
    (found,) = interp("models", "planted:mix=2", "--json").json["models"]
    assert (found["layers"], found["bare_below"]) == (8, 200)
    assert "planted:wait=3,transfer=2" in interp("models").out
    assert interp("models", "--json").json == interp("models", "show", "--json").json


def test_refusals_are_one_line(interp, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes").write_text("precious")
    for words, said in (
        (("models", "export", "planted:mix=2", "mine"), "export to a new one"),
        (("models", "export", "nobody", "new"), "unknown model 'nobody'"),
        (("models", "planted:mix=9"), "need mix >= 0 and mix + 2 <= layers"),
        (("models", "planted"), "planted:"),
        (("run", "accuracy", "--model", "planted:wait=8,transfer=1", "--task", "a+b"), "does not fit 8 blocks"),
    ):
        assert said in interp(*words).line
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine"]
