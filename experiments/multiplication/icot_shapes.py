"""When does a published claim about the shapes inside multiplying models hold on ours: trees, sums of two, waves?

    rule(found) -> (holds, number, words)        found: {method: Dataset} of one model

The rules of published/icot.json on attention, on what heads write and on the waves of digits; those on what a model
says and when it learned it are in icot_rules.
"""

from __future__ import annotations

from collections.abc import Mapping
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


def gathered(found: Found) -> Measured:
    """The products that the middle digit needs are gathered, more than random trees gather, few others."""
    here = found["attention_tree"].sel(threshold=THRESHOLD, method="nearest")
    at = here.sel(column=_centre(here))
    cover, high, extra = (float(at[name]) for name in ("coverage", "coverage_null_high", "spurious"))
    words = f"{_centre(here)}: coverage {cover:.2f} (random up to {high:.2f}), spurious {extra:.2f}, {size(here)}"
    return Measured((cover == 1 or cover > high) and extra <= 0.5, None, words)


def one_head_for_all(found: Found) -> Measured:
    """A head of the last block looks at all digits that the middle digit needs."""
    here = found["attention_tree"]
    n, k = int(here.attrs["n_digits"]), int(_centre(here)[1:])
    keys = [f"{side}{i}" for side in "ab" for i in range(min(n, k + 1))]
    least = here.pattern.isel(layer=-1).sel(role=foretold_at(k), key=keys).min("key").values
    words = f"c{k}: the least of {len(keys)} weights is at most {least.max():.3f} (head {int(least.argmax())})"
    words += f", {size(here)}"
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
        f"{float(at.alpha_attention):.2f}, {size(found['digit_geometry'])}"
    )
    return Measured(fit >= 0.8 and fit - other >= 0.2 and alike >= 0.8 and off <= 0.1, None, words)


def prism(found: Found) -> Measured:
    """Mean states of the ten values form a prism."""
    at = found["product_digits"].sel(site="states")
    fit, p, worst = float(at.prism), float(at.prism_p), float(at.angle.max())
    words = f"prism {fit:.3f} (relabelings p = {p:.4f}), angles " + ", ".join(f"{v:.0f}" for v in at.angle.values)
    words += f", n = {int(at.n_rows)} dimensions"
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
        f"{ends(at, 'r2')} (relabelings up to {high:.3f}, before training {before:.3f}); on 0,2,5 {ends(tells, 'r2')} "
        f"(up to {float(tells.r2_null_high):.3f}), n = {int(at.n_rows)} rows"
    )
    return Measured(value >= least and value > high, value, words)


def ends(here: xr.Dataset, name: str, digits: int = 3) -> str:
    """Return a mean with its interval in words."""
    value, low, high = (float(here[f"{name}{end}"]) for end in ("", "_low", "_high"))
    return f"{value:.{digits}f} [{low:.{digits}f}, {high:.{digits}f}]"


def size(here: xr.Dataset) -> str:
    """Return "n = 1,000", the problems behind a result."""
    return f"n = {int(here.n):,}"


def _centre(here: xr.Dataset) -> str:
    return f"c{here.sizes['column'] // 2 - 1}"
