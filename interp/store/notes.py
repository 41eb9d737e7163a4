"""What do people say about a run? Stars, tags and notes, appended line by line, apart from the evidence.

    annotations/<run_id>.jsonl: {"at": time, "star": true} | {"at": time, "tag": "x"} | {"untag": "x"} | {"note": "..."}

A line is written once and never changed; the last word on a star or a tag counts. A line torn by a crash is skipped.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from interp.errors import InterpError
from interp.store.durable import disk
from interp.store.provenance import timestamp

KINDS = {"star": bool, "tag": str, "untag": str, "note": str}


@dataclass(frozen=True)
class Notes:
    """What is said about one run: starred or not, its tags (sorted), its notes ({"at", "note"}, oldest first)."""

    star: bool = False
    tags: tuple[str, ...] = ()
    notes: tuple[dict[str, str], ...] = ()


def append(path: Path, **said: Any) -> None:
    """Add one line: star=True|False, tag="x", untag="x" or note="...", exactly one. Raises InterpError otherwise."""
    given = {kind: value for kind, value in said.items() if value is not None}
    if len(given) != 1 or not set(given) <= set(KINDS):
        raise InterpError(f"say one thing of {', '.join(KINDS)} at a time, not {sorted(given)}")
    ((kind, value),) = given.items()
    if not isinstance(value, KINDS[kind]) or value == "":
        raise InterpError(f"{kind} = {value!r:.80} is not valid; expected a non-empty {KINDS[kind].__name__}")
    line = json.dumps({"at": timestamp(), kind: value}, ensure_ascii=False).encode() + b"\n"
    with disk("keep a note"):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o666)
        try:
            size = os.fstat(handle).st_size
            torn = size > 0 and os.pread(handle, 1, size - 1) != b"\n"
            os.write(handle, (b"\n" if torn else b"") + line)
            os.fsync(handle)
        finally:
            os.close(handle)


def read(path: Path) -> Notes:
    """Return what is said in the file at `path`; nothing when it is not there."""
    star, tags, notes = False, set(), []
    for said in _lines(path):
        if isinstance(said.get("star"), bool):
            star = said["star"]
        elif isinstance(said.get("tag"), str):
            tags.add(said["tag"])
        elif isinstance(said.get("untag"), str):
            tags.discard(said["untag"])
        elif isinstance(said.get("note"), str):
            notes.append({"at": str(said.get("at", "")), "note": said["note"]})
    return Notes(star, tuple(sorted(tags)), tuple(notes))


def _lines(path: Path) -> list[dict[str, Any]]:
    try:
        text = path.read_bytes()
    except OSError:
        return []
    found = []
    for line in text.splitlines():
        try:
            said = json.loads(line)
        except ValueError:
            continue
        found += [said] if isinstance(said, dict) else []
    return found
