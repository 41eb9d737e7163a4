"""Where do the shipped things lie? Asked by who loads models from there and by who reads their logs."""

from __future__ import annotations

import os
from pathlib import Path


def zoo_directory() -> Path:
    """Return the directory that holds the shipped checkpoints; ARITHMOSCOPE_ZOO names another place."""
    return Path(os.environ.get("ARITHMOSCOPE_ZOO") or Path(__file__).parents[1] / "data" / "zoo")
