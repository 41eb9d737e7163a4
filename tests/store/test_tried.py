"""Answers that nobody keeps: they travel as checked text, expire, and leave no run; tries go first in the queue."""

from __future__ import annotations

import json
import os
import time

import numpy as np
import pytest
import xarray as xr

from interp.errors import InterpError
from interp.progress import Progress
from interp.store import Jobs, Spec, Store, worker
from interp.store.tried import MAX_AGE, Answers
from tests.store.conftest import ask
from tests.store.crew import execute
from tests.store.test_jobs import change

QUESTION = Spec(method="try", model="m", task="a+b", parameters={"operands": [1, 2]})


@pytest.fixture
def dataset() -> xr.Dataset:
    return xr.Dataset(
        {
            "p": (("run", "place"), np.array([[0.5, np.nan]]), {"units": "probability"}),
            "q": ("run", np.array([np.inf], dtype="f4")),
            "token": (("run", "place"), np.array([["42", " é\n"]])),
            "n": ((), 1),
        },
        coords={"run": ["clean"], "place": [1, 2]},
        attrs={"method": "try", "title": "One prompt."},
    )


def test_an_answer_comes_back_as_it_was(tmp_path, dataset):
    answers = Answers(tmp_path)
    answers.write(QUESTION, dataset, 0.25)
    found = answers.read(QUESTION)
    assert found is not None
    assert found.seconds == 0.25
    assert found.dataset().identical(dataset)
    assert found.dataset()["q"].dtype == np.float32
    assert answers.read(QUESTION.but(seed=1)) is None
    assert answers.read(QUESTION, since=time.time() + 1) is None
    assert [path.name for path in answers.folder.iterdir()] == [f"{QUESTION.hash}.json"]


@pytest.mark.parametrize(
    "change",
    [
        lambda told: told.update(question="0" * 64),
        lambda told: told["variables"]["p"].update(shape=[1, 3]),
        lambda told: told["variables"]["p"].update(shape=[-1, -2]),
        lambda told: told["variables"]["p"].update(data="!!"),
        lambda told: told["variables"]["p"].update(dtype="object"),
        lambda told: told["variables"]["token"].update(data=["42"]),
        lambda told: told["variables"]["token"].update(dtype="float64"),
        lambda told: told.update(finished=time.time() - MAX_AGE - 1),
        lambda told: told.update(extra=1),
    ],
)
def test_an_answer_that_does_not_fit_is_none(tmp_path, dataset, change):
    answers = Answers(tmp_path)
    answers.write(QUESTION, dataset)
    path = answers.folder / f"{QUESTION.hash}.json"
    told = json.loads(path.read_text())
    change(told)
    path.write_text(json.dumps(told))
    assert answers.read(QUESTION) is None


def test_a_torn_answer_is_none_and_an_old_one_goes(tmp_path, dataset):
    answers = Answers(tmp_path)
    answers.write(QUESTION, dataset)
    path = answers.folder / f"{QUESTION.hash}.json"
    os.utime(path, (time.time() - 100, time.time() - 100))
    assert answers.expire(200) == 0
    assert answers.expire(50) == 1
    assert not path.exists()
    path.write_text("{")
    assert answers.read(QUESTION) is None


def test_complex_numbers_are_refused(tmp_path):
    with pytest.raises(InterpError, match="cannot hold complex128"):
        Answers(tmp_path).write(QUESTION, xr.Dataset({"z": ((), 1j)}))


def test_a_try_goes_before_what_waits_longer(jobs: Jobs) -> None:
    first, second = ask(jobs, "quick", "quick")
    tried = jobs.submit(QUESTION, "try")
    assert [job and job.id for job in (jobs.claim(), jobs.claim(), jobs.claim())] == [tried.id, first.id, second.id]


def test_a_try_is_answered_and_not_recorded(jobs: Jobs, dataset) -> None:
    tried, method = jobs.submit(QUESTION, "try"), ask(jobs, "quick")[0]

    def explore(spec: Spec, progress: Progress) -> None:
        progress(1, 3, "clean run")
        Answers(jobs.root).write(spec, dataset)

    assert worker(jobs.root, execute, once=True, explore=explore) == 2
    job = jobs.get(tried.id)
    assert (job.state, job.run_id, job.fraction) == ("done", None, 1.0)
    assert f"job {job.id} is answered" in jobs.log(job.id)
    assert jobs.get(method.id).run_id == "run-0"
    answer = Answers(jobs.root).read(QUESTION, since=job.started or 0.0)
    assert answer is not None
    assert Store(jobs.root).list() == []


def test_a_worker_that_only_records_fails_a_try_and_goes_on(jobs: Jobs) -> None:
    tried, method = jobs.submit(QUESTION, "try"), ask(jobs, "quick")[0]
    assert worker(jobs.root, execute, once=True) == 2
    assert "answers no try" in jobs.get(tried.id).error
    assert jobs.get(method.id).state == "done"


def test_old_tries_are_forgotten_with_their_logs(jobs: Jobs) -> None:
    tried, method, waits = jobs.submit(QUESTION, "try"), ask(jobs, "quick")[0], QUESTION.but(seed=1)
    worker(jobs.root, execute, once=True, explore=lambda spec, progress: None)
    waiting = jobs.submit(waits, "try")
    change(jobs, tried, finished=time.time() - MAX_AGE - 1)
    change(jobs, method, finished=time.time() - MAX_AGE - 1)
    assert jobs.log_path(tried.id).exists()
    assert jobs.forget(MAX_AGE) == 1
    assert jobs.forget(MAX_AGE) == 0
    assert {job.id for job in jobs.list()} == {method.id, waiting.id}
    assert not jobs.log_path(tried.id).exists()
    assert jobs.log_path(method.id).exists()


def test_a_worker_without_a_job_ends_when_told(jobs: Jobs) -> None:
    began = time.monotonic()
    assert worker(jobs.root, execute, idle=0.2, poll=0.02) == 0
    assert time.monotonic() - began < 20
