"""Which runs are there? A SQLite table beside the run directories, and only a cache of them.

Every look compares the table with a listing of the directories (names, and size and time of `run.json` and its
sidecar) and mends what differs. A table that is lost, damaged or not writable costs time, never a run.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from interp.errors import InterpError
from interp.store import database, manifest, runs

SCHEMA = """
CREATE TABLE IF NOT EXISTS runs (
    run_id TEXT PRIMARY KEY, fingerprint TEXT NOT NULL, status TEXT NOT NULL, spec_hash TEXT NOT NULL,
    method TEXT NOT NULL, model TEXT NOT NULL, task TEXT, style TEXT NOT NULL, created TEXT NOT NULL,
    seconds REAL NOT NULL, bytes INTEGER NOT NULL, spec TEXT NOT NULL, summary TEXT NOT NULL,
    parents TEXT NOT NULL, problem TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS by_hash ON runs (spec_hash, created)
"""
T = TypeVar("T")


@dataclass(frozen=True)
class RunSummary:
    """One line of the table of runs. `status` is complete or corrupt, and `problem` says why it is corrupt."""

    run_id: str
    status: str
    method: str = ""
    model: str = ""
    task: str | None = None
    style: str = ""
    spec_hash: str = ""
    created: str = ""
    seconds: float = 0.0
    bytes: int = 0
    spec: dict[str, Any] = field(default_factory=dict)
    summary: dict[str, Any] = field(default_factory=dict)
    parents: tuple[str, ...] = ()
    problem: str = ""


COLUMNS = tuple(RunSummary.__dataclass_fields__)


def summarise(folder: Path, run_id: str) -> RunSummary:
    """Return the line of one run, read from its directory; a damaged one is a line too, with status corrupt."""
    try:
        opened = runs.read(folder, run_id)
        spec, found = opened.manifest["spec"], opened.manifest
        return RunSummary(
            run_id=run_id,
            status="complete",
            method=str(spec.get("method", "")),
            model=str(spec.get("model", "")),
            task=spec.get("task"),
            style=str(spec.get("style", "")),
            spec_hash=str(found["spec_hash"]),
            created=str(found["created"]),
            seconds=float(found["seconds"]),
            bytes=sum(entry["bytes"] for entry in found["files"].values()),
            spec=spec,
            summary=found["summary"],
            parents=tuple(found["parents"]),
        )
    except (InterpError, KeyError, TypeError, ValueError, OSError) as error:
        return RunSummary(run_id, "corrupt", problem=str(error) or type(error).__name__)


def fingerprint(folder: Path, run_id: str) -> str:
    """Return what tells an untouched run from a changed one at the price of two stats."""
    marks = []
    for name in (manifest.MANIFEST, manifest.SIDECAR):
        try:
            found = os.stat(folder / run_id / name)
            marks.append(f"{found.st_size}:{found.st_mtime_ns}:{found.st_ino}")
        except OSError:
            marks.append("-")
    return "/".join(marks)


class Index:
    """The table of the runs in `folder`, kept in `path`."""

    def __init__(self, path: Path, folder: Path) -> None:
        self.path, self.folder = path, folder

    def all(self) -> list[RunSummary]:
        """Return every run, newest first, after mending the table where the directories disagree."""
        try:
            known = self._try(self._rows)  # before the directories, so that no newer run looks gone
        except (sqlite3.Error, OSError):  # no table can be had here: a read-only or full disk
            known = {}
        marks = {run_id: fingerprint(self.folder, run_id) for run_id in runs.names(self.folder)}
        stale = [run_id for run_id, mark in marks.items() if known.get(run_id, ("", None))[0] != mark]
        gone = [run_id for run_id in known if run_id not in marks]
        fresh = {run_id: (marks[run_id], summarise(self.folder, run_id)) for run_id in stale}
        if fresh or gone:
            with suppress(sqlite3.Error, OSError):
                self._try(lambda: self._store(fresh, gone))
        lines = [line for run_id, (_, line) in {**known, **fresh}.items() if run_id in marks]
        return sorted(lines, key=lambda line: (line.created, line.run_id), reverse=True)

    def put(self, run_id: str, line: RunSummary | None = None) -> None:
        """Enter one run, as its directory is now (or as `line` says); a table that cannot be written is left."""
        entry = fingerprint(self.folder, run_id), line or summarise(self.folder, run_id)
        with suppress(sqlite3.Error, OSError):
            self._try(lambda: self._store({run_id: entry}, ()))

    def rebuild(self) -> int:
        """Make the table anew from the directories alone; return how many runs it holds."""
        self._delete()
        return len(self.all())

    def _try(self, action: Callable[[], T]) -> T:
        """Return `action()`; a damaged table is deleted and the action tried once more."""
        try:
            return action()
        except sqlite3.Error as error:
            if not database.damaged(error):
                raise
        except (ValueError, TypeError):  # a row that is no longer JSON
            pass
        self._delete()
        return action()

    def _delete(self) -> None:
        for suffix in ("", "-wal", "-shm"):
            Path(f"{self.path}{suffix}").unlink(missing_ok=True)

    def _rows(self) -> dict[str, tuple[str, RunSummary]]:
        with database.snapshot(self.path, SCHEMA) as connection:
            rows = connection.execute("SELECT * FROM runs").fetchall()
        return {row["run_id"]: (row["fingerprint"], _line(row)) for row in rows}

    def _store(self, fresh: dict[str, tuple[str, RunSummary]], gone: Iterable[str]) -> None:
        marks = ", ".join("?" * (len(COLUMNS) + 1))
        with database.transaction(self.path, SCHEMA) as connection:
            connection.executemany("DELETE FROM runs WHERE run_id = ?", [(run_id,) for run_id in gone])
            connection.executemany(
                f"INSERT OR REPLACE INTO runs (fingerprint, {', '.join(COLUMNS)}) VALUES ({marks})",
                [(mark, *_values(line)) for mark, line in fresh.values()],
            )


def _values(line: RunSummary) -> list[Any]:
    values = [getattr(line, column) for column in COLUMNS]
    return [json.dumps(value) if isinstance(value, dict | tuple) else value for value in values]


def _line(row: sqlite3.Row) -> RunSummary:
    values = {column: row[column] for column in COLUMNS}
    for column in ("spec", "summary", "parents"):
        values[column] = json.loads(values[column])
    return RunSummary(**{**values, "parents": tuple(values["parents"])})
