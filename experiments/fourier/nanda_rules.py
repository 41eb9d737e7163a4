"""Does each claim of Nanda et al. hold on one of our models? One rule a claim, as its text says after "here:".

RULES[claim]     evidence -> (holds, number, words)
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from experiments.fourier.nanda_evidence import Evidence
from interp.fourier.grokking_course import events
from interp.fourier.phases import phases

Measured = tuple[bool, float, str]


def _at_most(edit: str, level: float) -> Callable[[Evidence], Measured]:
    def rule(found: Evidence) -> Measured:
        ratio = found.times(edit)
        return ratio <= level, ratio, f"x {ratio:.2f} ({found.loss('original'):.1e} to {found.loss(edit):.1e})"

    return rule


def _at_least(edit: str, level: Callable[[Evidence], float]) -> Callable[[Evidence], Measured]:
    def rule(found: Evidence) -> Measured:
        loss, null = found.loss(edit), found.loss(edit, "null")
        return loss > level(found), loss, f"{loss:.3g} (null {null:.2g})"

    return rule


def _waves(found: Evidence) -> Measured:
    edit = next(name for name in found.edits.index if name.endswith("as waves"))
    ratio = found.times(edit)
    return abs(ratio - 1) <= 0.1, ratio, f"x {ratio:.2f}, {edit} (null {found.loss(edit, 'null'):.2g} nats)"


def _read(found: Evidence) -> Measured:
    shares, null = found.read["fve"].to_list(), max(found.read["null_95"].to_list())
    return min(shares) >= 0.9, min(shares), f"{min(shares):.3f} to {max(shares):.3f} (random: at most {null:.2f})"


def _cosines(found: Evidence) -> Measured:
    return found.cosines.explained >= 0.95, found.cosines.explained, f"{found.cosines.explained:.3f}"


def _cosine_loss(found: Evidence) -> Measured:
    loss = float(found.cosines.loss.mean())
    ratio = loss / found.loss("original")
    return ratio < 1, ratio, f"{found.loss('original'):.1e} to {loss:.1e}"


def _neurons(found: Evidence) -> Measured:
    last = found.course.isel(step=-1)
    share, low, high = (float(last[name]) for name in ("single", "single_low", "single_high"))
    return share >= 0.8, share, f"{share:.3f} [{low:.2f}, {high:.2f}] (untrained: {float(last.single_null.max()):.2f})"


def _needed(found: Evidence) -> Measured:
    ratios = {k: found.times(f"without {k}") for k in found.keys}
    null = found.loss(f"without {found.keys[0]}", "null_high") / found.loss("original")
    words = ", ".join(f"{k}: x {ratio:.1e}" for k, ratio in ratios.items())
    return min(ratios.values()) >= 100, min(ratios.values()), f"{words} (others: at most x {null:.1f})"


def _no_mlp_skip(found: Evidence) -> Measured:
    ratios = [found.times(f"no skip around the MLP ({kind})") for kind in ("zero", "mean")]
    return max(ratios) < 10, max(ratios), f"x {ratios[0]:.1f} (zero), x {ratios[1]:.1f} (mean)"


def _to_equals(found: Evidence) -> Measured:
    most = max(found.attention["to_equals"].to_list())
    return most < 0.01, most, f"{most:.2%} at most"


def _attention(found: Evidence) -> Measured:
    heads = zip(found.attention["fve"], found.attention["frequency"], strict=True)
    words = ", ".join(f"{share:.3f} (k {k})" for share, k in heads)
    least = min(found.attention["fve"].to_list())
    return least >= 0.9, least, words


def _restricted(found: Evidence) -> Measured:
    happened = events(found.course)
    restricted, test = happened["restricted loss halved"], happened["test loss halved"]
    return restricted.at <= test.before, restricted.at, f"restricted {restricted}, test {test}"


def _excluded(found: Evidence) -> Measured:
    loss = found.course["excluded"].sel(split="train")
    step, grokked = loss["step"].values, events(found.course)["grokked"].at
    low = int(loss.argmin("step"))
    before = loss[(step >= step[low]) & (step <= grokked)]
    most, end = float(before.max()) if before.size else math.nan, float(loss[-1])
    words = f"{float(loss[low]):.2f} at step {step[low]:g}, up to {most:.2f} before grokking, {end:.2f} at the end"
    return most >= 2 * float(loss[low]), most, words


def _phases(found: Evidence) -> Measured:
    accuracy = found.course["accuracy"]
    train, test = (accuracy.sel(split=name).values for name in ("train", "test"))
    steps, excluded = found.course["step"].values, found.course["excluded"].sel(split="train").values
    stretches = phases(steps, train, test, excluded)[0]
    words = ", ".join(f"{phase.name} {phase.start:g} to {phase.end:g}" for phase in stretches)
    ends = [phase.end for phase in stretches]
    return bool(np.isfinite(ends).all()) and all(p.end > p.start for p in stretches), ends[-1], words


def _shrink(found: Evidence) -> Measured:
    happened, squares = events(found.course), found.course["sum_squares"]
    formed, grokked = happened["circuit formed"], happened["grokked"]
    if not (formed.seen and grokked.seen):
        return False, math.nan, "no circuit, or no grokking, before the last checkpoint"
    ends = [float(squares.sel(step=event.at)) for event in (formed, grokked)]
    words = f"{float(squares.max()):.0f} at most, {ends[0]:.0f}, {ends[1]:.0f}, {float(squares[-1]):.0f} at the end"
    return ends[1] < ends[0], ends[1] / ends[0], words


def _gini(found: Evidence) -> Measured:
    last = found.course["gini"].isel(step=-1).sel(norms_of="frequencies_without_constant").values
    null = found.course["gini_null"].sel(norms_of="frequencies_without_constant").max("untrained").values
    inside = 0.55 <= last[0] <= 0.80 and 0.68 <= last[1] <= 0.91
    words = f"W_E {last[0]:.2f}, W_L {last[1]:.2f} (untrained: at most {null[0]:.2f}, {null[1]:.2f})"
    return bool(inside), float(last[0]), words


def _after(found: Evidence) -> Measured:
    told = found.course.sel(structure="gini W_E")
    start, end, still = (float(told[name]) for name in ("at_grok", "at_end", "plateau_from"))
    rest = "still moving" if math.isnan(still) else f"plateau from step {still:g}"
    return end - start >= 0.1, end - start, f"{start:.2f} to {end:.2f}, {rest}"


RULES: dict[str, Callable[[Evidence], Measured]] = {
    "number of keys": lambda e: (2 <= len(e.keys) <= 9, len(e.keys), f"{len(e.keys)} ({', '.join(map(str, e.keys))})"),
    "rank of W_L": lambda e: (e.rest < 0.0055, e.rest, f"{e.rest:.2%} left"),
    "read directions are waves": _read,
    "logits are cosines": _cosines,
    "cosines lose less": _cosine_loss,
    "single-frequency neurons": _neurons,
    "neurons as waves": _waves,
    "keep sum directions": _at_most("keep sum directions", 0.5),
    "keep blocks": _at_most("keep 3x3 blocks", 0.5),
    "keep read directions": _at_most("keep read directions", 1.0),
    "keep all beside them": _at_least("keep all beside them", lambda e: 1.0),
    "every key is needed": _needed,
    "attention zeroed": _at_least("attention zeroed", lambda e: math.log(e.one.p)),
    "no skip around attention": _at_least("no skip around attention", lambda e: math.log(e.one.p)),
    "no skip around the MLP": _no_mlp_skip,
    "attention to =": _to_equals,
    "attention is a wave": _attention,
    "restricted before test": _restricted,
    "excluded rises": _excluded,
    "phases in order": _phases,
    "weights shrink in clean-up": _shrink,
    "Gini of the end": _gini,
    "structure after accuracy": _after,
}
