"""Which models are there by name? A zoo entry, a planted model, a checkpoint directory, or a hub name with a slash.

The zoo is the directories under data/zoo that hold a config.json (ARITHMOSCOPE_ZOO names another place). `resolve`
never touches the network except for a hub name, which the user typed to ask for exactly that.
"""

from __future__ import annotations

import functools
import hashlib
import json
from pathlib import Path
from typing import Any

from interp.errors import InterpError, nearest
from interp.models import planted
from interp.places import zoo_directory

STATE = "training-state.safetensors"
"""Where a trainer keeps what it needs to go on; it lies beside the weights and is none of them."""


def zoo_names() -> list[str]:
    """Return the names of the shipped models, sorted."""
    return sorted(path.parent.name for path in zoo_directory().glob("*/config.json"))


def resolve(name: str) -> Path:
    """Return the checkpoint directory that `name` means, fetching a hub model when it is one (`name@revision` too).

    A planted model (`interp.models.planted`) is built the first time. Raises InterpError for an unknown name, or a hub
    model that cannot be had.
    """
    if name in zoo_names():
        return zoo_directory() / name
    if planted.is_planted(name):
        return planted.directory(name)
    if name and Path(name).is_dir():
        return Path(name)
    hub, _, revision = name.partition("@")
    if hub.count("/") == 1 and not hub.startswith((".", "/", "~")):
        return _fetch(hub, revision or None)
    known = nearest(name, [*zoo_names(), *planted.EXAMPLES])
    raise InterpError(f"unknown model {name!r}: no zoo name, no directory, no hub name. {known}")


def read_config(directory: Path) -> dict[str, Any]:
    """Return config.json of a checkpoint directory. Raises InterpError when it is none."""
    try:
        config = json.loads((directory / "config.json").read_text())
    except (OSError, ValueError) as error:
        why = "its config.json is not JSON" if isinstance(error, ValueError) else "it has no config.json to read"
        raise InterpError(
            f"{directory} is no checkpoint ({why}); give a directory that transformers can open, or a native one."
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


def weight_files(directory: Path) -> list[Path]:
    """Return the weight files of a checkpoint directory, sorted. Raises InterpError when there are none."""
    found = sorted(path for path in directory.glob("*.safetensors") if path.name != STATE)
    if not found:
        raise InterpError(f"{directory} holds no .safetensors weights; give a whole checkpoint (pickles are not read).")
    return found


def weights_sha256(directory: Path) -> str:
    """Return one sha256, by name and content, over the files that decide what a checkpoint computes.

    Those are its weights, its config.json and its tokenizer, for each of them changes the answers. Raises InterpError
    when there are no weights.
    """
    told = [*weight_files(directory), directory / "config.json", *sorted(directory.glob("tokenizer*"))]
    total = hashlib.sha256()
    for path in (path for path in told if path.is_file()):
        about = path.stat()
        digest = _known_digest(str(path.resolve()), about.st_size, about.st_mtime_ns, about.st_ino)
        total.update(f"{path.name}\0{digest}\n".encode())
    return total.hexdigest()


def sums(directory: Path) -> dict[str, str]:
    """Return {file: sha256} of what the directory vouches for: SHA256SUMS, and "sha256" of a native config.json.

    Raises InterpError when SHA256SUMS is not what `sha256sum` writes, or the two disagree.
    """
    listed: dict[str, str] = {}
    path = directory / "SHA256SUMS"
    for number, line in enumerate(_text(path).splitlines() if path.is_file() else [], start=1):
        expected, _, name = line.partition("  ")
        if len(expected) != 64 or not name:
            raise InterpError(f"{path}, line {number}: expected '<sha256>  <file>'; restore the file.")
        listed[name] = expected
    config = read_config(directory).get("sha256", {}) if (directory / "config.json").is_file() else {}
    for name, expected in config.items() if isinstance(config, dict) else ():
        if listed.setdefault(str(name), str(expected)) != expected:
            raise InterpError(f"{directory}: SHA256SUMS and config.json disagree on {name}; restore one of them.")
    return listed


def check_sums(directory: Path) -> int:
    """Compare every file the directory vouches for with its sha256; return how many there are.

    Raises InterpError for the first that is altered or missing.
    """
    listed = sums(directory)
    for name, expected in listed.items():
        path = directory / name
        found = file_digest(path) if path.is_file() else "no file"
        if found != expected:
            raise InterpError(
                f"{path} is altered or missing: expected sha256 {expected[:12]}..., found {found[:12]}; restore it."
            )
    return len(listed)


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise InterpError(f"{path} cannot be read ({error.__class__.__name__}); restore the file.") from None


@functools.lru_cache(maxsize=256)
def _known_digest(path: str, size: int, modified: int, inode: int) -> str:
    """The sha256 of a file, read once for each state of it: a study asks dozens of times."""
    return file_digest(Path(path))


def file_digest(path: Path) -> str:
    """Return the sha256 of a file, read now."""
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
