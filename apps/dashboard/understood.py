"""What of an address does each page understand? What it does not is left out, and said.

Model, task and style are carried from page to page by the navigation, so no page says that it has no use for them;
one that has none still leaves out what no run of the store has.
"""

from __future__ import annotations

from typing import Any

from apps.dashboard.library import Library
from apps.dashboard.selection import CARRIED, KNOWN, Selection
from interp.errors import nearest

UNDERSTOOD: dict[str, tuple[str, ...]] = {
    "/": (),
    "/af1": ("run", "window", "pin"),
    "/patching": ("run", "view", "metric", "layer", "head", "role", "example", "node", "edges", "pin"),
    "/probing": ("run", "target", "layer", "role", "pin"),
    "/fourier": ("run", "view", "layer", "role", "period", "pin"),
    "/operands": ("run", "view", "metric", "target", "layer", "head", "role", "a", "b", "node", "pin"),
    "/training": ("metric", "step", "pin"),
    "/attention": ("run", "layer", "head", "role", "pin"),
    "/compare": ("run", "against", "metric", "view"),
    "/try": ("view", "window", "layer", "head", "role", "a", "b", "period", "node", "pin"),
    "/study": ("metric", "view"),
    "/runs": ("run", "view"),
}
"""What each page takes beside what is carried, by its path."""
UNUSED: dict[str, tuple[str, ...]] = {
    "/fourier": ("style",), "/training": ("task", "style"), "/compare": CARRIED, "/runs": CARRIED,
}  # fmt: skip
"""What is only carried through a page; the other pages choose runs by it and say themselves what they have not."""


def understood(library: Library, path: str, name: str, asked: Selection) -> tuple[Selection, list[str]]:
    """Return what the page `name` at `path` understands of a selection, and a line for each thing it does not."""
    takes = (*CARRIED, *UNDERSTOOD[path])
    strange = [each for each in KNOWN if each not in takes and getattr(asked, each) not in (None, ())]
    empty: dict[str, Any] = {each: () if each == "pin" else None for each in strange}
    said = [f"{name} shows no {each}: {each}={_text(getattr(asked, each))} was left out." for each in strange]
    kept, unknown = _through(library, path, asked.but(**empty))
    return kept, [*said, *unknown]


def _through(library: Library, path: str, asked: Selection) -> tuple[Selection, list[str]]:
    """Return the selection without what is only carried and what no run of the store has, and a line for each."""
    said, lines = [], library.runs() if any(getattr(asked, name) for name in UNUSED.get(path, ())) else []
    for name in UNUSED.get(path, ()):
        value, known = getattr(asked, name), sorted({str(getattr(line, name)) for line in lines if getattr(line, name)})
        if value is not None and known and value not in known:
            said.append(f"No run of this store has the {name} {value[:60]!r}. {nearest(value[:60], known)}")
            asked = asked.but(**{name: None})
    return asked, said


def _text(value: Any) -> str:
    return (", ".join(value) if isinstance(value, tuple) else str(value))[:60]
