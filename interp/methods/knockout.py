"""Which single head's reads does the last token need? Attention knockout, one head of the full model at a time.

    head_faithfulness[l, h] = accuracy, on prompts the full model answers, with the edges
                              last token -> every earlier token but BOS hidden in head h of block l alone

Everything else is the full model: the other heads read on, later blocks too.

Reading: 1 means that the head can be spared, not that it does nothing (another may do the same); a dip names a head
that nothing replaces. Compare with the same heads inside the AF1 subgraph. Each cell has its own interval: with
`n_heads * n_layers` of them, one in twenty misses its truth. An idle head has exactly 1.

Sources: Mamidanna, Rai, Yao & Zhou, "All for One", EMNLP 2025, arXiv 2509.09650; Geva et al. (2023) arXiv 2304.14767
(attention knockout).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from interp.methods import nulls
from interp.methods.faithfulness import answered, faithful, share
from interp.methods.grid import require_prompts, within
from interp.methods.masks import cut, last_edges
from interp.methods.result import attributes, mean_variables, variable
from interp.progress import Progress, silent

if TYPE_CHECKING:
    from interp.tasks.prompts import Prompts


def head_knockout(
    model: Any, prompts: Prompts, *, batch_size: int = 512, progress: Progress = silent, seed: int = 0
) -> xr.Dataset:
    """Return `head_faithfulness` [layer, head] in [0, 1] with Wilson's interval, and `head_correct` for each prompt.

    `n` is the number of prompts that the full model answers; with none the values are nan. Nothing is random, so
    `seed` changes nothing. Raises InterpError for no prompts.
    """
    require_prompts(prompts)
    kept = answered(model, prompts, batch_size=batch_size, progress=progress)
    right = knocked_out(model, kept, batch_size=batch_size, progress=progress)
    majority = nulls.majority_accuracy(kept.answer_ids) if len(kept) else np.nan
    title = f"Faithfulness with one head's last-token reads cut, {prompts.task} ({prompts.style})."
    return xr.Dataset(
        {
            **head_variables(right),
            "n": variable("", len(kept), "prompts", "prompts that the full model answers correctly"),
            "null_majority": variable("", majority, "fraction", "accuracy of the best constant answer"),
        },
        coords={
            "layer": list(range(right.shape[0])),
            "head": list(range(right.shape[1])),
            "prompt": list(kept.texts),
        },
        attrs=attributes("head_knockout", model, prompts, title),
    )


def knocked_out(model: Any, prompts: Prompts, *, batch_size: int = 512, progress: Progress = silent) -> np.ndarray:
    """Return which of `prompts` are still answered with one head's reads cut: bool [layer, head, prompt]."""
    n_layers, n_heads = model.cfg.n_layers, model.cfg.n_heads
    right = np.zeros((n_layers, n_heads, len(prompts)), dtype=bool)
    for layer, head in np.ndindex(n_layers, n_heads):
        done = layer * n_heads + head
        report = within(progress, done, n_layers * n_heads, f"cut head {head} of block {layer}")
        edits = cut(last_edges(prompts), [layer], [head])
        right[layer, head] = faithful(model, prompts, edits, batch_size=batch_size, progress=report)
    return right


def head_variables(right: np.ndarray) -> dict[str, xr.Variable]:
    """Return the variables of bool [layer, head, prompt]: `head_faithfulness` with its interval, `head_correct`."""
    what = "accuracy with this head's last-token reads cut, on prompts the full model answers"
    return {
        **mean_variables("head_faithfulness", "layer head", *share(right), "fraction", what),
        "head_correct": variable(
            "layer head prompt", right.astype(np.int8), "0 or 1", "still answered with this head's reads cut"
        ),
    }
