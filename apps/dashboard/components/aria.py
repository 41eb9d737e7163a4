"""The attributes that tell a screen reader what a part of the page is."""

from __future__ import annotations

from typing import Any


def aria(**names: str) -> Any:
    """Return `aria(labelledby="x")` as the keyword arguments `aria-labelledby="x"` of a component."""
    return {f"aria-{name}": value for name, value in names.items()}
