"""What does the Training page show? A training and those beside it, a measure, a step: from the address, checked.

Pins are of two kinds: names of other trainings, which are drawn beside this one, and steps (`step=400`), which are
marked and compared with the selected one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from apps.dashboard.page import Request
from apps.dashboard.selection import Selection
from interp.errors import InterpError, nearest
from interp.store.training_logs import LOG, RECIPE, SUMS, training_log, trainings
from interp.store.training_measures import MEASURES

if TYPE_CHECKING:
    import xarray as xr

STEP = re.compile(r"step=([0-9]{1,6})")
FIRST_MEASURES = ("digit_loss", "loss", "question_accuracy", "selection_loss", "train_loss")
FIRST_TRAININGS = ("multiply-icot", "modadd-59")


@dataclass(frozen=True)
class Shown:
    """The trainings that are read (the chosen one first), what is shown of them, and what could not be read."""

    names: list[str]
    name: str
    logs: dict[str, xr.Dataset]
    measure: str
    step: int | None
    pinned_steps: list[int]
    selection: Selection
    broken: dict[str, str] = field(default_factory=dict)

    @property
    def log(self) -> xr.Dataset:
        """Return the log of the chosen training."""
        return self.logs[self.name]

    @property
    def steps(self) -> list[int]:
        """Return the steps that are compared: the selected one (default: the last) and the pinned ones."""
        last = int(self.log["step"][-1])
        return list(dict.fromkeys([last if self.step is None else self.step, *self.pinned_steps]))

    @property
    def marked(self) -> list[int | None]:
        """Return the steps that are marked: the selected one, None where there is none, and the pinned ones."""
        return [self.step, *self.pinned_steps]


def shown_of(zoo: Path, request: Request) -> Shown | None:
    """Return what the address asks for, None where there is no training; adds notices about what is not there."""
    names, asked, notices = trainings(zoo), request.selection, request.notices
    if not names:
        return None
    name = asked.model if asked.model in names else next((n for n in FIRST_TRAININGS if n in names), names[0])
    if asked.model not in (None, name):
        notices.append(f"There is no training log of model {asked.model!r}; {name} is shown instead.")
    beside = [pin for pin in asked.pin if pin in names and pin != name]
    steps = [int(found.group(1)) for pin in asked.pin if (found := STEP.fullmatch(pin))]
    for pin in asked.pin:
        if pin not in names and not STEP.fullmatch(pin):
            notices.append(f"There is no training {pin!r} to compare with. {nearest(pin, names)}")
    logs, broken = {}, {}
    for each in (name, *beside):
        try:
            logs[each] = read(zoo / each)
        except InterpError as error:
            broken[each] = str(error)
    measure = measure_of(logs.get(name), request)
    kept = asked.but(model=name, metric=measure or None, pin=(*beside, *(f"step={step}" for step in steps)))
    return Shown(names, name, logs, measure, asked.step, steps, kept, broken)


def read(directory: Path) -> xr.Dataset:
    """Return the log of a training, from the cache where none of its files changed; do not change it."""
    files = (directory / name for name in (LOG, RECIPE, SUMS))
    return _read(
        directory, tuple((about.st_size, about.st_mtime_ns) for f in files if f.is_file() and (about := f.stat()))
    )


@lru_cache(maxsize=64)
def _read(directory: Path, state: tuple) -> xr.Dataset:
    """Read a log; `state` keys the cache, so a log that grew or was altered is read again."""
    return training_log(directory)


def measure_of(log: xr.Dataset | None, request: Request) -> str:
    """Return the measure that is asked for, else the first one of the log; "" for a log that cannot be read."""
    if log is None:
        return ""
    logged = [name for name in MEASURES if name in log]
    asked = request.selection.metric
    if asked is not None and asked not in logged:
        request.notices.append(f"This training logged no {asked!r}. {nearest(asked, logged)}")
    return asked if asked in logged else next((name for name in FIRST_MEASURES if name in logged), logged[0])


def nearest_step(log: xr.Dataset, step: float) -> int:
    """Return the logged step nearest to `step`."""
    steps = log["step"].to_numpy()
    return int(steps[abs(steps - step).argmin()])


def changed(log: xr.Dataset, selection: Selection, click: dict | None, slid: object) -> Selection:
    """Return the selection after a click in a figure of the page, or after the slider moved to `slid`."""
    if click is None:
        return selection.but(step=nearest_step(log, slid)) if _is_step(slid) else selection  # type: ignore[arg-type]
    if click.get("unlock"):
        return selection.but(step=None, pin=tuple(pin for pin in selection.pin if not STEP.fullmatch(pin)))
    clicked = click.get("custom")
    while isinstance(clicked, list) and clicked:
        clicked = clicked[0]
    if not _is_step(clicked):
        clicked = click.get("x")
    if not _is_step(clicked) or not str(click.get("graph", "")).startswith("training-"):
        return selection
    step = nearest_step(log, clicked)  # type: ignore[arg-type]
    return selection.pinned(f"step={step}") if click.get("shift") else selection.but(step=step)


def _is_step(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1e6
