"""Is the process that began this still there? Owners of staged directories and of jobs, by name.

    owner = <pid>.<start time of the process, in clock ticks>.<hash of the host>

The start time tells a recycled pid from the process that was meant; the host keeps a store that is shared between
machines honest: of another machine's process nothing is known.
"""

from __future__ import annotations

import hashlib
import os
import platform
from functools import lru_cache
from pathlib import Path


@lru_cache(maxsize=1)
def host() -> str:
    """Return eight hex digits that name this machine (its host name is not written anywhere)."""
    return hashlib.sha256(platform.node().encode()).hexdigest()[:8]


def _start(pid: int) -> str | None:
    """Return when `pid` started (clock ticks since boot), '0' where the system does not tell, None if it is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return "0" if not Path("/proc/self").exists() else None
    return None if fields[0] in "ZX" else fields[19]


def owner() -> str:
    """Return the name of this process."""
    return f"{os.getpid()}.{_start(os.getpid())}.{host()}"


def alive(name: str) -> bool | None:
    """Return whether the process `name` runs; None when it belongs to another machine or is no owner's name."""
    pid, _, rest = name.partition(".")
    start, _, where = rest.partition(".")
    if not pid.isdigit() or where != host():
        return None
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return _start(int(pid)) == start
