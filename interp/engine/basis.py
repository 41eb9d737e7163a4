"""A subspace U of an activation, to which a write is restricted: U U^T (s - h).

Columns are orthonormalised on entry (QR in float64 with a positive diagonal, so an orthonormal U is kept as it is)
and hashed; after that a basis does not change. A basis acts on the last axis of the activation.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor

from interp.engine.digests import Hashed, digest_of
from interp.errors import InterpError


@dataclass(frozen=True, eq=False, init=False)
class Basis(Hashed):
    """Orthonormal columns U [d, rank] (float32), made from any matrix of full column rank, or one vector [d].

    Raises InterpError for a matrix that is not finite, is wider than tall, or whose columns are dependent.
    """

    U: Tensor

    def __init__(self, U: Any) -> None:
        columns = (U if isinstance(U, Tensor) else torch.tensor(np.asarray(U))).detach().double()
        columns = columns[:, None] if columns.ndim == 1 else columns
        if columns.ndim != 2 or not 1 <= columns.shape[1] <= columns.shape[0]:
            raise InterpError(f"A basis is [d, rank] with 1 <= rank <= d; got {tuple(columns.shape)}.")
        if not torch.isfinite(columns).all():
            raise InterpError("A basis must be finite; this one has nan or inf entries.")
        Q, R = torch.linalg.qr(columns)
        lengths = R.diagonal().abs()
        if (lengths <= 1e-9 * columns.norm(dim=0)).any():
            raise InterpError("The columns of the basis are linearly dependent: drop the redundant ones.")
        object.__setattr__(self, "U", (Q * R.diagonal().sign()).float().contiguous())

    @property
    def d(self) -> int:
        """Return the width of the activation the basis acts on."""
        return self.U.shape[0]

    @property
    def rank(self) -> int:
        """Return the dimension of the subspace."""
        return self.U.shape[1]

    @cached_property
    def digest(self) -> str:
        """Return the sha256 of the orthonormal columns."""
        return digest_of("Basis", self.U)

    def project(self, x: Tensor) -> Tensor:
        """Return U U^T x along the last axis, at least in float32. Raises InterpError if the width differs."""
        if x.ndim == 0 or x.shape[-1] != self.d:
            raise InterpError(
                f"The basis acts on width {self.d} but the activation is {tuple(x.shape)}: "
                "take a basis of the site's own width."
            )
        wide = x if x.dtype in (torch.float32, torch.float64) else x.float()
        U = self.U.to(device=wide.device, dtype=wide.dtype)
        return (wide @ U) @ U.T

    def __repr__(self) -> str:
        return f"Basis(d={self.d}, rank={self.rank})"
