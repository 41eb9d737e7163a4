"""Where a run comes from, in words: what a manifest says, and nothing where it says nothing."""

from __future__ import annotations

from interp.store.facts import facts

MANIFEST = {
    "run_id": "cama-1",
    "spec": {"task": "a+b", "style": "plain", "parameters": {"n": 500, "split": "test"}},
    "model": {"id": "org/name@abc123", "weights_sha256": "f" * 64},
    "seconds": 8.94,
    "device": "cpu",
    "dtype": "float32",
    "threads": 2,
    "command": "interp run cama",
    "attributes": {"prompts_sha256": "e" * 64},
    "task_file": {"name": "mine.json", "sha256": "d" * 64},
    "files": {},
}


def test_model_data_machine_and_time_are_told():
    found = facts(MANIFEST)
    assert (found["model"], found["revision"], found["weights sha256"]) == ("org/name", "abc123", "f" * 64)
    assert found["data"] == "a+b, plain, n 500, split test"
    assert found["prompts sha256"] == "e" * 64
    assert found["task file"] == f"name mine.json, sha256 {'d' * 64}"
    assert (found["wall time"], found["device, dtype"], found["threads"]) == ("8.9 s", "cpu, float32", "2")
    assert found["command"] == "interp run cama"


def test_a_run_of_before_has_no_hash_of_its_prompts():
    old = {"run_id": "spectrum-1", "spec": {"task": None, "style": "plain", "parameters": {}}, "files": {}}
    assert facts(old) == {"run": "spectrum-1", "files": "0, 0 bytes"}
    assert "revision" not in facts(old | {"model": {"id": "mental-math"}})
