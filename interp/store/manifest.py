"""Is this directory a run, whole and unchanged? `run.json` says what must be there; a sidecar vouches for `run.json`.

    run.json          spec, provenance, arrays, summary, files: {path: {bytes, sha256}}
    run.json.sha256   "<sha256 of run.json>  run.json\\n", as `sha256sum -c` reads it

Opening checks the sidecar, the schema and every size; verifying checks every byte.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from pathlib import Path, PurePosixPath
from typing import Any

from interp.errors import InterpError
from interp.store.durable import put, seal_all, sha256
from interp.store.specs import digest

SCHEMA_VERSION = 1
MANIFEST = "run.json"
SIDECAR = "run.json.sha256"
RUN_ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")


def check_run_id(run_id: object) -> str:
    """Return `run_id` when it is one; InterpError otherwise (never a path)."""
    if not isinstance(run_id, str) or not RUN_ID.fullmatch(run_id):
        raise InterpError(f"{run_id!r:.80} is not a run id; use a-z, 0-9, '_' and '-', at most 64, no path")
    return run_id


def files(folder: Path) -> list[str]:
    """Return the relative POSIX paths of all that is not a directory under `folder`, sorted."""
    found = []
    for base, folders, names in os.walk(folder):
        links = [name for name in folders if os.path.islink(os.path.join(base, name))]
        found += [Path(base, name).relative_to(folder).as_posix() for name in (*names, *links)]
    return sorted(found)


def stamp(folder: Path, manifest: dict[str, Any]) -> dict[str, Any]:
    """Hash and fsync every file of a staged run, then write `run.json` and its sidecar; return the manifest."""
    paths = files(folder)
    sealed = zip(paths, seal_all([folder / path for path in paths]), strict=True)
    listed = {path: {"bytes": size, "sha256": sha} for path, (size, sha) in sealed}
    manifest = {"schema_version": SCHEMA_VERSION, **manifest, "files": listed}
    text = json.dumps(manifest, indent=1, ensure_ascii=False, allow_nan=False).encode() + b"\n"
    put(folder / MANIFEST, text)
    put(folder / SIDECAR, sidecar(text))
    seal_all([folder / MANIFEST, folder / SIDECAR])
    return manifest


def sidecar(text: bytes) -> bytes:
    """Return the sidecar's bytes for a manifest's bytes."""
    return f"{hashlib.sha256(text).hexdigest()}  {MANIFEST}\n".encode()


def read(folder: Path, run_id: str | None = None) -> tuple[dict[str, Any], str]:
    """Return (manifest, its sha256); InterpError when it is missing, altered, of another schema or another run.

    The run's id is the name of its directory, unless it is still staged and `run_id` is given.
    """
    run_id = folder.name if run_id is None else run_id
    try:
        text, vouched = (folder / MANIFEST).read_bytes(), (folder / SIDECAR).read_bytes()
    except OSError as error:
        name, reason = Path(error.filename or MANIFEST).name, error.strerror
        raise InterpError(f"run {run_id!r}: {name} cannot be read ({reason}); restore or remove it") from error
    if vouched != sidecar(text):
        raise InterpError(f"run {run_id!r}: {MANIFEST} does not match {SIDECAR}; a file was altered: restore it")
    return parse(text, run_id), hashlib.sha256(text).hexdigest()


def parse(text: bytes, run_id: str | None = None) -> dict[str, Any]:
    """Return a manifest from its bytes; InterpError when it is no manifest, of another schema or of another run."""
    try:
        manifest = json.loads(text)
        version, named, listed = manifest["schema_version"], manifest["run_id"], manifest["files"]
        sane = all(_inside(path) and entry["bytes"] >= 0 and entry["sha256"] for path, entry in listed.items())
        spec = manifest["spec"]
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        reason = f"{MANIFEST} is not a manifest ({error!r:.80})"
        raise InterpError(f"run {run_id!r}: {reason}; restore or remove it") from error
    if version != SCHEMA_VERSION:
        raise InterpError(f"run {named!r} has schema {version!r}, expected {SCHEMA_VERSION}; use a matching release")
    if not sane or not isinstance(spec, dict) or (run_id is not None and named != run_id):
        raise InterpError(f"run {run_id!r}: {MANIFEST} belongs to run {named!r} or lists a path outside it; remove it")
    check_run_id(named)
    return manifest


def _inside(path: str) -> bool:
    """Return whether a listed path is relative, plain and stays inside its run."""
    parts = PurePosixPath(path).parts
    return bool(parts) and not path.startswith("/") and ".." not in parts and "\\" not in path


def sizes(folder: Path, manifest: dict[str, Any]) -> list[str]:
    """Return what is wrong with the sizes of the listed files: missing, or of another length. Empty is good."""
    wrong = []
    for path, entry in manifest["files"].items():
        try:
            size = os.lstat(folder / path).st_size
        except OSError:
            wrong.append(f"{path}: missing")
            continue
        if size != entry["bytes"]:
            wrong.append(f"{path}: {size} bytes, expected {entry['bytes']}")
    return wrong


def verify(folder: Path, run_id: str | None = None) -> list[str]:
    """Return every way in which the run differs from what was written, one line each. Empty is good."""
    try:
        manifest, _ = read(folder, run_id)
    except InterpError as error:
        return [str(error)]
    wrong = sizes(folder, manifest)
    listed, present = set(manifest["files"]) | {MANIFEST, SIDECAR}, set(files(folder))
    wrong += [f"{path}: not in the manifest" for path in sorted(present - listed)]
    for path, entry in manifest["files"].items():
        if path not in present:
            continue
        if os.path.islink(folder / path):
            wrong.append(f"{path}: a link, expected a file")
            continue
        try:
            if sha256(folder / path) != entry["sha256"]:
                wrong.append(f"{path}: sha256 differs")
        except OSError as error:
            wrong.append(f"{path}: cannot be read ({error.strerror})")
    if digest(manifest["spec"]) != manifest.get("spec_hash"):
        wrong.append(f"{MANIFEST}: spec_hash is not the hash of the spec")
    return wrong
