"""How few units does a probe need? Ridge on k units of a place, chosen on the training rows.

    chosen(group) = the k units j with the largest  Σ_columns  (Σ_rows (x_j - m_j)(y - m_y))² / Σ (x_j - m_j)² Σ (y - m_y)²

that is, the largest summed squared correlation with the group's columns (for a two-class label: the units whose class
means lie farthest apart). A shuffled copy of a label chooses its own units, so the null has the same freedom.

Source: Gurnee et al. (2023), Finding neurons in a haystack, arXiv 2305.01610 (k-sparse probing).
"""  # noqa: E501

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from interp.errors import InterpError
from interp.methods.gram import Cell, Ladder, Linear, gram_sums
from interp.methods.ridge import Moments

if TYPE_CHECKING:
    from interp.tasks.prompts import Prompts


@dataclass(frozen=True)
class SparseLadder:
    """A path for each group of columns, on the group's own units [k] of a stream of `width`."""

    parts: tuple[tuple[np.ndarray, Tensor, Ladder], ...]
    width: int

    def errors(self, x: Tensor, y: Tensor, penalties: Sequence[float]) -> Tensor:
        """Return the summed squared error [penalty, t] on raw rows."""
        found = y.new_zeros(len(penalties), y.shape[1])
        for columns, units, ladder in self.parts:
            found[:, columns] = ladder.errors(x[:, units], y[:, columns], penalties)
        return found

    def at(self, alpha: Tensor) -> Linear:
        """Return the solution with one penalty a column; the weights of units that are not read are 0."""
        weights, intercept = alpha.new_zeros(self.width, len(alpha)), torch.zeros_like(alpha)
        for columns, units, ladder in self.parts:
            part = ladder.at(alpha[columns])
            weights[units[:, None], torch.as_tensor(columns)] = part.weights
            intercept[columns] = part.intercept
        return Linear(weights, intercept, alpha)


def sparse_ladder(rows: Moments, groups: np.ndarray, n_units: int, rounding: float = 0.0) -> SparseLadder:
    """Return the paths of all groups of columns (int [t], 0..) at one place.

    Raises InterpError unless 1 <= n_units <= the width of the stream.
    """
    width = len(rows.x)
    if not 1 <= n_units <= width:
        raise InterpError(f"A probe of {n_units} units does not fit a stream of {width}; take 1..{width}.")
    scaled = rows.scaled(rows.scale(rounding))
    _, xy, yy = scaled.about(scaled.x / rows.n, rows.y / rows.n)
    fits = xy.square() / (rows.n * yy).clamp(min=1e-300)
    parts = []
    for group in range(int(groups.max()) + 1):
        columns = np.flatnonzero(groups == group)
        units = fits[:, columns].sum(1).topk(n_units).indices.sort().values
        parts.append((columns, units, Ladder.of(_part(rows, units, columns), rounding)))
    return SparseLadder(tuple(parts), width)


def _part(rows: Moments, units: Tensor, columns: np.ndarray) -> Moments:
    xx, xy = rows.xx[units][:, units], rows.xy[units][:, columns]
    return Moments(rows.n, rows.x[units], rows.y[columns], xx, xy, rows.yy[columns])


def sparse_ladders(
    model: Any,
    prompts: Prompts,
    labels: np.ndarray,
    groups: np.ndarray,
    cells: Sequence[Cell],
    n_units: int,
    **how: Any,
) -> dict[Cell, SparseLadder]:
    """Return {cell: paths on k units} of ridge to `labels` [prompt, t], from one pass (`how`: as `gram_sums`)."""
    sums, rounding = gram_sums(model, prompts, labels, cells, **how)
    return {cell: sparse_ladder(sums[cell], groups, n_units, rounding) for cell in cells}
