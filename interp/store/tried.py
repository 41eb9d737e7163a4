"""Where does an answer live that nobody asked to keep? In one JSON file under `jobs/tried`, until it is a day old.

    jobs/tried/<hash of the question>.json        read(question) -> the Dataset, or None where there is none (any more)

It is no run, and the table of runs does not know it; its attributes say which weights and code made it. The file is
text that is checked on the way in (no pickle): dims, dtypes and sizes must fit, or the answer counts as absent. Asking
to keep it records the same question as a run.
"""

from __future__ import annotations

import base64
import math
import os
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from interp.errors import InterpError
from interp.store.durable import disk
from interp.store.specs import Spec

if TYPE_CHECKING:
    import xarray as xr

MAX_AGE = 24 * 3600.0  # seconds
LARGEST = 64 * 2**20  # bytes of a file that is still read
Scalar = str | int | float | bool


class Array(BaseModel):
    """One variable: text as it is, numbers as base64 of little-endian bytes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    dims: tuple[str, ...]
    shape: tuple[int, ...]
    dtype: Literal["text", "int64", "float64", "float32"]
    data: str | tuple[str, ...]
    attrs: dict[str, Scalar] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _fits(self) -> Array:
        n = math.prod(self.shape)
        if len(self.dims) != len(self.shape) or min(self.shape, default=0) < 0:
            raise ValueError("dims and shape differ")
        if isinstance(self.data, tuple) != (self.dtype == "text"):
            raise ValueError("text is a list, numbers are base64")
        size = len(self.data) if isinstance(self.data, tuple) else len(base64.b64decode(self.data, validate=True))
        if size != n * {"text": 1, "float32": 4}.get(self.dtype, 8):
            raise ValueError("the data do not fill the shape")
        return self

    @classmethod
    def of(cls, variable: xr.Variable) -> Array:
        """Return a variable as text. Raises InterpError for a dtype that has no such form."""
        import numpy as np

        values, attrs = np.asarray(variable.values), dict(variable.attrs)
        about: dict[str, Any] = {"dims": tuple(map(str, variable.dims)), "shape": values.shape, "attrs": attrs}
        if values.dtype.kind in "UO":
            return cls(**about, dtype="text", data=tuple(str(value) for value in values.reshape(-1)))
        kinds = {"i": "int64", "u": "int64", "b": "int64", "f": "float32" if values.dtype.itemsize <= 4 else "float64"}
        if values.dtype.kind not in kinds:
            raise InterpError(f"an answer cannot hold {values.dtype}; use numbers or text.")
        dtype = kinds[values.dtype.kind]
        packed = np.ascontiguousarray(values, dtype=np.dtype(dtype).newbyteorder("<")).tobytes()
        return cls.model_validate({**about, "dtype": dtype, "data": base64.b64encode(packed).decode()})

    def variable(self) -> xr.Variable:
        """Return the variable again."""
        import numpy as np
        import xarray as xr

        if isinstance(self.data, tuple):
            values = np.array(self.data, dtype=str)
        else:
            kind = np.dtype(self.dtype)
            values = np.frombuffer(base64.b64decode(self.data), dtype=kind.newbyteorder("<")).astype(kind)
        return xr.Variable(self.dims, values.reshape(self.shape), dict(self.attrs))


class Tried(BaseModel):
    """An answer that is not kept: what was asked, when, how long it took, and the Dataset."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    question: str = Field(pattern="^[0-9a-f]{64}$")
    finished: float
    seconds: float
    variables: dict[str, Array]
    coords: tuple[str, ...]
    attrs: dict[str, Scalar]

    def dataset(self) -> xr.Dataset:
        """Return the Dataset. Raises ValueError where its variables do not go together."""
        import xarray as xr

        found = {name: array.variable() for name, array in self.variables.items()}
        coords = {name: found.pop(name) for name in self.coords if name in found}
        return xr.Dataset(found, coords, dict(self.attrs))


class Answers:
    """The answers of one store that are not kept."""

    def __init__(self, root: str | Path) -> None:
        self.folder = Path(root) / "jobs" / "tried"

    def write(self, question: Spec, dataset: xr.Dataset, seconds: float = 0.0) -> None:
        """Put the answer where `read` finds it, in one rename."""
        told = Tried(
            question=question.hash,
            finished=time.time(),
            seconds=seconds,
            variables={str(name): Array.of(each) for name, each in dataset.variables.items()},
            coords=tuple(map(str, dataset.coords)),
            attrs={str(name): value for name, value in dataset.attrs.items() if isinstance(value, str | int | float)},
        )
        with disk("write an answer"):
            self.folder.mkdir(parents=True, exist_ok=True)
            handle, staged = tempfile.mkstemp(dir=self.folder, prefix=".", suffix=".json")
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(told.model_dump_json())
            os.replace(staged, self._path(question.hash))

    def read(self, question: Spec, since: float = 0.0) -> Tried | None:
        """Return the answer to a question that was finished after `since`; None when there is none that can be read."""
        told = self.read_hash(question.hash)
        return told if told is not None and told.finished >= since else None

    def read_hash(self, question: str) -> Tried | None:
        """Return the answer to the question of that hash; None when there is none, or it is too old or damaged."""
        try:
            path = self._path(question)
            if path.stat().st_size > LARGEST:
                return None
            told = Tried.model_validate_json(path.read_bytes())
        except (OSError, ValueError):
            return None
        return told if told.question == question and told.finished >= time.time() - MAX_AGE else None

    def _path(self, question: str) -> Path:
        return self.folder / f"{question}.json"

    def expire(self, age: float = MAX_AGE) -> int:
        """Delete every answer older than `age` seconds; return how many there were."""
        old = [path for path in self.folder.glob("*.json") if _modified(path) < time.time() - age]
        for path in old:
            path.unlink(missing_ok=True)
        return len(old)


def _modified(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return time.time()
