"""What does a verdict on written arithmetic rest on? One line a claim and training: both numbers, n, interval, seeds.

    rule(found) -> Ruled        found: what was recorded for one seed; a KeyError means that nothing was

A claim holds when it does on every seed; number, n and interval are those of the first, the words are those of all.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import pandas as pd

from interp.verdicts import Claim, Verdict, judge


class Ruled(NamedTuple):
    """Whether a claim holds on one seed, our number (None: only words), the words, questions and the interval."""

    holds: bool
    ours: float | None
    said: str
    n: int | None = None
    low: float | None = None
    high: float | None = None


Rule = Callable[[dict[str, Any]], Ruled]


class Line(NamedTuple):
    """A verdict and what it rests on: the training, how many seeds of it, questions, interval."""

    verdict: Verdict
    training: str
    seeds: int
    n: int | None = None
    low: float | None = None
    high: float | None = None


def line(claim: Claim, rule: Rule, training: str, seeds: Sequence[dict[str, Any]], model: str = "small") -> Line:
    """Return the line of a claim on the recorded seeds of a training, the first one first; "not run" without any."""
    try:
        ruled = [rule(found) for found in seeds]
    except KeyError as missing:
        return Line(judge(claim, model, None, said=f"not run: nothing recorded for {missing}"), training, 0)
    if not ruled:
        return Line(judge(claim, model, None, said="not run: nothing recorded"), training, 0)
    words = [f"seed {seed}: {each.said}" if len(ruled) > 1 else each.said for seed, each in enumerate(ruled)]
    judged = judge(claim, model, all(each.holds for each in ruled), ruled[0].ours, "; ".join(words))
    return Line(judged, training, len(ruled), *ruled[0][3:])


def frame(lines: Sequence[Line], scales: dict[str, str], command: str) -> pd.DataFrame:
    """Return a row a line: published, value, tolerance, ours, n, interval, verdict, scale, seeds, command, source."""
    rows = []
    for each in lines:
        claim = each.verdict.claim
        rows.append({
            "claim": claim.name, "training": each.training, "published": claim.text, "value": claim.value,
            "tolerance": claim.tolerance, "ours": each.verdict.ours, "low": each.low, "high": each.high, "n": each.n,
            "verdict": each.verdict.verdict, "scale": scales[each.training], "seeds": each.seeds,
            "measured": each.verdict.said, "command": command, "source": claim.source,
            "how we know": claim.certainty,
        })  # fmt: skip
    return pd.DataFrame(rows)
