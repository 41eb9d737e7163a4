"""When did what happen in a training, as far as its checkpoints can tell?

    reached      the first recorded step at which a curve is at or beyond a level: it happened in (before, at]
    plateau      the first recorded step from which a curve stays within `tolerance` of its range around its last value,
                 if that stretch is at least `share` of the training: a curve that still moves has no plateau

A step is known only up to the distance of two checkpoints, and an event that was not seen is *censored*: "not before
step N", never a number. The phases of grokking follow from three events:

    memorisation        until the training accuracy is .99
    circuit formation   until the excluded loss has made .9 of its rise since then
    clean-up            until the test accuracy is .99

They may overlap; then the later phase has no length. A measure of structure (Gini, share of single-frequency neurons)
is reported at the step of grokking *and* at its plateau: it goes on moving after accuracy is 1.
Nanda et al. 2023, arXiv:2301.05217, section 5; at the crossing is not converged: Khanh 2026, arXiv:2607.06639.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from interp.errors import InterpError

ACCURATE, RISEN = 0.99, 0.9
TOLERANCE, SHARE = 0.05, 0.2


class Event(NamedTuple):
    """Something that happened after step `before` and not after step `at`; `at` is inf when it was not seen."""

    before: float
    at: float

    @property
    def seen(self) -> bool:
        """Whether it happened while somebody looked."""
        return math.isfinite(self.at)

    def __str__(self) -> str:
        if not self.seen:
            return f"not before step {self.before:g}"
        return f"by step {self.at:g}" if self.before < 0 else f"between steps {self.before:g} and {self.at:g}"


class Phase(NamedTuple):
    """A stretch of training from the end of one event to the next, in steps; `end` is inf when it was not seen."""

    name: str
    start: float
    end: float


class Structure(NamedTuple):
    """A measure when test accuracy was reached, at the last step, and whether it had stopped moving by then."""

    at_grok: float
    last: float
    plateau: Event


def reached(
    steps: Float[np.ndarray, " step"], values: Float[np.ndarray, " step"], level: float, direction: str
) -> Event:
    """Return when `values` were first at or "above" (or "below") `level`; NaN reaches nothing.

    Raises InterpError for another direction, for no steps, or for steps that do not ascend.
    """
    steps, values = _checked(steps, values)
    if direction not in ("above", "below"):
        raise InterpError(f"unknown direction {direction!r}: expected above or below.")
    there = np.flatnonzero(values >= level if direction == "above" else values <= level)
    if not len(there):
        return Event(float(steps[-1]), math.inf)
    return Event(float(steps[there[0] - 1]) if there[0] else -1.0, float(steps[there[0]]))


def plateau(
    steps: Float[np.ndarray, " step"],
    values: Float[np.ndarray, " step"],
    tolerance: float = TOLERANCE,
    share: float = SHARE,
) -> Event:
    """Return from when on `values` stayed within `tolerance` (a share of their range) of the last one.

    Not seen unless they did so for at least `share` of the training. Raises InterpError as `reached`.
    """
    steps, values = _checked(steps, values)
    away = np.flatnonzero(~(np.abs(values - values[-1]) <= tolerance * np.ptp(values)))
    first = away[-1] + 1 if len(away) else 0
    if first >= len(steps) or steps[-1] - steps[first] < share * (steps[-1] - steps[0]) or len(steps) < 2:
        return Event(float(steps[-1]), math.inf)
    return Event(float(steps[first - 1]) if first else -1.0, float(steps[first]))


def phases(
    steps: Float[np.ndarray, " step"],
    train_accuracy: Float[np.ndarray, " step"],
    test_accuracy: Float[np.ndarray, " step"],
    excluded: Float[np.ndarray, " step"],
) -> tuple[list[Phase], dict[str, Event]]:
    """Return the three phases and the events "memorised", "circuit formed" and "grokked" behind them.

    The excluded loss rises from its lowest value after memorisation to its largest after that; without a rise, or
    without memorisation, the circuit's event is not seen.
    """
    memorised = reached(steps, train_accuracy, ACCURATE, "above")
    grokked = reached(steps, test_accuracy, ACCURATE, "above")
    formed = Event(float(steps[-1]), math.inf)
    if memorised.seen:
        later = np.asarray(steps) >= memorised.at
        formed = _risen(np.asarray(steps)[later], np.asarray(excluded, float)[later])
    ends = (memorised, formed, grokked)
    names = ("memorisation", "circuit formation", "clean-up")
    found, start = [], float(steps[0])
    for name, event in zip(names, ends, strict=True):
        end = max(start, event.at)
        found.append(Phase(name, start, end))
        start = end
    return found, {"memorised": memorised, "circuit formed": formed, "grokked": grokked}


def structure(steps: Float[np.ndarray, " step"], values: Float[np.ndarray, " step"], grokked: Event) -> Structure:
    """Return a measure at the first checkpoint after grokking (NaN when there was none), its end, its plateau."""
    at = float(np.asarray(values)[np.asarray(steps) == grokked.at][0]) if grokked.seen else math.nan
    return Structure(at, float(np.asarray(values)[-1]), plateau(steps, values))


def _risen(steps: np.ndarray, values: np.ndarray) -> Event:
    low = int(np.argmin(values))
    rise = values[low:].max() - values[low]
    if rise <= 0:
        return Event(float(steps[-1]), math.inf)
    return reached(steps[low:], values[low:], values[low] + RISEN * rise, "above")


def _checked(steps: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    steps, values = np.asarray(steps, float), np.asarray(values, float)
    if steps.ndim != 1 or steps.shape != values.shape or not len(steps) or (np.diff(steps) <= 0).any():
        raise InterpError(f"{values.shape} values at {steps.shape} steps: expected one each, in ascending order.")
    return steps, values
