"""Where do results live? A directory of immutable runs, with an index that is a cache and notes that are apart.

    store/index.sqlite  jobs.sqlite  runs/<run_id>/  annotations/<run_id>.jsonl  jobs/<id>.log

Reading never computes. The default root is $ARITHMOSCOPE_STORE, else ./store.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from interp.errors import InterpError
from interp.store import bundles, compare, litter, manifest, notes, runs
from interp.store.durable import discard, disk, fsync
from interp.store.index import Index, RunSummary
from interp.store.notes import Notes
from interp.store.processes import owner
from interp.store.provenance import provenance as circumstances
from interp.store.runs import OpenRun, RunRecord
from interp.store.specs import Spec

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    import xarray as xr


Lines = list[RunSummary]


def default_root() -> Path:
    """Return $ARITHMOSCOPE_STORE, else `store` in the current directory."""
    return Path(os.environ.get("ARITHMOSCOPE_STORE") or "store")


class Store:
    """The runs under one root. Safe for many readers and writers in many processes."""

    def __init__(self, root: str | Path | None = None, create: bool = True) -> None:
        self.root = Path(root) if root is not None else default_root()
        self.runs = self.root / "runs"
        if not self.runs.is_dir():
            if not create:
                raise InterpError(f"no store at {self.root}; name one with ARITHMOSCOPE_STORE or run something first")
            with disk(f"make a store at {self.root}"):
                self.runs.mkdir(parents=True, exist_ok=True)
        self.index = Index(self.root / "index.sqlite", self.runs)

    def write(
        self,
        spec: Spec,
        dataset: xr.Dataset,
        *,
        tensors: Mapping[str, np.ndarray] | None = None,
        tables: Mapping[str, pd.DataFrame] | None = None,
        provenance: Mapping[str, Any] | None = None,
        summary: Mapping[str, Any] | None = None,
        parents: Sequence[str] = (),
        run_id: str | None = None,
    ) -> RunRecord:
        """Record one result and return its RunRecord.

        `provenance` overrides or adds to what `provenance()` collects; `summary` is a flat dict of headline numbers;
        `parents` are run ids this one builds on. Raises InterpError when the disk refuses or a value has no
        pickle-free form; then, as after Ctrl-C, nothing is left behind.
        """
        around = {**circumstances(), **(provenance or {})}
        run_id = run_id or runs.new_run_id(spec, around["created"])
        named = runs.facts(spec, run_id, around, parents, summary or {})
        with runs.staged(self.runs, run_id) as staging:
            runs.write(staging, named, dataset, tensors or {}, tables or {})
        self.index.put(run_id)
        opened = runs.read(self.runs, run_id)
        return RunRecord(run_id, opened.path, opened.manifest, opened.digest)

    def open(self, run_id: str) -> OpenRun:
        """Return a run for reading; InterpError when it is unknown, or its sidecar, schema or a size is wrong."""
        try:
            return runs.read(self.runs, run_id)
        except InterpError as error:
            if str(run_id) in runs.names(self.runs):
                self.index.put(run_id, RunSummary(run_id, "corrupt", problem=str(error)))
            raise

    def find(self, spec: Spec) -> str | None:
        """Return the id of the newest complete run of this very question, or None."""
        found = (line for line in self.list(status="complete") if line.spec_hash == spec.hash)
        return next((line.run_id for line in found), None)

    def list(
        self,
        method: str | None = None,
        model: str | None = None,
        task: str | None = None,
        style: str | None = None,
        status: str | None = None,
    ) -> Lines:
        """Return the runs, newest first, that match every given value; damaged ones have status corrupt."""
        wanted = {"method": method, "model": model, "task": task, "style": style, "status": status}
        asked = {name: value for name, value in wanted.items() if value is not None}
        lines = self.index.all()
        return [line for line in lines if all(getattr(line, name) == value for name, value in asked.items())]

    def verify(self, run_id: str) -> Sequence[str]:
        """Return every way in which the run differs from what was written, one line each; empty is good."""
        wrong = manifest.verify(runs.locate(self.runs, run_id))
        self.index.put(run_id, RunSummary(run_id, "corrupt", problem=wrong[0]) if wrong else None)
        return wrong

    def remove(self, run_id: str) -> None:
        """Delete a run, damaged or not. It vanishes by one rename first, so no half of it is ever seen."""
        path = self.runs / manifest.check_run_id(run_id)
        if not path.is_symlink():
            path = runs.locate(self.runs, run_id)
        trash = self.runs / f"{runs.TRASH}{owner()}-{run_id}"
        with disk(f"remove run {run_id!r}"):
            os.rename(path, trash)
            fsync(self.runs)
        if trash.is_symlink():
            trash.unlink()
        discard(trash)

    def export(self, run_id: str, path: str | Path) -> Path:
        """Write a run to one zip (equal runs, equal bytes) and return its path; a damaged run is an InterpError."""
        return bundles.export(runs.locate(self.runs, run_id), Path(path))

    def import_bundle(self, path: str | Path) -> str:
        """Bring in the run of a zip that `export` made, checked against its manifest; return its id."""
        run_id = bundles.restore(Path(path), self.runs)
        self.index.put(run_id)
        return run_id

    def diff(self, first: str, second: str) -> dict[str, Any]:
        """Return in what two runs differ: spec fields, headline numbers side by side, code and packages."""
        return compare.diff(self.open(first), self.open(second))

    def annotate(
        self,
        run_id: str,
        *,
        note: str | None = None,
        tag: str | None = None,
        untag: str | None = None,
        star: bool | None = None,
    ) -> Notes:
        """Say one thing about a run, apart from its evidence; return all that is said of it."""
        runs.locate(self.runs, run_id)
        notes.append(self._notes(run_id), note=note, tag=tag, untag=untag, star=star)
        return self.notes(run_id)

    def notes(self, run_id: str) -> Notes:
        """Return the star, tags and notes of a run (they outlive it)."""
        return notes.read(self._notes(manifest.check_run_id(run_id)))

    def collect_litter(self, older_than: float = 3600.0) -> Sequence[str]:
        """Delete what killed processes left behind; return the names. `older_than` is in seconds.

        Litter whose process is known to be dead goes at once, other litter when it was not touched for that long.
        """
        with disk("collect litter"):
            return litter.collect(self.runs, older_than)

    def _notes(self, run_id: str) -> Path:
        return self.root / "annotations" / f"{run_id}.jsonl"

    def rebuild_index(self) -> int:
        """Make the index anew from the run directories; return how many runs there are."""
        with disk("rebuild the index"):
            return self.index.rebuild()
