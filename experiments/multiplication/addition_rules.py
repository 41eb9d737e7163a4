"""When does a claim of Quirke & Barez hold on our small adder? The rules written in `published/addition.json`, as code.

Each rule takes what `experiments.multiplication.addition.measure` found of one training and returns whether the claim
holds, our number, and the words; a KeyError means that nothing was recorded.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from experiments.multiplication.dissect_rules import fallen_steps, share
from experiments.multiplication.written_verdicts import Rule, Ruled
from interp.methods.intervals import wilson
from interp.tasks.lookback import cascade_frequencies, error_rate

DIGITS = 5
FREQUENCIES = (0.0503, 0.7757, 0.1606, 0.0126, 0.0008, 0.00004)


def lookback_error(_: dict[str, Any]) -> Ruled:
    """The exact rate of the two-column look-back."""
    rate = error_rate(DIGITS)
    return Ruled(abs(rate - 0.013469) <= 0.000231, rate, f"{1e6 * rate:,.0f} of a million, exact", None, rate, rate)


def cascade_shares(_: dict[str, Any]) -> Ruled:
    """The exact shares of S0 .. S5."""
    exact = cascade_frequencies(DIGITS)
    apart = float(np.abs(exact - np.array(FREQUENCIES)).max())
    said = ", ".join(f"S{k} {value:.5f}" for k, value in enumerate(exact))
    return Ruled(apart <= 0.0005, apart, f"exact: {said}", None, apart, apart)


def million(found: dict[str, Any]) -> Ruled:
    """Failures of a million, within a factor of two."""
    wrong, n = found["wrong"]["wrong"], found["wrong"]["n"]
    rate, (low, high) = wrong / n, map(float, wilson(wrong, n))
    said = f"{1e6 * rate:,.0f} [{1e6 * low:,.0f}, {1e6 * high:,.0f}] of a million, n = {n:,}"
    said = f"{said}; writing alone exact {share(found['accuracy'])}, most common answer {found['accuracy']['null']:.4f}"
    return Ruled(0.5 <= rate / 0.012621 <= 2, rate, said, n, low, high)


def _right(by_class: xr.Dataset, classes: list[int]) -> tuple[float, int, float, float]:
    """Return the share right of some classes together, n, and the interval."""
    here = by_class.sel({"class": [k for k in classes if k in by_class["class"]]})
    n = int(here.n.sum())
    right = n - round(float((here.wrong * here.n).sum()))
    low, high = wilson(right, n) if n else (np.zeros(()), np.ones(()))
    return right / max(n, 1), n, float(low), float(high)


def one_nine(found: dict[str, Any]) -> Ruled:
    """S2 is right."""
    right, n, low, high = _right(found["by_cascade"], [2])
    said = f"right of S2: {right:.4f} [{low:.4f}, {high:.4f}], n = {n:,}"
    return Ruled(right >= 0.95, right, said, n, low, high)


def longer(found: dict[str, Any]) -> Ruled:
    """S3 and more are wrong."""
    right, n, low, high = _right(found["by_cascade"], [3, 4, 5])
    each = ", ".join(
        f"S{int(k)} {1 - float(row):.3f} (n = {int(count)})"
        for k, row, count in zip(*(found["by_cascade"][name].values for name in ("class", "wrong", "n")), strict=True)
        if count
    )
    said = f"right of S3 and longer: {right:.3f} [{low:.3f}, {high:.3f}], n = {n:,}; by class {each}"
    return Ruled(right <= 0.5, right, said, n, low, high)


def same_questions(found: dict[str, Any]) -> Ruled:
    """The failures are the look-back's."""
    words = []
    for reach, each in found["overlap"].items():
        precision, recall, p = (float(each[name]) for name in ("precision", "recall", "overlap_p"))
        both, ours, theirs = (int(each[name]) for name in ("overlap", "model_only", "algorithm_only"))
        counts = f"{both} in both, {ours} the model's alone, {theirs} its"
        null = f"null {float(each.overlap_null):.1f}, p {p:.1g}"
        words.append(f"{reach} columns: {counts} alone (precision {precision:.2f}, recall {recall:.2f}, {null})")
    two = found["overlap"]["2"]
    holds = float(two.precision) > 0.5 and float(two.recall) > 0.5 and float(two.overlap_p) < 0.001
    for reach, each in found.get("undecided", {}).items():
        both, ours, theirs = (int(each[name]) for name in ("overlap", "model_only", "algorithm_only"))
        words.append(
            f"{reach} columns cannot decide {both + theirs}: {both} are wrong, and {ours} that they can decide"
        )
    return Ruled(holds, None, "; ".join(words), int(two.n))


def stairs(found: dict[str, Any]) -> Ruled:
    """Some head on the digit's own pair, some head on the pair below."""
    from interp.methods.staircase import diagonal

    steps = found["staircase"]
    middle = [f"c{k}" for k in range(1, DIGITS)]
    reads = {lag: diagonal(steps, lag) | diagonal(steps, lag, "b") for lag in (0, 1)}
    own, below = (reads[lag].sel(layer=0, column=middle).any("head").values for lag in (0, 1))
    said = f"c1 to c4, own pair: {own.astype(int).tolist()}, pair below: {below.astype(int).tolist()}"
    return Ruled(bool(own.sum() >= 3 and below.sum() >= 3), None, said, int(steps["n"]))


def apart(found: dict[str, Any]) -> Ruled:
    """The digits are learned at different steps."""
    at = fallen_steps(found["curves"], "digits")
    said = "steps: " + ", ".join(f"{name} {step:.0f}" for name, step in at.items())
    return Ruled(max(at.values()) >= 1.5 * min(at.values()), None, said, int(found["curves"]["n"]))


RULES: dict[str, Rule] = {
    "look-back error": lookback_error,
    "cascade frequencies": cascade_shares,
    "failures of a million": million,
    "one nine is handled": one_nine,
    "longer cascades fail": longer,
    "fails where the look-back fails": same_questions,
    "staircase": stairs,
    "digits on their own": apart,
}
