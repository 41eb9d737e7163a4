"""How does a checkpoint leave home? Its files, and nothing else, in a new directory whose name says nothing.

Copied are config.json, the weights, the tokenizer and every file that the directory vouches for (SHA256SUMS, or
"sha256" of a native config.json); a SHA256SUMS of the copies is written. Of a planted model, what its name says is in
none of them.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from pathlib import Path

from interp.errors import InterpError
from interp.models import atomic, zoo

ALSO = ("config.json", "generation_config.json", "tokenizer*", "special_tokens_map.json", "vocab.*", "merges.txt")


def export(name: str, directory: str | Path) -> list[str]:
    """Copy the checkpoint `name` (anything `resolve` takes) to `directory` in one rename; return the files' names.

    Raises InterpError for an unknown or damaged model, for a directory that holds something already (nothing is ever
    overwritten), and where it cannot be written.
    """
    source, target = zoo.resolve(name), Path(directory)
    zoo.read_config(source)
    zoo.check_sums(source)
    if target.is_symlink() or (target.exists() and (not target.is_dir() or any(target.iterdir()))):
        raise InterpError(f"{target} is there already and not an empty directory; export to a new one.")
    chosen = {path.name for pattern in ALSO for path in source.glob(pattern) if path.is_file()}
    chosen |= {path.name for path in zoo.weight_files(source)} | set(zoo.sums(source))
    names = sorted(chosen)
    for outside in (each for each in names if Path(each).is_absolute() or ".." in Path(each).parts):
        raise InterpError(f"{source}/SHA256SUMS names {outside}, which is not inside it; mend the file.")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        partial = Path(tempfile.mkdtemp(prefix=".partial-", dir=target.parent))
    except OSError as error:
        raise _unwritable(target, error) from None
    try:
        sums = [f"{_copy(source / each, partial / each)}  {each}\n" for each in names]
        atomic.write_bytes(partial / "SHA256SUMS", "".join(sums).encode())
        partial.chmod(0o755)
        os.replace(partial, target)
    except OSError as error:
        raise _unwritable(target, error) from None
    finally:
        with contextlib.suppress(OSError):
            shutil.rmtree(partial)
    return [*names, "SHA256SUMS"]


def _copy(source: Path, target: Path) -> str:
    """Copy one file and return the sha256 of what was written."""
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
    return zoo.file_digest(target)


def _unwritable(target: Path, error: OSError) -> InterpError:
    return InterpError(f"cannot export to {target} ({error.strerror}); choose a directory that can be written.")
