"""Does one given window still answer here: on other prompts, another task, another style, another model?

    AF1(l_wait, l_transfer) = CAMA at the input of block l_wait
                            + full peek in blocks l_wait .. l_wait + l_transfer - 1
                            + self peek in every block after

    faithfulness            its accuracy on the prompts that the full model answers
    faithfulness_mean       the same window with each place's unconditional mean instead of CAMA
    faithfulness_zero       ... with zeros

Reading: a window that was found elsewhere and is near 1 here is a mechanism that the two share; near
`faithfulness_mean` and `null_majority` it is not. `mean` and `zero` may stay high where the transfer blocks can be done
without (few or no blocks wait: at l_wait 0 CAMA is the identity and shows nothing). The means must come from the
task, style and model that are judged, never from those of the search.

Source: Mamidanna, Rai, Yao & Zhou, "All for One", EMNLP 2025, arXiv 2509.09650.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from interp.engine import Intervention
from interp.errors import InterpError
from interp.methods import after_waiting, nulls
from interp.methods.after_waiting import check_window
from interp.methods.faithfulness import answered, faithful, share
from interp.methods.grid import within
from interp.methods.result import attributes, mean_variables, variable
from interp.methods.waiting import VARIANTS, wait
from interp.progress import Progress, silent

if TYPE_CHECKING:
    from interp.methods.means import Means
    from interp.tasks.prompts import Prompts

COUNTING = "l_wait blocks wait; paper block index = l_wait - 1"
NAMES = {"cama": "faithfulness", "mean": "faithfulness_mean", "zero": "faithfulness_zero"}


def af1_interventions(
    means: Means, prompts: Prompts, n_layers: int, l_wait: int, l_transfer: int, variant: str = "cama"
) -> list[Intervention]:
    """Return the subgraph as a list of interventions. Raises InterpError for a window outside the model."""
    check_window(n_layers, l_wait, l_transfer)
    return wait(means, prompts, l_wait, variant) + after_waiting.window(prompts, n_layers, l_wait, l_transfer)


def window(
    model: Any,
    means: Means,
    prompts: Prompts,
    l_wait: int,
    l_transfer: int,
    *,
    batch_size: int = 512,
    progress: Progress = silent,
    seed: int = 0,
) -> xr.Dataset:
    """Return what one window keeps of `prompts`: `faithfulness` (in [0, 1]) with its Wilson interval and two controls.

    `n` counts the prompts that the full model answers; `accuracy_full` is their share of those that the means cover,
    `n_uncovered` the prompts left out for a token without a mean. `correct` [variant, prompt]. With no answered prompt
    the values are nan. Nothing is random, so `seed` changes nothing. Raises InterpError for a window outside the
    model, no prompts, means of another template, or prompts in which nothing varies.
    """
    check_window(model.cfg.n_layers, l_wait, l_transfer)
    require_operands(means, prompts)
    covered = prompts[means.covers(prompts)]
    kept = answered(model, covered, batch_size=batch_size, progress=progress) if len(covered) else covered
    right = np.zeros((len(VARIANTS), len(kept)), dtype=bool)
    for v, variant in enumerate(VARIANTS):
        report = within(progress, v, len(VARIANTS), f"l_wait {l_wait}, l_transfer {l_transfer}, {variant}")
        if len(kept):
            edits = af1_interventions(means, kept, model.cfg.n_layers, l_wait, l_transfer, variant)
            right[v] = faithful(model, kept, edits, batch_size=batch_size, progress=report)
    title = f"AF1 window l_wait {l_wait}, l_transfer {l_transfer} on {prompts.task} ({prompts.style}, {prompts.split})."
    return xr.Dataset(
        {
            **_shares(right, len(covered)),
            "correct": variable(
                "variant prompt", right.astype(np.int8), "0 or 1", "prompt still answered in the window"
            ),
            **_counts(kept, len(prompts) - len(covered), means),
            "l_wait": variable("", l_wait, "blocks", "blocks that wait"),
            "l_transfer": variable("", l_transfer, "blocks", "full-peek blocks after them"),
            "paper_index": paper_index(l_wait),
        },
        coords={"variant": list(VARIANTS), "prompt": list(kept.texts)},
        attrs=attributes("window", model, prompts, title, counting=COUNTING, n_layers=model.cfg.n_layers),
    )


def require_operands(means: Means, prompts: Prompts) -> None:
    """Raise InterpError unless the means are of these prompts' template and some place varies in it."""
    means.check(prompts)
    if all(len(keys) == 1 for keys in means.tokens.values()):
        raise InterpError(
            f"every place of {prompts.task} ({prompts.style}) holds the same token in all {means.n} reference prompts: "
            "nothing has to wait. Use a task and style whose operands are roles, and more than one reference prompt."
        )


def paper_index(l_wait: int) -> xr.Variable:
    """Return l_wait as the paper counts: the 0-based index of the last block that waits; -1 where none does."""
    return variable("", l_wait - 1, "block", "l_wait in the paper's counting: last waiting block; -1 = none waits")


def _shares(right: np.ndarray, n_covered: int) -> dict[str, xr.Variable]:
    n = right.shape[-1]
    what = "accuracy of the full model on the prompts that the means cover"
    table = mean_variables("accuracy_full", "", *share(np.arange(n_covered) < n), "fraction", what)
    for variant, one in zip(VARIANTS, right, strict=True):
        what = f"accuracy in the window with {variant}, on prompts that the full model answers"
        table |= mean_variables(NAMES[variant], "", *share(one), "fraction", what)
    return table


def _counts(kept: Prompts, n_uncovered: int, means: Means) -> dict[str, xr.Variable]:
    majority = nulls.majority_accuracy(kept.answer_ids) if len(kept) else np.nan
    return {
        "n": variable("", len(kept), "prompts", "prompts that the full model answers correctly"),
        "n_uncovered": variable("", n_uncovered, "prompts", "left out: a token without a mean"),
        "n_reference": variable("", means.n, "prompts", "prompts behind the means"),
        "exact": variable("", np.int8(means.exact), "0 or 1", "the means are over the whole task: no sampling error"),
        "null_majority": variable("", majority, "fraction", "accuracy of the best constant answer"),
    }
