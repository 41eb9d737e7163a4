"""What did a killed process leave behind? Staged and trashed directories that nobody will ever finish.

collect when the owner is dead, or when nothing in the tree was touched for `older_than` seconds
"""

from __future__ import annotations

import os
import re
import time
from pathlib import Path

from interp.store import processes
from interp.store.durable import discard
from interp.store.runs import STAGING, TRASH

LITTER = re.compile(rf"(?:{re.escape(STAGING)}|{re.escape(TRASH)})(?P<owner>\d+\.\w+\.[0-9a-f]{{8}})-.+")


def collect(runs: Path, older_than: float) -> list[str]:
    """Delete the litter of `runs` and return the names of what was deleted, sorted."""
    with os.scandir(runs) as entries:
        names = sorted(entry.name for entry in entries if entry.name.startswith((STAGING, TRASH)))
    return [name for name in names if _abandoned(runs / name, older_than) and discard(runs / name)]


def _abandoned(path: Path, older_than: float) -> bool:
    named = LITTER.fullmatch(path.name)
    if named is not None and processes.alive(named["owner"]) is False:
        return True
    return time.time() - _touched(path) > older_than


def _touched(path: Path) -> float:
    """Return when anything in a tree was last changed, in seconds since the epoch; now while it is vanishing."""
    try:
        return max(os.lstat(part).st_mtime for part in (path, *path.rglob("*")))
    except OSError:
        return time.time()
