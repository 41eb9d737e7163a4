"""In which order did a training learn the digits of a product, and which did it never learn?

    learned_at[threshold, k]  =  first logged step from which the loss L_k stays below the threshold for `STAY` lines
    learned_after             =  the last line before it: the digit was learned between the two

A digit that was not learned by the end is censored: nan, and the training says only that it takes longer than that; the
lines at the end must be STAY of them. Losses are in nats on fixed selection problems without steps, whatever the
training shows by then; gradient norms are |dL_k / dw|.

Null: `loss_null[k]`, the entropy of c_k over all products, is the loss of the best guess that does not read the
question (ln 10 = 2.303 in the middle): a digit whose loss ends there has not been learned at all.
Source: Bai et al. 2025, arXiv:2510.00184 (trajectories; the rule of five lines is derived from their logs).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr
from jaxtyping import Float

from interp.errors import InterpError
from interp.methods.intervals import wilson
from interp.methods.result import mean_variables, variable
from interp.tasks.multiplication import columns, pairs

STAY, MANY = 5, 100_000
THRESHOLDS = (0.5, 0.1)


def learning_order(log: Sequence[dict[str, Any]], n: int, n_selection: int, name: str = "") -> xr.Dataset:
    """Return losses, gradient norms and cosines by step and column, and when each digit was learned.

    `log` are the lines of a multiplication training (`read_log`). `loss`, `gradient_norm`, `cosine` [step, column],
    `loss_null` [column], `learned_at`, `learned_after` [threshold, column] (nan: not by the end), `place` [threshold,
    column] from 1 on; `accuracy` [scored, column] with Wilson's intervals. Raises InterpError for a log without digits.
    """
    from interp.models.multiplication_training import N_MEASURED

    lines = [line for line in log if "digits" in line]
    if len(lines) < STAY or any(len(line["digits"]["loss"]) != 2 * n for line in lines):
        raise InterpError(f"This log has {len(lines)} lines by digit: expected {STAY} or more, of {2 * n} digits each.")
    steps = [int(line["step"]) for line in lines]
    each = {k: np.array([line["digits"][k] for line in lines]) for k in ("loss", "gradient_norm", "cosine")}
    when = [learned(np.array(steps), each["loss"], threshold) for threshold in THRESHOLDS]
    at, after = (np.array(part) for part in zip(*when, strict=True))
    scored = [line for line in lines if "selection" in line]
    right = np.array([line["selection"]["accuracy"] for line in scored]).reshape(len(scored), 2 * n)
    dims, rule = "threshold column", f"stays below the threshold for {STAY} lines (nan: not by the end)"
    found = {
        "loss": variable("step column", each["loss"], "nats", "loss of each digit"),
        "gradient_norm": variable("step column", each["gradient_norm"], "nats / weight", "norm of its gradient"),
        "cosine": variable("step column", each["cosine"], "cosine", "with the gradient of the mean loss"),
        "loss_null": variable("column", entropies(n), "nats", "best guess that does not read the question"),
        "final_loss": variable("column", each["loss"][-STAY:].mean(0), "nats", f"mean of the last {STAY} lines"),
        "learned_at": variable(dims, at, "step", f"first step from which the loss {rule}"),
        "learned_after": variable(dims, after, "step", "the logged step before it (nan: not by the end)"),
        "place": variable(dims, places(at), "place", "order in which digits were learned (nan: not by the end)"),
        **mean_variables("accuracy", "scored column", right, wilson(np.rint(right * n_selection), n_selection),
                         "fraction", "digits right, told those before"),
        "n": variable("", n_selection, "problems", "selection problems behind accuracy"),
        "n_measured": variable("", N_MEASURED, "problems", "selection problems behind losses and gradients"),
    }  # fmt: skip
    coords = {"step": steps, "column": [f"c{k}" for k in range(2 * n)], "threshold": list(THRESHOLDS),
              "scored": [int(line["step"]) for line in scored]}  # fmt: skip
    title = "When each digit of the product was learned, by its loss, and which never was."
    attrs = {"method": "learning_order", "task": f"{n}x{n} digits", "style": "plain", "model": name, "title": title,
             "n_digits": n, "stay": STAY}  # fmt: skip
    return xr.Dataset(found, coords, attrs)


def learned(
    steps: np.ndarray, loss: Float[np.ndarray, "step column"], threshold: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return the first step of STAY lines in a row below the threshold, and the logged step before it; nan for none.

    A digit below it from the first line on was learned after step 0.
    """
    below = loss < threshold
    runs = np.lib.stride_tricks.sliding_window_view(below, STAY, axis=0).all(-1)  # [start, column]
    first, ever = runs.argmax(0), runs.any(0)
    before = np.where(first > 0, steps[np.maximum(first - 1, 0)], 0)
    return np.where(ever, steps[first], np.nan), np.where(ever, before, np.nan)


def places(at: Float[np.ndarray, "threshold column"]) -> np.ndarray:
    """Return the order of learning from 1 on, equal steps share the mean place, nan for what was not learned."""
    from scipy.stats import rankdata

    return np.array([rankdata(row, nan_policy="omit") for row in at])


def entropies(n: int) -> Float[np.ndarray, " column"]:
    """Return the entropy of every answer digit in nats, over random problems (sampling error below .001)."""
    ab = pairs(n, MANY, 0)
    answer = columns(ab[:, 0], ab[:, 1], n).answer
    shares = np.stack([np.bincount(column, minlength=10) / MANY for column in answer.T])
    return -(shares * np.log(np.maximum(shares, 1e-300))).sum(1)
