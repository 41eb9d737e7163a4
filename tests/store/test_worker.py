"""The worker: it works, reports, is cancelled, fails, is stopped, is killed, and the next one goes on."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import xarray as xr

from interp.errors import Cancelled, InterpError
from interp.progress import Progress
from interp.store import Job, Jobs, Spec, Store, worker
from tests.store.crew import execute

Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def jobs(tmp_path: Path) -> Jobs:
    return Jobs(tmp_path / "store")


def until(true: Callable[[], object], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.02)


def ask(jobs: Jobs, *tasks: str) -> list[Job]:
    return [jobs.submit(Spec(method="lens", model="m", task=task, seed=k)) for k, task in enumerate(tasks)]


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
    from tests.store.test_jobs import _set

    old, good = ask(jobs, "quick", "quick")
    _set(jobs, old, spec_json='{"method": "forgotten", "model": "m"}')
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


@pytest.mark.parametrize(
    ("number", "state", "codes"), [(signal.SIGTERM, "failed", (143,)), (signal.SIGINT, "cancelled", (130, -2))]
)
def test_a_signal_marks_the_job_and_ends_the_worker(
    jobs: Jobs, start: Start, number: signal.Signals, state: str, codes: tuple[int, ...]
) -> None:
    job, waiting = ask(jobs, "silent", "quick")
    process = start("crew.py", "serve", jobs.root)
    until(lambda: "working on silent" in jobs.log(job.id))
    process.send_signal(number)
    process.communicate(timeout=30)
    assert process.returncode in codes
    ended = jobs.get(job.id)
    assert (ended.state, ended.error) == (state, f"the worker was stopped by {number.name}; submit the job again")
    assert jobs.get(waiting.id).state == "queued"
    assert "KeyboardInterrupt" in jobs.log(job.id)


def test_an_idle_worker_takes_what_comes_and_stops_when_told(jobs: Jobs, start: Start) -> None:
    process = start("crew.py", "serve", jobs.root)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    (job,) = ask(jobs, "quick")
    until(lambda: jobs.get(job.id).state == "done")
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=30)
    assert process.returncode == 143


def test_a_killed_worker_is_succeeded(jobs: Jobs, start: Start) -> None:
    killed, waiting = ask(jobs, "silent", "quick")
    process = start("crew.py", "serve", jobs.root)
    until(lambda: jobs.get(killed.id).total == 500)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate(timeout=30)
    assert jobs.get(killed.id).state == "running"
    assert worker(jobs.root, execute, once=True) == 1
    assert jobs.get(killed.id).state == "failed"
    assert "ended without a word; submit the job again" in jobs.get(killed.id).error
    assert jobs.get(waiting.id).state == "done"


def test_two_workers_share_the_queue(jobs: Jobs, start: Start) -> None:
    asked = ask(jobs, *["quick"] * 12)
    crew = [start("crew.py", "work", jobs.root) for _ in range(2)]
    done = [int(process.communicate(timeout=60)[0].split()[-1]) for process in crew]
    assert sum(done) == 12
    assert {jobs.get(job.id).state for job in asked} == {"done"}
    assert all(jobs.log(job.id).count("working on") == 1 for job in asked)


def test_starting_a_worker_collects_litter(jobs: Jobs) -> None:
    from tests.store.test_housekeeping import _dead

    litter = Store(jobs.root).runs / f".staging-{_dead()}-x"
    litter.mkdir()
    worker(jobs.root, execute, once=True)
    assert not litter.exists()
