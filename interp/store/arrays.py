"""How does a labelled Dataset lie on the disk? As a zarr v3 group, one named array a variable.

    chunk = whole trailing axes, cut along the leading ones to about 2 MiB: reading one layer reads one layer

Every chunk carries a Crc32c, so a flipped bit is an error at reading and never a wrong number. Text is UTF-8 (zarr's
`string`), never a pickle; it comes back as fixed-width unicode. A variable's own `encoding["chunks"]` is honoured.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from interp.errors import InterpError

if TYPE_CHECKING:
    import numpy as np
    import xarray as xr

CHUNK_BYTES = 2 * 2**20
KINDS = "biufcU"  # bool, integers, floats, complex, text


def chunks(shape: tuple[int, ...], itemsize: int, target: int = CHUNK_BYTES) -> tuple[int, ...]:
    """Return a chunk shape of at most about `target` bytes: trailing axes whole, leading axes cut."""
    left = max(1, target // itemsize)
    sizes = []
    for size in reversed(shape):
        sizes.append(max(1, min(size, left)))
        left = max(1, left // max(1, size))
    return tuple(reversed(sizes))


def save(dataset: xr.Dataset, path: Path) -> None:
    """Write `dataset` as a zarr v3 group at `path`. Raises InterpError for what has no labelled, pickle-free form."""
    import xarray as xr
    from zarr.codecs import Crc32cCodec, ZstdCodec

    ready = xr.Dataset(attrs=plain(dataset.attrs))
    encoding: dict[str, dict[str, Any]] = {}
    for name in dataset.variables:
        variable = dataset.variables[name]
        values = writable(str(name), variable.values)
        ready[name] = xr.Variable(variable.dims, values, plain(variable.attrs))
        wish = variable.encoding.get("chunks")
        itemsize = 32 if values.dtype.kind == "T" else values.dtype.itemsize
        encoding[str(name)] = {"compressors": (ZstdCodec(level=1), Crc32cCodec())}
        if values.ndim:
            encoding[str(name)]["chunks"] = tuple(wish) if wish else chunks(values.shape, itemsize)
        if values.dtype.kind in "fc":
            encoding[str(name)]["_FillValue"] = None
    ready = ready.set_coords(list(dataset.coords))
    ready.to_zarr(path, mode="w-", zarr_format=3, consolidated=False, encoding=encoding, write_empty_chunks=True)


def load(path: Path, order: Iterable[str] = ()) -> xr.Dataset:
    """Return the Dataset at `path`, variables in `order`: numbers lazily, chunk by chunk as indexed; text at once."""
    import xarray as xr

    lazy = xr.open_zarr(
        path,
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
