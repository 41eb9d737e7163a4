"""Which models are there by name? A name is a zoo entry, a checkpoint directory, or a hub name with a slash.

The zoo is the directories under data/zoo that hold a config.json (ARITHMOSCOPE_ZOO names another place). `resolve`
never touches the network except for a hub name, which the user typed to ask for exactly that.
"""

from __future__ import annotations

import hashlib
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


def resolve(name: str) -> Path:
    """Return the checkpoint directory that `name` means, fetching a hub model when it is one (`name@revision` too).

    Raises InterpError for an unknown name, or a hub model that cannot be had.
    """
    if name in zoo_names():
        return zoo_directory() / name
    if Path(name).is_dir():
        return Path(name)
    hub, _, revision = name.partition("@")
    if hub.count("/") == 1 and not hub.startswith((".", "/", "~")):
        return _fetch(hub, revision or None)
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


def read_recipe(directory: Path) -> dict[str, Any]:
    """Return the recipe a model of the zoo was trained with. Raises InterpError when there is none."""
    try:
        return json.loads((directory / "recipe.json").read_text())
    except (OSError, ValueError) as error:
        raise InterpError(f"{directory} has no recipe.json that can be read ({error.__class__.__name__}).") from None


def weights_sha256(directory: Path) -> str:
    """Return one sha256 over the weight files of a directory, by name and content."""
    total = hashlib.sha256()
    for path in sorted(directory.glob("*.safetensors")):
        total.update(f"{path.name}\0{_file_digest(path)}\n".encode())
    return total.hexdigest()


def check_sums(directory: Path) -> None:
    """Check every file that SHA256SUMS lists (when there is one). Raises InterpError for the first that differs."""
    sums = directory / "SHA256SUMS"
    for line in sums.read_text().splitlines() if sums.is_file() else []:
        expected, _, name = line.partition("  ")
        path = directory / name
        found = _file_digest(path) if path.is_file() else "no file"
        if found != expected:
            raise InterpError(
                f"{path} is altered or missing: expected sha256 {expected[:12]}..., found {found[:12]}; restore it."
            )


def _file_digest(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


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
