"""How many blocks must the last token read the others, once all have waited? Attention-based peeking after CAMA.

    subgraph(l_wait, l_transfer) = CAMA at the input of block l_wait
                                 + full peek in blocks l_wait .. l_wait + l_transfer - 1
                                 + self peek in every block after
    faithfulness(l_transfer)     = its accuracy on prompts that the full model answers

and the same with each variant of peeking (after_waiting.py) in the place of the paper's.

Reading: `abp` near 1 after few blocks is a short transfer; l_transfer 0 moves nothing and is the answer without
operands. Against it: `no_bos` low means that BOS is needed as a sink; `zero_attention` or `mean_attention` near `abp`,
that the last token's later attention does nothing, or nothing that depends on the prompt; `others_free` higher, that
tokens still mix among themselves; `frozen` lower, that the others still work on what will be read.

Source: Mamidanna, Rai, Yao & Zhou, "All for One", EMNLP 2025, arXiv 2509.09650; the variants are ours.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from interp.methods import nulls
from interp.methods.after_waiting import PEEKS, check_window, subgraph, window
from interp.methods.faithfulness import answered, faithful, share
from interp.methods.grid import within
from interp.methods.masks import MODES, peek
from interp.methods.result import attributes, mean_variables, variable
from interp.methods.waiting import References, as_references
from interp.progress import Progress, silent

if TYPE_CHECKING:
    from interp.methods.means import Means
    from interp.tasks.prompts import Prompts

__all__ = ["MODES", "PEEKS", "abp", "check_window", "peek", "subgraph", "transfer_sweep", "window"]


def abp(
    model: Any,
    prompts: Prompts,
    references: References | Means,
    l_wait: int,
    *,
    variants: Sequence[str] = PEEKS,
    batch_size: int = 512,
    progress: Progress = silent,
    seed: int = 0,
) -> xr.Dataset:
    """Return `faithfulness` [variant, l_transfer] of peeking for 0 .. n_layers - l_wait blocks, with its interval.

    `n` counts the prompts that the full model answers, `n_uncovered` those left out because a token of theirs has no
    reference mean; with no answered prompt the values are nan. Nothing is random, so `seed` changes nothing.
    References that are bare Means serve every variant but mean_attention. Raises InterpError for no prompts,
    references of another template, an l_wait outside the model or an unknown variant.
    """
    check_window(model.cfg.n_layers, l_wait, 0)
    means = as_references(references).means
    means.check(prompts)
    covered = prompts[means.covers(prompts)]
    kept = answered(model, covered, batch_size=batch_size, progress=progress) if len(covered) else covered
    right = transfer_sweep(model, kept, references, l_wait, variants, batch_size=batch_size, progress=progress)
    majority = nulls.majority_accuracy(kept.answer_ids) if len(kept) else np.nan
    title = f"Faithfulness when the last token reads for some blocks after {l_wait} waited, {prompts.task}."
    what = "accuracy on prompts the full model answers"
    return xr.Dataset(
        {
            **mean_variables("faithfulness", "variant l_transfer", *share(right), "fraction", what),
            "correct": variable(
                "variant l_transfer prompt", right.astype(np.int8), "0 or 1", "still answered in the subgraph"
            ),
            "l_wait": variable("", l_wait, "blocks", "blocks that wait"),
            "n": variable("", len(kept), "prompts", "prompts that the full model answers correctly"),
            "n_uncovered": variable("", len(prompts) - len(covered), "prompts", "left out: a token without a mean"),
            "n_reference": variable("", means.n, "prompts", "prompts behind the means"),
            "null_majority": variable("", majority, "fraction", "accuracy of the best constant answer"),
        },
        coords={"variant": list(variants), "l_transfer": list(range(right.shape[1])), "prompt": list(kept.texts)},
        attrs=attributes("abp", model, prompts, title, counting="l_wait blocks wait; paper block index = l_wait - 1"),
    )


def transfer_sweep(
    model: Any,
    prompts: Prompts,
    references: References | Means,
    l_wait: int,
    variants: Sequence[str] = ("abp",),
    *,
    batch_size: int = 512,
    progress: Progress = silent,
) -> np.ndarray:
    """Return which of `prompts` each subgraph answers: bool [variant, l_transfer, prompt], l_transfer from 0 up."""
    right = np.zeros((len(variants), model.cfg.n_layers - l_wait + 1, len(prompts)), dtype=bool)
    if not len(prompts):
        return right
    for v, variant in enumerate(variants):
        for l_transfer in range(right.shape[1]):
            done, message = v * right.shape[1] + l_transfer, f"{variant} l_transfer {l_transfer}"
            report = within(progress, done, len(variants) * right.shape[1], message)
            edits = subgraph(model, prompts, references, l_wait, l_transfer, variant, batch_size=batch_size)
            right[v, l_transfer] = faithful(model, prompts, edits, batch_size=batch_size, progress=report)
    return right
