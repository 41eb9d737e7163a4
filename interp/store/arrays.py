"""How does a labelled Dataset lie on the disk? As a zarr v3 group, one named array a variable.

    chunk = whole trailing axes, cut along the leading ones to about 2 MiB: reading one layer reads one layer

Every chunk carries a Crc32c, so a flipped bit is an error at reading and never a wrong number. Text is UTF-8 (zarr's
`string`), never a pickle; it comes back as fixed-width unicode. A variable's own `encoding["chunks"]` is honoured.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from interp.errors import InterpError

if TYPE_CHECKING:
    import numpy as np
    import xarray as xr

CHUNK_BYTES, SLAB_BYTES = 2 * 2**20, 16 * 2**20
KINDS = "biufc"  # bool, integers, floats, complex
NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}")


def chunks(shape: tuple[int, ...], itemsize: int, target: int = CHUNK_BYTES) -> tuple[int, ...]:
    """Return a chunk shape of at most about `target` bytes: trailing axes whole, leading axes cut."""
    left = max(1, target // itemsize)
    sizes = []
    for size in reversed(shape):
        sizes.append(max(1, min(size, left)))
        left = max(1, left // max(1, size))
    return tuple(reversed(sizes))


def save(dataset: xr.Dataset, path: Path) -> None:
    """Write `dataset` as a zarr v3 group at `path`. Raises InterpError for what has no labelled, pickle-free form.

    It is written slab by slab, so that an interrupt leaves little in flight on zarr's own thread.
    """
    import zarr
    from zarr.codecs import Crc32cCodec, ZstdCodec

    auxiliary = [str(name) for name in dataset.coords if name not in dataset.dims]
    extra = {"coordinates": " ".join(auxiliary)} if auxiliary else {}  # where xarray looks for them
    group = zarr.create_group(path, zarr_format=3, attributes={**plain(dataset.attrs), **extra})
    for name, variable in dataset.variables.items():
        values = writable(str(name), variable.values)
        wish = variable.encoding.get("chunks") or ()
        array = group.create_array(
            str(name),
            shape=values.shape,
            dtype=values.dtype,
            chunks=tuple(wish) if len(wish) == values.ndim else chunks(values.shape, _itemsize(values)),
            compressors=(ZstdCodec(level=1), Crc32cCodec()),
            attributes=plain(variable.attrs),
            dimension_names=[str(dim) for dim in variable.dims],
            config={"write_empty_chunks": True},
        )
        for slab in slabs(values.shape, array.chunks, _itemsize(values)):
            array[slab] = values[slab]


def slabs(shape: tuple[int, ...], cut: tuple[int, ...], itemsize: int) -> Iterator[tuple[slice, ...]]:
    """Yield index tuples that cover `shape` along its first axis, whole chunks each, about `SLAB_BYTES` at a time."""
    if not shape:
        yield ()
    elif all(shape):
        rows = max(1, SLAB_BYTES // (itemsize * math.prod(shape[1:])) // cut[0]) * cut[0]
        for start in range(0, shape[0], rows):
            yield (slice(start, min(start + rows, shape[0])),)


def _itemsize(values: np.ndarray) -> int:
    return 32 if values.dtype.kind == "T" else values.dtype.itemsize  # a guess for text


def load(path: Path, order: Iterable[str] = ()) -> xr.Dataset:
    """Return the Dataset at `path`, variables in `order`: numbers lazily, chunk by chunk as indexed; text at once."""
    import xarray as xr

    from interp.store.chunks import WholeStore

    lazy = xr.open_zarr(
        WholeStore(path, read_only=True),
        chunks=None,
        consolidated=False,
        mask_and_scale=False,
        decode_times=False,
        decode_timedelta=False,
        concat_characters=False,
    )
    text = {name: lazy.variables[name] for name in lazy.variables if lazy.variables[name].dtype.kind in "TO"}
    fixed = {name: (v.dims, unicode(v.values), v.attrs) for name, v in text.items()}
    coords = {name: fixed.pop(name) for name in lazy.coords if name in fixed}
    whole = lazy.assign(fixed).assign_coords(coords)
    return whole[[name for name in order if name in whole.data_vars]] if order else whole


def describe(dataset: xr.Dataset) -> dict[str, dict[str, Any]]:
    """Return {variable: dims, shape, dtype, units, description} for the manifest, coordinates included."""
    return {
        str(name): {
            "dims": [str(dim) for dim in variable.dims],
            "shape": list(variable.shape),
            "dtype": "str" if variable.dtype.kind in "UTO" else str(variable.dtype),
            "units": str(variable.attrs.get("units", "")),
            "description": str(variable.attrs.get("description", "")),
            "coordinate": name in dataset.coords,
        }
        for name, variable in dataset.variables.items()
    }


def writable(name: str, values: np.ndarray) -> np.ndarray:
    """Return `values` in a dtype that zarr v3 specifies: numbers as they are, text as UTF-8 strings."""
    import numpy as np

    if not NAME.fullmatch(name):
        raise InterpError(f"variable name {name!r} is not valid; use letters, digits, '_', '-' and '.', no space")
    values = np.asarray(values)
    if values.dtype.kind == "O" and all(isinstance(value, str) for value in values.flat):
        values = values.astype(np.dtypes.StringDType())
    if values.dtype.kind in "UT":
        return values.astype(np.dtypes.StringDType())
    if values.dtype.kind not in KINDS:
        raise InterpError(
            f"variable {name!r} has dtype {values.dtype}, which has no pickle-free form; use numbers, bool or text"
        )
    return values.astype(values.dtype.newbyteorder("="), copy=False)


def unicode(values: np.ndarray) -> np.ndarray:
    """Return an array of strings of any dtype as fixed-width unicode of the same shape."""
    import numpy as np

    return np.array(values.ravel().tolist(), dtype=str).reshape(values.shape)


def plain(value: Any) -> Any:
    """Return `value` as JSON knows it: numpy scalars and arrays unpacked, tuples as lists, nan and inf as None."""
    if isinstance(value, Mapping):
        return {str(key): plain(inner) for key, inner in value.items()}
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(inner) for inner in (sorted(value) if isinstance(value, set | frozenset) else value)]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, bool | int | str):
        return value
    return str(value)
