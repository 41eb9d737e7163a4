"""Who does the work? One process that holds the model, takes jobs one by one, reports, and stops when asked.

    recover stale jobs -> claim -> execute(spec, progress) -> done | failed | cancelled -> claim ...

A background thread keeps the heartbeat through long steps. Cancelling is cooperative: `progress` raises Cancelled. A
signal interrupts the step itself: SIGINT (a person) cancels the job, SIGTERM (the system) fails it.
"""

from __future__ import annotations

import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from pathlib import Path
from types import FrameType
from typing import TextIO

from interp.errors import Cancelled, InterpError
from interp.progress import Progress
from interp.store.jobs import STALE_AFTER, Job, Jobs
from interp.store.presence import Presence
from interp.store.provenance import timestamp
from interp.store.specs import Spec
from interp.store.store import Store
from interp.store.tried import MAX_AGE, Answers

Execute = Callable[[Spec, Progress], str]
Explore = Callable[[Spec, Progress], None]
POLL = 0.1  # seconds between looks for a new job
CARE = 2.0  # seconds between looks for lost ones
BEAT = 2.0  # seconds between heartbeats of the thread
REPORT = 0.25  # seconds between progress reports that reach the table


class Reporter:
    """The progress callable of one job, and the thread that keeps its heartbeat."""

    def __init__(self, jobs: Jobs, job: Job, log: TextIO, beat: float = BEAT) -> None:
        self.jobs, self.job, self.log, self.beat = jobs, job, log, beat
        self._reported, self._latest, self._logged = 0.0, (0, 0, ""), ""
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._keep, name=f"heartbeat-{job.id}", daemon=True)

    def __call__(self, done: int, total: int, message: str) -> None:
        """Report progress; raises Cancelled when the job should stop."""
        self._latest = done, total, message
        now = time.monotonic()
        if now - self._reported < REPORT and not 0 < total <= done:
            return  # the thread will say it, should nothing come after it
        if message != self._logged:
            print(f"{timestamp()} {done}/{total} {message}", file=self.log, flush=True)
        self._reported, self._logged = now, message
        with suppress(InterpError):  # a table that is busy or a full disk must not end the work
            self.jobs.heartbeat(self.job, *self._latest)

    def _keep(self) -> None:
        while not self._over.wait(self.beat):
            try:
                self.jobs.heartbeat(self.job, *self._latest)
            except Cancelled:
                return  # the next report raises it in the work itself
            except InterpError:
                continue

    def __enter__(self) -> Reporter:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()


class Signals:
    """SIGINT and SIGTERM while a worker lives: interrupt the step, or end the waiting."""

    def __init__(self) -> None:
        self.caught: signal.Signals | None = None
        self.working = False
        self.wake = threading.Event()

    def __call__(self, number: int, _: FrameType | None) -> None:
        self.caught = signal.Signals(number)
        self.wake.set()
        if self.working:
            self.working = False  # once: a second signal must not break the clearing up
            raise KeyboardInterrupt

    @contextmanager
    def installed(self) -> Iterator[Signals]:
        """Listen for the block; outside the main thread there is nothing to install."""
        if threading.current_thread() is not threading.main_thread():
            yield self
            return
        before = {number: signal.signal(number, self) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield self
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def worker(
    root: str | Path | None,
    execute: Execute,
    once: bool = False,
    *,
    poll: float = POLL,
    stale_after: float = STALE_AFTER,
    beat: float = BEAT,
    explore: Explore | None = None,
    idle: float | None = None,
) -> int:
    """Take jobs from the store at `root` until stopped, or with `once` until none waits; return how many ended.

    `execute(spec, progress)` does the work and returns the run id; `explore` answers a try without recording it. A
    failure fails the job, not the worker. With `idle` it also ends after so many seconds without a job. Raises
    KeyboardInterrupt after SIGINT and SystemExit(143) after SIGTERM, when the job at hand has been marked.
    """
    jobs, signals, ended = Jobs(root), Signals(), 0
    last_job = last_care = time.monotonic()
    _care(jobs, stale_after)
    Store(root).collect_litter()
    with signals.installed(), Presence(jobs.root) as presence:
        while signals.caught is None:
            job = jobs.claim()
            if job is not None:
                presence.tell(job.id)
                done = perform(jobs, job, _work(job, execute, explore), signals, beat)
                presence.tell(None, job.spec.model if done.state == "done" else None)
                ended, last_job = ended + 1, time.monotonic()
            elif once or (idle is not None and time.monotonic() - last_job > idle):
                break
            else:
                signals.wake.wait(poll)
                presence.touch()
                if time.monotonic() - last_care > CARE:
                    _care(jobs, stale_after)
                    last_care = time.monotonic()
    if signals.caught is signal.SIGINT:
        raise KeyboardInterrupt
    if signals.caught is signal.SIGTERM:
        sys.exit(128 + signal.SIGTERM)
    return ended


def _care(jobs: Jobs, stale_after: float) -> None:
    """Fail what other workers lost; forget tries, and their answers, that are too old."""
    jobs.recover(stale_after)
    jobs.forget(MAX_AGE)
    Answers(jobs.root).expire()


def _work(job: Job, execute: Execute, explore: Explore | None) -> Execute | Explore:
    """What does this kind of job: `explore` for a try, which records nothing, `execute` for all others."""
    if job.kind != "try":
        return execute
    return explore or _refuse


def _refuse(spec: Spec, progress: Progress) -> None:
    raise InterpError("this worker records runs and answers no try; start another one with `interp worker`")


def perform(jobs: Jobs, job: Job, execute: Execute | Explore, signals: Signals, beat: float = BEAT) -> Job:
    """Work on one claimed job, its output in its log; return it as it ended, whatever happened."""
    try:
        with open(jobs.log_path(job.id), "a", encoding="utf-8", buffering=1) as log:
            print(f"{timestamp()} job {job.id} starts: {job.spec_json}", file=log)
            try:
                run_id = _execute(jobs, job, execute, signals, log, beat)
            except BaseException as error:
                if not isinstance(error, Cancelled | InterpError):
                    traceback.print_exc(file=log)
                print(f"{timestamp()} job {job.id} ends: {one_line(error)}", file=log)
                raise
            print(f"{timestamp()} job {job.id} is " + (f"run {run_id}" if run_id else "answered"), file=log)
        return jobs.finish(job, run_id)
    except Cancelled as asked:
        return jobs.cancelled(job, str(asked))
    except KeyboardInterrupt:
        name = signals.caught.name if signals.caught else "an interrupt"
        end = jobs.fail if signals.caught is signal.SIGTERM else jobs.cancelled
        return end(job, f"the worker was stopped by {name}; submit the job again")
    except Exception as error:
        return jobs.fail(job, one_line(error))
    except BaseException as error:
        jobs.fail(job, one_line(error))
        raise


def _execute(
    jobs: Jobs, job: Job, execute: Execute | Explore, signals: Signals, log: TextIO, beat: float
) -> str | None:
    """Return the run id of the work (None of a try), done with a heartbeat, open to signals, its output in `log`."""
    with redirect_stdout(log), redirect_stderr(log), Reporter(jobs, job, log, beat) as report:
        try:
            signals.working = True
            return execute(job.spec, report)
        finally:
            signals.working = False


def one_line(error: BaseException) -> str:
    """Return what went wrong as one line: the message of our own errors, the type too of all others."""
    line = (str(error).splitlines() or [""])[0]
    return line if isinstance(error, InterpError | Cancelled) and line else f"{type(error).__name__}: {line}"
