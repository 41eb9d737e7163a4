"""Under what circumstances was a number made? Commit, versions, machine, command and times, without importing torch."""

from __future__ import annotations

import hashlib
import os
import platform
import subprocess
import sys
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from importlib import metadata
from pathlib import Path
from typing import Any

PACKAGES = (
    *("arithmoscope", "torch", "transformers", "transformer-lens", "numpy", "scikit-learn", "xarray", "zarr"),
    *("pandas", "pyarrow", "safetensors", "pydantic"),
)


def timestamp(seconds: float | None = None) -> str:
    """Return a moment (now, or seconds since the epoch) as ISO 8601 in UTC, to the millisecond."""
    moment = datetime.fromtimestamp(time.time() if seconds is None else seconds, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def provenance(started: float | None = None, command: str | None = None, **facts: Any) -> dict[str, Any]:
    """Return created, finished, seconds, command, git, environment, and `facts` (a driver, a dataset hash ...).

    `started` is `time.time()` at the start of the work. Git and versions are those of the loaded code: they are read
    once a process.
    """
    now = time.time()
    began = now if started is None else started
    return {
        "created": timestamp(began),
        "finished": timestamp(now),
        "seconds": round(max(0.0, now - began), 3),
        "command": command if command is not None else _command(),
        "git": dict(git()),
        "environment": {
            "python": platform.python_version(),
            "platform": f"{platform.system()} {platform.machine()}",
            "packages": dict(versions()),
        },
        **facts,
    }


def _command() -> str:
    return " ".join([Path(sys.argv[0]).name, *sys.argv[1:]]) if sys.argv and sys.argv[0] else "python"


@lru_cache(maxsize=1)
def versions() -> Mapping[str, str]:
    """Return {package: version} of the installed packages that can change a number."""
    found = {}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


@lru_cache(maxsize=1)
def git() -> Mapping[str, Any]:
    """Return commit, dirty and the sha256 of the uncommitted diff of the code's checkout; all None outside one."""
    nothing = {"commit": None, "dirty": None, "diff_sha256": None}
    commit = _git("rev-parse", "HEAD")
    if commit is None:
        return nothing
    status, diff = _git("status", "--porcelain", "--untracked-files=no"), _git("diff", "HEAD")
    if status is None or diff is None:
        return nothing | {"commit": commit.strip()}
    found = {"commit": commit.strip(), "dirty": bool(status.strip())}
    return found | {"diff_sha256": hashlib.sha256(diff.encode()).hexdigest() if diff else None}


def _git(*arguments: str) -> str | None:
    """Return the output of a git command in the code's own directory; None when there is no git or no checkout."""
    here = Path(__file__).resolve().parents[2]
    if not (here / ".git").exists():
        return None
    environment = {**os.environ, "GIT_OPTIONAL_LOCKS": "0"}
    try:
        done = subprocess.run(
            ["git", *arguments], cwd=here, env=environment, capture_output=True, timeout=20, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.decode(errors="replace")
