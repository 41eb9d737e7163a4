"""How much of the model's normalised logit does a circuit keep?

    NL(run) = logit[answer] / largest logit              1 where the answer is on top; nan where the largest is <= 0
    ratio of means    sum_i (NL_i(c) - NL_i(empty)) / sum_i (NL_i(full) - NL_i(empty))
    mean of ratios    mean_i [ (NL_i(c) - NL_i(empty)) / (NL_i(full) - NL_i(empty)) ]

The formula of Nikankin et al. (2025, arXiv 2410.21272) reads as the first, their code averages the second; a prompt
that the empty circuit nearly answers has a denominator near 0 and decides the second alone, so the first is what is
reported and the second stands beside it. Prompts whose normalised logit is not defined in one of the runs are left out.

Reading: 1 = the full model, 0 = nothing kept. A logit has no zero of its own: NL of a wrong answer may be .9, so the
accuracy stands beside the faithfulness.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from interp.methods.intervals import Interval, percentile, resampled_means

SMALLEST = 1e-4
"""A mean denominator below this has nothing to restore: nan."""


def normalised_logits(logits: Tensor, answer_ids: Tensor) -> Tensor:
    """Return logit[answer] / largest logit [row], at most 1; nan where the largest is not above 0."""
    largest = logits.max(dim=-1).values
    own = logits.gather(-1, answer_ids[:, None])[:, 0]
    return torch.where(largest > 0, own / largest, torch.nan)


def kept_share(
    circuit: np.ndarray, empty: np.ndarray, full: np.ndarray, seed: int = 0
) -> tuple[np.ndarray, Interval, np.ndarray]:
    """Return the ratio of means [...] with its 95 % bootstrap interval over prompts, and the mean of ratios [...].

    circuit: [prompt, ...], empty and full: [prompt]. nan where nothing can be restored or no prompt is defined.
    """
    wide = (slice(None), *(None,) * (circuit.ndim - 1))
    defined = np.isfinite(empty) & np.isfinite(full) & np.isfinite(circuit).reshape(len(circuit), -1).all(axis=1)
    gain, total = (circuit - empty[wide])[defined], (full - empty)[defined]
    if not defined.any() or abs(total.mean()) < SMALLEST:
        nothing = np.full(circuit.shape[1:], np.nan)
        return nothing, Interval(nothing, nothing), nothing
    value = gain.mean(axis=0) / total.mean()
    drawn = resampled_means(gain, seed=seed)
    totals = resampled_means(total, seed=seed).reshape(-1, *(1,) * (circuit.ndim - 1))
    large = np.abs(total) >= SMALLEST
    ratios = gain[large] / total[large][wide]
    shares = np.divide(drawn, totals, out=np.full_like(drawn, np.nan), where=totals != 0)
    return value, percentile(shares), ratios.mean(axis=0)
