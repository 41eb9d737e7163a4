"""What does a search leave behind? The sweeps and the grid on the selection split, as labelled variables.

    wait_faithfulness      [variant, l_wait_tried]            waiting alone, later blocks free
    transfer_faithfulness  [l_transfer_tried]                 the row l_wait of the grid
    grid_faithfulness      [l_wait_tried, l_transfer_grid]    every window; nan where it ends outside the model

Each with its Wilson interval, over `n_selection` prompts. A cell is one of many that were tried: the number of a window
that was not chosen by it is `faithfulness`, on test.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from interp.methods import nulls
from interp.methods.faithfulness import share
from interp.methods.means import relative_error
from interp.methods.result import mean_variables, variable
from interp.methods.window import paper_index
from interp.methods.windows import inside

if TYPE_CHECKING:
    from interp.methods.af1 import Search
    from interp.methods.means import Means
    from interp.tasks.prompts import Prompts


def window_variables(found: Search) -> dict[str, xr.Variable]:
    """Return the window of a search, in both countings, and the best cell of its grid."""
    best = found.shares[found.best_l_wait, found.best_l_transfer]
    return {
        "found": variable("", np.int8(found.found), "0 or 1", "a window passed the threshold on selection"),
        "l_wait": variable("", found.l_wait, "blocks", "blocks that wait, by the wait sweep"),
        "l_transfer": variable("", found.l_transfer, "blocks", "full-peek blocks; -1 = none passed"),
        "paper_index": paper_index(found.l_wait),
        "threshold": variable("", found.threshold, "fraction", "faithfulness a window must reach on selection"),
        "best_l_wait": variable("", found.best_l_wait, "blocks", "l_wait of the best cell of the grid"),
        "best_l_transfer": variable("", found.best_l_transfer, "blocks", "l_transfer of the best cell of the grid"),
        "best_paper_index": paper_index(found.best_l_wait),
        "best_faithfulness": variable("", best, "fraction", "faithfulness of the best cell on selection"),
        "n_passing": variable("", int(found.passing.sum()), "windows", "cells of the grid that reach the threshold"),
    }


def sweep_variables(found: Search, kept: Prompts, means: Means) -> dict[str, xr.Variable]:
    """Return the wait sweep, the transfer sweep and the grid on the `kept` selection prompts, with their null."""
    fits = inside(len(found.grid_right) - 1)
    every = (np.where(fits, each, np.nan) for each in _flat(found.grid_right))
    read = found.grid_right[found.l_wait][fits[found.l_wait]]
    majority = nulls.majority_accuracy(kept.answer_ids) if len(kept) else np.nan
    dims, shares = "l_wait_tried l_transfer_grid", "fraction"
    return {
        **_swept("wait_faithfulness", "variant l_wait_tried", _flat(found.wait_right), "waiting alone"),
        **_swept("transfer_faithfulness", "l_transfer_tried", _flat(read), "full-peek blocks after l_wait"),
        **_swept("grid_faithfulness", dims, every, "l_wait blocks wait, l_transfer blocks peek"),
        "n_selection": variable("", found.n, "prompts", "selection prompts that the full model answers"),
        "null_majority_selection": variable("", majority, shares, "accuracy of the best constant answer on selection"),
        "reference_standard_error": variable(
            "l_wait_tried", relative_error(means), "fraction of |mean|", "sampling error of the conditional means"
        ),
    }


def searched_coords(found: Search) -> dict[str, list[int]]:
    """Return what was tried: l_wait, l_transfer after the chosen l_wait, and l_transfer of the grid."""
    size = len(found.grid_right)
    return {
        "l_wait_tried": list(range(size)),
        "l_transfer_tried": list(range(size - found.l_wait)),
        "l_transfer_grid": list(range(size)),
    }


def _flat(right: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    mean, (low, high) = share(right)
    return mean, low, high


def _swept(name: str, dims: str, values: Any, what: str) -> dict[str, xr.Variable]:
    mean, low, high = values
    return mean_variables(name, dims, mean, (low, high), "fraction", f"{what}, selection split")
