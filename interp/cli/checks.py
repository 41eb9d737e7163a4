"""What `interp doctor` looks at: packages, device, zoo, store, browser."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import NamedTuple

from interp.errors import InterpError

BROWSERS = ("chromium", "chromium-browser", "google-chrome")


class Check(NamedTuple):
    """One thing looked at: whether it is well and what was found."""

    name: str
    ok: bool
    found: str


def checks(root: Path | None) -> list[Check]:
    """Return every check; a failure is a line, never an exception."""
    looks: dict[str, Callable[[], str]] = {
        "python packages": _packages,
        "device": _device,
        "zoo": _zoo,
        "store": lambda: _store(root),
        "browser (tests only)": _browser,
    }
    results = []
    for name, look in looks.items():
        try:
            results.append(Check(name, True, look()))
        except (InterpError, ImportError, OSError, metadata.PackageNotFoundError) as error:
            results.append(Check(name, False, str(error)))
    return results


def _packages() -> str:
    names = ("torch", "transformer-lens", "transformers", "xarray", "zarr", "dash", "plotly", "scikit-learn")
    return ", ".join(f"{name} {metadata.version(name)}" for name in names)


def _device() -> str:
    import torch

    kinds = "cuda " + torch.cuda.get_device_name(0) if torch.cuda.is_available() else "cpu only"
    return f"{kinds}, {torch.get_num_threads()} threads"


def _zoo() -> str:
    from interp.models.zoo import check_sums, zoo_directory, zoo_names

    names = zoo_names()
    if not names:
        raise InterpError(f"no models in {zoo_directory()}; set ARITHMOSCOPE_ZOO to the directory that holds them.")
    found = [f"{name} ({check_sums(zoo_directory() / name)} files)" for name in names]
    return f"hashes match: {', '.join(found)}"


def _store(root: Path | None) -> str:
    from interp.store import default_root

    place = root or default_root()
    existing = next(path for path in (place, *place.resolve().parents) if path.exists())
    if not os.access(existing, os.W_OK):
        raise InterpError(f"{place} is not writable; choose another with --store.")
    with tempfile.TemporaryFile(dir=existing):
        free = shutil.disk_usage(existing).free / 1e9
    return f"{place} is writable, {free:.0f} GB free"


def _browser() -> str:
    found = next((shutil.which(name) for name in BROWSERS if shutil.which(name)), None)
    return found or "none found: browser tests will skip (apt-get install chromium)"
