"""Which models are there by name? A name is a zoo entry, a checkpoint directory, or a hub name with a slash.

The zoo is the directories under data/zoo that hold a config.json (ARITHMOSCOPE_ZOO names another place). `resolve`
never touches the network except for a hub name, which the user typed to ask for exactly that.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from interp.errors import InterpError, nearest


def zoo_directory() -> Path:
    """Return the directory that holds the shipped checkpoints."""
    return Path(os.environ.get("ARITHMOSCOPE_ZOO", Path(__file__).parents[2] / "data" / "zoo"))


def zoo_names() -> list[str]:
    """Return the names of the shipped models, sorted."""
    return sorted(path.parent.name for path in zoo_directory().glob("*/config.json"))


def resolve(name: str, revision: str | None = None) -> Path:
    """Return the checkpoint directory that `name` means, fetching a hub model when it is one.

    Raises InterpError for an unknown name, or a hub model that cannot be had.
    """
    if name in zoo_names():
        return zoo_directory() / name
    if Path(name).is_dir():
        return Path(name)
    if "/" in name and name.count("/") == 1 and not name.startswith((".", "/", "~")):
        return _fetch(name, revision)
    raise InterpError(f"unknown model {name!r}: no zoo name, no directory, no hub name. {nearest(name, zoo_names())}")


def read_config(directory: Path) -> dict[str, Any]:
    """Return config.json of a checkpoint directory. Raises InterpError when it is none."""
    try:
        config = json.loads((directory / "config.json").read_text())
    except (OSError, ValueError) as error:
        raise InterpError(
            f"{directory} is no checkpoint ({error.__class__.__name__} on its config.json); "
            "give a directory that transformers can open, or a native one."
        ) from None
    if not isinstance(config, dict):
        raise InterpError(f"{directory}/config.json holds no object; restore the file.")
    return config


def _fetch(name: str, revision: str | None) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    wanted = ["*.json", "*.safetensors", "*.model", "*.txt"]
    try:
        return Path(snapshot_download(name, revision=revision, allow_patterns=wanted))
    except (LocalEntryNotFoundError, HfHubHTTPError, HFValidationError, OSError) as error:
        reason = str(error).splitlines()[0]
        raise InterpError(
            f"model {name!r} is no zoo name and no directory, and the hub did not give it ({reason:.120}); "
            "check the name and the network, or give a local directory."
        ) from None
