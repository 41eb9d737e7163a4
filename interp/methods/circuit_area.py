"""How faithful is a ranking at every circuit size at once? The area under f(k), k the share of edges kept.

    CPR = integral of f dk          CMD = integral of |1 - f| dk            trapezoid, k from the smallest size to 1

A perfect ranking by size has CMD 0; circuits that beat the model on its own metric have CPR above 1. On the linear axis
the step from 50 % to 100 % is half of the area, and a ranking with f = 0 up to 50 % still gets CPR .25, CMD .75; so the
logarithmic axis (divided by its length) stands beside it, in which every decade counts alike.

Source: Mueller et al. (2025), MIB, arXiv 2504.13151 (CPR, CMD; the nominal shares are the axis).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from interp.errors import InterpError

SHARES = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
"""The circuit sizes of the benchmark, as shares of all edges."""


class Areas(NamedTuple):
    """CPR and CMD on the linear axis and on the logarithmic one, each 0 for nothing and (CPR) 1 for f = 1."""

    cpr: np.ndarray
    cmd: np.ndarray
    cpr_log: np.ndarray
    cmd_log: np.ndarray


def areas(shares: np.ndarray, faithfulness: np.ndarray) -> Areas:
    """Return the areas of f [..., share]; nan where f is. Raises InterpError unless shares rise within (0, 1]."""
    k, f = np.asarray(shares, dtype=float), np.asarray(faithfulness, dtype=float)
    if k.ndim != 1 or len(k) < 2 or f.shape[-1] != len(k) or not (np.diff(k) > 0).all() or not 0 < k[0] <= k[-1] <= 1:
        raise InterpError(f"Areas need at least two shares that rise within (0, 1] and one f for each; got {k}.")
    off, log = np.abs(1 - f), np.log(k)
    length = log[-1] - log[0]
    linear = (np.trapezoid(y, k, axis=-1) for y in (f, off))
    return Areas(*linear, *(np.trapezoid(y, log, axis=-1) / length for y in (f, off)))
