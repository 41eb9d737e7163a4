"""When does a published claim about multiplying models hold on ours? The rules of published/icot.json.

    rule(found) -> (holds, number, words)        found: {method: Dataset} of one model

A claim holds when it does on every seed; the number is that of the first seed, the words are those of all.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import xarray as xr

from experiments.multiplication.icot_shapes import (
    Found,
    Measured,
    additive,
    ends,
    gathered,
    median_r2,
    no_prism,
    one_head_for_all,
    prism,
    size,
)


def exact(found: Found, least: float, most: float) -> Measured:
    """Exact match inside [least, most], told and writing alone."""
    here = found["product_accuracy"]
    said = ", ".join(f"{mode} {ends(here.sel(mode=mode), 'exact')}" for mode in here["mode"].values)
    values = here.exact.values
    holds = bool((values >= least).all() and (values <= most).all())
    return Measured(holds, float(values[0]), f"{said}, {size(here)}")


def digits(found: Found) -> Measured:
    """Token accuracy near the published 81 %, digit accuracy well below it."""
    here = found["product_accuracy"]
    token, digit = float(here.token), float(here["digit"].sel(mode="told"))
    holds = 0.71 <= token <= 0.91 and digit <= token - 0.1
    return Measured(
        holds, token, f"tokens {ends(here, 'token')}, digits {ends(here.sel(mode='told'), 'digit')}, {size(here)}"
    )


def attribution(found: Found) -> Measured:
    """Every cell of the map is as arithmetic demands."""
    here = found["digit_attribution"]
    wrong = [f"{s} to {c}" for s in here.source.values for c in here.column.values
             if not int(here.passes.sel(source=s, column=c))]  # fmt: skip
    must, high = here.changes.values >= 0.5, float(here.attribution_null_high)
    large, low = here.attribution.values[must], here.attribution_low.values[must]
    words = (
        f"{float(here.share_passed):.1%} of cells; cells that must matter {large.min():.1f} to {large.max():.1f} "
        f"logits, no interval below {low.min():.2f} (null up to {high:.2f}), {size(here)}"
    )
    return Measured(bool(int(here.passed)), None, words + (f"; not {', '.join(wrong[:6])}" if wrong else ""))


def idle_middle(found: Found) -> Measured:
    """Some middle column falls by at most 5 % of the map's largest, whatever the digit."""
    result = found["digit_attribution"]
    here = result.attribution
    most, columns = float(np.abs(here).max()), middle(here.column.values)
    falls = {c: float(np.abs(here.sel(column=c)).max()) for c in columns}
    words = ", ".join(f"{c} at most {v:.2f}" for c, v in falls.items()) + f" of {most:.1f} logits, {size(result)}"
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
        parts.append(f"{column} {ends(at.sel(site=site), 'mae_input', 2)} (foretold {foretold:.2f}; constant "
                     f"{constant:.2f}, untrained {blank:.2f}, digits {bare:.2f})")  # fmt: skip
    return Measured(bool(holds), worst, f"at {site}: " + ", ".join(parts) + f", {size(here)}")


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
        parts.append(f"{column} {ends(at.sel(site=site), 'mae_input', 2)} (constant {constant:.2f})")
    anywhere = (
        f"; the largest ratio of the whole map {float(here.worst):.3f} (shuffled {float(here.ratio_null_high):.3f})"
    )
    return Measured(above, max(ratios), f"at {site}: " + ", ".join(parts) + f"{anywhere}, {size(here)}")


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
    "T1 deep": ("deep", lambda found: exact(found, 0, 0.01)),
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


def _site(here: xr.Dataset) -> str:
    return [str(site) for site in here.site.values if str(site).startswith("resid_mid")][-1]


def _learned(here: xr.Dataset) -> str:
    at, last = here.learned_at.sel(threshold=0.5), here.final_loss
    return ", ".join(
        f"{c} by {float(at.sel(column=c)):g}" if np.isfinite(at.sel(column=c))
        else f"{c} not (loss {float(last.sel(column=c)):.2f})" for c in here.column.values
    )  # fmt: skip
