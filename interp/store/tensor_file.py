"""How is a file of tensors written that is larger than memory? Its header first, then rows as they come.

    with TensorFile(path, {"resid_post.3": ((n, 2, 128), "float32")}) as file:
        file.put("resid_post.3", rows, values)

The format is safetensors: 8 bytes, the length of a JSON header, the header, the arrays one after another. Nothing is
held but what is being written. The file appears under its name when it is whole; an interrupt leaves none.
"""

from __future__ import annotations

import json
import math
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from interp.errors import InterpError

if TYPE_CHECKING:
    import numpy as np

CODES = {
    "float64": "F64",
    "float32": "F32",
    "float16": "F16",
    "int64": "I64",
    "int32": "I32",
    "int8": "I8",
    "bool": "BOOL",
}
Shapes = Mapping[str, tuple[tuple[int, ...], str]]


class TensorFile:
    """A safetensors file being written. `shapes` is {name: (shape, numpy dtype name)}.

    Raises InterpError for a dtype it does not know, a place that cannot be written and a disk without the room, before
    anything is written.
    """

    def __init__(self, path: Path, shapes: Shapes, about: Mapping[str, str] | None = None) -> None:
        self.path, self.partial = path, path.with_name(f".{path.name}.partial")
        self._header, self._ends = _header(shapes, about or {})
        self._arrays: dict[str, np.ndarray] = {}
        self._shapes = shapes
        self.bytes = len(self._header) + max((end for _, end in self._ends.values()), default=0)
        _require_room(path, self.bytes)

    def __enter__(self) -> Self:
        import numpy as np

        try:
            with open(self.partial, "wb") as file:
                file.write(self._header)
                file.truncate(self.bytes)
        except OSError as error:
            raise InterpError(f"{self.path} cannot be written ({error.strerror}); choose another place.") from None
        for name, (shape, dtype) in self._shapes.items():
            offset = len(self._header) + self._ends[name][0]
            if math.prod(shape):
                self._arrays[name] = np.memmap(self.partial, dtype, "r+", offset, shape)
        return self

    def put(self, name: str, rows: Any, values: np.ndarray) -> None:
        """Write `values` at `rows` of the first axis of tensor `name`."""
        self._arrays[name][rows] = values

    def __exit__(self, failure: Any, *rest: object) -> None:
        for array in self._arrays.values():
            array.flush()  # type: ignore[attr-defined]
        self._arrays.clear()
        if failure is None:
            with open(self.partial, "rb") as file:
                os.fsync(file.fileno())
            self.partial.replace(self.path)
        self.partial.unlink(missing_ok=True)


def _header(shapes: Shapes, about: Mapping[str, str]) -> tuple[bytes, dict[str, tuple[int, int]]]:
    """Return the bytes before the arrays, and where each array begins and ends after them."""
    import numpy as np

    entries: dict[str, Any] = {"__metadata__": dict(about)} if about else {}
    ends, at = {}, 0
    for name, (shape, dtype) in shapes.items():
        if dtype not in CODES:
            raise InterpError(f"tensor {name!r} has dtype {dtype}; this file takes {', '.join(CODES)}.")
        ends[name] = (at, at + math.prod(shape) * np.dtype(dtype).itemsize)
        at = ends[name][1]
        entries[name] = {"dtype": CODES[dtype], "shape": list(shape), "data_offsets": list(ends[name])}
    text = json.dumps(entries, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text, ends


def _require_room(path: Path, size: int) -> None:
    try:
        free = shutil.disk_usage(path.parent).free
    except OSError as error:
        raise InterpError(f"{path} cannot be written ({error.strerror}); choose another place.") from None
    if size > free:
        raise InterpError(
            f"{path.name} would take {size / 1e9:.3g} GB and the disk has {free / 1e9:.3g} GB free; ask for fewer "
            "prompts, sites, layers or roles."
        )
