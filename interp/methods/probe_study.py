"""How are labels, their shuffles and their controls fitted at every place in one pass, and judged in another?

    columns     for each target: its code (probe_kinds.py), `copies` times side by side
    copy 0      the labels; copies 1..S: whole rows shuffled, so targets keep their correlations
    copy S + p  the control task of varying position p: each token there is given one label, drawn from the train
                labels, in every split alike; nothing but a memory of tokens can solve it (Hewitt & Liang 2019)

Three sets of prompts: one to fit, one to choose the penalty of each (target, copy), one to judge. Every copy is judged
against labels of its own: a shuffle of all three sets is what the study would have been, had the labels nothing to do
with the stream. (Against the true test labels, a probe of shuffled ones that happens to split two clumps of prompts is
right about nearly all or nearly none of them, and the null is wide for no reason.)

Source: Hewitt & Liang (2019) arXiv 1909.03368.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from interp.methods.gram import Cell, Linear, choose_all, gram_ladders, read_cells
from interp.methods.probe_kinds import Code, label
from interp.methods.sparse_ridge import sparse_ladders
from interp.progress import Progress, silent

if TYPE_CHECKING:
    from interp.tasks.prompts import Prompts


@dataclass(frozen=True)
class Sets:
    """Prompts to fit on, to choose on, and to judge on; no group of operands is in two of them."""

    train: Prompts
    validation: Prompts
    test: Prompts


@dataclass(frozen=True)
class Labels:
    """What one set of prompts is fitted to and judged against: int [prompt, copy, target]."""

    truth: np.ndarray


@dataclass(frozen=True)
class Judged:
    """Values [prompt, copy, target, cell] of the copies kept whole, mean values [shuffle, target, cell], and the level
    [prompt, target, cell] nearest to what the probe of the true labels said (-1: a label that is not counted)."""

    values: np.ndarray
    shuffled: np.ndarray
    said: np.ndarray


def codes_of(train: Prompts, names: Sequence[str], kind: str, period: float) -> list[Code]:
    """Return the code of each target. Raises InterpError as `label` and `Code.of`."""
    return [Code.of(kind, label(train, name), period) for name in names]


def varying_positions(train: Prompts) -> list[int]:
    """Return the positions whose token is not the same in all train prompts."""
    return np.flatnonzero(np.ptp(train.tokens, axis=0) > 0).tolist()


def told(
    sets: Sets, names: Sequence[str], n_shuffles: int, seed: int, *, cell: int = 0, tasks: bool = True
) -> list[Labels]:
    """Return the labels of the three sets: the true ones, `n_shuffles` shuffles, a control task a varying position.

    Studies of other prompts take other numbers as `cell`: the same sums worded twice would else be shuffled alike.
    """
    rng = np.random.default_rng([seed, 2, cell])
    train = np.stack([label(sets.train, name) for name in names], axis=1)
    places = varying_positions(sets.train) if tasks else []
    tables = [(p, {}) for p in places]
    made = []
    for prompts in (sets.train, sets.validation, sets.test):
        y = np.stack([label(prompts, name) for name in names], axis=1)
        shuffles = [y[rng.permutation(len(y))] for _ in range(n_shuffles)]
        tasks_ = [_recited(prompts.tokens[:, p], table, train, rng) for p, table in tables]
        made.append(Labels(np.stack([y, *shuffles, *tasks_], axis=1)))
    return made


def _recited(tokens: np.ndarray, table: dict[int, np.ndarray], train: np.ndarray, rng: Any) -> np.ndarray:
    """Return the control labels [prompt, target] of these tokens, drawn once a token."""
    for token in np.unique(tokens).tolist():
        table.setdefault(token, train[rng.integers(len(train))])
    return np.stack([table[token] for token in tokens.tolist()])


def columns(codes: Sequence[Code], labels: np.ndarray) -> np.ndarray:
    """Return [prompt, column] of labels [prompt, copy, target]: target by target, copy by copy."""
    n_copies = labels.shape[1]
    return np.concatenate(
        [code.columns(labels[:, c, i]) for i, code in enumerate(codes) for c in range(n_copies)], axis=1
    )


def groups(codes: Sequence[Code], n_copies: int) -> np.ndarray:
    """Return which (target, copy) each column belongs to, 0.., in the order of `columns`."""
    return np.repeat(np.arange(len(codes) * n_copies), np.repeat([code.width for code in codes], n_copies))


def valued(codes: Sequence[Code], out: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Return the values [prompt, copy, target] of predicted columns [prompt, column] against `truth`."""
    n_copies, at, found = truth.shape[1], 0, []
    for i, code in enumerate(codes):
        size = code.width * n_copies
        said = code.said(out[:, at : at + size].reshape(len(out), n_copies, code.width))
        found.append(code.value(said, truth[:, :, i]))
        at += size
    return np.stack(found, axis=2)


def spoken(codes: Sequence[Code], out: np.ndarray, n_copies: int) -> np.ndarray:
    """Return the level [prompt, target] nearest to what predicted columns [prompt, column] say of the true labels, -1
    where a label is not counted."""
    found, at = np.full((len(out), len(codes)), -1, dtype=np.int8), 0
    for i, code in enumerate(codes):
        if code.counted:
            found[:, i] = code.nearest(code.said(out[:, at : at + code.width]))
        at += code.width * n_copies
    return found


def fitted(
    model: Any, sets: Sets, codes: Sequence[Code], labels: Sequence[Labels], cells: Sequence[Cell],
    *, n_units: int | None = None, batch_size: int = 512, progress: Progress = silent,
) -> dict[Cell, Linear]:  # fmt: skip
    """Return the solution of every place: all columns, the penalty of each (target, copy) chosen on validation rows.

    `n_units`: how many units a probe may read, chosen on the train rows; None: all.
    """
    how: dict[str, Any] = {"batch_size": batch_size, "progress": progress}
    y, held = (columns(codes, each.truth) for each in labels[:2])
    index = groups(codes, labels[0].truth.shape[1])
    if n_units is None:
        ladders: Mapping[Cell, Any] = gram_ladders(model, sets.train, y, cells, **how)
    else:
        ladders = sparse_ladders(model, sets.train, y, index, cells, n_units, **how)
    return choose_all(model, sets.validation, held, index, ladders, **how)


def judged(
    model: Any, prompts: Prompts, codes: Sequence[Code], labels: Labels, solutions: Mapping[Cell, Linear],
    *, n_shuffles: int, batch_size: int = 512, progress: Progress = silent,
) -> Judged:  # fmt: skip
    """Return how well the solutions do on prompts that they have not seen, in one pass."""
    cells = list(solutions)
    n, n_copies, n_targets = labels.truth.shape
    values = np.empty((n, n_copies - n_shuffles, n_targets, len(cells)))
    sums = np.zeros((n_shuffles, n_targets, len(cells)))
    said = np.empty((n, n_targets, len(cells)), dtype=np.int8)

    def judge(cell: Cell, x: Tensor, rows: np.ndarray) -> None:
        out = solutions[cell].predict(x).cpu().numpy()
        found, k = valued(codes, out, labels.truth[rows]), cells.index(cell)
        sums[..., k] += found[:, 1 : 1 + n_shuffles].sum(axis=0)
        values[rows, 0, :, k] = found[:, 0]
        values[rows, 1:, :, k] = found[:, 1 + n_shuffles :]
        said[rows, :, k] = spoken(codes, out, n_copies)

    with torch.no_grad():
        read_cells(model, prompts, cells, judge, batch_size=batch_size, progress=progress)
    return Judged(values, sums / n, said)
