"""Which map over operands an address means: family, map, property, cell and pins, checked against a run."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from apps.dashboard.selection import Selection
from interp.errors import InterpError
from interp.figures import operand_parts as parts

if TYPE_CHECKING:
    import xarray as xr

USUAL = "result"


@dataclass(frozen=True)
class Choice:
    """What is looked at in one run: a map `item` of a `family`, the property `by` that orders maps and that they are
    averaged by, the selected pair (a, b), and pinned maps as "family item"."""

    run: str
    family: str
    item: str
    by: str
    cell: tuple[int, int] | None = None
    pins: tuple[str, ...] = ()

    def but(self, **changes: object) -> Choice:
        """Return a copy with `changes`."""
        return replace(self, **changes)  # type: ignore[arg-type]

    @property
    def name(self) -> str:
        """Return what a pin of this map is called."""
        return f"{self.family} {self.item}"

    @property
    def selection(self) -> Selection:
        """Return the selection that means this choice."""
        a, b = self.cell or (None, None)
        base = Selection(run=self.run, view=self.family, target=self.by, a=a, b=b, pin=self.pins)
        if self.family == "behaviour":
            return base.but(metric=self.item)
        if self.family == "neurons":
            return base.but(node=self.item)
        if self.family == "probes":
            probe, _, reading = self.item.partition(" ")
            return base.but(node=probe, metric=reading)
        head, _, operand = self.item.partition(" ")
        layer, _, index = head.partition(".")
        return base.but(layer=int(layer), head=int(index), role=operand or None)


def choice_of(dataset: xr.Dataset, run: str, asked: Selection) -> tuple[Choice, list[str]]:
    """Return the choice of an address, and notices about what of it this run has not.

    Without a map in the address it is the first of the order; a family or property it lacks gives the first or usual.
    """
    notices: list[str] = []
    known = parts.families(dataset)
    family = asked.view if asked.view in known else known[0]
    if asked.view and asked.view != family:
        notices.append(f"This run keeps no {asked.view[:40]} maps (it keeps {', '.join(known)}).")
    names = parts.properties(dataset)
    by = asked.target if asked.target in names else (USUAL if USUAL in names else names[0])
    if asked.target and asked.target != by:
        notices.append(f"This run knows no property {asked.target[:40]!r} (it knows {', '.join(names)}).")
    order = parts.ordered(dataset, family, by)
    wanted = _item(family, asked)
    item = wanted if wanted in order else order[0]
    if wanted and wanted != item:
        notices.append(f"This run has no {family} map {wanted[:40]!r}; {item} is shown.")
    cell = None
    if asked.a is not None and asked.b is not None:
        try:
            parts.cell_of(dataset, asked.a, asked.b)
            cell = asked.a, asked.b
        except InterpError as error:
            notices.append(str(error))
    pins = []
    for pin in asked.pin:
        try:
            pinned(dataset, pin)
            pins.append(pin)
        except InterpError as error:
            notices.append(str(error))
    return Choice(run, family, item, by, cell, tuple(pins)), notices


def pinned(dataset: xr.Dataset, pin: str) -> parts.Shown:
    """Return the map that a pin names. Raises InterpError where there is none."""
    family, _, item = pin.partition(" ")
    return parts.shown(dataset, family, item)


def _item(family: str, asked: Selection) -> str | None:
    if family == "behaviour":
        return asked.metric
    if family == "neurons":
        return asked.node
    if family == "probes":
        return asked.node and f"{asked.node} {asked.metric or 'value'}"
    if asked.layer is None or asked.head is None:
        return None
    head = f"{asked.layer}.{asked.head}"
    return f"{head} {asked.role or 'a'}" if family == "attention" else head
