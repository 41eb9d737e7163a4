"""How long can every token wait, knowing only itself, before the answer is lost? Context-aware mean ablation.

    CAMA_t^l(x_t) = E[ h_t^l(x') | x'_t = x_t ],   x' from the same template          h = input of block l
    faithfulness(variant, l_wait) = accuracy with h_t^{l_wait} <- variant at every position but BOS, all later blocks
                                    free, on prompts that the full model answers correctly

Counting: `l_wait` blocks wait, so the write is at resid_pre of block `l_wait`; 0 means the embeddings (where CAMA is
the identity) and L the final residual. A paper's 0-based block index is l_wait - 1. The variants, CAMA's alternatives
at the same place, are those of `interp.methods.waiting`.

Reading: while `cama` stays near 1 the tokens have not needed each other; where it falls, information has moved before
that block. `mean`, `noise` and `zero` are the nulls: they must fall wherever the operands matter. Where `isolated`
stays up and `cama` falls, it is the averaging that hurts; `resample` puts a real activation in the mean's place. In a
task with "-" every step must be >= 0, so the mean given one operand knows something of the others; that of `unfiltered`
does not, and where the two lines agree the leak does no work. l_wait 0 is the identity by construction and no evidence
of waiting.

`reference_standard_error` is the means' sampling error, |standard error| / |mean|, median over roles and keys; 0 where
they are exact (the reference was the whole task).

Source: Mamidanna, Rai, Yao & Zhou, "All for One", EMNLP 2025, arXiv 2509.09650.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from interp.methods import nulls
from interp.methods.faithfulness import answered, faithful, share
from interp.methods.grid import within
from interp.methods.means import Means, relative_error
from interp.methods.result import attributes, mean_variables, variable
from interp.methods.waiting import VARIANTS, WAITS, References, as_references, waits
from interp.progress import Progress, silent

if TYPE_CHECKING:
    from interp.tasks.prompts import Prompts


def wait_sweep(
    model: Any,
    references: References | Means,
    prompts: Prompts,
    variants: Sequence[str] = VARIANTS,
    *,
    batch_size: int = 512,
    progress: Progress = silent,
) -> np.ndarray:
    """Return which of `prompts` survive waiting: bool [variant, l_wait, prompt], later blocks unrestricted."""
    held = replace(as_references(references), batch_size=batch_size)
    layers = sorted(held.means.moments)
    right = np.zeros((len(variants), len(layers), len(prompts)), dtype=bool)
    if not len(prompts):
        return right
    total = len(variants) * len(layers)
    for v, variant in enumerate(variants):
        reading = within(progress, v * len(layers), total, f"{variant}, reading what it writes")
        for i, edits in enumerate(waits(held, prompts, layers, variant, progress=reading)):
            report = within(progress, v * len(layers) + i, total, f"{variant} l_wait {layers[i]}")
            right[v, i] = faithful(model, prompts, edits, batch_size=batch_size, progress=report)
    return right


def cama(
    model: Any,
    prompts: Prompts,
    references: References | Means,
    *,
    variants: Sequence[str] = WAITS,
    batch_size: int = 512,
    progress: Progress = silent,
    seed: int = 0,
) -> xr.Dataset:
    """Return `faithfulness` [variant, l_wait] with its interval, over the prompts the full model answers.

    `n` counts them, `n_uncovered` the prompts left out because a token of theirs has no mean; all variants share them.
    With no answered prompt the values are nan. `references.seed` draws; `seed` itself changes nothing. Raises
    InterpError for no prompts, means of another template, an unknown variant or one without its reference.
    """
    held = as_references(references)
    held.check(prompts, variants)
    covered = prompts[held.covers(prompts)]
    kept = answered(model, covered, batch_size=batch_size, progress=progress) if len(covered) else covered
    right = wait_sweep(model, held, kept, variants, batch_size=batch_size, progress=progress)
    title = f"Faithfulness when every token waits, {prompts.task} ({prompts.style}, {prompts.split})."
    what = "accuracy on prompts the full model answers"
    return xr.Dataset(
        {
            **mean_variables("faithfulness", "variant l_wait", *share(right), "fraction", what),
            "correct": variable(
                "variant l_wait prompt", right.astype(np.int8), "0 or 1", "still answered while waiting"
            ),
            "n": variable("", len(kept), "prompts", "prompts that the full model answers correctly"),
            "n_uncovered": variable("", len(prompts) - len(covered), "prompts", "left out: a token without a mean"),
            "null_majority": variable(
                "",
                nulls.majority_accuracy(kept.answer_ids) if len(kept) else np.nan,
                "fraction",
                "accuracy of the best constant answer",
            ),
            **reference_variables(held),
        },
        coords={"variant": list(variants), "l_wait": sorted(held.means.moments), "prompt": list(kept.texts)},
        attrs=attributes("cama", model, prompts, title, reference_seed=held.seed),
    )


def reference_variables(references: References) -> dict[str, xr.Variable]:
    """Return how many prompts the means come from, and how well they are known."""
    means = references.means
    sizes = [0 if other is None else other.n for other in (references.other, references.unfiltered)]
    return {
        "n_reference": variable("", means.n, "prompts", "prompts behind the means"),
        "n_reference_other": variable("", sizes[0], "prompts", "prompts behind the means of the other operator"),
        "n_reference_unfiltered": variable("", sizes[1], "prompts", "prompts behind the unfiltered means"),
        "exact": variable("", np.int8(means.exact), "0 or 1", "the means are over the whole task: no sampling error"),
        "reference_standard_error": variable(
            "l_wait", relative_error(means), "fraction of |mean|", "sampling error of the conditional means"
        ),
    }
