"""Is there a worker for this store, is it busy, and which model does it hold?

Each worker keeps one small JSON file, `jobs/workers/<owner>.json`, touched as it waits and works. Its owner's name says
whether the process still lives (`interp.store.processes`); of another machine's worker only the age of the file tells.
"""

from __future__ import annotations

import json
import os
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from interp.store import processes
from interp.store.durable import disk

SILENT = 60.0  # seconds after which a worker on another machine counts as gone
TOUCH = 5.0  # seconds between signs of life


@dataclass(frozen=True)
class Worker:
    """One living worker: its process, the job it is at (None: it waits), the model it holds open."""

    owner: str
    pid: int
    started: float
    job: int | None = None
    model: str | None = None


class Presence:
    """The sign of life of this process as a worker; a context that takes it away at the end."""

    def __init__(self, root: str | Path) -> None:
        self.worker = Worker(processes.owner(), os.getpid(), time.time())
        self.path = folder(root) / f"{self.worker.owner}.json"
        self._touched = 0.0

    def tell(self, job: int | None, model: str | None = None) -> None:
        """Say which job is worked on, and once one is done which model is open."""
        told = asdict(self.worker) | {"job": job, "model": model or self.worker.model}
        self.worker = Worker(**told)
        staged = self.path.with_suffix(".new")
        with disk("say that a worker is here"):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            staged.write_text(json.dumps(told), encoding="utf-8")
            os.replace(staged, self.path)

    def touch(self) -> None:
        """Show that this process still waits."""
        if time.monotonic() - self._touched > TOUCH:
            self._touched = time.monotonic()
            with suppress(OSError):
                os.utime(self.path)

    def __enter__(self) -> Presence:
        self.tell(None)
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):
            self.path.unlink()


def folder(root: str | Path) -> Path:
    """Return where the workers of a store say that they are there."""
    return Path(root) / "jobs" / "workers"


def workers(root: str | Path) -> list[Worker]:
    """Return the workers that live, those that wait first; signs of dead ones are swept away where that is allowed."""
    found = []
    for path in folder(root).glob("*.json"):
        told, alive = _read(path), processes.alive(path.stem)
        if alive is None:
            alive = _age(path) < SILENT
        if told is not None and alive:
            found.append(told)
        elif not alive:
            with suppress(OSError):
                path.unlink()
    return sorted(found, key=lambda worker: (worker.job is not None, worker.started))


def _read(path: Path) -> Worker | None:
    try:
        told: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        job, model = told["job"], told["model"]
        return Worker(
            str(told["owner"]), int(told["pid"]), float(told["started"]), job and int(job), model and str(model)
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _age(path: Path) -> float:
    try:
        return time.time() - path.stat().st_mtime
    except OSError:
        return SILENT
