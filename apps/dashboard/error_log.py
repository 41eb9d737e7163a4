"""What went wrong in this app, newest first: one short log an app, kept in memory while it runs.

callback, page or figure that fails -> `ErrorLog.add` -> a toast that says where to look, and the drawer of the header
A mistake that is told in one line (InterpError) needs no traceback; anything else keeps its own.
"""

from __future__ import annotations

import threading
import traceback
from collections import deque
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from interp.errors import InterpError

MOST = 50
LONGEST = 20_000  # characters of a traceback; its end says the most


@dataclass(frozen=True)
class Entry:
    """One thing that went wrong: when (UTC), where in the app, in one line, its traceback, and how often."""

    time: str
    where: str
    message: str
    trace: str
    times: int = 1


class ErrorLog:
    """The newest `MOST` things that went wrong in one app; safe for the threads of a server."""

    def __init__(self, most: int = MOST) -> None:
        self._entries: deque[Entry] = deque(maxlen=most)
        self._lock = threading.Lock()

    def add(self, where: str, error: BaseException) -> Entry:
        """Return the entry of an error; what came before is counted in its own entry, which is now the newest."""
        expected = isinstance(error, InterpError)
        message = str(error) if expected else f"{type(error).__name__}: {error}"
        trace = "" if expected else "".join(traceback.format_exception(error))[-LONGEST:]
        entry = Entry(datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S"), where, message[:2000], trace)
        with self._lock:
            for same in [each for each in self._entries if (each.where, each.message) == (where, entry.message)]:
                entry = replace(entry, times=same.times + 1)
                self._entries.remove(same)
            self._entries.appendleft(entry)
        return entry

    def entries(self) -> list[Entry]:
        """Return what went wrong, newest first."""
        with self._lock:
            return list(self._entries)

    def __len__(self) -> int:
        """Return how many entries there are."""
        return len(self._entries)
