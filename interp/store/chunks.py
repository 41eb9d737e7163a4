"""Is a chunk that is not there a zero? Never: zarr would fill it in, we say that the run is damaged or gone.

Every chunk of a run is a file (empty ones too), so a missing file is always a loss: a damaged disk, or a run that was
removed while it was being read.
"""

from __future__ import annotations

from typing import Any

from zarr.storage import LocalStore

from interp.errors import InterpError


class WholeStore(LocalStore):
    """A read-only directory of zarr arrays in which a missing chunk is an InterpError."""

    async def get(self, key: str, *args: Any, **kwargs: Any) -> Any:
        """Return the bytes of `key`; None for absent metadata, as zarr expects."""
        found = await super().get(key, *args, **kwargs)
        if found is None and "c" in key.split("/")[1:]:
            raise InterpError(f"chunk {key} of {self.root.parent.name!r} is missing: the run was removed or is damaged")
        return found
