"""How did a reproduction end? One word beside the published number, by a rule that is fixed before the run.

    match            the published model, and |ours - published| <= tolerance
    direction        the published model, outside the tolerance or without a number, but the claim holds
    scaled           another model, and the claim holds there
    not reproduced   the claim does not hold
    not run          nothing was recorded

Whether a claim holds is decided by whoever measured it; the words it was published in, its tolerance and the models it
was published for are data (`read_claims`).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

from interp.errors import InterpError

VERDICTS = ("match", "direction", "scaled", "not reproduced", "not run")


class Claim(NamedTuple):
    """One published result: its number (None where it is only words), for which models, and where it stands.

    `certainty` says how the number reached us: read in the authors' code, from a secondary summary, or derived; `where`
    names the figure or table of the paper, where we know it.
    """

    name: str
    text: str
    value: float | None
    tolerance: float | None
    models: tuple[str, ...]
    source: str
    certainty: str
    where: str = ""


class Verdict(NamedTuple):
    """A claim beside what was measured: `ours` (None where it is only words or not run) and how that was said."""

    claim: Claim
    ours: float | None
    said: str
    verdict: str


def judge(claim: Claim, model: str, holds: bool | None, ours: float | None = None, said: str = "") -> Verdict:
    """Return the verdict on `claim` for `model`; `holds` None means that nothing was recorded."""
    if holds is None:
        return Verdict(claim, None, said, "not run")
    same = model.partition("@")[0] in claim.models
    exact = same and ours is not None and claim.value is not None and claim.tolerance is not None
    if exact and abs(float(ours or 0) - float(claim.value or 0)) <= float(claim.tolerance or 0):
        return Verdict(claim, ours, said, "match")
    if not holds:
        return Verdict(claim, ours, said, "not reproduced")
    return Verdict(claim, ours, said, "direction" if same else "scaled")


def read_claims(path: Path) -> dict[str, Claim]:
    """Return the claims of a JSON file {"source": ..., "claims": [{name, text, ...}]} by name. Raises InterpError."""
    try:
        given = json.loads(path.read_text())
        found = [
            Claim(
                each["name"],
                each["text"],
                each.get("value"),
                each.get("tolerance"),
                tuple(each["models"]),
                each.get("source", given["source"]),
                each["certainty"],
                each.get("where", ""),
            )
            for each in given["claims"]
        ]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InterpError(f"{path} is no file of published claims ({error!r:.80}); restore it.") from None
    return {claim.name: claim for claim in found}
