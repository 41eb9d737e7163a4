"""What is being worked on? A table of jobs that outlives the server, the worker and the browser tab.

A job belongs to the worker that claimed it until it ends; a worker that lost its job (it slept too long and another
one declared it dead) learns so at its next heartbeat and stops.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from interp.errors import Cancelled, InterpError
from interp.store import database, processes
from interp.store.durable import disk
from interp.store.job import SCHEMA, STATES, Job, Kind, State
from interp.store.specs import Spec, canonical
from interp.store.store import default_root

STALE_AFTER = 60.0  # seconds without a heartbeat
Lines = list[Job]


class Jobs:
    """The jobs of one store: `jobs.sqlite` and `jobs/<id>.log` under its root."""

    def __init__(self, root: str | Path | None = None) -> None:
        self.root = Path(root) if root is not None else default_root()
        self.path, self.logs = self.root / "jobs.sqlite", self.root / "jobs"
        with disk(f"make a job table at {self.root}"):
            self.logs.mkdir(parents=True, exist_ok=True)

    def submit(self, spec: Spec, kind: Kind = "method") -> Job:
        """Return a queued job for `spec`, or the one that already waits or works on the same question."""
        with self._write() as table:
            same = "SELECT * FROM jobs WHERE spec_hash = ? AND state IN ('queued', 'running')"
            row = table.execute(same, (spec.hash,)).fetchone()
            if row is None:
                row = table.execute(
                    "INSERT INTO jobs (kind, spec_json, spec_hash, created) VALUES (?, ?, ?, ?) RETURNING *",
                    (kind, canonical(spec.model_dump(mode="json")), spec.hash, time.time()),
                ).fetchone()
        return Job(**row)

    def get(self, job_id: int) -> Job:
        """Return one job; InterpError when there is none of that number."""
        with self._read() as table:
            row = table.execute("SELECT * FROM jobs WHERE id = ?", (job_id,)).fetchone()
        if row is None:
            raise InterpError(f"no job {job_id!r:.80} in this store; list them with `interp jobs list`")
        return Job(**row)

    def list(self, state: State | None = None, limit: int | None = None) -> Lines:
        """Return the jobs, newest first, of one state or all."""
        if state is not None and state not in STATES:
            raise InterpError(f"unknown job state {state!r}; expected one of {', '.join(STATES)}")
        query = "SELECT * FROM jobs WHERE ? IS NULL OR state = ? ORDER BY id DESC LIMIT ?"
        with self._read() as table:
            rows = table.execute(query, (state, state, -1 if limit is None else limit)).fetchall()
        return [Job(**row) for row in rows]

    def claim(self, owner: str | None = None) -> Job | None:
        """Return the oldest queued job, a try before all others, now running and owned by this process; None when none
        waits.

        Two workers never get the same job: the choice and the mark are one transaction.
        """
        now = time.time()
        if not self.list("queued", limit=1):  # an idle worker only reads
            return None
        with self._write() as table:
            row = table.execute(
                "UPDATE jobs SET state = 'running', owner = ?, pid = ?, started = ?, heartbeat = ? WHERE id = "
                "(SELECT id FROM jobs WHERE state = 'queued' ORDER BY kind <> 'try', id LIMIT 1) RETURNING *",
                (owner or processes.owner(), os.getpid(), now, now),
            ).fetchone()
        return None if row is None else Job(**row)

    def heartbeat(
        self, job: Job, done: int | None = None, total: int | None = None, message: str | None = None
    ) -> None:
        """Say that `job` is still worked on and how far it is; raises Cancelled when it should stop."""
        with self._write() as table:
            row = table.execute(
                "UPDATE jobs SET heartbeat = ?, done = coalesce(?, done), total = coalesce(?, total), "
                "message = coalesce(?, message) WHERE id = ? AND owner IS ? AND state IN ('running', 'cancelling') "
                "RETURNING state",
                (time.time(), done, total, message, job.id, job.owner),
            ).fetchone()
        if row is None:
            raise Cancelled(f"job {job.id} no longer belongs to this worker")
        if row["state"] == "cancelling":
            raise Cancelled(f"job {job.id} was cancelled")

    def finish(self, job: Job, run_id: str | None) -> Job:
        """Mark the job done, with the run that answers it (none for a try)."""
        return self._end(job, "done", run_id=run_id)

    def fail(self, job: Job, error: str) -> Job:
        """Mark the job failed, with one line that says why."""
        return self._end(job, "failed", error=error)

    def cancelled(self, job: Job, error: str = "") -> Job:
        """Mark the job cancelled: its worker has stopped."""
        return self._end(job, "cancelled", error=error)

    def request_cancel(self, job_id: int) -> Job:
        """Cancel a queued job at once, ask a running one to stop; a job that has ended is returned as it is."""
        with self._write() as table:
            table.execute(
                "UPDATE jobs SET finished = CASE state WHEN 'queued' THEN ? ELSE finished END, "
                "state = CASE state WHEN 'queued' THEN 'cancelled' ELSE 'cancelling' END "
                "WHERE id = ? AND state IN ('queued', 'running')",
                (time.time(), job_id),
            )
        return self.get(job_id)

    def recover(self, stale_after: float = STALE_AFTER) -> Lines:
        """Fail every running job whose worker is gone, or silent for `stale_after` seconds; return them."""
        lost = []
        now = time.time()
        for job in (*self.list("running"), *self.list("cancelling")):
            silent = now - (job.heartbeat or job.created)
            if processes.alive(job.owner or "") is False:
                reason = f"the worker (process {job.pid}) ended without a word; submit the job again"
            elif silent > stale_after:
                reason = f"the worker (process {job.pid}) was silent for {silent:.0f} s; submit the job again"
            else:
                continue
            ended = self._end(job, "cancelled" if job.state == "cancelling" else "failed", error=reason)
            lost += [ended] if ended.error == reason else []
        return lost

    def forget(self, age: float) -> int:
        """Delete the tries that ended more than `age` seconds ago, and their logs; return how many."""
        ended = "FROM jobs WHERE kind = 'try' AND finished < ?"
        with self._read() as table:
            if table.execute(f"SELECT id {ended} LIMIT 1", (time.time() - age,)).fetchone() is None:
                return 0
        with self._write() as table:
            gone = [row["id"] for row in table.execute(f"DELETE {ended} RETURNING id", (time.time() - age,)).fetchall()]
        for job_id in gone:
            self.log_path(job_id).unlink(missing_ok=True)
        return len(gone)

    def log_path(self, job_id: int) -> Path:
        """Return where the log of a job is kept."""
        return self.logs / f"{int(job_id)}.log"

    def log(self, job_id: int, tail: int = 65_536) -> str:
        """Return the last `tail` bytes of a job's log as text; empty before it started."""
        path = self.log_path(self.get(job_id).id)
        if not path.exists():
            return ""
        with open(path, "rb") as file:
            file.seek(max(0, path.stat().st_size - tail))
            return file.read().decode(errors="replace")

    def _end(self, job: Job, state: State, run_id: str | None = None, error: str = "") -> Job:
        """End a job that is still `job.owner`'s; a job that has ended already keeps its ending."""
        with self._write() as table:
            table.execute(
                "UPDATE jobs SET state = ?, run_id = ?, error = ?, finished = ?, "
                "done = CASE ? WHEN 'done' THEN total ELSE done END "
                "WHERE id = ? AND owner IS ? AND state IN ('running', 'cancelling')",
                (state, run_id, error, time.time(), state, job.id, job.owner),
            )
        return self.get(job.id)

    @contextmanager
    def _write(self) -> Iterator[sqlite3.Connection]:
        with self._plainly(), database.transaction(self.path, SCHEMA) as table:
            yield table

    @contextmanager
    def _read(self) -> Iterator[sqlite3.Connection]:
        with self._plainly(), database.snapshot(self.path, SCHEMA) as table:
            yield table

    @contextmanager
    def _plainly(self) -> Iterator[None]:
        """Say in one line what SQLite could not do."""
        try:
            yield
        except sqlite3.Error as error:
            mend = "move it away, runs are not affected" if database.damaged(error) else "check the disk and try again"
            raise InterpError(f"the job table {self.path.name} cannot be used: {error}; {mend}") from error
