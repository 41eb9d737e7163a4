"""Can a file be read at all? Text and JSON, with one clear line when not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from interp.errors import InterpError


def text_of(path: str | Path) -> str:
    """Return the text of a UTF-8 file (a byte-order mark is dropped). Raises InterpError when there is none."""
    if not Path(path).is_file():
        raise InterpError(f"{path}: no such file; give the path of a JSON or JSONL file.")
    try:
        return Path(path).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InterpError(f"{path}: cannot be read ({error}); it must be UTF-8 text.") from None


def json_of(text: str, where: str) -> Any:
    """Return the JSON value in `text`; `where` names its place in the InterpError that is raised for bad JSON."""
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        line = f"line {error.lineno}, " if error.lineno > 1 else ""
        raise InterpError(f"{where}: not JSON ({error.msg} at {line}column {error.colno}); mend that place.") from None
    except RecursionError:
        raise InterpError(f"{where}: not usable JSON, nested too deeply.") from None


def is_pair(value: Any) -> bool:
    """Return whether a JSON value is [integer, integer]."""
    return isinstance(value, list) and len(value) == 2 and all(type(end) is int for end in value)
