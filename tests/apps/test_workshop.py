"""The queue behind the pages: one worker a store, whoever started it; what is said is true, also after a kill."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from apps.dashboard.desk import Desk
from apps.dashboard.library import Library
from apps.dashboard.waiting import job_number, said_of, seconds
from apps.dashboard.workshop import Workshop, workshop
from interp.errors import InterpError
from interp.store import Jobs, Spec
from interp.store.presence import workers
from tests.store.conftest import until

CREW = Path(__file__).parents[1] / "store" / "crew.py"
QUESTION = Spec(method="try", model="m", task="silent", parameters={"operands": [1, 2]})


class Crew(Workshop):
    """A workshop whose worker is the one of the store's tests: it needs no model."""

    def command(self) -> list[str]:
        return [sys.executable, str(CREW), "serve", str(self.root)]


@pytest.fixture
def crew(tmp_path, monkeypatch):
    root = Path(__file__).parents[2]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(root), os.environ.get("PYTHONPATH", "")]))
    made = Crew(tmp_path / "store")
    yield made
    for each in workers(made.root):
        os.kill(each.pid, signal.SIGKILL)
    if made._process is not None:
        made._process.kill()
        made._process.wait()


def lens(task: str, seed: int = 0) -> Spec:
    return Spec(method="lens", model="m", task=task, seed=seed)


def test_looking_makes_nothing(tmp_path):
    work = Workshop(tmp_path / "store")
    assert (work.jobs(), work.workers(), work.at_work(), work.starting(), work.log(1)) == ([], [], None, False, "")
    with pytest.raises(InterpError, match="no job 1"):
        work.job(1)
    assert not (tmp_path / "store").exists()


def test_a_read_only_app_launches_nothing(tmp_path):
    work = Workshop(tmp_path / "store", read_only=True)
    for act in (lambda: work.submit(QUESTION, "try"), lambda: work.cancel(1)):
        with pytest.raises(InterpError, match="read only"):
            act()
    assert not (tmp_path / "store").exists()
    job = Jobs(tmp_path / "store").submit(lens("quick"))
    assert work.job(job.id).state == "queued"
    with pytest.raises(InterpError, match="read only"):
        work.again(job.id)


def test_a_library_has_one_workshop(tmp_path):
    library, other = Library(tmp_path), Library(tmp_path)
    assert workshop(library) is workshop(library)
    assert workshop(library) is not workshop(other)


def test_one_worker_is_started_and_works(crew):
    first = crew.submit(lens("quick"), "method")
    process = crew._process
    assert process is not None
    assert crew.submit(lens("quick", 1), "method").id != first.id
    assert crew._process is process  # still starting, or there
    until(lambda: crew.job(first.id).state == "done")
    assert len(crew.workers()) == 1
    assert "answered in" in said_of(crew, crew.job(first.id))
    assert process.poll() is None  # it waits for more


def test_a_worker_that_someone_started_is_used(crew):
    Jobs(crew.root)
    started = subprocess.Popen(crew.command(), stdout=subprocess.DEVNULL)
    until(crew.workers)
    job = crew.submit(lens("quick"), "method")
    assert crew._process is None
    until(lambda: crew.job(job.id).state == "done")
    started.kill()
    started.wait()


def test_a_killed_worker_is_told_and_the_job_can_be_asked_again(crew):
    job = crew.submit(lens("steps"), "method")
    until(lambda: crew.job(job.id).done > 0)
    assert "of 500" in said_of(crew, crew.job(job.id))
    (worker,) = crew.workers()
    os.kill(worker.pid, signal.SIGKILL)
    until(lambda: crew.job(job.id).state == "failed")
    assert "ended without a word; submit the job again" in said_of(crew, crew.job(job.id))
    assert crew.workers() == []
    again = crew.again(job.id)  # starts another worker
    assert (again.id != job.id, again.spec_hash) == (True, job.spec_hash)
    until(lambda: crew.job(again.id).state == "done")


def test_the_server_may_go_while_the_worker_works(crew):
    job = crew.submit(lens("steps"), "method")
    until(lambda: crew.job(job.id).done > 0)
    assert crew._process is not None
    assert os.getsid(crew._process.pid) != os.getsid(0)  # the end of the server's session does not reach it
    after = Crew(crew.root)  # the server that was started again
    assert after.job(job.id).state == "running"
    assert after.at_work() is not None
    until(lambda: after.job(job.id).state == "done")
    assert after._process is None


def test_a_job_is_cancelled_at_its_next_step(crew):
    job = crew.submit(lens("steps"), "method")
    until(lambda: crew.job(job.id).done > 0)
    assert crew.cancel(job.id).state == "cancelling"
    assert "asked to stop" in said_of(crew, crew.cancel(job.id))
    until(lambda: crew.job(job.id).state == "cancelled")
    assert said_of(crew, crew.job(job.id)) == f"Job {job.id} was cancelled."


def test_what_waits_says_why(crew):
    blocked = crew.submit(lens("steps"), "method")
    until(lambda: crew.job(blocked.id).state == "running")
    waiting = crew.submit(QUESTION, "try")
    assert f"the worker is at job {blocked.id}" in said_of(crew, waiting)
    assert [job.id for job in crew.jobs()] == [blocked.id]  # a try is no study


def test_a_worker_that_cannot_start_is_told(tmp_path):
    class Broken(Workshop):
        def command(self) -> list[str]:
            return [sys.executable, "-c", "import sys; sys.exit('no such module')"]

    work = Broken(tmp_path / "store")
    job = work.submit(QUESTION, "try")
    assert work._process is not None
    work._process.wait()
    with pytest.raises(InterpError, match=r"could not start .no such module."):
        work.again(job.id)
    assert "no worker lives" in said_of(work, work.job(job.id))


@pytest.mark.parametrize("value", [None, "3", 0, -1, 2.0, True, 10**12, [1], {"id": 1}])
def test_no_number_of_a_job(value):
    with pytest.raises(InterpError, match="no number of a job"):
        job_number(value)


def test_durations_are_for_people():
    assert [seconds(v) for v in (0.123, 42, 300, 10000)] == ["0.12 s", "42 s", "5 min", "2.8 h"]


ECHO = "import sys\nfor line in sys.stdin: print('{\"error\": \"told\"}' if 'x' in line else '{}', flush=True)"


def test_a_desk_that_died_is_opened_anew():
    desk = Desk((sys.executable, "-c", ECHO))
    assert desk.ask(ask="y") == {}
    with pytest.raises(InterpError, match="told"):
        desk.ask(ask="x")
    assert desk._process is not None
    desk._process.kill()
    desk._process.wait()
    assert desk.ask(ask="y") == {}
    desk.close()


def test_a_desk_that_says_nothing_is_an_error_in_one_line(monkeypatch):
    monkeypatch.setattr("apps.dashboard.desk.PATIENCE", 0.2)
    for code in ("import time; time.sleep(60)", "print('nonsense')", "pass", "print('[]')"):
        desk, began = Desk((sys.executable, "-c", code)), time.monotonic()
        with pytest.raises(InterpError, match="did not say what can be asked"):
            desk.ask(ask="catalogue")
        assert desk._process is None
        assert time.monotonic() - began < 30
