"""One selection, shared by every panel and written in the address: `?v=1&run=...&layer=4&role=b`.

What an address names and this version does not know, or what cannot be, is left out and said; it is never an error.
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, fields, replace
from typing import Any
from urllib.parse import parse_qsl, urlencode

from interp.errors import nearest

VERSION = "1"
RUN_ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
PERIOD = re.compile(r"[0-9]{1,6}(\.[0-9]{1,20})?(e-[0-9]{1,2})?")
WINDOW = re.compile(r"[0-9]{1,3}-[0-9]{1,3}")
NAME = re.compile(r"[^\x00-\x1f<>]{1,200}")
COUNTS = ("layer", "head", "example", "a", "b", "step", "edges")
RUNS = ("run", "against")
MOST_PINS = 4
CARRIED = ("model", "task", "style")
"""What the navigation carries from page to page."""


@dataclass(frozen=True)
class Selection:
    """What is looked at; None where nothing was chosen.

    `against` is the run that `run` is compared with, `view` the figure or part of a page that is open, `window` a
    window of AF1 as "l_wait-l_transfer", `target` the variable that a probe reads, `a` and `b` a pair of operands,
    `step` a step of a training, `node` a node of a circuit (on Try it what a patch writes), `edges` how many edges of
    the circuit are kept, `pin` the names of up to four cells that are kept beside the selected one, oldest first.
    """

    run: str | None = None
    against: str | None = None
    model: str | None = None
    task: str | None = None
    style: str | None = None
    view: str | None = None
    window: str | None = None
    metric: str | None = None
    target: str | None = None
    layer: int | None = None
    head: int | None = None
    role: str | None = None
    example: int | None = None
    a: int | None = None
    b: int | None = None
    period: float | None = None
    step: int | None = None
    node: str | None = None
    edges: int | None = None
    pin: tuple[str, ...] = ()

    def but(self, **changes: Any) -> Selection:
        """Return a copy with `changes`."""
        return replace(self, **changes)

    def pinned(self, cell: str) -> Selection:
        """Return a copy with `cell` pinned, or let go where it was; of more than four the oldest is let go."""
        kept = tuple(name for name in self.pin if name != cell)
        return self.but(pin=kept if cell in self.pin else (*kept, cell)[-MOST_PINS:])

    @property
    def search(self) -> str:
        """Return the query of the address, e.g. `?v=1&run=...`; empty when nothing is selected."""
        chosen = {name: value for name, value in asdict(self).items() if value not in (None, ())}
        return f"?{urlencode({'v': VERSION, **chosen}, doseq=True)}" if chosen else ""


KNOWN = tuple(field.name for field in fields(Selection))


def parse(search: str | None) -> tuple[Selection, list[str]]:
    """Return the selection of an address and one line for each thing in it that was not understood."""
    chosen: dict[str, Any] = {}
    notices: list[str] = []
    for name, value in parse_qsl((search or "").lstrip("?"), keep_blank_values=True)[:40]:
        if name == "v":
            if value != VERSION:
                notices.append(f"This link was made for version {value[:20]!r} of the address; this is {VERSION}.")
        elif name not in KNOWN:
            notices.append(
                f"The link names {name[:40]!r}, which this version does not know. {nearest(name[:40], KNOWN)}"
            )
        else:
            found, notice = _value(name, value)
            notices += [notice] if notice else []
            if name != "pin":
                chosen[name] = found
            elif found is not None and found not in chosen.setdefault("pin", ()):
                chosen["pin"] = (*chosen["pin"], found)
    if len(chosen.get("pin", ())) > MOST_PINS:
        notices.append(f"The link pins {len(chosen['pin'])} cells; the first {MOST_PINS} are kept.")
        chosen["pin"] = chosen["pin"][:MOST_PINS]
    return Selection(**chosen), notices


def selected(data: Any) -> Selection:
    """Return the selection that a page holds in its store, from what the browser sends of it."""
    return parse((data or {}).get("search"))[0]


def layer_of(asked: int | None, layers: list[int], notices: list[str]) -> int | None:
    """Return the layer that the address asks for, None (and a notice) for one that the run does not have."""
    if asked is None or asked in layers:
        return asked
    notices.append(f"This run has no layer {asked} (it has {layers[0]} to {layers[-1]}).")
    return None


def role_of(asked: str | None, roles: list[str], notices: list[str]) -> str | None:
    """Return the role that the address asks for, None (and a notice) for one that the run does not have."""
    if asked is None or asked in roles:
        return asked
    notices.append(f"This run has no role {asked!r} (it has {', '.join(roles)}).")
    return None


def _value(name: str, value: str) -> tuple[Any, str | None]:
    if name in COUNTS:
        if value.isascii() and value.isdigit() and len(value) < 7:
            return int(value), None
        return None, f"{name} = {value[:40]!r} is not a number from 0 on; it was left out."
    if name == "period":
        period = float(value) if PERIOD.fullmatch(value) else 0.0
        return (period, None) if period > 0 else (None, f"period = {value[:40]!r} is no positive number; left out.")
    if name == "window" and not WINDOW.fullmatch(value):
        return None, f"window = {value[:40]!r} is not l_wait-l_transfer, such as 3-2; it was left out."
    if name in RUNS and not RUN_ID.fullmatch(value):
        return None, f"{value[:40]!r} is not a run id (a-z, 0-9, '_' and '-'); it was left out."
    if not NAME.fullmatch(value):
        return None, f"{name} = {value[:40]!r} is not a name; it was left out."
    return value, None
