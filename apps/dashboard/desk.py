"""Whom does the app ask what can be asked and what it costs? A small process of interp's own, kept open.

The app imports neither tasks nor models, so it sends one JSON line to `python -m interp.desk` and reads one back. A
desk that died or does not answer in time is opened anew at the next question; it ends with the app.
"""

from __future__ import annotations

import atexit
import json
import select
import subprocess
import sys
import threading
from contextlib import suppress
from functools import cache
from typing import Any

from interp.errors import InterpError
from interp.store import Spec

PATIENCE = 60.0  # seconds; the first question imports what it needs
Told = dict[str, Any]


class Desk:
    """One question at a time; safe for the threads of a server."""

    def __init__(self, command: tuple[str, ...] = (sys.executable, "-m", "interp.desk")) -> None:
        self._command, self._lock = command, threading.Lock()
        self._process: subprocess.Popen[str] | None = None
        self._catalogue: Told | None = None

    def ask(self, **question: Any) -> Told:
        """Return the answer. Raises InterpError for a mistake in the question, and where the desk does not answer."""
        with self._lock:
            answer = self._asked(question)
        if "error" in answer:
            raise InterpError(str(answer["error"]))
        return answer

    def catalogue(self) -> Told:
        """Return the models and tasks that have names; they do not change while the app runs."""
        if self._catalogue is None:
            self._catalogue = self.ask(ask="catalogue")
        return self._catalogue

    def plan(self, spec: Spec) -> Told:
        """Return {"spec", "plan"}: the checked question and its cost."""
        return self.ask(ask="plan", spec=spec.model_dump(mode="json"))

    def close(self) -> None:
        """End the process; a later question opens another."""
        with self._lock:
            self._close()

    def _asked(self, question: Told) -> Told:
        process = self._open()
        if process.stdin is None or process.stdout is None:
            raise InterpError("the desk of interp has no pipes; start the app again.")
        try:
            process.stdin.write(json.dumps(question) + "\n")
            process.stdin.flush()
            ready = select.select([process.stdout], [], [], PATIENCE)[0]
            line = process.stdout.readline() if ready else ""
            answer = json.loads(line) if line else None
        except (OSError, ValueError):
            answer = None
        if not isinstance(answer, dict):
            self._close()
            raise InterpError("interp did not say what can be asked (see `python -m interp.desk`); try again.")
        return answer

    def _open(self) -> subprocess.Popen[str]:
        if self._process is None or self._process.poll() is not None:
            self._close()
            pipe = subprocess.PIPE
            self._process = subprocess.Popen(
                self._command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, text=True, encoding="utf-8"
            )
        return self._process

    def _close(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            with suppress(OSError):
                process.communicate()


@cache
def desk() -> Desk:
    """Return the desk of this process: it knows no store, so two apps share it."""
    made = Desk()
    atexit.register(made.close)
    return made
