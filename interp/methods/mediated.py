"""How far does one activation of another prompt move the answer from the own result to the other one?

Two prompts: the source, with result r, and the base, with result r'. P is the base run, P* the base run in which one
activation is the source's. The symmetrised relative change of the two probabilities is

    effect     = 1/2 [ (P*(r) - P(r)) / P(r)  +  (P(r') - P*(r')) / P*(r') ]
               = 1/2 [ expm1(d) + expm1(d') ]       d = log P*(r) - log P(r),   d' = log P(r') - log P*(r')
    log effect = 1/2 [ d + d' ]                                                                              nats

and to first order, where P* = P, both are half the change of the logit of r minus the logit of r'. With one result for
both prompts, r = r', the first is 1/2 (P*/P + P/P*) - 1 = cosh d - 1, which is never negative, and the second is 0
whatever happens; |d| stands in its place.

Reading: 0 = nothing moved. The effect is unbounded above, for P(r) may be 1e-11: look at its log, beside the median.

Source: Stolfo, Belinkov & Sachan (2023) arXiv 2305.15054; Nikankin et al. (2025) arXiv 2410.21272.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from interp.engine import Intervention, Run, run, sweep
from interp.engine.sites import Site
from interp.progress import Progress, silent

if TYPE_CHECKING:
    from interp.tasks.twins import Twins

LARGEST = 600.0
"""Differences of log-probability are cut here, so that the effect stays a finite float64."""


def effect(base: np.ndarray, patched: np.ndarray) -> np.ndarray:
    """Return the symmetrised relative effect [...], at least -1, of log-probabilities [..., 2] of (r, r')."""
    gained, lost = _moved(base, patched)
    return 0.5 * (np.expm1(gained) + np.expm1(lost))


def log_effect(base: np.ndarray, patched: np.ndarray, one_result: bool = False) -> np.ndarray:
    """Return the log effect [...] in nats of log-probabilities [..., 2]; of one result |d|, which is never negative."""
    gained, lost = _moved(base, patched)
    return np.abs(gained) if one_result else 0.5 * (gained + lost)


def _moved(base: np.ndarray, patched: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    moved = np.clip(np.asarray(patched, dtype=float) - np.asarray(base, dtype=float), -LARGEST, LARGEST)
    return moved[..., 0], -moved[..., 1]


def answer_logprobs(twins: Twins) -> Callable[[Tensor, np.ndarray], Tensor]:
    """Return the measure (logits [row, vocab], rows) -> log P of the source's and the base's answer: float64 [row, 2].

    The base prompts are `twins.clean`, the sources `twins.corrupted`.
    """
    answers = torch.as_tensor(np.stack([twins.corrupted.answer_ids, twins.clean.answer_ids], axis=1))

    def measure(logits: Tensor, rows: np.ndarray) -> Tensor:
        wanted = answers[torch.as_tensor(rows)].to(logits.device)
        return torch.log_softmax(logits.double(), dim=-1).gather(-1, wanted)

    return measure


def read_sources(
    model: Any, twins: Twins, sites: Sequence[Site], batch_size: int = 512, progress: Progress = silent
) -> Run:
    """Return the run of the source prompts, read at `sites`."""
    return run(model, twins.corrupted, reads=tuple(sites), batch_size=batch_size, progress=progress)


def mediated(
    model: Any,
    twins: Twins,
    edits: Sequence[Sequence[Intervention]],
    *,
    batch_size: int = 512,
    progress: Progress = silent,
) -> tuple[np.ndarray, np.ndarray]:
    """Return the log-probabilities of (r, r') in the base run [prompt, 2] and under each edit [prompt, edit, 2]."""
    measure = answer_logprobs(twins)
    swept = sweep(model, twins.clean, [(), *edits], measure, batch_size=batch_size, progress=progress)
    return swept[0].numpy(), swept[1:].transpose(0, 1).numpy()
