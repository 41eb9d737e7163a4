"""What of an address can the form of Try it take? Layers and heads that the model has, roles and operands of the task.

checked(selection, catalogue, models of the store) -> (selection with only what is valid, a line for the rest)
"""

from __future__ import annotations

import re
from collections.abc import Callable

from apps.dashboard import try_form
from apps.dashboard.askable import Told, askable
from apps.dashboard.selection import Selection
from apps.dashboard.try_address import asks, ranges
from apps.dashboard.try_form import FIELDS, LISTED

USUAL_ROLES = ("bos", "a", "b", "op1", "eq", "last")
FURTHER = re.compile(r"w\d{1,3}|[a-z]\d{1,3}|answer\d{0,3}")
"""Roles that no catalogue lists: words between, and digits of a number."""
NUMBERS = re.compile(r"-?\d+")
JOB = re.compile(r"job-(\d{1,9})")


def checked(asked: Selection, catalogue: Told, recorded: list[str]) -> tuple[Selection, list[str]]:
    """Return the selection with only what the form can take, and a line for each thing that it cannot."""
    kept, notices = askable(asked, catalogue, recorded)
    for name, fails in CHECKS.items():
        value = getattr(kept, name)
        said = "" if value in (None, ()) else fails(kept, catalogue)
        if said:
            notices.append(f"{name}={str(value)[:60]}: {said}; it was left out.")
            kept = kept.but(**{name: None})
    return _operands(asked, kept, catalogue, notices), notices


def _operands(asked: Selection, kept: Selection, catalogue: Told, notices: list[str]) -> Selection:
    """Return the selection with operands only where there are as many as the task takes."""
    wanted = [name for name, _, _ in ranges(asks(kept, catalogue), catalogue)]
    wrong = [pin for pin in kept.pin if not LISTED.fullmatch(pin)]
    notices += [f"{pin[:40]!r} is no list of operands, such as 17, 62; it was left out." for pin in wrong]
    other = [pin for pin in kept.pin if pin not in wrong and wanted and len(NUMBERS.findall(pin)) != len(wanted)]
    notices += [f"{pin[:40]!r}: the task takes {', '.join(wanted)}; it was left out." for pin in other]
    kept = kept.but(pin=tuple(pin for pin in kept.pin if pin not in (*wrong, *other)))
    if (asked.a is None) != (asked.b is None):
        one = f"a={asked.a}" if asked.b is None else f"b={asked.b}"
        notices.append(f"{one}: an address names both operands or none; it was left out.")
    elif (kept.a is None) != (kept.b is None):
        notices.append(f"{f'a={kept.a}' if kept.b is None else f'b={kept.b}'}: left out with the other operand.")
    elif kept.a is not None and len(wanted) not in (0, 2):
        notices.append(f"a={kept.a}, b={kept.b}: the task takes {', '.join(wanted)}; they were left out.")
    else:
        return kept
    return kept.but(a=None, b=None)


def _view(asked: Selection, _: Told) -> str:
    fine = asked.view in FIELDS or JOB.fullmatch(asked.view or "")
    return "" if fine else f"there is no such intervention (there are {', '.join(FIELDS)})"


def _node(asked: Selection, _: Told) -> str:
    known = dict(try_form.COMPONENTS)
    return "" if asked.node in known else f"a patch writes {', '.join(known)}"


def _shape(asked: Selection, catalogue: Told) -> tuple[int | None, int | None]:
    """Return blocks and heads of the model that is asked, None where they are not known before it is open."""
    name = asks(asked, catalogue)["model"]
    found = next((each for each in catalogue["models"] if each["name"] == name), None)
    return (found["n_layers"], found["n_heads"]) if found else (None, None)


def _layer(asked: Selection, catalogue: Told) -> str:
    blocks = _shape(asked, catalogue)[0]
    stream = asked.view != "head" and asked.node in (None, "resid_pre")  # it has a place after the last block too
    fine = blocks is None or (asked.layer or 0) < blocks + stream
    return "" if fine else f"the model has blocks 0 to {(blocks or 1) - 1}"


def _head(asked: Selection, catalogue: Told) -> str:
    heads = _shape(asked, catalogue)[1]
    return "" if heads is None or (asked.head or 0) < heads else f"the model has heads 0 to {heads - 1}"


def _window(asked: Selection, catalogue: Told) -> str:
    blocks = _shape(asked, catalogue)[0]
    fine = blocks is None or sum(int(part) for part in (asked.window or "0-0").split("-")) <= blocks
    return "" if fine else f"the model has {blocks} blocks for both together"


def _role(asked: Selection, catalogue: Told) -> str:
    values = asks(asked, catalogue)
    task = next((each for each in catalogue["tasks"] if each["name"] == str(values["task"]).partition("@")[0]), None)
    style = task["styles"].get(values["style"]) if task else None
    known = list(dict.fromkeys([*(style["roles"] if style else ()), *USUAL_ROLES]))
    fine = asked.role in known or FURTHER.fullmatch(asked.role or "")
    return "" if fine else f"the prompt has no such role (it has {', '.join(known)})"


def _operand(name: str) -> Callable[[Selection, Told], str]:
    def fails(asked: Selection, catalogue: Told) -> str:
        known = {each: (low, high) for each, low, high in ranges(asks(asked, catalogue), catalogue)}
        low, high = known.get(name, (0, 10**6))
        return "" if low <= getattr(asked, name) <= high else f"{name} goes from {low} to {high}"

    return fails


CHECKS: dict[str, Callable[[Selection, Told], str]] = {
    "view": _view, "node": _node, "layer": _layer, "head": _head, "window": _window, "role": _role,
    "a": _operand("a"), "b": _operand("b"),
}  # fmt: skip
