"""Which transfer heads are left when all that can be spared is gone, and what do they read?

    survivors           = what is left after the most removals whose search faithfulness is >= threshold
    attention(h, role)  = mean over prompts of the last token's attention to `role` in surviving head h, read in AF1
                          with the survivors alone reading: the subgraph itself, not the full model
    reads(h)            = the role, BOS and the last token apart, that h attends to most

Null: `attention_null` = 1 / (number of tokens), what a head without a preference does.

Reading: `heads_reading` counts the survivors by the role they read, so one operand a head shows as one each;
`attention_total` is their attention to a role together, in heads' worth. Attention is not use; that these heads are
needed is what the curve of removals says. Rows sum to 1; the intervals are Student's over prompts, cut to [0, 1].

Source: Mamidanna, Rai, Yao & Zhou, "All for One", EMNLP 2025, arXiv 2509.09650 (figure 5).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from interp.engine import Intervention, Site, conditional_means
from interp.methods.elimination import Elimination, nested
from interp.methods.intervals import t_about
from interp.methods.result import mean_variables, variable

if TYPE_CHECKING:
    from interp.tasks.prompts import Prompts


def surviving(greedy: Elimination, shape: tuple[int, int], threshold: float) -> tuple[int, np.ndarray]:
    """Return the number of survivors and which heads they are, bool [block, head]; -1 and all heads for none.

    The whole curve is looked at: it may dip below the threshold and rise again.
    """
    right = greedy.answers.right
    passing = np.flatnonzero(right.sum(axis=-1) >= threshold * right.shape[-1]) if right.shape[-1] else np.array([])
    if not len(passing):
        return -1, np.ones(shape, dtype=bool)
    left = ~nested(greedy.order, *shape)[passing[-1]]
    return int(left.sum()), left


def head_names(heads: np.ndarray) -> np.ndarray:
    """Return the name of each (layer, head): "L15H3" is head 3 of block 15."""
    return np.array([f"L{layer}H{head}" for layer, head in heads], dtype=str)


def last_attention(
    model: Any, prompts: Prompts, edits: Sequence[Intervention], heads: np.ndarray, batch_size: int = 512
) -> tuple[np.ndarray, tuple[np.ndarray, np.ndarray]]:
    """Return the last token's mean attention [head, role] in `heads`, int [head, 2] of (layer, head), under `edits`.

    Beside it the two ends of its 95 % interval. One pass; nan without prompts.
    """
    nothing = np.full((len(heads), len(prompts.roles)), np.nan)
    if not len(prompts) or not len(heads):
        return nothing, (nothing, nothing)
    last, sites = prompts.roles[-1], {int(layer): Site("pattern", int(layer)) for layer in heads[:, 0]}
    together = {last: np.zeros(len(prompts), dtype=np.int64)}
    found = conditional_means(
        model, prompts, list(sites.values()), together, interventions=edits, batch_size=batch_size
    )
    moments = [(found[sites[int(layer)]][last], int(head)) for layer, head in heads]
    mean = np.stack([each.mean[0, head].cpu().numpy() for each, head in moments])
    error = np.stack([each.standard_error[0, head].cpu().numpy() for each, head in moments])
    low, high = t_about(mean, error, len(prompts))
    return mean, (np.clip(low, 0, 1), np.clip(high, 0, 1))


def attention_variables(
    prompts: Prompts, heads: np.ndarray, mean: np.ndarray, interval: tuple[np.ndarray, np.ndarray]
) -> dict[str, xr.Variable]:
    """Return the variables of `survivor` and `role`, from what `last_attention` gave for `heads` [survivor, 2]."""
    n_roles, units = len(prompts.roles), "attention weight"
    others = [i for i, role in enumerate(prompts.roles[:-1]) if role != "bos"]
    known = len(others) > 0 and not np.isnan(mean).any()
    reads = np.array(others)[mean[:, others].argmax(axis=1)] if known else np.full(len(heads), -1)
    what = "mean attention of the last token to the token at `role`, in AF1 with the survivors alone reading"
    return {
        "survivor_layer": variable("survivor", heads[:, 0], "block", "the block of each survivor"),
        "survivor_head": variable("survivor", heads[:, 1], "head", "the head of each survivor in its block"),
        **mean_variables("attention", "survivor role", mean, interval, units, what),
        "attention_null": variable("role", np.full(n_roles, 1 / n_roles), units, "1 / number of tokens in sight"),
        "reads": variable("survivor", reads, "index", "role, BOS and last apart, attended to most; -1 = unknown"),
        "heads_reading": variable(
            "role", np.bincount(reads[reads >= 0], minlength=n_roles), "heads", "survivors that read this role most"
        ),
        "attention_total": variable(
            "role", mean.sum(axis=0), "heads' worth of attention", "attention of all survivors together"
        ),
    }
