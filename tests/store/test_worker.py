"""The worker: it works, reports, is cancelled, and outlives the failures of its jobs."""

from __future__ import annotations

import signal
import threading
import time

import pytest
import xarray as xr

from interp.errors import Cancelled, InterpError
from interp.progress import Progress
from interp.store import Jobs, Spec, Store, worker
from tests.store.conftest import ask, until
from tests.store.crew import execute
from tests.store.test_housekeeping import dead
from tests.store.test_jobs import change


def test_it_works_through_the_queue(jobs: Jobs) -> None:
    good, bad, broken, last = ask(jobs, "quick", "fail", "break", "quick")
    before = signal.getsignal(signal.SIGTERM)
    assert worker(jobs.root, execute, once=True) == 4
    assert signal.getsignal(signal.SIGTERM) is before
    assert [job.state for job in jobs.list()] == ["done", "failed", "failed", "done"]
    assert jobs.get(good.id).run_id == "run-0"
    assert jobs.get(last.id).run_id == "run-3"
    assert jobs.get(good.id).fraction == 1.0
    assert jobs.get(bad.id).error == "the task cannot be done; choose another"
    assert jobs.get(broken.id).error == "RuntimeError: broken"
    assert "working on quick" in jobs.log(good.id)
    assert "0/500 step" in jobs.log(good.id)
    assert "is run run-0" in jobs.log(good.id)
    assert "Traceback" in jobs.log(broken.id)
    assert "Traceback" not in jobs.log(bad.id)
    assert jobs.log(broken.id, tail=10) == jobs.log(broken.id)[-10:]


def test_a_job_that_exits_is_recorded_before_the_worker_goes(jobs: Jobs) -> None:
    (job,) = ask(jobs, "exit")
    with pytest.raises(SystemExit):
        worker(jobs.root, execute, once=True)
    assert jobs.get(job.id).state == "failed"


def test_a_job_of_another_release_fails_alone(jobs: Jobs) -> None:
    old, good = ask(jobs, "quick", "quick")
    change(jobs, old, spec_json='{"method": "forgotten", "model": "m"}')
    assert worker(jobs.root, execute, once=True) == 2
    assert "unknown method 'forgotten'" in jobs.get(old.id).error
    assert jobs.get(good.id).state == "done"


def test_a_long_step_does_not_look_dead(jobs: Jobs) -> None:
    (job,) = ask(jobs, "slow")
    lost = []

    def slow(spec: Spec, progress: Progress) -> str:
        for _ in range(8):
            time.sleep(0.1)
            lost.extend(Jobs(jobs.root).recover(stale_after=0.7))
        return "run"

    worker(jobs.root, slow, once=True, beat=0.05)
    assert lost == []
    assert jobs.get(job.id).state == "done"


def test_the_last_word_is_shown_through_a_long_step(jobs: Jobs) -> None:
    (job,) = ask(jobs, "x")

    def work(spec: Spec, progress: Progress) -> str:
        progress(1, 0, "loading")
        progress(2, 9, "fitting")  # too soon after the other to be written at once
        until(lambda: jobs.get(job.id).message == "fitting", 10)
        return "run"

    worker(jobs.root, work, once=True, beat=0.02)
    assert (jobs.get(job.id).state, jobs.get(job.id).error) == ("done", "")


def test_cancelling_leaves_no_partial_run(jobs: Jobs, dataset: xr.Dataset) -> None:
    store = Store(jobs.root)
    (job,) = ask(jobs, "steps")
    began = threading.Event()

    def work(spec: Spec, progress: Progress) -> str:
        for step in range(10_000):
            progress(step, 10_000, "step")
            began.set()
            time.sleep(0.01)
        return store.write(spec, dataset).run_id

    thread = threading.Thread(target=worker, args=(jobs.root, work, True), kwargs={"beat": 0.05})
    thread.start()
    assert began.wait(10)
    jobs.request_cancel(job.id)
    thread.join(20)
    assert not thread.is_alive()
    ended = jobs.get(job.id)
    assert (ended.state, ended.run_id, ended.error) == ("cancelled", None, f"job {job.id} was cancelled")
    assert store.list() == []
    assert list(store.runs.iterdir()) == []


def test_a_progress_that_raises_is_not_lost(jobs: Jobs) -> None:
    (job,) = ask(jobs, "x")

    def work(spec: Spec, progress: Progress) -> str:
        raise Cancelled("asked to stop")

    worker(jobs.root, work, once=True)
    assert jobs.get(job.id).state == "cancelled"


def test_an_unwritable_log_fails_the_job_not_the_worker(jobs: Jobs) -> None:
    blocked, good = ask(jobs, "quick", "quick")
    jobs.log_path(blocked.id).mkdir()
    assert worker(jobs.root, execute, once=True) == 2
    assert jobs.get(blocked.id).state == "failed"
    assert jobs.get(good.id).state == "done"


def test_a_busy_table_does_not_end_the_work(jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    (job,) = ask(jobs, "quick")

    def busy(self: Jobs, *_: object) -> None:
        raise InterpError("locked")

    monkeypatch.setattr(Jobs, "heartbeat", busy)
    worker(jobs.root, execute, once=True, beat=0.01)
    assert jobs.get(job.id).state == "done"


def test_starting_a_worker_collects_litter(jobs: Jobs) -> None:
    litter = Store(jobs.root).runs / f".staging-{dead()}-x"
    litter.mkdir()
    worker(jobs.root, execute, once=True)
    assert not litter.exists()
