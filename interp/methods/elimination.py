"""In which order can heads be taken away so that as much as possible is left? Greedy backward elimination.

    removed_0 = {}
    removed_{k+1} = removed_k + the head h whose removal leaves the most right answers on the search prompts

    margin(prompt) = logit[answer] - max over other tokens v of logit[v]        right iff it is positive

Ties in right answers go to the largest mean margin over the search prompts, that is to the smallest drop; margins
closer than SAME_MARGIN are one margin, since rounding is no reason, and such ties go to the lowest (block, head).
All of N heads take N (N + 1) / 2 judgements. Greedy is no exhaustive search: a smaller set that answers may exist,
and on the prompts that chose the order its curve is optimistic, so the curve to report comes from other prompts.

Source: the elimination is that of Mamidanna, Rai, Yao & Zhou, "All for One", EMNLP 2025, arXiv 2509.09650 (head
analysis); the margin as tie-break is ours.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from interp.methods.grid import within
from interp.progress import Progress, silent

SAME_MARGIN = 1e-4
"""Mean margins, in logits, closer than this are equal: ten times float32 rounding of logits of order ten."""


class Answers(NamedTuple):
    """What some sets of removed heads leave: `right` bool and `margin` float64 in logits, each [set, prompt]."""

    right: np.ndarray
    margin: np.ndarray


class Elimination(NamedTuple):
    """`order` int [n_heads, 2], (block, head) in the order of removal; `answers` after 0, 1, ... all removals."""

    order: np.ndarray
    answers: Answers


Judge = Callable[[np.ndarray, Progress], Answers]
"""judge(removed bool [set, block, head], progress) -> Answers of each set."""


def eliminate(judge: Judge, n_blocks: int, n_heads: int, *, progress: Progress = silent) -> Elimination:
    """Return the greedy order in which the `n_blocks` x `n_heads` heads go, and what each step leaves."""
    size = n_blocks * n_heads
    removed = np.zeros((n_blocks, n_heads), dtype=bool)
    kept, order = [judge(removed[None], silent)], []
    for step in range(size):
        report = within(progress, step, size, f"head {step + 1} of {size} to remove")
        candidates = np.argwhere(~removed)  # in rising (block, head)
        tried = np.repeat(removed[None], len(candidates), axis=0)
        tried[np.arange(len(candidates)), candidates[:, 0], candidates[:, 1]] = True
        answers = judge(tried, report)
        chosen = least_missed(answers)
        removed = tried[chosen]
        order.append(candidates[chosen])
        kept.append(Answers(answers.right[[chosen]], answers.margin[[chosen]]))
    both = Answers(*(np.concatenate([getattr(each, name) for each in kept]) for name in Answers._fields))
    return Elimination(np.array(order, dtype=np.int64).reshape(size, 2), both)


def least_missed(answers: Answers) -> int:
    """Return the index of the set that leaves most: right answers, then mean margin, then the lowest index."""
    right, margin = answers.right.sum(axis=-1), mean_margin(answers)
    tied = right == right.max()
    return int(np.flatnonzero(tied & (margin >= margin[tied].max() - SAME_MARGIN))[0])


def mean_margin(answers: Answers) -> np.ndarray:
    """Return the mean margin of each set in logits: float64 [set]; 0 without prompts."""
    return answers.margin.sum(axis=-1) / max(answers.margin.shape[-1], 1)


def nested(order: np.ndarray, n_blocks: int, n_heads: int) -> np.ndarray:
    """Return the sets along an order int [n_heads, 2] of removal: bool [n_removed, block, head], first the empty."""
    rank = np.full((n_blocks, n_heads), len(order))
    rank[order[:, 0], order[:, 1]] = np.arange(len(order))
    return rank < np.arange(len(order) + 1)[:, None, None]


def random_orders(n: int, n_blocks: int, n_heads: int, seed: int = 0) -> np.ndarray:
    """Return `n` seeded orders of removal, all heads in each: int [draw, n_heads, 2]."""
    rng = np.random.default_rng(seed)
    heads = np.argwhere(np.ones((n_blocks, n_heads), dtype=bool))
    return np.stack([rng.permutation(heads) for _ in range(n)]) if n else np.zeros((0, len(heads), 2), dtype=np.int64)
