"""How much of what the model can do does a subgraph still do?

    faithfulness = accuracy under the interventions, on the prompts that the full model answers

so the full model has 1 by construction. A model that answers nothing has none: the values are nan and n is 0.

Source: Mamidanna, Rai, Yao & Zhou, "All for One", EMNLP 2025, arXiv 2509.09650 (section on metrics); Wilson (1927).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from interp.engine import Intervention, run
from interp.methods import metrics
from interp.methods.intervals import wilson
from interp.progress import Progress, silent

if TYPE_CHECKING:
    from interp.tasks.prompts import Prompts


def answered(model: Any, prompts: Prompts, *, batch_size: int = 512, progress: Progress = silent) -> Prompts:
    """Return the prompts that the full model answers correctly: those that faithfulness is about (may be none)."""
    logits = run(model, prompts, batch_size=batch_size, progress=progress).logits
    return prompts[metrics.correct(logits, prompts).cpu().numpy()]


def faithful(
    model: Any,
    prompts: Prompts,
    interventions: Sequence[Intervention],
    *,
    batch_size: int = 512,
    progress: Progress = silent,
) -> np.ndarray:
    """Return which of `prompts` are answered correctly under the interventions: bool [prompt]."""
    if not len(prompts):
        return np.zeros(0, dtype=bool)
    logits = run(model, prompts, interventions, batch_size=batch_size, progress=progress).logits
    return metrics.correct(logits, prompts).cpu().numpy()


def share(right: np.ndarray) -> tuple[np.ndarray, tuple[np.ndarray, np.ndarray]]:
    """Return the mean of `right` (bool [..., prompt]) over prompts and Wilson's 95 % interval; nan without prompts."""
    n, successes = right.shape[-1], np.asarray(right.sum(axis=-1), dtype=float)
    if n == 0:
        nothing = np.full(successes.shape, np.nan)
        return nothing, (nothing, nothing)
    return successes / n, wilson(successes, n)
