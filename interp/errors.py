"""What a user sees when something is wrong: one line that says what, what was expected and what to do."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

CLEARLY = 0.2
"""A name whose likeness to what was typed is this much less than the best one's is no guess worth printing."""


class InterpError(ValueError):
    """A mistake the user can mend. The message is one line: what was wrong, what was expected, what to do."""


class Cancelled(Exception):
    """Raised by a progress callable when the work was asked to stop; the caller leaves nothing half-written."""


def nearest(name: object, options: Iterable[object]) -> str:
    """Return `Did you mean ...?` for the closest of `options`, else the list of them (at most twelve)."""
    names = [str(option) for option in options]
    close = difflib.get_close_matches(str(name), names, n=3, cutoff=0.5)
    close = [each for each in close if _alike(name, each) > _alike(name, close[0]) - CLEARLY]
    if close:
        return f"Did you mean {' or '.join(close)}?"
    shown = ", ".join(names[:12]) + (", ..." if len(names) > 12 else "")
    return f"Choose one of: {shown}."


def _alike(name: object, option: str) -> float:
    return difflib.SequenceMatcher(None, option, str(name)).ratio()
