"""How long will it take here? Earlier runs of the model say how many prompts a second went through it.

    seconds ~ prompts through the model / median over earlier runs of (their prompts through the model / their seconds)

The plan is good to a factor of two, so this is good to a factor of about three; without an earlier run nothing is said.
"""

from __future__ import annotations

from statistics import median
from typing import Any, NamedTuple

from apps.dashboard.library import COMPLETE, Library
from interp.errors import InterpError
from interp.store import Spec, forwards, spec_from

MOST = 20  # runs that are looked at
SHORTEST = 0.2  # seconds of a run that still says something


class Pace(NamedTuple):
    """Seconds expected, and from how many earlier runs."""

    seconds: float
    runs: int


def pace(library: Library, spec: Spec, plan: dict[str, Any]) -> Pace | None:
    """Return how long a planned question may take, None where no run of its model and device says so."""
    shape = plan["n_layers"], plan["positions"], plan["n_heads"]
    rates = []
    for asked, seconds in _earlier(library, spec):
        through = forwards(asked, *shape)
        if through > 0 and seconds >= SHORTEST:
            rates.append(through / seconds)
    return Pace(plan["prompts_through_the_model"] / median(rates), len(rates)) if rates else None


def _earlier(library: Library, spec: Spec) -> list[tuple[Spec, float]]:
    found: list[tuple[Spec, float]] = []
    lines = [line for line in library.runs() if line.model == spec.model and line.status == COMPLETE]
    for line in [line for line in lines if line.method not in ("study", "try", "train")][:MOST]:
        try:
            manifest = library.opened(line.run_id).manifest
            asked = spec_from(manifest["spec"])
        except (InterpError, KeyError):
            continue
        if asked.device == spec.device:
            found.append((asked, float(line.seconds)))
    return found


def recorded(library: Library, spec: Spec) -> str | None:
    """Return the newest complete run of the very question, whatever its weights; None where there is none."""
    wanted = spec.model_dump(exclude={"weights_sha256"})
    for line in library.of(spec.method):
        if (line.model, line.task, line.style) != (spec.model, spec.task, spec.style):
            continue
        try:
            found = spec_from(library.opened(line.run_id).manifest["spec"])
        except (InterpError, KeyError):
            continue
        if found.model_dump(exclude={"weights_sha256"}) == wanted:
            return line.run_id
    return None
