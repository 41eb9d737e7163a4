"""When does a published claim about multiplying models hold on ours? The rules of published/icot.json.

    rule(found) -> (holds, number, words)        found: {method: Dataset} of one model

A claim holds when it does on every seed; the number is that of the first seed, the words are those of all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
import xarray as xr

from interp.tasks.products import foretold_at

Found = Mapping[str, xr.Dataset]
THRESHOLD = 0.2
SUBSET = "0,1,2,5"


class Measured(NamedTuple):
    """Whether a claim holds on one model, the number beside the published one (None: only words), and the words."""

    holds: bool
    number: float | None
    words: str


def exact(found: Found, least: float, most: float) -> Measured:
    """Exact match inside [least, most], told and writing alone."""
    here = found["product_accuracy"]
    said = ", ".join(f"{m} {float(here.exact.sel(mode=m)):.3f} [{float(here.exact_low.sel(mode=m)):.3f}, "
                     f"{float(here.exact_high.sel(mode=m)):.3f}]" for m in here["mode"].values)  # fmt: skip
    values = here.exact.values
    holds = bool((values >= least).all() and (values <= most).all())
    return Measured(holds, float(values[0]), f"{said}, n = {_n(here)}")


def digits(found: Found) -> Measured:
    """Token accuracy near the published 81 %, digit accuracy well below it."""
    here = found["product_accuracy"]
    token, digit = float(here.token), float(here["digit"].sel(mode="told"))
    holds = 0.71 <= token <= 0.91 and digit <= token - 0.1
    return Measured(holds, token, f"tokens {token:.3f}, digits {digit:.3f}, n = {_n(here)}")


def attribution(found: Found) -> Measured:
    """Every cell of the map is as arithmetic demands."""
    here = found["digit_attribution"]
    wrong = [f"{s} to {c}" for s in here.source.values for c in here.column.values
             if not int(here.passes.sel(source=s, column=c))]  # fmt: skip
    large = here.attribution.values[here.changes.values >= 0.5]
    share = float(here.share_passed)
    words = f"{share:.1%} of cells; cells that must matter {large.min():.1f} to {large.max():.1f} logits"
    return Measured(bool(int(here.passed)), None, words + (f"; not {', '.join(wrong[:6])}" if wrong else ""))


def idle_middle(found: Found) -> Measured:
    """Some middle column falls by at most 5 % of the map's largest, whatever the digit."""
    here = found["digit_attribution"].attribution
    most, columns = float(np.abs(here).max()), middle(here.column.values)
    falls = {c: float(np.abs(here.sel(column=c)).max()) for c in columns}
    words = ", ".join(f"{c} at most {v:.2f}" for c, v in falls.items()) + f" of {most:.1f} logits"
    return Measured(min(falls.values()) <= 0.05 * most, None, words)


def sums_known(found: Found) -> Measured:
    """Errors in the middle columns below half the constant's, the untrained network's and the digits'."""
    here, site = found["running_sums"], _site(found["running_sums"])
    parts, holds, worst = [], True, 0.0
    for column in middle(here.column.values):
        at = here.sel(column=column)
        error, constant = float(at.mae_input.sel(site=site)), float(at.mae_constant_null)
        blank, bare = float(at.mae_input_untrained_null.min()), float(at.mae_input_digits_null)
        holds &= error < min(constant / 2, blank, bare)
        worst = max(worst, error / constant)
        foretold = float(at.mae_foretold.sel(site=site))
        parts.append(f"{column} {error:.2f} (foretold {foretold:.2f}; constant {constant:.2f}, untrained {blank:.2f}, "
                     f"digits {bare:.2f})")  # fmt: skip
    return Measured(bool(holds), worst, f"at {site}: " + ", ".join(parts) + f", n = {_n(here)}")


def sums_worse(found: Found) -> Measured:
    """Some middle column is worse than the best constant, beyond its interval."""
    here, site = found["running_sums"], _site(found["running_sums"])
    parts, ratios, above = [], [], False
    for column in middle(here.column.values):
        at = here.sel(column=column)
        constant = float(at.mae_constant_null)
        error, low = (float(at[name].sel(site=site)) for name in ("mae_input", "mae_input_low"))
        above |= low > constant
        ratios.append(error / constant)
        parts.append(f"{column} {error:.2f} (constant {constant:.2f})")
    return Measured(above, max(ratios), f"at {site}: " + ", ".join(parts) + f", n = {_n(here)}")


def gathered(found: Found) -> Measured:
    """The products that the middle digit needs are gathered, more than random trees gather, few others."""
    here = found["attention_tree"].sel(threshold=THRESHOLD, method="nearest")
    at = here.sel(column=_centre(here))
    cover, high, extra = (float(at[name]) for name in ("coverage", "coverage_null_high", "spurious"))
    words = f"{_centre(here)}: coverage {cover:.2f} (random up to {high:.2f}), spurious {extra:.2f}"
    return Measured((cover == 1 or cover > high) and extra <= 0.5, None, words)


def one_head_for_all(found: Found) -> Measured:
    """A head of the last block looks at all digits that the middle digit needs."""
    here = found["attention_tree"]
    n, k = int(here.attrs["n_digits"]), int(_centre(here)[1:])
    keys = [f"{side}{i}" for side in "ab" for i in range(min(n, k + 1))]
    least = here.pattern.isel(layer=-1).sel(role=foretold_at(k), key=keys).min("key").values
    words = f"c{k}: the least of {len(keys)} weights is at most {least.max():.3f} (head {int(least.argmax())})"
    return Measured(bool(least.max() > 0.05), None, words)


def additive(found: Found) -> Measured:
    """The most balanced head is a sum of its two digits, beyond the digits it looks at least."""
    here = found["digit_geometry"]
    both = np.minimum(here.attention_a.values[0], here.attention_b.values[0])  # the first block
    head, column = np.unravel_index(int(both.argmax()), both.shape)
    at = here.isel(layer=0, head=int(head), column=int(column))
    fit, other, alike = (float(at[name]) for name in ("additive", "additive_other_null", "parallel"))
    off = abs(float(at.alpha) - float(at.alpha_attention))
    words = (
        f"head 0.{int(at['head'])} before {at.column.values!s}, a{float(at.digit_a):.0f} b{float(at.digit_b):.0f}: "
        f"additive {fit:.3f} of {float(at.cell):.3f} (other digits {other:.3f}, untrained "
        f"{float(at.additive_untrained_null):.3f}), parallel {alike:.2f}, alpha {float(at.alpha):.2f} beside "
        f"{float(at.alpha_attention):.2f}"
    )
    return Measured(fit >= 0.8 and fit - other >= 0.2 and alike >= 0.8 and off <= 0.1, None, words)


def prism(found: Found) -> Measured:
    """Mean states of the ten values form a prism."""
    at = found["product_digits"].sel(site="states")
    fit, p, worst = float(at.prism), float(at.prism_p), float(at.angle.max())
    words = f"prism {fit:.3f} (relabelings p = {p:.4f}), angles " + ", ".join(f"{v:.0f}" for v in at.angle.values)
    return Measured(p <= 0.05 and worst <= 30, None, words)


def no_prism(found: Found) -> Measured:
    """Mean states are no prism beyond 95 % of relabelings."""
    at = found["product_digits"].sel(site="states")
    return Measured(float(at.prism_p) > 0.05, None, prism(found).words)


def median_r2(found: Found, site: str, least: float) -> Measured:
    """Median R2 on the waves 0, 1, 2, 5 at least `least`, beyond 95 % of relabelings. "mlp" is the last block's."""
    here = found["product_digits"]
    sites = [str(name) for name in here.site.values]
    name = max(s for s in sites if s.startswith("mlp") and "before" not in s) if site == "mlp" else site
    at = here.sel(site=name, subset=SUBSET)
    value, high = float(at.r2), float(at.r2_null_high)
    tells = here.sel(site=name, subset="0,2,5")
    before = float(here.sel(site=f"{name} before", subset=SUBSET).r2) if f"{name} before" in sites else np.nan
    words = (
        f"{value:.3f} (relabelings up to {high:.3f}, before training {before:.3f}); on 0,2,5 {float(tells.r2):.3f} "
        f"(up to {float(tells.r2_null_high):.3f})"
    )
    return Measured(value >= least and value > high, value, words)


def outer_only(found: Found) -> Measured:
    """Outer digits are learned, at least two middle ones are not and stay at the blind guess."""
    here = found["learning_order"]
    at = here.learned_at.sel(threshold=0.5)
    outer = [*here.column.values[:2], here.column.values[-1]]
    never = [c for c in middle(here.column.values) if not np.isfinite(at.sel(column=c))]
    stuck = [c for c in never if abs(float(here.final_loss.sel(column=c) - here.loss_null.sel(column=c))) <= 0.25]
    return Measured(bool(np.isfinite(at.sel(column=outer)).all() and len(stuck) >= 2), None, _learned(here))


def middle_last(found: Found) -> Measured:
    """Every digit is learned, a middle one last."""
    here = found["learning_order"]
    at = here.learned_at.sel(threshold=0.5)
    holds = bool(np.isfinite(at).all()) and str(at.column.values[int(np.argmax(at.values))]) in middle(
        here.column.values
    )
    return Measured(holds, None, _learned(here))


RULES: dict[str, tuple[str, Callable[[Found], Measured]]] = {
    "T1 plain": ("plain", lambda found: exact(found, 0, 0.01)),
    "T1 plain digits": ("plain", digits),
    "T1 icot": ("icot", lambda found: exact(found, 0.95, 1)),
    "T1 aux": ("aux", lambda found: exact(found, 0.95, 1)),
    "M1 icot": ("icot", attribution),
    "M1 aux": ("aux", attribution),
    "M1 plain": ("plain", idle_middle),
    "M2 icot": ("icot", sums_known),
    "M2 plain": ("plain", sums_worse),
    "M3 icot": ("icot", gathered),
    "M3 aux": ("aux", one_head_for_all),
    "M4 icot": ("icot", additive),
    "M5 icot": ("icot", prism),
    "M5 plain": ("plain", no_prism),
    "M6 embeddings": ("icot", lambda found: median_r2(found, "embedding", 0.74)),
    "M6 mlp": ("icot", lambda found: median_r2(found, "mlp", 0.85)),
    "M6 final": ("icot", lambda found: median_r2(found, "final", 0.89)),
    "M7 plain": ("plain", outer_only),
    "M7 aux": ("aux", middle_last),
}
"""Which training a claim is about, and its rule."""


def middle(columns: np.ndarray) -> list[str]:
    """Return the middle columns: all but the first two and the last."""
    return [str(column) for column in columns[2:-1]]


def failing(here: xr.Dataset) -> list[str]:
    """Return the columns of one mode that are wrong more often than right, beyond their interval."""
    return [str(c) for c, high in zip(here.column.values, here.accuracy_high.values, strict=True) if high < 0.5]


def _centre(here: xr.Dataset) -> str:
    return f"c{here.sizes['column'] // 2 - 1}"


def _site(here: xr.Dataset) -> str:
    return [str(site) for site in here.site.values if str(site).startswith("resid_mid")][-1]


def _learned(here: xr.Dataset) -> str:
    at, last = here.learned_at.sel(threshold=0.5), here.final_loss
    return ", ".join(
        f"{c} by {float(at.sel(column=c)):g}" if np.isfinite(at.sel(column=c))
        else f"{c} not (loss {float(last.sel(column=c)):.2f})" for c in here.column.values
    )  # fmt: skip


def _n(here: xr.Dataset) -> str:
    return f"{int(here.n):,}"
