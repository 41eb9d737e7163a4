"""How is the name of a hand-built model read? `planted:KIND,field=value,...`, each field once.

split_kind(name, kinds) -> kind, ["field=value", ...]        read_fields(name, parts, known, example) -> {field: value}
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from interp.errors import InterpError, nearest

PREFIX = "planted:"


def is_kind(name: str, kinds: Sequence[str]) -> bool:
    """Return whether `name` asks for one of these kinds, its fields well spelled or not."""
    return re.match(rf"{PREFIX}({'|'.join(kinds)})\b", name) is not None


def split_kind(name: str, kinds: Sequence[str]) -> tuple[str, list[str]]:
    """Return the kind that `name` asks for, and its fields as they stand. Raises InterpError for another kind."""
    kind, *parts = name.removeprefix(PREFIX).split(",")
    if kind not in kinds:
        raise InterpError(f"{name!r} names no planted model. {nearest(kind, kinds)}")
    return kind, parts


def read_fields(
    name: str, parts: Sequence[str], known: Sequence[str], example: str, *, texts: Sequence[str] = (), sign: str = ""
) -> dict[str, Any]:
    """Return the value of each field of `parts`, a whole number but for those in `texts`.

    Raises InterpError, which shows `example`, for a field that is not known, that stands twice or is no number (`sign`
    is the pattern of what may stand before its digits).
    """
    given: dict[str, Any] = {}
    for part in parts:
        field, _, value = part.partition("=")
        if field not in known:
            raise InterpError(f"{name!r} has no field {field!r}. {nearest(field, known)}")
        number = field not in texts
        if field in given or (number and not re.fullmatch(rf"{sign}\d{{1,10}}", value, re.ASCII)):
            raise InterpError(f"{name!r}: give {field} once, as a whole number, e.g. {example}.")
        given[field] = int(value) if number else value
    return given
