"""A content hash for data that contains arrays: equal contents, equal digest, on every machine.

Tensors are hashed as (dtype, shape, bytes), so a digest does not depend on the device a tensor lies on.
"""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import torch


def digest_of(*parts: Any) -> str:
    """Return the sha256 (hex) of a sequence of strings, numbers, None, arrays, tensors and nestings of them.

    Raises TypeError for anything else: a hash of an object's address would be no content hash.
    """
    state = hashlib.sha256()
    _feed(state, parts)
    return state.hexdigest()


def _feed(state: Any, part: Any) -> None:
    if isinstance(part, torch.Tensor):
        flat = part.detach().cpu().contiguous().reshape(-1)
        state.update(f"tensor {part.dtype} {tuple(part.shape)}:".encode())
        state.update(flat.view(torch.uint8).numpy().data)
    elif isinstance(part, np.ndarray):
        state.update(f"array {part.dtype.str} {part.shape}:".encode())
        state.update(np.ascontiguousarray(part).tobytes())
    elif isinstance(part, dict):
        state.update(f"dict {len(part)}:".encode())
        for key in sorted(part):
            _feed(state, (key, part[key]))
    elif isinstance(part, (tuple, list)):
        state.update(f"tuple {len(part)}:".encode())
        for item in part:
            _feed(state, item)
    elif part is None or isinstance(part, (str, int, float, bool, np.integer, np.floating)):
        value = part.item() if isinstance(part, np.generic) else part
        state.update(f"{type(value).__name__} {value!r};".encode())
    else:
        raise TypeError(f"no content hash for {type(part).__name__}")


class Hashed:
    """Mixin of frozen data: equality and hash follow the attribute `digest`, which a subclass defines."""

    digest: Any

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and self.digest == other.digest  # type: ignore[attr-defined]

    def __hash__(self) -> int:
        return hash((type(self).__name__, self.digest))
