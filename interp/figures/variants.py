"""How are the ways to wait and to peek told apart? One name, colour and dash a variant, the same in every figure.

The proposed way is a thick solid line; its alternatives are thin and dashed, each with a marker of its own, so that
colour is never the only difference. Where there are more than `FEW` lines only the proposed one has a band: the
intervals of the others are in the hover and in the table.
"""

from __future__ import annotations

from dataclasses import dataclass

from interp.figures import theme as look
from interp.figures.curves import Curve
from interp.figures.schema import Estimates

FEW = 3
OLIVE, VIOLET, BROWN = "#8a8a00", "#8c6bd1", "#a8683a"  # beside Okabe-Ito, readable on both grounds


@dataclass(frozen=True)
class Variant:
    """A way to wait or to peek: its short name for legends, what it does, its colour and dash."""

    short: str
    long: str
    colour: str
    dash: str = "dot"


WAITS = {
    "cama": Variant("CAMA", "CAMA (mean given the own token)", look.BLUE, "solid"),
    "mean": Variant("mean", "mean over all prompts", look.ORANGE, "dash"),
    "zero": Variant("zeros", "zeros", look.VERMILLION, "dot"),
    "resample": Variant("resample", "another prompt with the same token", look.GREEN, "dashdot"),
    "early": Variant("early layer", "the token's own early residual, carried forward", look.PURPLE, "longdash"),
    "isolated": Variant("isolated run", "a run where each token reads only itself and BOS", look.SKY, "longdashdot"),
    "other_operator": Variant("other operator", "the mean over another operator's prompts", OLIVE, "dash"),
    "unfiltered": Variant("unfiltered", "the mean over unfiltered operands", VIOLET, "dot"),
    "noise": Variant("noise", "the mean and noise of the same covariance", BROWN, "dashdot"),
}
PEEKS = {
    "abp": Variant("ABP", "full peek, then self peek", look.BLUE, "solid"),
    "no_bos": Variant("without BOS", "ABP with BOS hidden too", look.ORANGE, "dash"),
    "zero_attention": Variant("zero attention", "then no attention output at the last token", look.VERMILLION, "dot"),
    "mean_attention": Variant("mean attention", "then the mean attention output there", look.GREEN, "dashdot"),
    "others_free": Variant("others free", "the other tokens keep reading each other", look.PURPLE, "longdash"),
    "frozen": Variant("frozen", "the other tokens stay as they are at l_wait", look.SKY, "longdashdot"),
}


def variant(name: str, known: dict[str, Variant]) -> Variant:
    """Return how `name` looks; one that this version does not know is a thin line under its own name."""
    return known.get(name) or Variant(name.replace("_", " "), name.replace("_", " "), look.NULL, "dot")


def line(name: str, known: dict[str, Variant], x: list, kept: Estimates, hover: list[str], lines: int) -> Curve:
    """Return the curve of variant `name` among `lines` lines, the first of `known` (the proposed one) strong."""
    found, index = variant(name, known), list(known).index(name) if name in known else len(known)
    proposed = index == 0
    return Curve(
        found.short,
        x,
        kept,
        hover,
        found.colour,
        index,
        found.dash,
        3 if proposed else 1.4,
        proposed or lines <= FEW,
    )
