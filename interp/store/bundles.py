"""How does a run travel? As one zip: the run's own files, in order, without times, so equal runs give equal bytes.

    export: verify -> zip beside the target -> rename        import: sidecar -> manifest -> each file against its sha256

The files are stored, not deflated (arrays and tables are compressed already): the bytes depend on no zlib version.
"""

from __future__ import annotations

import os
import shutil
import zipfile
import zlib
from pathlib import Path
from typing import Any

from interp.errors import InterpError
from interp.store import manifest, runs
from interp.store.durable import disk, fsync, seal, seal_all

LARGEST_MANIFEST = 64 * 2**20


def export(folder: Path, path: Path) -> Path:
    """Write the run in `folder` to the zip `path` and return it; InterpError if it is damaged or `path` exists."""
    wrong = manifest.verify(folder)
    if wrong:
        raise InterpError(f"run {folder.name!r} is damaged and was not exported: {wrong[0]}")
    if path.exists():
        raise InterpError(f"{path} exists; remove it or choose another name for the bundle")
    draft = path.with_name(f".{path.name}.{os.getpid()}.partial")
    with disk(f"export to {path}"):
        try:
            with zipfile.ZipFile(draft, "x", zipfile.ZIP_STORED) as bundle:
                for name in manifest.files(folder):
                    _add(bundle, folder / name, f"{folder.name}/{name}")
            seal(draft)
            os.rename(draft, path)
        finally:
            draft.unlink(missing_ok=True)
        fsync(path.parent)
    return path


def _add(bundle: zipfile.ZipFile, source: Path, name: str) -> None:
    entry = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
    entry.create_system, entry.external_attr, entry.file_size = 3, 0o100644 << 16, source.stat().st_size
    with open(source, "rb") as file, bundle.open(entry, "w") as target:
        shutil.copyfileobj(file, target, 2**20)


def restore(path: Path, folder: Path) -> str:
    """Bring the run in the zip `path` into the runs of `folder`; return its id.

    Only what the manifest lists is read, each file is compared with its sha256, and the run appears by one rename. A
    run that is already here, byte for byte the same, is left as it is; another one of that name is an InterpError.
    """
    try:
        with zipfile.ZipFile(path) as bundle:
            return _restore(bundle, folder)
    except FileNotFoundError as error:
        raise InterpError(f"no bundle at {path}; name a zip that `export` made") from error
    except OSError as error:
        raise InterpError(f"{path} cannot be read: {error.strerror}; name a zip that `export` made") from error
    except (zipfile.BadZipFile, zlib.error, EOFError, KeyError, NotImplementedError, RuntimeError) as error:
        raise InterpError(f"{path} is no whole bundle ({error}); export it again") from error


def _restore(bundle: zipfile.ZipFile, folder: Path) -> str:
    tops = {name.partition("/")[0] for name in bundle.namelist()}
    if len(tops) != 1:
        raise InterpError(f"the bundle holds {len(tops)} folders, expected one run; name a zip that `export` made")
    run_id = manifest.check_run_id(tops.pop())
    text = _small(bundle, f"{run_id}/{manifest.MANIFEST}")
    if _small(bundle, f"{run_id}/{manifest.SIDECAR}") != manifest.sidecar(text):
        raise InterpError(f"bundle of {run_id!r}: {manifest.MANIFEST} does not match its sidecar; export it again")
    found = manifest.parse(text, run_id)
    if (folder / run_id).is_dir() and manifest.read(folder / run_id)[0] == found:
        return run_id
    with runs.staged(folder, run_id) as staging:
        _unpack(bundle, found, staging)
        (staging / manifest.MANIFEST).write_bytes(text)
        (staging / manifest.SIDECAR).write_bytes(manifest.sidecar(text))
        wrong = manifest.verify(staging, run_id)
        if wrong:
            raise InterpError(f"bundle of {run_id!r} is damaged: {wrong[0]}; export it again")
        seal_all([staging / name for name in manifest.files(staging)])
    return run_id


def _small(bundle: zipfile.ZipFile, name: str) -> bytes:
    if bundle.getinfo(name).file_size > LARGEST_MANIFEST:
        raise InterpError(f"{name} in the bundle is larger than any manifest; it is no bundle of ours")
    return bundle.read(name)


def _unpack(bundle: zipfile.ZipFile, found: dict[str, Any], staging: Path) -> None:
    """Copy the files that the manifest lists, each no longer than it says."""
    for name, entry in found["files"].items():
        member = f"{found['run_id']}/{name}"
        if bundle.getinfo(member).file_size != entry["bytes"]:
            raise InterpError(f"{member} in the bundle has another size than the manifest says; export it again")
        target = staging / name
        target.parent.mkdir(parents=True, exist_ok=True)
        with bundle.open(member) as source, open(target, "xb") as copy:
            shutil.copyfileobj(source, copy, 2**20)
