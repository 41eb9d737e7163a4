"""What survives a power cut? Files that were fsynced, in directories that were fsynced, under one rename.

    write -> fsync(file) -> fsync(directory) -> rename -> fsync(parent)

Every failure of the disk (full, read-only, gone) leaves here as one InterpError line.
"""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from interp.errors import InterpError

THREADS = 16  # that wait for the disk together
ADVICE = {
    errno.ENOSPC: "free some space or choose another store with ARITHMOSCOPE_STORE",
    errno.EDQUOT: "free some of your quota or choose another store with ARITHMOSCOPE_STORE",
    errno.EACCES: "make it writable or choose another store with ARITHMOSCOPE_STORE",
    errno.EPERM: "make it writable or choose another store with ARITHMOSCOPE_STORE",
    errno.EROFS: "it is mounted read-only; choose another store with ARITHMOSCOPE_STORE",
}


@contextmanager
def disk(doing: str) -> Iterator[None]:
    """Turn an OSError of the block into an InterpError: `cannot <doing>: <reason>; <what to do>`."""
    try:
        yield
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error) or type(error).__name__
        advice = ADVICE.get(error.errno or 0, "check the disk and try again")
        raise InterpError(f"cannot {doing}: {reason}; {advice}; earlier runs are intact") from error


def fsync(path: Path) -> None:
    """Force a file's bytes, or a directory's entries, to the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def put(path: Path, data: bytes) -> None:
    """Write `data` to a new file with the usual permissions; the caller fsyncs when it seals the tree."""
    with open(path, "xb") as file:
        file.write(data)


def seal(path: Path) -> tuple[int, str]:
    """Return (size in bytes, sha256 hex) of a file, after forcing it to the disk."""
    with open(path, "rb") as file:
        os.fsync(file.fileno())
        return os.fstat(file.fileno()).st_size, hashlib.file_digest(file, "sha256").hexdigest()


def seal_all(paths: Sequence[Path]) -> list[tuple[int, str]]:
    """Return `seal` of each path; side by side, since the file system commits waiting files together."""
    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(seal, paths))


def sha256(path: Path) -> str:
    """Return the sha256 (64 hex digits) of a file."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def fsync_tree(root: Path) -> None:
    """Force the entries of `root` and of every directory under it to the disk."""
    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(fsync, [Path(folder) for folder, _, _ in os.walk(root)]))


def discard(path: Path, settle: float = 0.0, patience: float = 2.0) -> bool:
    """Delete a tree; return whether it is gone.

    An interrupted zarr write may still have chunks in flight on its own thread, which would bring the tree back: with
    `settle` it is looked at again after so many seconds, until it stays away or `patience` seconds are over.
    """
    end = time.monotonic() + patience
    while True:
        shutil.rmtree(path, ignore_errors=True)
        time.sleep(settle)
        if not path.exists() or time.monotonic() > end:
            return not path.exists()
