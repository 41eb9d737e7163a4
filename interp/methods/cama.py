"""How long can every token wait, knowing only itself, before the answer is lost? Context-aware mean ablation.

    CAMA_t^l(x_t) = E[ h_t^l(x') | x'_t = x_t ],   x' from the same template          h = input of block l
    faithfulness(l_wait) = accuracy with h_t^{l_wait} <- CAMA_t at every position but BOS, on prompts the full
                           model answers correctly

Counting: `l_wait` blocks wait, so the write is at resid_pre of block `l_wait`; 0 means the embeddings (where CAMA is
the identity) and L the final residual. A paper's 0-based block index is l_wait - 1. Variants at the same place:
`cama` keeps each token's own identity, `mean` forgets it (one mean a position), `zero` writes zeros.

Reading: while `cama` stays near 1 the tokens have not needed each other; where it falls, information has moved
before that block. `mean` and `zero` are the nulls: they must fall wherever the operands matter. The means come from
reference prompts of another split, in one streamed pass; `reference_standard_error` is their sampling error, as
|standard error| / |mean|, median over roles and tokens.

For "-" the task's own constraint (every step >= 0) makes E[ . | x_t] carry what x_t says about the other operands:
that is part of conditioning on the task. l_wait 0 is the identity by construction and no evidence of waiting.

Source: Mamidanna, Rai, Yao & Zhou, "All for One", EMNLP 2025, arXiv 2509.09650.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from interp.methods import nulls
from interp.methods.faithfulness import answered, faithful, share
from interp.methods.grid import within
from interp.methods.means import Means, relative_error
from interp.methods.result import attributes, mean_variables, variable
from interp.methods.waiting import VARIANTS, wait
from interp.progress import Progress, silent

if TYPE_CHECKING:
    from interp.tasks.prompts import Prompts


def wait_sweep(
    model: Any,
    means: Means,
    prompts: Prompts,
    variants: Sequence[str] = VARIANTS,
    *,
    batch_size: int = 512,
    progress: Progress = silent,
) -> np.ndarray:
    """Return which of `prompts` survive waiting: bool [variant, l_wait, prompt], later blocks unrestricted."""
    layers = sorted(means.moments)
    right = np.zeros((len(variants), len(layers), len(prompts)), dtype=bool)
    for v, variant in enumerate(variants):
        for i, layer in enumerate(layers):
            report = within(progress, v * len(layers) + i, len(variants) * len(layers), f"{variant} l_wait {layer}")
            right[v, i] = faithful(
                model, prompts, wait(means, prompts, layer, variant), batch_size=batch_size, progress=report
            )
    return right


def cama(
    model: Any,
    prompts: Prompts,
    means: Means,
    *,
    variants: Sequence[str] = VARIANTS,
    batch_size: int = 512,
    progress: Progress = silent,
    seed: int = 0,
) -> xr.Dataset:
    """Return `faithfulness` [variant, l_wait] with its interval, over the prompts the full model answers.

    `n` counts them, `n_uncovered` the prompts left out because a token of theirs has no reference mean. With no
    answered prompt the values are nan. Nothing is random, so `seed` changes nothing. Raises InterpError for no
    prompts, means of another template, or an unknown variant.
    """
    means.check(prompts)
    covered = prompts[means.covers(prompts)]
    kept = answered(model, covered, batch_size=batch_size, progress=progress) if len(covered) else covered
    right = wait_sweep(model, means, kept, variants, batch_size=batch_size, progress=progress)
    mean, interval = share(right)
    majority = nulls.majority_accuracy(kept.answer_ids) if len(kept) else np.nan
    title = f"Faithfulness when every token waits, {prompts.task} ({prompts.style}, {prompts.split})."
    what = "accuracy on prompts the full model answers"
    return xr.Dataset(
        {
            **mean_variables("faithfulness", "variant l_wait", mean, interval, "fraction", what),
            "correct": variable(
                "variant l_wait prompt", right.astype(np.int8), "0 or 1", "still answered while waiting"
            ),
            "n": variable("", len(kept), "prompts", "prompts that the full model answers correctly"),
            "n_uncovered": variable("", len(prompts) - len(covered), "prompts", "left out: a token without a mean"),
            "n_reference": variable("", means.n, "prompts", "prompts behind the means"),
            "reference_standard_error": variable(
                "l_wait", relative_error(means), "fraction of |mean|", "sampling error of the conditional means"
            ),
            "null_majority": variable("", majority, "fraction", "accuracy of the best constant answer"),
        },
        coords={"variant": list(variants), "l_wait": sorted(means.moments), "prompt": list(kept.texts)},
        attrs=attributes("cama", model, prompts, title),
    )
