"""What else belongs to a run? Tables (parquet) and tensors (safetensors), beside the labelled arrays.

Neither is a pickle. Parquet pages carry checksums, but its footer has none and nor has a safetensors file: so the
bytes of both are compared with the manifest's sha256 before they are used.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from interp.errors import InterpError
from interp.store.arrays import NAME
from interp.store.durable import put

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

TENSORS = "tensors.safetensors"
TABLES = "tables"


def table_path(name: str) -> str:
    """Return where a table lies inside its run."""
    return f"{TABLES}/{name}.parquet"


def save_tables(tables: Mapping[str, pd.DataFrame], folder: Path) -> dict[str, dict[str, Any]]:
    """Write each table to `folder/tables/<name>.parquet`; return {name: rows, columns} for the manifest."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    described = {}
    if tables:
        (folder / TABLES).mkdir()
    for name, frame in tables.items():
        if not NAME.fullmatch(name):
            raise InterpError(f"table name {name!r} is not valid; use letters, digits, '_', '-' and '.'")
        try:
            table = pa.Table.from_pandas(frame)
        except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError) as error:
            raise InterpError(f"table {name!r} cannot be parquet: {str(error).splitlines()[0]}") from error
        pq.write_table(table, folder / table_path(name), compression="zstd", write_page_checksum=True)
        described[name] = {"rows": len(frame), "columns": [str(column) for column in frame.columns]}
    return described


def load_table(folder: Path, name: str, sha256: str) -> pd.DataFrame:
    """Return one table; InterpError when it is not the one that the manifest hashed, or a page is damaged."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    data = _vouched(folder, table_path(name), sha256)
    try:
        return pq.ParquetFile(pa.BufferReader(data), page_checksum_verification=True).read().to_pandas()
    except (pa.ArrowException, OSError) as error:
        raise InterpError(f"table {name!r} cannot be read: {str(error).splitlines()[0]}; verify the run") from error


def save_tensors(tensors: Mapping[str, np.ndarray], folder: Path) -> dict[str, dict[str, Any]]:
    """Write all tensors to one safetensors file; return {name: shape, dtype} for the manifest."""
    import numpy as np
    from safetensors.numpy import save

    arrays = {name: np.asarray(tensor, order="C") for name, tensor in tensors.items()}
    for name, array in arrays.items():
        if array.dtype.kind not in "biuf":
            raise InterpError(f"tensor {name!r} has dtype {array.dtype}; safetensors takes bool, int and float")
    if arrays:
        put(folder / TENSORS, save(arrays))
    return {name: {"shape": list(array.shape), "dtype": str(array.dtype)} for name, array in arrays.items()}


def load_tensors(folder: Path, sha256: str) -> dict[str, np.ndarray]:
    """Return {name: array}; InterpError when the file is not the one that the manifest hashed."""
    from safetensors.numpy import load

    return load(_vouched(folder, TENSORS, sha256))


def _vouched(folder: Path, path: str, sha256: str) -> bytes:
    """Return the bytes of a file of the run, when they have the sha256 that the manifest gives."""
    try:
        data = (folder / path).read_bytes()
    except OSError as error:
        raise InterpError(f"{path} cannot be read: {error.strerror}; verify the run") from error
    if hashlib.sha256(data).hexdigest() != sha256:
        raise InterpError(f"{path} has a wrong sha256; the file is damaged: verify the run, then restore or remove it")
    return data
