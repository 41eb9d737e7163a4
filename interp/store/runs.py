"""How does a result become evidence? It is staged, hashed, fsynced and renamed once; then it never changes.

    runs/.staging-<owner>-<run_id>/ -> arrays.zarr, tables/, tensors.safetensors -> run.json -> runs/<run_id>/

A run that is visible is complete: killed at any moment before the rename there is no run, only litter.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from interp.errors import InterpError, nearest
from interp.store import arrays, attachments, manifest
from interp.store.durable import discard, disk, fsync, fsync_tree
from interp.store.processes import owner
from interp.store.specs import Spec, spec_from

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    import xarray as xr

STAGING = ".staging-"
TRASH = ".trash-"
ARRAYS = "arrays.zarr"


@dataclass(frozen=True)
class RunRecord:
    """What was written: the run's id, its directory, its manifest and the sha256 of the manifest."""

    run_id: str
    path: Path
    manifest: dict[str, Any]
    digest: str


@dataclass(frozen=True)
class OpenRun:
    """A run opened for reading; nothing is computed and nothing can be changed."""

    run_id: str
    path: Path
    manifest: dict[str, Any]
    digest: str

    @cached_property
    def dataset(self) -> xr.Dataset:
        """Return the labelled arrays, read lazily, chunk by chunk; a missing chunk is an InterpError."""
        order = [name for name, entry in self.manifest["arrays"].items() if not entry["coordinate"]]
        with self._whole():
            return arrays.load(self.path / ARRAYS, order)

    def load(self) -> xr.Dataset:
        """Return the labelled arrays in memory; a chunk with a flipped bit is an InterpError, never a number."""
        with self._whole():
            return self.dataset.load()

    @contextmanager
    def _whole(self) -> Iterator[None]:
        """Say in one line that the files are not what they were."""
        try:
            yield
        except InterpError:
            raise
        except (ValueError, KeyError, OSError) as error:
            reason = (str(error).splitlines() or [type(error).__name__])[0]
            raise InterpError(f"run {self.run_id!r} is damaged or gone ({reason}); verify it") from error

    @property
    def spec(self) -> Spec:
        """Return the question that this run answers; InterpError when this release no longer knows it."""
        return spec_from(self.manifest["spec"])

    @property
    def summary(self) -> dict[str, Any]:
        """Return the headline numbers."""
        return self.manifest["summary"]

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return {name: table}, compared with the manifest's sha256."""
        listed = {name: self.manifest["files"][attachments.table_path(name)] for name in self.manifest["tables"]}
        return {name: attachments.load_table(self.path, name, entry["sha256"]) for name, entry in listed.items()}

    def tensors(self) -> dict[str, np.ndarray]:
        """Return {name: array}, compared with the manifest's sha256."""
        listed = self.manifest["files"].get(attachments.TENSORS)
        return attachments.load_tensors(self.path, listed["sha256"]) if listed else {}


def new_run_id(spec: Spec, created: str) -> str:
    """Return an unused, readable id: method, moment (UTC), start of the spec's hash, two random bytes."""
    moment = created[:19].replace("-", "").replace(":", "").replace("T", "-")
    return f"{spec.method}-{moment}-{spec.hash[:8]}-{secrets.token_hex(2)}"


def facts(
    spec: Spec, run_id: str, around: Mapping[str, Any], parents: Sequence[str], summary: Mapping[str, Any]
) -> dict[str, Any]:
    """Return what the manifest says of a run besides its files; `around` cannot change what was asked."""
    asked = {
        "run_id": run_id,
        "status": "complete",
        "spec": spec.model_dump(mode="json"),
        "spec_hash": spec.hash,
    }
    used = {
        "model": {"id": spec.model, "weights_sha256": spec.weights_sha256},
        "device": spec.device,
        "dtype": spec.dtype,
        "seeds": {"spec": spec.seed},
    }
    parents = [manifest.check_run_id(parent) for parent in parents]
    return {**asked, **used, **around, **asked, "parents": parents, "summary": dict(summary)}


@contextmanager
def staged(runs: Path, run_id: str) -> Iterator[Path]:
    """Yield a private directory that becomes `runs/run_id` by one rename when the block ends well.

    On any failure, Ctrl-C included, the directory is removed and the failure goes on.
    """
    manifest.check_run_id(run_id)
    staging, final = runs / f"{STAGING}{owner()}-{run_id}", runs / run_id
    with disk(f"write run {run_id!r}"):
        runs.mkdir(parents=True, exist_ok=True)
        if final.exists():
            raise InterpError(f"run {run_id!r} exists and a run never changes; remove it or use another id")
        staging.mkdir()
        try:
            yield staging
            fsync_tree(staging)
            os.rename(staging, final)
        except BaseException:
            discard(staging, settle=0.25)
            raise
        fsync(runs)


def write(
    folder: Path,
    facts: Mapping[str, Any],
    dataset: xr.Dataset,
    tensors: Mapping[str, np.ndarray],
    tables: Mapping[str, pd.DataFrame],
) -> dict[str, Any]:
    """Fill a staged directory with a result and its manifest (`facts` go in it); return the manifest."""
    arrays.save(dataset, folder / ARRAYS)
    parts = {
        "attributes": arrays.plain(dataset.attrs),
        "arrays": arrays.describe(dataset),
        "tables": attachments.save_tables(tables, folder),
        "tensors": attachments.save_tensors(tensors, folder),
    }
    return manifest.stamp(folder, {**arrays.plain(facts), **parts})


def locate(runs: Path, run_id: str) -> Path:
    """Return the directory of a run, inside `runs`; InterpError, with the nearest ids, when there is none."""
    path = runs / manifest.check_run_id(run_id)
    if not path.is_dir():
        raise InterpError(f"no run {run_id!r} in this store. {nearest(run_id, names(runs))}")
    if path.is_symlink() or path.resolve().parent != runs.resolve():
        raise InterpError(f"run {run_id!r} lies outside this store; copy it in, links are not followed")
    return path


def names(runs: Path) -> Sequence[str]:
    """Return the ids of all run directories, sorted; staging, trash and foreign names are not runs."""
    try:
        with os.scandir(runs) as entries:
            found = [entry.name for entry in entries if entry.is_dir(follow_symlinks=False)]
    except FileNotFoundError:
        return []
    return sorted(name for name in found if manifest.RUN_ID.fullmatch(name))


def read(runs: Path, run_id: str) -> OpenRun:
    """Open a run: sidecar, schema and the size of every file are checked; InterpError when one is wrong."""
    path = locate(runs, run_id)
    found, digest = manifest.read(path)
    wrong = manifest.sizes(path, found)
    if wrong:
        raise InterpError(f"run {run_id!r} is damaged ({wrong[0]}, {len(wrong)} in all); restore or remove it")
    return OpenRun(run_id, path, found, digest)
