"""Which experiments are there? Every folder beside this one with an `experiment.py`, in the order of reading."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from experiments.figures.experiment import Experiment, Part
from interp.errors import InterpError, nearest

FOLDER = Path(__file__).parents[1]
FIRST = ("af1", "circuits", "fourier", "multiplication")


def experiments() -> tuple[Experiment, ...]:
    """Return every experiment: the four of the papers first, then the others by name."""
    found = sorted(path.parent.name for path in FOLDER.glob("*/experiment.py") if path.parent.name != "figures")
    names = [*(name for name in FIRST if name in found), *(name for name in found if name not in FIRST)]
    return tuple(import_module(f"experiments.{name}.experiment").EXPERIMENT for name in names)


def chosen(wanted: tuple[str, ...]) -> tuple[Experiment, ...]:
    """Return the experiments named, or of one named FOLDER/PART that part alone; all when none is named.

    Raises InterpError for a name that is not known.
    """
    every = experiments()
    if not wanted:
        return every
    known = [*(each.name for each in every), *(f"{each.name}/{part.name}" for each in every for part in each.parts)]
    for name in wanted:
        if name not in known:
            raise InterpError(f"there is no experiment {name!r}. {nearest(name, known)}")
    kept = []
    for each in every:
        parts = tuple(part for part in each.parts if {each.name, f"{each.name}/{part.name}"} & set(wanted))
        if parts:
            kept.append(each._replace(parts=parts))
    return tuple(kept)


def part_of(experiment: str, name: str) -> Part:
    """Return one part of one experiment."""
    found = import_module(f"experiments.{experiment}.experiment").EXPERIMENT
    return next(part for part in found.parts if part.name == name)
