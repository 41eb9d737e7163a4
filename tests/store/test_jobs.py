"""The table of jobs: one active job a question, one worker a job, and every ending is recorded once."""

from __future__ import annotations

import json
import os
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing

import pytest

from interp.errors import Cancelled, InterpError
from interp.store import Job, Jobs, Spec, processes


def test_a_job_is_queued_once(jobs: Jobs, spec: Spec) -> None:
    job = jobs.submit(spec)
    assert (job.state, job.kind, job.spec, job.fraction, job.active) == ("queued", "method", spec, 0.0, True)
    assert jobs.submit(spec) == job
    assert jobs.submit(spec.but(seed=1), kind="study").id != job.id
    claimed = jobs.claim()
    assert jobs.submit(spec) == claimed
    jobs.finish(claimed, "run-1")
    assert jobs.submit(spec).id > job.id
    assert [line.state for line in jobs.list()] == ["queued", "queued", "done"]
    assert [line.id for line in jobs.list("done")] == [job.id]
    assert len(jobs.list(limit=2)) == 2


def test_jobs_outlive_their_process(jobs: Jobs, spec: Spec) -> None:
    assert Jobs(jobs.root).get(jobs.submit(spec).id).spec == spec


def test_claims_are_in_order_and_owned(jobs: Jobs, spec: Spec) -> None:
    ids = [jobs.submit(spec.but(seed=seed)).id for seed in range(3)]
    claimed = [jobs.claim() for _ in range(4)]
    assert [job and job.id for job in claimed] == [*ids, None]
    assert claimed[0].owner == processes.owner()
    assert claimed[0].pid == os.getpid()
    assert claimed[0].started == claimed[0].heartbeat


def test_two_workers_never_share_a_job(jobs: Jobs, spec: Spec, run_script: Callable[..., str]) -> None:
    ids = [jobs.submit(spec.but(seed=seed)).id for seed in range(40)]
    one, two = json.loads(run_script("crew.py", "claim", jobs.root)).values()
    assert sorted(one + two) == ids
    assert one
    assert two


def test_progress_is_seen_and_a_done_job_is_whole(jobs: Jobs, spec: Spec) -> None:
    jobs.submit(spec)
    job = jobs.claim()
    jobs.heartbeat(job, 3, 12, "layer 3")
    seen = jobs.get(job.id)
    assert (seen.done, seen.total, seen.message, seen.fraction) == (3, 12, "layer 3", 0.25)
    assert seen.heartbeat > job.heartbeat
    jobs.heartbeat(job)
    assert jobs.get(job.id).message == "layer 3"
    ended = jobs.finish(job, "run-1")
    assert (ended.state, ended.run_id, ended.fraction, ended.active) == ("done", "run-1", 1.0, False)
    assert ended.finished >= ended.started


def test_cancelling(jobs: Jobs, spec: Spec) -> None:
    waiting = jobs.submit(spec)
    cancelled = jobs.request_cancel(waiting.id)
    assert (cancelled.state, cancelled.active) == ("cancelled", False)
    assert cancelled.finished is not None
    assert jobs.claim() is None
    jobs.submit(spec)
    job = jobs.claim()
    assert jobs.request_cancel(job.id).state == "cancelling"
    assert jobs.request_cancel(job.id).state == "cancelling"
    with pytest.raises(Cancelled, match="was cancelled"):
        jobs.heartbeat(job, 1, 2, "x")
    fresh = jobs.submit(spec)
    assert (fresh.id, fresh.state) == (job.id + 1, "queued")  # one that is ending is no answer to come
    assert jobs.cancelled(job).state == "cancelled"
    assert jobs.request_cancel(job.id).state == "cancelled"


def test_work_that_was_done_before_it_could_be_cancelled_counts(jobs: Jobs, spec: Spec) -> None:
    jobs.submit(spec)
    job = jobs.claim()
    jobs.request_cancel(job.id)
    assert jobs.finish(job, "run-1").state == "done"


def change(jobs: Jobs, job: Job, **columns: object) -> None:
    with closing(sqlite3.connect(jobs.path)) as table:
        for name, value in columns.items():
            table.execute(f"UPDATE jobs SET {name} = ? WHERE id = ?", (value, job.id))
        table.commit()


def _claimed(jobs: Jobs, spec: Spec, **columns: object) -> Job:
    jobs.submit(spec)
    job = jobs.claim()
    change(jobs, job, **columns)
    return jobs.get(job.id)


def test_stale_jobs_are_recovered(jobs: Jobs, spec: Spec) -> None:
    pid, start, host = processes.owner().split(".")
    gone = f"{pid}.{int(start) + 1}.{host}"
    far = "1.1.00000000"
    made = {
        "dead": _claimed(jobs, spec.but(seed=1), owner=gone),
        "dead while cancelling": _claimed(jobs, spec.but(seed=2), owner=gone, state="cancelling"),
        "silent": _claimed(jobs, spec.but(seed=3), heartbeat=time.time() - 61),
        "far and silent": _claimed(jobs, spec.but(seed=4), owner=far, heartbeat=time.time() - 61),
        "far and well": _claimed(jobs, spec.but(seed=5), owner=far),
        "well": _claimed(jobs, spec.but(seed=6)),
    }
    lost = jobs.recover(60)
    states = {name: jobs.get(job.id).state for name, job in made.items()}
    assert states == {
        "dead": "failed",
        "dead while cancelling": "cancelled",
        "silent": "failed",
        "far and silent": "failed",
        "far and well": "running",
        "well": "running",
    }
    assert {job.id for job in lost} == {job.id for name, job in made.items() if states[name] != "running"}
    assert all("submit the job again" in job.error and "\n" not in job.error for job in lost)
    assert jobs.recover(60) == []


def test_a_worker_that_lost_its_job_is_told_and_changes_nothing(jobs: Jobs, spec: Spec) -> None:
    job = _claimed(jobs, spec, heartbeat=time.time() - 61)
    jobs.recover(60)
    with pytest.raises(Cancelled, match="no longer belongs"):
        jobs.heartbeat(job, 1, 2, "still here")
    assert jobs.finish(job, "run-1").state == "failed"
    assert jobs.get(job.id).run_id is None


@pytest.mark.parametrize("job_id", [99, -1, "x", None])
def test_an_unknown_job_is_an_error(jobs: Jobs, job_id: int) -> None:
    for action in (jobs.get, jobs.request_cancel, jobs.log):
        with pytest.raises(InterpError, match="no job"):
            action(job_id)


def test_bad_questions_to_the_table(jobs: Jobs, spec: Spec) -> None:
    with pytest.raises(InterpError, match="unknown job state 'don'"):
        jobs.list("don")  # type: ignore[arg-type]
    change(jobs, job := jobs.submit(spec), spec_json='{"method": "forgotten", "model": "m"}')
    with pytest.raises(InterpError, match="unknown method 'forgotten'"):
        _ = jobs.get(job.id).spec


def test_a_damaged_table_is_one_line(jobs: Jobs, spec: Spec) -> None:
    jobs.submit(spec)
    jobs.path.write_bytes(b"no database" * 1000)
    for action in (jobs.list, jobs.claim, lambda: jobs.submit(spec)):
        with pytest.raises(InterpError, match="move it away") as caught:
            action()
        assert "\n" not in str(caught.value)


def test_a_busy_table_is_one_line(jobs: Jobs, spec: Spec, monkeypatch: pytest.MonkeyPatch) -> None:
    jobs.submit(spec)
    monkeypatch.setattr("interp.store.database.TIMEOUT", 0.05)
    with closing(sqlite3.connect(jobs.path, isolation_level=None)) as table:
        table.execute("BEGIN IMMEDIATE")
        assert len(jobs.list()) == 1  # reading goes on
        with pytest.raises(InterpError, match="locked; check the disk and try again"):
            jobs.submit(spec.but(seed=1))
