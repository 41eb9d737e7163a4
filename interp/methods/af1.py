"""Which wait-transfer-compute subgraph still answers? All for one: CAMA, then full peek, then self peek.

    AF1(l_wait, l_transfer) = CAMA at the input of block l_wait
                            + full peek in blocks l_wait .. l_wait + l_transfer - 1
                            + self peek in every block after

Three lists of interventions, concatenated. The search, on prompts of the selection split that the full model answers:

    l_wait      the last l such that CAMA alone is faithful (>= threshold) at every l' <= l
    l_transfer  the smallest number of full-peek blocks after it that is faithful

The window found (or, where none passes, the best cell tried) is then judged once on the test split, beside the same
window with the unconditional mean and with zeros in the place of CAMA.

Reading: `found` with a large l_wait and a small l_transfer is the paper's picture; a model that mixes its operands
early has l_wait 0. l_wait 0 always passes the first sweep (the mean of an embedding given its token is that
embedding), so it is no evidence of waiting. Llama-3-8B's published block index 14 with two transfer layers is
l_wait 15, l_transfer 2 here.

Source: Mamidanna, Rai, Yao & Zhou, "All for One", EMNLP 2025, arXiv 2509.09650.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import xarray as xr

from interp.engine import Intervention
from interp.errors import InterpError
from interp.methods import nulls
from interp.methods.cama import wait_sweep
from interp.methods.faithfulness import answered, faithful, share
from interp.methods.grid import within
from interp.methods.means import Means, relative_error
from interp.methods.peeking import peek
from interp.methods.result import attributes, mean_variables, variable
from interp.methods.waiting import VARIANTS, wait
from interp.progress import Progress, silent

if TYPE_CHECKING:
    from interp.tasks.prompts import Prompts


FEWEST = 20
"""With fewer answered selection prompts nothing is called found: a few lucky answers are not a mechanism."""


class Search(NamedTuple):
    """What the two sweeps on the selection split gave, as right answers: bool [..., prompt], `n` prompts."""

    wait_right: np.ndarray
    transfer_right: np.ndarray
    n: int
    found: bool
    l_wait: int
    l_transfer: int
    best_l_transfer: int


def af1_interventions(
    means: Means, prompts: Prompts, n_layers: int, l_wait: int, l_transfer: int, variant: str = "cama"
) -> list[Intervention]:
    """Return the subgraph as a list of interventions. Raises InterpError for a window outside the model."""
    if min(l_wait, l_transfer) < 0 or l_wait + l_transfer > n_layers:
        raise InterpError(
            f"window l_wait {l_wait}, l_transfer {l_transfer} is outside a model of {n_layers} blocks; "
            f"need 0 <= l_wait, 0 <= l_transfer and l_wait + l_transfer <= {n_layers}."
        )
    alone = l_wait + l_transfer
    full = peek(prompts, range(l_wait, alone), "full")
    return wait(means, prompts, l_wait, variant) + full + peek(prompts, range(alone, n_layers), "self")


def last_passing(shares: np.ndarray, threshold: float) -> int:
    """Return the last index up to which every share is >= threshold; -1 when the first already fails."""
    failing = np.flatnonzero(~(shares >= threshold))
    return int(failing[0]) - 1 if len(failing) else len(shares) - 1


def search(
    model: Any,
    means: Means,
    prompts: Prompts,
    threshold: float = 0.95,
    *,
    batch_size: int = 512,
    progress: Progress = silent,
) -> Search:
    """Return the wait sweep, the transfer sweep and the window they select on `prompts` (all answered)."""
    n, n_layers = len(prompts), model.cfg.n_layers
    wait_right = wait_sweep(model, means, prompts, batch_size=batch_size, progress=progress)
    passing = last_passing(wait_right[0].sum(axis=-1) / max(n, 1), threshold)
    l_wait = min(max(passing, 0), n_layers)
    transfer_right = np.zeros((n_layers - l_wait + 1, n), dtype=bool)
    for window in range(len(transfer_right)):
        report = within(progress, window, len(transfer_right), f"l_wait {l_wait}, l_transfer {window}")
        edits = af1_interventions(means, prompts, n_layers, l_wait, window)
        transfer_right[window] = faithful(model, prompts, edits, batch_size=batch_size, progress=report)
    totals = transfer_right.sum(axis=-1)
    judged = n >= FEWEST and passing >= 0
    enough = np.flatnonzero(totals >= threshold * n) if judged else np.array([], dtype=int)
    best = int(np.argmax(totals))
    found = len(enough) > 0
    return Search(wait_right, transfer_right, n, found, l_wait, int(enough[0]) if found else -1, best)


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
    """Return the window found and its faithfulness on `test`, with the sweeps that chose it on `selection`.

    `l_transfer` is -1 where no window passes; `faithfulness` (in [0, 1], Wilson interval, `n` test prompts that the
    full model answers) then belongs to the best cell. `faithfulness_mean` and `faithfulness_zero` are the same window
    with the unconditional mean and zeros. A model that answers nothing gives nan and n = 0. Nothing is random, so
    `seed` changes nothing. Raises InterpError for no prompts or means of another template.
    """
    for prompts in (selection, test):
        means.check(prompts)
    covered = [p[means.covers(p)] for p in (selection, test)]
    kept = [answered(model, p, batch_size=batch_size, progress=progress) if len(p) else p for p in covered]
    found = search(model, means, kept[0], threshold, batch_size=batch_size, progress=progress)
    window = found.l_transfer if found.found else found.best_l_transfer
    judged = {}
    for variant in VARIANTS:
        edits = af1_interventions(means, kept[1], model.cfg.n_layers, found.l_wait, window, variant)
        judged[variant] = faithful(model, kept[1], edits, batch_size=batch_size, progress=progress)
    full = share(np.arange(len(covered[1])) < len(kept[1]))
    title = f"AF1 subgraph of {test.task} ({test.style}): window chosen on selection, judged on test."
    return xr.Dataset(
        {
            **_window_variables(found, threshold),
            **_test_variables(judged, kept[1]),
            **_sweep_variables(found),
            **mean_variables("accuracy_full", "", *full, "fraction", "accuracy of the full model"),
            "n_uncovered": variable(
                "", len(test) - len(covered[1]), "prompts", "test prompts left out: a token without a reference mean"
            ),
            "n_reference": variable("", means.n, "prompts", "prompts behind the means"),
            "reference_standard_error": variable(
                "l_wait_tried", relative_error(means), "fraction of |mean|", "sampling error of the conditional means"
            ),
        },
        coords={
            "variant": list(VARIANTS),
            "l_wait_tried": list(range(model.cfg.n_layers + 1)),
            "l_transfer_tried": list(range(len(found.transfer_right))),
            "prompt": list(kept[1].texts),
        },
        attrs=attributes("af1", model, test, title, counting="l_wait blocks wait; paper block index = l_wait - 1"),
    )


def _window_variables(found: Search, threshold: float) -> dict[str, xr.Variable]:
    best = found.transfer_right[found.best_l_transfer].mean() if found.n else np.nan
    return {
        "found": variable("", np.int8(found.found), "0 or 1", "a window passed the threshold on selection"),
        "l_wait": variable("", found.l_wait, "blocks", "blocks that wait"),
        "l_transfer": variable("", found.l_transfer, "blocks", "full-peek blocks; -1 = none passed"),
        "threshold": variable("", threshold, "fraction", "faithfulness a window must reach on selection"),
        "best_l_wait": variable("", found.l_wait, "blocks", "l_wait of the best cell tried"),
        "best_l_transfer": variable("", found.best_l_transfer, "blocks", "l_transfer of the best cell tried"),
        "best_faithfulness": variable("", best, "fraction", "faithfulness of the best cell on selection"),
    }


def _test_variables(judged: dict[str, np.ndarray], kept: Prompts) -> dict[str, xr.Variable]:
    names = {"cama": "faithfulness", "mean": "faithfulness_mean", "zero": "faithfulness_zero"}
    majority = nulls.majority_accuracy(kept.answer_ids) if len(kept) else np.nan
    right = np.stack([judged[variant] for variant in VARIANTS]).astype(np.int8)
    table: dict[str, xr.Variable] = {
        "correct": variable("variant prompt", right, "0 or 1", "test prompt still answered in the window"),
        "n": variable("", len(kept), "prompts", "test prompts that the full model answers"),
        "null_majority": variable("", majority, "fraction", "accuracy of the best constant answer"),
    }
    for variant, name in names.items():
        what = f"test accuracy of the window with {variant}, on prompts the full model answers"
        table.update(mean_variables(name, "", *share(judged[variant]), "fraction", what))
    return table


def _sweep_variables(found: Search) -> dict[str, xr.Variable]:
    wait_what, transfer_what = "waiting alone, selection split", "full-peek blocks after l_wait, selection split"
    return {
        **mean_variables("wait_faithfulness", "variant l_wait_tried", *share(found.wait_right), "fraction", wait_what),
        **mean_variables(
            "transfer_faithfulness",
            "l_transfer_tried",
            *share(found.transfer_right),
            "fraction",
            transfer_what,
        ),
        "n_selection": variable("", found.n, "prompts", "selection prompts that the full model answers"),
    }
