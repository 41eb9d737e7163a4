"""Signs of life of workers: there while they live, gone with them, swept where they died."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time

from interp.store import Jobs, worker
from interp.store.presence import Presence, folder, workers
from tests.store.conftest import ask, until
from tests.store.crew import execute
from tests.store.test_housekeeping import dead


def test_a_worker_shows_what_it_does_and_leaves_no_sign(tmp_path):
    with Presence(tmp_path) as presence:
        (found,) = workers(tmp_path)
        assert (found.pid, found.job, found.model) == (os.getpid(), None, None)
        presence.tell(7)
        assert workers(tmp_path)[0].job == 7
        presence.tell(None, "mental-math")
        presence.tell(8)
        assert workers(tmp_path)[0].model == "mental-math"  # it stays open while the next job runs
    assert workers(tmp_path) == []
    assert workers(tmp_path / "nowhere") == []


def test_signs_of_the_dead_and_torn_ones_are_swept(tmp_path):
    where = folder(tmp_path)
    where.mkdir(parents=True)
    (where / f"{dead()}.json").write_text(
        json.dumps({"owner": "x", "pid": 1, "started": 0, "job": None, "model": None})
    )
    (where / "1.2.anotherhost.json").write_text("{")
    old = where / "3.4.anotherhost.json"
    old.write_text("{}")
    os.utime(old, (time.time() - 600,) * 2)
    assert workers(tmp_path) == []
    assert [path.name for path in where.iterdir()] == ["1.2.anotherhost.json"]  # young: its worker may still write it


def test_another_machines_worker_counts_while_its_sign_is_young(tmp_path):
    where = folder(tmp_path)
    where.mkdir(parents=True)
    told = {"owner": "1.2.anotherhost", "pid": 1, "started": 0.0, "job": 3, "model": None}
    path = where / "1.2.anotherhost.json"
    path.write_text(json.dumps(told))
    assert [each.job for each in workers(tmp_path)] == [3]
    os.utime(path, (time.time() - 600,) * 2)
    assert workers(tmp_path) == []


def test_a_killed_worker_is_seen_to_be_gone(jobs: Jobs, start) -> None:
    (job,) = ask(jobs, "silent")
    process: subprocess.Popen[str] = start("crew.py", "serve", jobs.root)
    until(lambda: [each.job for each in workers(jobs.root)] == [job.id])
    os.kill(process.pid, signal.SIGKILL)
    process.communicate(timeout=30)
    assert workers(jobs.root) == []


def test_a_worker_takes_its_sign_away(jobs: Jobs) -> None:
    ask(jobs, "quick")
    assert worker(jobs.root, execute, once=True) == 1
    assert list(folder(jobs.root).iterdir()) == []
