"""What can be asked: listed, shown in words, exported as plain prompts, and own files checked before they are used."""

from __future__ import annotations

import json

from interp.tasks import SPLITS, STYLES, TASKS


def test_list_has_every_task_with_its_ranges_and_sizes(interp):
    found = interp("tasks", "list", "--json").json["tasks"]
    assert [task["task"] for task in found] == list(TASKS)
    assert found[0]["ranges"] == {"a": [0, 99], "b": [0, 99]}
    assert all(sum(task[split] for split in SPLITS if split != "all") == task["all"] for task in found)
    said = interp("tasks", "list").out
    assert all(task in said for task in TASKS)


def test_show_has_every_wording_and_the_variables(interp):
    found = interp("tasks", "show", "a+b-c", "--json").json
    assert list(found["styles"]) == list(STYLES)
    assert found["variables"]["result"] == int(found["styles"]["plain"]["answer"])
    said = interp("tasks", "show", "a+b@0..9").out
    assert "causal variables" in said
    assert "plain" in said


def test_export_writes_what_it_says(interp, tmp_path):
    said = interp("tasks", "export", "--task", "a-b", "--style", "question", "--jsonl", "out.jsonl")
    rows = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert said.err == f"{len(rows):,} prompts in out.jsonl\n"
    assert said.out == ""
    assert len(rows) == len(TASKS["a-b"].space("test"))
    for row in rows[:50]:
        assert int(row["answer"]) == row["operands"]["a"] - row["operands"]["b"]
        start, end = row["roles"]["a"]
        assert row["prompt"][start:end] == str(row["operands"]["a"])
    printed = interp("tasks", "export", "--task", "a-b", "--style", "question")
    assert printed.out == (tmp_path / "out.jsonl").read_text()
    assert not list(tmp_path.glob(".*"))


def test_own_files_are_checked(interp, checkpoint, tmp_path):
    row = {"prompt": "12+34=", "answer": "46", "roles": {"a": [0, 2], "op1": [2, 3], "b": [3, 5]}}
    (tmp_path / "own.jsonl").write_text(json.dumps(row) + "\n")
    found = interp("tasks", "check", "own.jsonl", "--model", checkpoint, "--json").json
    assert found["roles"] == ["bos", "a", "op1", "b", "w1"]
    assert found["prompts"] == 1
    own = {"name": "mine", "expression": "a-b", "ranges": {"a": [50, 99], "b": [0, 49]}}
    (tmp_path / "mine.json").write_text(json.dumps(own | {"templates": {"plain": "{a}-{b}="}}))
    assert interp("tasks", "check", "mine.json", "--model", checkpoint, "--json").json["prompts"] == 200
    assert "is sound for" in interp("tasks", "check", "mine.json", "--model", checkpoint).out
    (tmp_path / "bad.jsonl").write_text(json.dumps(row | {"prompt": "12+zebra=", "roles": {"a": [0, 2]}}) + "\n")
    assert "does not know" in interp("tasks", "check", "bad.jsonl", "--model", checkpoint).line
    assert "no such file" in interp("tasks", "check", "gone.jsonl", "--model", checkpoint).line
    assert "modadd-59" in interp("tasks", "check", "own.jsonl", "--model", "modadd-59").line
