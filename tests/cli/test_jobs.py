"""Work that outlives the terminal: queued, listed, cancelled, and done by a worker exactly as `run` would do it."""

from __future__ import annotations

import shutil

import pytest

from interp.store import Jobs, Store

ASK = ["--task", "a+b", "--n", 12, "--json"]


def test_a_job_gives_what_run_gives(interp, checkpoint, tmp_path):
    submitted = interp("jobs", "submit", "accuracy", "--model", checkpoint, *ASK).json
    assert submitted == {"job": 1, "state": "queued"}
    assert interp("jobs", "submit", "accuracy", "--model", checkpoint, *ASK).json["job"] == 1  # it waits already
    said = interp("worker", "--once")
    assert said.code == 0
    assert said.err.endswith("1 job ended, 0 failed\n")
    job = interp("jobs", "list", "--json").json["jobs"][0]
    assert (job["state"], job["spec"]["task"]) == ("done", "a+b")
    asked = interp("run", "accuracy", "--model", checkpoint, *ASK).json
    assert asked["run_id"] == job["run_id"]
    elsewhere = interp("run", "accuracy", "--model", checkpoint, *ASK, "--store", tmp_path / "other").json
    one, two = Store().open(job["run_id"]), Store(tmp_path / "other").open(elsewhere["run_id"])
    assert one.spec == two.spec
    assert one.load().identical(two.load())
    assert f"job 1 is run {job['run_id']}" in interp("jobs", "log", 1).out
    assert str(job["run_id"]) in interp("jobs", "list").out


def test_a_study_is_a_job_too(interp, checkpoint):
    small = ['tasks=["a+b"]', 'styles=["plain"]', 'cells=["a+b"]', 'methods=["lens"]', "n_accuracy=5"]
    sets = [word for value in small for word in ("--set", value)]
    assert interp("jobs", "submit", "study", "--model", checkpoint, *sets).code == 0
    assert interp("worker", "--once").code == 0
    job = Jobs().get(1)
    assert (job.kind, job.state, job.fraction) == ("study", "done", 1.0)
    assert interp("study", "--model", checkpoint, *sets, "--json").json["run_id"] == job.run_id


def test_a_queued_job_is_cancelled_at_once(interp, checkpoint):
    interp("jobs", "submit", "accuracy", "--model", checkpoint, *ASK)
    assert interp("jobs", "cancel", 1, "--json").json == {"job": 1, "state": "cancelled"}
    assert interp("worker", "--once").code == 0
    assert Jobs().get(1).state == "cancelled"
    assert Store().list() == []
    assert "has written no log yet" in interp("jobs", "log", 1).out


def test_a_job_that_cannot_be_done_fails_alone_and_the_worker_says_so(interp, checkpoint, tmp_path):
    mine = shutil.copytree(checkpoint, tmp_path / "mine")
    interp("jobs", "submit", "accuracy", "--model", mine, *ASK)
    interp("jobs", "submit", "accuracy", "--model", checkpoint, *ASK)
    (mine / "config.json").unlink()
    said = interp("worker", "--once")
    assert said.code == 1
    assert said.err.endswith("2 jobs ended, 1 failed; see: interp jobs log 1\n")
    assert [job.state for job in Jobs().list()] == ["done", "failed"]
    assert "is no checkpoint" in Jobs().get(1).error
    assert "Traceback" not in interp("jobs", "log", 1).out
    assert "is no checkpoint" in interp("jobs", "list").out


def test_weights_that_changed_since_the_question_are_told(interp, checkpoint, tmp_path):
    mine = shutil.copytree(checkpoint, tmp_path / "mine")
    interp("jobs", "submit", "accuracy", "--model", mine, *ASK)
    data = bytearray((mine / "model.safetensors").read_bytes())
    data[-1] ^= 1
    (mine / "model.safetensors").write_bytes(data)
    assert interp("worker", "--once").code == 1
    assert "restore the weights" in Jobs().get(1).error


@pytest.mark.parametrize("command", ["cancel", "log"])
def test_an_unknown_job_is_one_line(interp, checkpoint, command):
    interp("jobs", "submit", "accuracy", "--model", checkpoint, *ASK)
    assert "no job 7 in this store" in interp("jobs", command, 7).line


def test_looking_at_jobs_makes_no_store(interp, tmp_path):
    assert "no store at" in interp("jobs", "list").line
    assert not (tmp_path / "store").exists()
