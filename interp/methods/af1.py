"""Which wait-transfer-compute subgraph still answers? All for one: CAMA, then full peek, then self peek.

    AF1(l_wait, l_transfer) = CAMA at the input of block l_wait
                            + full peek in blocks l_wait .. l_wait + l_transfer - 1
                            + self peek in every block after

On prompts of the selection split that the full model answers, with f = accuracy there:

    l_wait      the last l such that f( CAMA alone at l' ) >= threshold for every l' <= l          wait sweep
    l_transfer  the smallest t with f( AF1(l_wait, t) ) >= threshold                               transfer sweep
    best        argmax f( AF1(l, t) ) over the whole grid; of equal ones the largest l, then the smallest t

The transfer sweep is row `l_wait` of the grid (windows.py). The window found, or the best cell where none passes, is
then judged once on the test split beside its controls (window.py), so that the choice among many cells costs nothing.

Reading: `found` with a large l_wait and a small l_transfer is the paper's picture; a model that mixes its operands
early has l_wait 0. l_wait 0 always passes the first sweep (the mean of an embedding given its token is that
embedding), so it is no evidence of waiting. In the grid, a model that reads first in block w and last in w + t - 1
passes in the whole region l <= w, l + l_transfer >= w + t; `n_passing` counts the cells. `found` false with an l_wait
above 0 means that waiting alone is harmless, but that the rest cannot be done by the last token. A threshold that
`null_majority_selection` reaches says nothing. Llama-3-8B's published block index 14 with two transfer layers is
l_wait 15, l_transfer 2 here (`paper_index` 14).

Source: Mamidanna, Rai, Yao & Zhou, "All for One", EMNLP 2025, arXiv 2509.09650.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from interp.errors import InterpError
from interp.methods.af1_result import searched_coords, sweep_variables, window_variables
from interp.methods.cama import wait_sweep
from interp.methods.faithfulness import answered, share
from interp.methods.result import attributes
from interp.methods.window import af1_interventions, require_operands, window
from interp.methods.windows import grid, inside
from interp.progress import Progress, silent

if TYPE_CHECKING:
    import xarray as xr

    from interp.methods.means import Means
    from interp.tasks.prompts import Prompts

__all__ = ["FEWEST", "Search", "af1", "af1_interventions", "last_passing", "search"]

FEWEST = 20
"""With fewer answered selection prompts nothing is called found: a few lucky answers are not a mechanism."""


class Search(NamedTuple):
    """What the selection split gave. wait_right: bool [variant, l_wait, prompt]; grid_right: bool [l_wait, l_transfer,
    prompt], False outside the model; `l_transfer` is -1 where no window was found."""

    wait_right: np.ndarray
    grid_right: np.ndarray
    threshold: float
    found: bool
    l_wait: int
    l_transfer: int
    best_l_wait: int
    best_l_transfer: int

    @property
    def window(self) -> tuple[int, int]:
        """Return (l_wait, l_transfer): the window found, or the best cell of the grid."""
        return (self.l_wait, self.l_transfer) if self.found else (self.best_l_wait, self.best_l_transfer)

    @property
    def n(self) -> int:
        """Return the number of prompts searched on."""
        return self.grid_right.shape[-1]

    @property
    def shares(self) -> np.ndarray:
        """Return faithfulness [l_wait, l_transfer]; nan outside the model and without prompts."""
        return np.where(inside(len(self.grid_right) - 1), share(self.grid_right)[0], np.nan)

    @property
    def passing(self) -> np.ndarray:
        """Return which windows reach the threshold: bool [l_wait, l_transfer]; none below `FEWEST` prompts."""
        return (self.shares >= self.threshold) & (self.n >= FEWEST)


def last_passing(shares: np.ndarray, threshold: float) -> int:
    """Return the last index up to which every share is >= threshold; -1 when the first already fails."""
    failing = np.flatnonzero(~(shares >= threshold))
    return int(failing[0]) - 1 if len(failing) else len(shares) - 1


def best_window(right: np.ndarray) -> tuple[int, int]:
    """Return (l_wait, l_transfer) with most right answers in bool [l_wait, l_transfer, prompt]; of equal ones the
    largest l_wait, then the smallest l_transfer."""
    totals = right.sum(axis=-1)
    cells = np.argwhere(inside(len(right) - 1)).tolist()
    l_wait, l_transfer = max(cells, key=lambda cell: (totals[tuple(cell)], cell[0], -cell[1]))
    return l_wait, l_transfer


def search(
    model: Any,
    means: Means,
    prompts: Prompts,
    threshold: float = 0.95,
    *,
    batch_size: int = 512,
    progress: Progress = silent,
) -> Search:
    """Return the wait sweep, the grid and the window they select on `prompts`, all answered by the full model.

    Raises InterpError for a threshold outside (0, 1], means of another template, or prompts in which nothing varies.
    """
    if not 0 < threshold <= 1:
        raise InterpError(f"the threshold is a faithfulness above 0 and at most 1; got {threshold}.")
    if len(prompts):
        require_operands(means, prompts)
    wait_right = wait_sweep(model, means, prompts, batch_size=batch_size, progress=progress)
    grid_right = grid(model, means, prompts, batch_size=batch_size, progress=progress)
    last = last_passing(share(wait_right[0])[0], threshold)
    nothing = Search(wait_right, grid_right, threshold, False, max(last, 0), -1, *best_window(grid_right))
    enough = np.flatnonzero(nothing.passing[nothing.l_wait]) if last >= 0 else []
    return nothing._replace(found=True, l_transfer=int(enough[0])) if len(enough) else nothing


def af1(
    model: Any,
    means: Means,
    selection: Prompts,
    test: Prompts,
    *,
    threshold: float = 0.95,
    batch_size: int = 512,
    progress: Progress = silent,
    seed: int = 0,
) -> xr.Dataset:
    """Return the window found and its faithfulness on `test`, with the sweeps and the grid on `selection`.

    `l_transfer` is -1 where no window passes; `faithfulness` (in [0, 1], Wilson interval, `n` test prompts that the
    full model answers) and its controls then belong to the best cell. A model that answers nothing gives nan and
    n = 0. Nothing is random, so `seed` changes nothing. Raises InterpError for no prompts, means of another template,
    prompts in which nothing varies, or a threshold outside (0, 1].
    """
    for prompts in (selection, test):
        require_operands(means, prompts)
    covered = selection[means.covers(selection)]
    kept = answered(model, covered, batch_size=batch_size, progress=progress) if len(covered) else covered
    found = search(model, means, kept, threshold, batch_size=batch_size, progress=progress)
    judged = window(model, means, test, *found.window, batch_size=batch_size, progress=progress)
    title = f"AF1 subgraph of {test.task} ({test.style}): window chosen on selection, judged on test."
    return (
        judged.assign(window_variables(found) | sweep_variables(found, kept, means))
        .assign_coords(searched_coords(found))
        .assign_attrs(attributes("af1", model, test, title))
    )
