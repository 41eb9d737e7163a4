"""On which digits of the operands does each digit of a product depend, and on which should it?

    y_k = argmax clean_k           clean = logits of c_k,  changed = the same with one operand digit replaced
    attribution[t, k] = mean of drop =  clean_k[y_k] - changed_k[y_k]        t in a_{n-1} .. a_0 | b_{n-1} .. b_0

The answer digits before c_k stay the original ones. `changes[t, k]` is the same by arithmetic: how often the right
digit c_k becomes another. For a_i it is 0 for k < i, about .8 to .9 for i <= k <= i + n, about .2 at k = i + n + 1
(only a carry's carry reaches there) and .02, .003 beyond: the carry of the last product is as certain as the product.

Pass (fixed before any run), with `drop` the attribution and `most` the map's largest:
    large   every cell with changes >= .5      drop >= .25 most, its interval above the null
    none    every cell with changes  = 0       |drop| <= .05 most
    small   all others                         drop below the smallest large cell

Nulls: `attribution_null`, the same for another problem's y_k (what any digit's logit loses), with the threshold that
the largest |null| of a map stays below in 95 % of draws; and the network before training.
Source: Bai et al. 2025, arXiv:2510.00184 (mean drops; no nulls).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import xarray as xr
from jaxtyping import Float, Int

from interp.methods.grid import within
from interp.methods.intervals import t_interval
from interp.methods.multiplier import foretold
from interp.methods.nulls import derangement, max_threshold
from interp.methods.result import mean_variables, model_name, variable
from interp.progress import Progress, silent
from interp.tasks.multiplication import columns
from interp.tasks.products import changed, told

LARGE, NONE = 0.25, 0.05
"""Shares of the map's largest drop: the least of a cell that must matter, the most of one that cannot."""
OFTEN = 0.5


class Drops(NamedTuple):
    """Drops [problem, source, column] of the digit foretold, its nulls [draw, source, column], what arithmetic says."""

    drop: np.ndarray
    null: np.ndarray
    right: np.ndarray  # [problem, column]
    changes: np.ndarray  # [source, column]


def digit_attribution(
    model: Any,
    ab: Int[np.ndarray, "problem operand"],
    n: int,
    *,
    untrained: Any = None,
    n_shuffles: int = 99,
    batch_size: int = 512,
    progress: Progress = silent,
    seed: int = 0,
) -> xr.Dataset:
    """Return the map of mean logit drops, 2n x 2n, beside its nulls and what arithmetic demands.

    `attribution` [source, column] in logits with intervals, `attribution_each` [problem, source, column], its
    `_null`, `_null_high` and `_untrained_null` (nan without an untrained model), `changes` in [0, 1], `passes` [source,
    column] and `passed` (0 or 1). Raises InterpError for fewer than 19 shuffles.
    """
    max_threshold(np.zeros(n_shuffles))
    found = drops(model, ab, n, n_shuffles, batch_size, progress, seed)
    blank = np.full(found.changes.shape, np.nan)
    if untrained is not None:
        blank = drops(untrained, ab, n, 1, batch_size, progress, seed).drop.mean(0)
    order = np.concatenate([np.arange(n)[::-1], np.arange(n, 2 * n)[::-1]])  # rows as they are drawn
    found = Drops(found.drop[:, order], found.null[:, order], found.right, found.changes[order])
    names = [f"{'ab'[t // n]}{t % n}" for t in order]
    coords = {"source": names, "column": [f"c{k}" for k in range(2 * n)]}
    attrs = {
        "method": "digit_attribution", "task": f"{n}x{n} digits", "style": "plain", "model": model_name(model),
        "title": "How much the logit of each foretold digit falls when one digit of an operand is another.",
        "n_digits": n, "n_shuffles": n_shuffles, "seed": seed,
    }  # fmt: skip
    return xr.Dataset(_variables(found, blank[order]), coords, attrs)


def drops(model: Any, ab: np.ndarray, n: int, n_shuffles: int, batch_size: int, progress: Progress, seed: int) -> Drops:
    """Return the drops of every counterfactual, sources in the order a_0 .. a_{n-1}, b_0 .. b_{n-1}."""
    rng, answer = np.random.default_rng(seed), columns(ab[:, 0], ab[:, 1], n).answer
    clean = foretold(model, told(ab, n), n, batch_size, within(progress, 0, 2 * n + 1, "clean"))
    said = clean.argmax(-1)
    others = [said[derangement(len(ab), seed + 1 + draw)] for draw in range(n_shuffles)]
    each, null, differ = [], [], []
    for source in range(2 * n):
        ask = within(progress, 1 + source, 2 * n + 1, f"another {'ab'[source // n]}{source % n}")
        there = changed(ab, n, source, rng)
        lost = clean - foretold(model, told(there, n, answer), n, batch_size, ask)
        each.append(_of(lost, said))
        null.append([_of(lost, other).mean(0) for other in others])
        differ.append((columns(there[:, 0], there[:, 1], n).answer != answer).mean(0))
    progress(2 * n + 1, 2 * n + 1, "drops")
    return Drops(np.stack(each, axis=1), np.stack(null, axis=1), said == answer, np.array(differ))


def passes(
    drop: Float[np.ndarray, "source column"],
    low: Float[np.ndarray, "source column"],
    changes: Float[np.ndarray, "source column"],
    null_high: float,
) -> np.ndarray:
    """Return which cells are as arithmetic demands, bool [source, column], by the rule of this module."""
    most, large, none = drop.max(), changes >= OFTEN, changes == 0
    least = drop[large].min() if large.any() else np.inf
    enough = (drop >= LARGE * most) & (low > null_high)
    return np.where(large, enough, np.where(none, np.abs(drop) <= NONE * most, drop < least))


def _of(lost: np.ndarray, digit: np.ndarray) -> np.ndarray:
    return np.take_along_axis(lost, digit[..., None], -1)[..., 0]


def _variables(found: Drops, blank: np.ndarray) -> dict[str, xr.Variable]:
    mean, ends, cell = found.drop.mean(0), t_interval(found.drop), "source column"
    high = max_threshold(np.abs(found.null).reshape(len(found.null), -1).max(1))
    fine = passes(mean, ends.low, found.changes, high)
    return {
        **mean_variables("attribution", cell, mean, ends, "logits", "fall of the foretold digit's logit"),
        "attribution_each": variable(f"problem {cell}", found.drop.astype(np.float32), "logits", "fall, by problem"),
        "attribution_null": variable(cell, found.null.mean(0), "logits", "mean fall of another problem's digit"),
        "attribution_null_high": variable("", high, "logits", "95 % of draws: the largest |null| of the map"),
        "attribution_untrained_null": variable(cell, blank, "logits", "fall in the network before training"),
        "changes": variable(cell, found.changes, "fraction", "how often the right digit becomes another"),
        "accuracy": variable("column", found.right.mean(0), "fraction", "digits right, told those before"),
        "passes": variable(cell, fine.astype(np.int8), "0 or 1", "1: the cell is as arithmetic demands"),
        "share_passed": variable("", fine.mean(), "fraction", "cells that are as arithmetic demands"),
        "passed": variable("", int(fine.all()), "0 or 1", "1: every cell is as arithmetic demands"),
        "n": variable("", len(found.drop), "problems", "problems"),
    }
