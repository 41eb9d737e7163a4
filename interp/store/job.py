"""What is one piece of long work? A question, who works on it, how far it is and how it ended.

queued -> running -> done | failed | cancelled        running -> cancelling -> cancelled | done | failed
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from interp.store.specs import Spec, spec_from

Kind = Literal["method", "study", "train", "try"]
"""`try`: the answer is a file that expires (`interp.store.tried`), not a run, and the job is forgotten with it."""
State = Literal["queued", "running", "cancelling", "done", "failed", "cancelled"]
STATES: tuple[State, ...] = ("queued", "running", "cancelling", "done", "failed", "cancelled")

SCHEMA = """
CREATE TABLE IF NOT EXISTS jobs (
    id INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, spec_json TEXT NOT NULL, spec_hash TEXT NOT NULL,
    state TEXT NOT NULL DEFAULT 'queued', done INTEGER NOT NULL DEFAULT 0, total INTEGER NOT NULL DEFAULT 0,
    message TEXT NOT NULL DEFAULT '', owner TEXT, pid INTEGER, heartbeat REAL, created REAL NOT NULL,
    started REAL, finished REAL, run_id TEXT, error TEXT NOT NULL DEFAULT '');
CREATE UNIQUE INDEX IF NOT EXISTS one_active ON jobs (spec_hash) WHERE state IN ('queued', 'running')
"""


@dataclass(frozen=True)
class Job:
    """One line of the table. Times are seconds since the epoch; `total` 0 means that the length is unknown."""

    id: int
    kind: Kind
    spec_json: str
    spec_hash: str
    state: State
    done: int
    total: int
    message: str
    owner: str | None
    pid: int | None
    heartbeat: float | None
    created: float
    started: float | None
    finished: float | None
    run_id: str | None
    error: str

    @property
    def spec(self) -> Spec:
        """Return the question; InterpError when this release no longer knows it."""
        return spec_from(self.spec_json)

    @property
    def active(self) -> bool:
        """Return whether the job still waits or works."""
        return self.state in ("queued", "running", "cancelling")

    @property
    def fraction(self) -> float:
        """Return how much is done, in [0, 1]; 0 while the length is unknown."""
        return min(1.0, self.done / self.total) if self.total > 0 else 0.0
