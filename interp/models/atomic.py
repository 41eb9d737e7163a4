"""How does a file come to be whole or absent? It is written beside its place, flushed, and renamed once.

A kill at any moment leaves the earlier file, or none; a leftover `.NAME.partial` is overwritten
by the next write.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from interp.errors import InterpError

if TYPE_CHECKING:
    import torch


def write_bytes(path: Path, data: bytes) -> None:
    """Write `data` at `path` in one rename; raises InterpError when the disk is full or read-only."""
    partial = path.with_name(f".{path.name}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(partial, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)
        _sync_directory(path.parent)
    except OSError as error:
        _discard(partial)
        raise InterpError(
            f"Could not write {path} ({error.strerror}): expected a writable directory with free space; "
            "earlier files are untouched. Free some space or choose another directory, then run again."
        ) from error
    except BaseException:  # Ctrl-C in the middle of the write
        _discard(partial)
        raise


def write_json(path: Path, value: object) -> None:
    """Write `value` as indented JSON in one rename."""
    write_bytes(path, (json.dumps(value, indent=2, ensure_ascii=False) + "\n").encode())


def write_tensors(path: Path, tensors: Mapping[str, torch.Tensor], metadata: dict[str, str]) -> None:
    """Write named tensors (copied to the CPU) as one safetensors file in one rename."""
    from safetensors.torch import save as tensors_to_bytes

    plain = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    write_bytes(path, tensors_to_bytes(plain, metadata))


def digest(data: bytes) -> str:
    """Return the sha256 of `data` as 64 hex digits."""
    return hashlib.sha256(data).hexdigest()


def _discard(partial: Path) -> None:
    with contextlib.suppress(OSError):  # the first error is the one to tell
        partial.unlink()


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
