"""Events of a training, censored where nobody saw them, and plateaus."""

from __future__ import annotations

import math

import numpy as np
import pytest

from interp.errors import InterpError
from interp.fourier.phases import Event, phases, plateau, reached, structure

STEPS = np.array([0.0, 100, 200, 400, 1000])


def test_an_event_lies_between_two_checkpoints():
    assert reached(STEPS, np.array([0, 0.2, 0.995, 0.98, 1]), 0.99, "above") == Event(100, 200)
    assert str(reached(STEPS, np.array([5, 4, 3, 2, 1.0]), 2, "below")) == "between steps 200 and 400"
    at_once = reached(STEPS, np.ones(5), 1, "above")
    assert (at_once.seen, str(at_once)) == (True, "by step 0")


def test_an_event_that_was_not_seen_is_censored():
    never = reached(STEPS, np.array([1, np.nan, 0.5, 0.4, 0.3]), 0.1, "below")
    assert never == Event(1000, math.inf)
    assert (never.seen, str(never)) == (False, "not before step 1000")


def test_a_plateau_needs_a_stretch_of_training():
    flat = np.array([0, 3, 1, 1.01, 1.0])  # within .05 of a range of 3 from step 200 on
    assert plateau(STEPS, flat) == Event(100, 200)
    assert plateau(STEPS, flat, share=0.9) == Event(1000, math.inf)
    assert not plateau(STEPS, np.array([0, 1, 2, 3, 4.0])).seen  # still moving: only the last point is near itself
    assert plateau(STEPS, np.ones(5)) == Event(-1, 0)
    assert not plateau(np.array([0.0]), np.array([1.0])).seen


def test_phases_follow_their_events():
    train = np.array([0, 0.5, 1, 1, 1])
    test = np.array([0, 0, 0, 0.5, 1])
    excluded = np.array([4, 1, 0.5, 5, 5.2])  # 90 % of the rise from .5 to 5.2 is 4.73
    found, events = phases(STEPS, train, test, excluded)
    assert [tuple(phase) for phase in found] == [
        ("memorisation", 0, 200),
        ("circuit formation", 200, 400),
        ("clean-up", 400, 1000),
    ]
    assert events == {"memorised": (100, 200), "circuit formed": (200, 400), "grokked": (400, 1000)}


def test_phases_that_did_not_come():
    found, events = phases(STEPS, np.array([0, 0.5, 1, 1, 1]), np.zeros(5), np.array([4, 3, 2, 1, 0.5]))
    assert [phase.end for phase in found] == [200, math.inf, math.inf]
    assert str(events["grokked"]) == str(events["circuit formed"]) == "not before step 1000"
    found, events = phases(STEPS, np.zeros(5), np.zeros(5), np.ones(5))
    assert not any(event.seen for event in events.values())


def test_overlapping_phases_have_no_negative_length():
    # it generalises before the excluded loss has risen: clean-up has no length
    found, _ = phases(STEPS, np.array([0, 1, 1, 1, 1]), np.array([0, 0, 1, 1, 1]), np.array([4, 1, 2, 3, 9.0]))
    assert [(phase.start, phase.end) for phase in found] == [(0, 100), (100, 1000), (1000, 1000)]


def test_structure_at_the_crossing_and_at_the_end():
    found = structure(STEPS, np.array([0, 0.1, 0.4, 0.6, 0.8]), Event(100, 200))
    assert (found.at_grok, found.last, found.plateau.seen) == (0.4, 0.8, False)
    assert math.isnan(structure(STEPS, np.ones(5), Event(1000, math.inf)).at_grok)


def test_refusals():
    with pytest.raises(InterpError, match="above or below"):
        reached(STEPS, np.ones(5), 1, "over")
    for steps, values in ((STEPS[::-1], np.ones(5)), (STEPS, np.ones(4)), (np.array([]), np.array([]))):
        with pytest.raises(InterpError, match="ascending order"):
            reached(steps, values, 1, "above")
