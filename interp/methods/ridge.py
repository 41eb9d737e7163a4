"""Which linear map predicts y from x, and how strongly should it be shrunk?

With features standardised on the training rows and m the training means,

    W(alpha) = argmin_W  (1/n) ‖(Y - m_y) - (X - m_x) W‖² + alpha ‖W‖²
             = V (Λ + n alpha)⁻¹ Vᵀ (X - m_x)ᵀ (Y - m_y)

where V Λ Vᵀ = (X - m_x)ᵀ(X - m_x): one eigendecomposition gives every penalty of a path and every column of Y
at once. Everything needed is additive (n, Σx, Σy, XᵀX, XᵀY, Σy²), so a fold's training moments are the total
less the fold's, and the validation error is a quadratic form in them: no prediction is ever made while
choosing the penalty.

With fewer rows than features the same solution comes from the rows' own products (the dual),
(X - m_x)(X - m_x)ᵀ = Q Λ Qᵀ, V = (X - m_x)ᵀ Q Λ^(-1/2): an [n, n] eigenproblem instead of a [d, d] one.

Reading: alpha is chosen for each column of Y by K-fold cross-validation on training rows only, or on rows of their own
(`gram.py`); among equals the largest wins. In scikit-learn's terms Ridge(alpha = n · alpha).

Source: Hoerl & Kennard, Technometrics 12 (1970) 55; Hastie, Tibshirani & Friedman (2009) §3.4.1.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from scipy.linalg import get_blas_funcs
from torch import Tensor

PENALTIES = tuple(float(alpha) for alpha in np.logspace(3, -5, 9))
_syrk: Any = get_blas_funcs("syrk", dtype=np.float64)
SMALLEST_SPREAD = 1e-5  # of a feature, relative to the rms activation: below it there is only rounding


@dataclass(frozen=True)
class Moments:
    """Additive moments of rows (x [d], y [t]): everything a ridge regression needs to know about them."""

    n: int
    x: Float[Tensor, " d"]
    y: Float[Tensor, " t"]
    xx: Float[Tensor, "d d"]
    xy: Float[Tensor, "d t"]
    yy: Float[Tensor, " t"]

    @classmethod
    def of(cls, x: Float[Tensor, "row d"], y: Float[Tensor, "row t"]) -> Moments:
        """Return the moments of these rows."""
        return cls(len(x), x.sum(0), y.sum(0), products(x), x.T @ y, (y * y).sum(0))

    def __add__(self, part: Moments) -> Moments:
        """Return the moments of these rows and those of `part` together."""
        return Moments(*map(operator.add, self._sums(), part._sums()))

    def __sub__(self, part: Moments) -> Moments:
        """Return the moments of the rows that are not in `part`."""
        return Moments(*map(operator.sub, self._sums(), part._sums()))

    def _sums(self) -> tuple[Any, ...]:
        return self.n, self.x, self.y, self.xx, self.xy, self.yy

    def about(self, mean_x: Float[Tensor, " d"], mean_y: Float[Tensor, " t"]) -> tuple[Tensor, Tensor, Tensor]:
        """Return Σ(x-m_x)(x-m_x)ᵀ [d, d], Σ(x-m_x)(y-m_y) [d, t] and Σ(y-m_y)² [t]."""
        cross = torch.outer(self.x, mean_x)
        xx = self.xx - cross - cross.T + self.n * torch.outer(mean_x, mean_x)
        xy = self.xy - torch.outer(self.x, mean_y) - torch.outer(mean_x, self.y - self.n * mean_y)
        yy = self.yy - 2 * mean_y * self.y + self.n * mean_y**2
        return xx, xy, yy

    def scaled(self, scale: Float[Tensor, " d"]) -> Moments:
        """Return the moments of rows whose features are multiplied by `scale`."""
        xx = self.xx * scale * scale[:, None]
        return Moments(self.n, self.x * scale, self.y, xx, self.xy * scale[:, None], self.yy)

    def scale(self, rounding: float = 0.0) -> Float[Tensor, " d"]:
        """Return 1 / spread of each feature [d], 0 for one that is constant up to rounding (see `standardise`)."""
        mean, square = self.x / self.n, self.xx.diagonal() / self.n
        return _inverse_spread((square - mean**2).clamp(min=0.0).sqrt(), mean, square, rounding)


@dataclass(frozen=True)
class Path:
    """Ridge solutions for every penalty at once, in the eigenbasis of the centred Gram matrix."""

    n: int
    mean_x: Float[Tensor, " d"]
    mean_y: Float[Tensor, " t"]
    values: Float[Tensor, " d"]
    vectors: Float[Tensor, "d d"]
    rotated: Float[Tensor, "d t"]

    @classmethod
    def of(cls, rows: Moments) -> Path:
        """Return the path fitted on `rows`."""
        mean_x, mean_y = rows.x / rows.n, rows.y / rows.n
        xx, xy, _ = rows.about(mean_x, mean_y)
        values, vectors = torch.linalg.eigh(xx)
        return cls(rows.n, mean_x, mean_y, values.clamp(min=0.0), vectors, vectors.T @ xy)

    @classmethod
    def of_rows(cls, x: Float[Tensor, "row d"], y: Float[Tensor, "row t"]) -> Path:
        """Return the path fitted on these rows, by their own products where they are fewer than the features."""
        if len(x) >= x.shape[1]:
            return cls.of(Moments.of(x, y))
        mean_x, mean_y = x.mean(0), y.mean(0)
        x, y = x - mean_x, y - mean_y
        values, vectors = torch.linalg.eigh(products(x.T))
        kept = values > len(x) * torch.finfo(x.dtype).eps * values[-1]  # centred rows are dependent: at least one is 0
        root = values[kept].sqrt()
        vectors = vectors[:, kept]
        return cls(len(x), mean_x, mean_y, values[kept], x.T @ (vectors / root), root[:, None] * (vectors.T @ y))

    def weights(self, alpha: Float[Tensor, " t"]) -> Float[Tensor, "d t"]:
        """Return W with one penalty for each column."""
        return self.vectors @ (self.rotated / (self.values[:, None] + self.n * alpha))

    def predict(self, x: Float[Tensor, "row d"], alpha: Float[Tensor, " t"]) -> Float[Tensor, "row t"]:
        """Return the predictions of y for the rows of x, with one penalty for each column."""
        return self.mean_y + (x - self.mean_x) @ self.weights(alpha)

    def squared_error(self, held: Moments, penalties: Sequence[float]) -> Float[Tensor, "penalty t"]:
        """Return the summed squared error on held-out rows for each penalty and column."""
        xx, xy, yy = held.about(self.mean_x, self.mean_y)
        xx, xy = self.vectors.T @ xx @ self.vectors, self.vectors.T @ xy
        errors = []
        for alpha in penalties:
            w = self.rotated / (self.values[:, None] + self.n * alpha)
            errors.append(yy - 2 * (w * xy).sum(0) + (w * (xx @ w)).sum(0))
        return torch.stack(errors)

    def row_errors(
        self, x: Float[Tensor, "row d"], y: Float[Tensor, "row t"], penalties: Sequence[float]
    ) -> Float[Tensor, "penalty t"]:
        """Return the same from the held-out rows themselves: no [d, d] product where they are few."""
        seen, missed = (x - self.mean_x) @ self.vectors, y - self.mean_y
        return torch.stack(
            [
                (missed - seen @ (self.rotated / (self.values[:, None] + self.n * alpha))).square().sum(0)
                for alpha in penalties
            ]
        )


def products(x: Float[Tensor, "row d"]) -> Float[Tensor, "d d"]:
    """Return xᵀx; on a CPU only one triangle is computed, for it is symmetric."""
    if x.device.type != "cpu" or x.dtype != torch.float64 or not x.numel():
        return x.T @ x
    upper = torch.from_numpy(_syrk(1.0, x.T.numpy()))
    return upper.triu() + upper.triu(1).T


def standardise(
    train: Float[Tensor, "row d"], test: Float[Tensor, "other d"]
) -> tuple[Float[Tensor, "row d"], Float[Tensor, "other d"]]:
    """Return both in float64, training mean 0 and spread 1; a feature constant in training becomes 0."""
    rounding = torch.finfo(train.dtype).eps
    train, test = train.double(), test.double()
    mean, spread = train.mean(0), train.std(0, correction=0)
    scale = _inverse_spread(spread, mean, train.square().mean(0), rounding)
    return (train - mean) * scale, (test - mean) * scale


def _inverse_spread(spread: Tensor, mean: Tensor, square: Tensor, rounding: float) -> Tensor:
    floor = SMALLEST_SPREAD * square.mean().sqrt() + rounding * mean.abs()
    return torch.where(spread > floor, 1 / spread.clamp(min=1e-300), 0.0)


def choose_penalty(
    x: Float[Tensor, "row d"],
    y: Float[Tensor, "row t"],
    fold: np.ndarray,
    penalties: Sequence[float] = PENALTIES,
) -> tuple[Path, Float[Tensor, " t"]]:
    """Return the path fitted on all rows and the penalty [t] with the smallest cross-validated error for each
    column.

    `fold` [row] int names the fold in which a row is held out. `penalties` from large to small.
    """
    total = Moments.of(x, y)
    error = torch.zeros(len(penalties), y.shape[1], dtype=x.dtype, device=x.device)
    for k in np.unique(fold):
        rows = torch.as_tensor(np.flatnonzero(fold == k), device=x.device)
        held = Moments.of(x[rows], y[rows])
        error += Path.of(total - held).squared_error(held, penalties)
    alphas = torch.tensor(penalties, dtype=x.dtype, device=x.device)
    return Path.of(total), alphas[error.argmin(dim=0)]
