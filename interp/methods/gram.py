"""How are linear probes fitted at all places at once, for any number of labels and the whole path of penalties?

    one pass        n, Σx, Σxxᵀ, Σxyᵀ at every (layer, role), batch by batch in float64; no activation is kept
    one place       x -> (x - m) / s from these sums alone;  one eigendecomposition, every penalty, every column of Y
    choosing        alpha(group) = argmin Σ over the group's columns ‖y - ŷ(alpha)‖² on validation rows

A group is the columns of one label (the classes of a one-hot code, the cosine and sine of an angle): they share their
penalty. Shuffled copies of the labels are columns like any others, so that a null costs a product, not a fit.

Cost: N d² for the sums and about 9 d³ for the eigenproblem of a place; labels add N d each. A loop of logistic
regressions pays N d K a step, again for every penalty (measured: experiments/benchmarks/probes.py).

Source: Hoerl & Kennard, Technometrics 12 (1970) 55.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from interp.engine import Site, stream
from interp.methods.ridge import PENALTIES, Moments, Path
from interp.progress import Progress, silent

if TYPE_CHECKING:
    from interp.tasks.prompts import Prompts

Cell = tuple[int, str]
"""A place: the residual that enters block `layer` (L = the final one), at a role."""


@dataclass(frozen=True)
class Linear:
    """ŷ = intercept + x W: W [d, t] in the units of the raw activation, intercept [t], and the penalties [t] chosen."""

    weights: Float[Tensor, "d t"]
    intercept: Float[Tensor, " t"]
    alpha: Float[Tensor, " t"]

    def predict(self, x: Float[Tensor, "row d"]) -> Float[Tensor, "row t"]:
        """Return the predictions of the raw activations `x`, float64."""
        return self.intercept + x.double() @ self.weights


@dataclass(frozen=True)
class Ladder:
    """The path of one place on standardised features, and how to get there from raw ones."""

    path: Path
    scale: Float[Tensor, " d"]

    @classmethod
    def of(cls, rows: Moments, rounding: float = 0.0) -> Ladder:
        """Return the path fitted on rows known by their moments."""
        scale = rows.scale(rounding)
        return cls(Path.of(rows.scaled(scale)), scale)

    def errors(self, x: Float[Tensor, "row d"], y: Float[Tensor, "row t"], penalties: Sequence[float]) -> Tensor:
        """Return the summed squared error [penalty, t] on raw rows."""
        return self.path.row_errors(x.double() * self.scale, y, penalties)

    def at(self, alpha: Float[Tensor, " t"]) -> Linear:
        """Return the solution with one penalty a column."""
        weights = self.path.weights(alpha)
        return Linear(self.scale[:, None] * weights, self.path.mean_y - self.path.mean_x @ weights, alpha)


def read_cells(
    model: Any,
    prompts: Prompts,
    cells: Sequence[Cell],
    consume: Callable[[Cell, Tensor, np.ndarray], None],
    *,
    batch_size: int = 512,
    progress: Progress = silent,
) -> None:
    """Hand `consume(cell, x [batch, d], rows)` the activations of every cell, batch by batch, in one pass."""

    def consumer(layer: int) -> Callable[[Tensor, np.ndarray], None]:
        here = [(role, prompts.position(role)) for each, role in cells if each == layer]

        def take(x: Tensor, rows: np.ndarray) -> None:
            for role, place in here:
                consume((layer, role), x[:, place], rows)

        return take

    sites = {Site("resid_pre", layer): consumer(layer) for layer in dict.fromkeys(layer for layer, _ in cells)}
    stream(model, prompts, sites, batch_size=batch_size, progress=progress)


def gram_sums(
    model: Any,
    prompts: Prompts,
    labels: np.ndarray,
    cells: Sequence[Cell],
    *,
    batch_size: int = 512,
    progress: Progress = silent,
) -> tuple[dict[Cell, Moments], float]:
    """Return {cell: moments} of the residual and `labels` [prompt, t] from one pass, and the rounding of its dtype."""
    sums: dict[Cell, Moments] = {}
    rounding = [0.0]
    y = torch.as_tensor(np.asarray(labels, dtype=float))

    def add(cell: Cell, x: Tensor, rows: np.ndarray) -> None:
        rounding[0] = torch.finfo(x.dtype).eps
        part = Moments.of(x.double(), y[torch.as_tensor(rows)].to(x.device))
        sums[cell] = sums[cell] + part if cell in sums else part

    read_cells(model, prompts, cells, add, batch_size=batch_size, progress=progress)
    return sums, rounding[0]


def gram_ladders(
    model: Any, prompts: Prompts, labels: np.ndarray, cells: Sequence[Cell], **how: Any
) -> dict[Cell, Ladder]:
    """Return {cell: path} of ridge from the residual of `prompts` to `labels` [prompt, t], from one pass (`how`: as
    `gram_sums`)."""
    sums, rounding = gram_sums(model, prompts, labels, cells, **how)
    return {cell: Ladder.of(sums[cell], rounding) for cell in cells}


def choose(
    ladder: Ladder,
    held: Float[Tensor, "row d"],
    labels: Float[Tensor, "row t"],
    groups: np.ndarray,
    penalties: Sequence[float] = PENALTIES,
) -> Linear:
    """Return the solution whose penalty, one a group of columns (`groups` int [t], 0..), is best on held-out rows.

    Among equals the largest penalty wins.
    """
    falling = sorted(penalties, reverse=True)
    return ladder.at(best_penalty(ladder.errors(held, labels, falling), groups, falling))


def best_penalty(errors: Float[Tensor, "penalty t"], groups: np.ndarray, penalties: Sequence[float]) -> Tensor:
    """Return the penalty [t] with the smallest error summed over each group of columns."""
    index = torch.as_tensor(groups, device=errors.device)
    summed = errors.new_zeros(len(penalties), int(groups.max()) + 1).index_add_(1, index, errors)
    return torch.tensor(penalties, dtype=errors.dtype, device=errors.device)[summed.argmin(dim=0)][index]


def choose_all(
    model: Any,
    validation: Prompts,
    labels: np.ndarray,
    groups: np.ndarray,
    ladders: Mapping[Cell, Any],
    *,
    penalties: Sequence[float] = PENALTIES,
    batch_size: int = 512,
    progress: Progress = silent,
) -> dict[Cell, Linear]:
    """Return {cell: solution} with the penalties that are best on the validation prompts, read in one pass."""
    falling, y = sorted(penalties, reverse=True), torch.as_tensor(np.asarray(labels, dtype=float))
    errors: dict[Cell, Tensor] = {}

    def add(cell: Cell, x: Tensor, rows: np.ndarray) -> None:
        part = ladders[cell].errors(x, y[torch.as_tensor(rows)].to(x.device), falling)
        errors[cell] = errors[cell] + part if cell in errors else part

    read_cells(model, validation, list(ladders), add, batch_size=batch_size, progress=progress)
    return {cell: ladder.at(best_penalty(errors[cell], groups, falling)) for cell, ladder in ladders.items()}
