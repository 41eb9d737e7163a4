"""A file is written whole or not at all, and left alone where it says the same already."""

from __future__ import annotations

import os
from pathlib import Path

from interp.errors import InterpError


def write_text(path: Path, text: str) -> bool:
    """Write `text` to `path` by one rename; return False, the file untouched, where it is there already."""
    data = text.encode()
    try:
        if path.is_file() and path.read_bytes() == data:
            return False
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f".{path.name}.{os.getpid()}.partial")
        draft.write_bytes(data)
        os.replace(draft, path)
    except OSError as error:
        raise InterpError(f"{path} cannot be written ({error.strerror}).") from None
    return True
