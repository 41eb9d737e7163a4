"""The attributes that tell a screen reader what a part of the page is."""

from __future__ import annotations

from typing import Any

from apps.dashboard import ids


def aria(**names: str) -> Any:
    """Return `aria(labelledby="x")` as the keyword arguments `aria-labelledby="x"` of a component."""
    return {f"aria-{name}": value for name, value in names.items()}


def titled(of: str, card: str) -> Any:
    """Return id and name of a tool of a card: its own text and the title of the card, also when that changes."""
    own = ids.part(card, of)
    return {"id": own, **aria(labelledby=f"{own} {ids.part(card, 'title')}")}
