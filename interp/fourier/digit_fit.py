"""Which digits does a probe at one place get right on numbers it has not seen? The fit behind `digit_probes`.

    W(alpha) of `interp.methods.ridge`, once for all digits of all bases and their shuffled copies

at the price of one eigendecomposition a fold. The penalty of each column is chosen among the train numbers, with whole
numbers held out again.

A shuffled copy gives every number the place of another one and keeps it there, so it is as regular as the truth.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch

from interp.errors import InterpError
from interp.fourier.digit_circles import decode, digits, n_places, turns
from interp.methods.ridge import PENALTIES, Path, choose_penalty, standardise

N_FOLDS = 5


class Labels(NamedTuple):
    """What the probes of one target learn: every base's circles, then shuffled copies of them, then n itself."""

    numbers: np.ndarray  # [prompt]
    fold: np.ndarray  # [prompt], whole numbers together
    columns: dict[int, slice]  # base -> its columns of one copy
    values: np.ndarray  # [copy, prompt]: the number each prompt stands for; copy 0 is true
    circles: np.ndarray  # [copy, prompt, column]


class Cell(NamedTuple):
    """Of one target at one place: digits right {base: bool [copy, prompt, place]}, and n rounded right [prompt]."""

    right: dict[int, np.ndarray]
    rounded: np.ndarray


def labels(numbers: np.ndarray, bases: Sequence[int], n_shuffles: int, seed: int) -> Labels:
    """Return the plan of one target. Raises InterpError for fewer than five distinct numbers, or one below 0."""
    distinct, index = np.unique(numbers, return_inverse=True)
    if len(distinct) < N_FOLDS or distinct[0] < 0:
        raise InterpError(
            f"Digit probes of {len(distinct)} distinct numbers from {distinct[0]}: expected at least {N_FOLDS}, none "
            "below 0; use more prompts or another target."
        )
    rng = np.random.default_rng([seed, 2])
    fold = (rng.permutation(len(distinct)) % N_FOLDS)[index]
    values = np.stack([distinct[index], *(rng.permutation(distinct)[index] for _ in range(n_shuffles))])
    columns, parts, start = {}, [], 0
    for base in bases:
        count = n_places(int(distinct[-1]), base)
        parts.append(np.stack([turns(digits(each, base, count), base) for each in values]))
        columns[base] = slice(start, start := start + 2 * count)
    return Labels(np.asarray(numbers), fold, columns, values, np.concatenate(parts, axis=-1))


def probe(x: torch.Tensor, plan: Labels) -> Cell:
    """Return which digits the probes of one place [prompt, d] get right on held-out numbers."""
    copies, n, width = plan.circles.shape
    predicted = np.empty((copies, n, width))
    rounded = np.empty(n)
    for k in range(N_FOLDS):
        train, held = np.flatnonzero(plan.fold != k), np.flatnonzero(plan.fold == k)
        true = np.column_stack([plan.circles[0, train], plan.numbers[train]])
        inner, outer = standardise(x[train], x[held])
        path, alpha = choose_penalty(inner, torch.from_numpy(true), plan.fold[train], PENALTIES)
        rounded[held] = path.predict(outer, alpha)[:, -1].numpy()
        copied = torch.from_numpy(np.concatenate(list(plan.circles[:, train]), axis=1))
        out = _refitted(path, inner, copied).predict(outer, alpha[:-1].repeat(copies))
        predicted[:, held] = out.numpy().reshape(len(held), copies, width).transpose(1, 0, 2)
    right = {}
    for base, where in plan.columns.items():
        count = (where.stop - where.start) // 2
        right[base] = decode(predicted[..., where], base) == digits(plan.values, base, count)
    return Cell(right, np.rint(rounded) == plan.numbers)


def line(numbers: np.ndarray) -> torch.Tensor:
    """Return n, n^2, n^3 of every prompt's number, [prompt, 3]: all that a smooth number line tells."""
    scaled = np.asarray(numbers, float) / max(1, np.max(numbers))
    return torch.from_numpy(np.stack([scaled, scaled**2, scaled**3], axis=1))


def _refitted(path: Path, x: torch.Tensor, y: torch.Tensor) -> Path:
    """Return the same eigenbasis with other labels: what the shuffled copies cost is one product."""
    mean = y.mean(0)
    rotated = path.vectors.T @ ((x - path.mean_x).T @ (y - mean))
    return Path(path.n, path.mean_x, mean, path.values, path.vectors, rotated)
