"""Who does the work that is asked for in the app? The store's queue, and one worker process for it.

    submit -> (start a worker where none lives) -> the worker takes it -> the pages look at the table

The app never works itself. A worker that already lives for the store is used, whoever started it; one that the app
starts is a process of its own, which outlives the server and ends after half an hour without a job.
"""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from interp.errors import InterpError
from interp.store import Job, Jobs, Spec
from interp.store.job import Kind
from interp.store.presence import Worker, workers
from interp.store.tried import Answers

if TYPE_CHECKING:
    import xarray as xr

    from apps.dashboard.library import Library

IDLE = 1800  # seconds after which a worker that the app started ends
STARTING = 60.0  # seconds that a worker may take until it shows
READ_ONLY = "This app was started read only: nothing is asked or launched from it."


class Workshop:
    """The queue of one store and its worker; safe for the threads of a server."""

    def __init__(self, root: Path, read_only: bool = False) -> None:
        self.root, self.read_only = Path(root), read_only
        self._lock, self._started = threading.Lock(), 0.0
        self._process: subprocess.Popen[bytes] | None = None
        self._open = lru_cache(maxsize=8)(self._opened)

    def submit(self, spec: Spec, kind: Kind) -> Job:
        """Return the job of a question, after seeing to a worker. Raises InterpError in a read-only app."""
        if self.read_only:
            raise InterpError(READ_ONLY)
        job = Jobs(self.root).submit(spec, kind)
        self.see_to_a_worker()
        return job

    def again(self, job_id: int) -> Job:
        """Return a new job for the question of one that ended."""
        job = self.job(job_id)
        return self.submit(job.spec, job.kind)

    def cancel(self, job_id: int) -> Job:
        """Ask a job to stop. Raises InterpError in a read-only app, and for a job that is not there."""
        if self.read_only:
            raise InterpError(READ_ONLY)
        return Jobs(self.root).request_cancel(job_id)

    def job(self, job_id: int) -> Job:
        """Return a job as it is now: one whose worker is gone has failed. Raises InterpError for an unknown one."""
        if not self._there():
            raise InterpError(f"no job {job_id} in this store.")
        self._recover()
        return Jobs(self.root).get(job_id)

    def jobs(self, limit: int = 200) -> list[Job]:
        """Return the newest jobs that are no tries; an absent store has none."""
        if not self._there():
            return []
        self._recover()
        return [job for job in Jobs(self.root).list(limit=4 * limit) if job.kind != "try"][:limit]

    def at_work(self) -> Job | None:
        """Return the job that is worked on now, None where none is."""
        found = Jobs(self.root).list("running", limit=1) if self._there() else []
        return found[0] if found else None

    def log(self, job_id: int, tail: int = 8_192) -> str:
        """Return the end of a job's log."""
        return Jobs(self.root).log(job_id, tail) if self._there() else ""

    def answer(self, job: Job) -> xr.Dataset | None:
        """Return what a finished try answered; None when it is gone (it expires after a day)."""
        if job.state != "done":
            return None
        told = Answers(self.root).read(job.spec, since=job.started or 0.0)
        return None if told is None else self._open(told.question, told.finished)

    def _opened(self, question: str, finished: float) -> xr.Dataset | None:
        told = Answers(self.root).read_hash(question)
        return None if told is None or told.finished < finished else told.dataset()

    def workers(self) -> list[Worker]:
        """Return the workers of this store that live."""
        return workers(self.root)

    def see_to_a_worker(self) -> None:
        """Start a worker unless one lives or is just starting. Raises InterpError when the last one did not start."""
        with self._lock:
            if self.workers() or self.starting():
                return
            failed = self._process is not None and self._process.poll() not in (None, 0, 143, 130, -9, -15)
            if failed and time.monotonic() - self._started < STARTING:
                self._process = None
                raise InterpError(f"the worker could not start ({self._last_word()}); try `interp worker` yourself.")
            self._start()

    def starting(self) -> bool:
        """Return whether a worker was started that has not shown yet."""
        alive = self._process is not None and self._process.poll() is None
        return alive and time.monotonic() - self._started < STARTING and not self.workers()

    def command(self) -> list[str]:
        """Return what starts a worker."""
        return [sys.executable, "-m", "interp", "worker", "--store", str(self.root), "--idle", str(IDLE)]

    def _start(self) -> None:
        with open(self.root / "jobs" / "worker.log", "ab") as out:
            self._process = subprocess.Popen(
                self.command(), stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True
            )
        self._started = time.monotonic()

    def _last_word(self) -> str:
        lines = (self.root / "jobs" / "worker.log").read_text(errors="replace").strip().splitlines()
        return lines[-1][:200] if lines else "it said nothing"

    def _there(self) -> bool:
        return (self.root / "jobs.sqlite").exists()

    def _recover(self) -> None:
        if not self.read_only:
            Jobs(self.root).recover()


_workshops: WeakKeyDictionary[Library, Workshop] = WeakKeyDictionary()
_making = threading.Lock()


def workshop(library: Library) -> Workshop:
    """Return the workshop of a library's store, one for each library."""
    with _making:
        if library not in _workshops:
            _workshops[library] = Workshop(library.root, getattr(library, "read_only", False))
        return _workshops[library]
