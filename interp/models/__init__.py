"""What is studied: models opened as bridges, the zoo, and the trainers that made it (imports torch lazily)."""

from __future__ import annotations

from typing import Any

from interp.models.zoo import resolve, zoo_names

__all__ = ["load", "resolve", "zoo_names"]


def load(name: str, device: str = "cpu", dtype: str = "float32") -> Any:
    """Return the model as a `TransformerBridge` checked against the plain model: `interp.models.bridge.load`."""
    from interp.models import bridge

    return bridge.load(name, device, dtype)
