"""Workers as processes: stopped by a signal, killed, idle, two at a time; the next one goes on."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable

import pytest

from interp.store import Jobs, worker
from tests.store.conftest import ask, until
from tests.store.crew import execute

Start = Callable[..., subprocess.Popen[str]]


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
