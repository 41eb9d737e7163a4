"""Which directions are taken out, and which others as large could have been?

    plane of a period     span of the directions C[cos T], C[sin T] of a helix fit, at one role of one layer
    line                  the direction C[linear] of the same fit
    neurons               a family of neurons: coordinates of mlp_post

    ablate to mean    h <- h + U U^T (mean - h)
    ablate to zero    h <- h - U U^T h
    keep              h <- mean + U U^T (h - mean)        everything else at its mean

Controls of the same dimension: `random`, random orthonormal directions (for neurons: other neurons of the layer), and
`matched`, directions drawn within the first m principal components, m such that the expected variance is that of the
plane (for neurons: others of about the same variance, one for one). A plane carries much of the variance of a trained
stream and a random one next to nothing, so that `matched` is the fairer of the two.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch
from jaxtyping import Float

from interp.engine import Basis, Constant, Intervention, Site, Zero
from interp.errors import InterpError

MODES = ("mean", "zero", "keep")
CONTROLS = ("random", "matched")
NEAREST = 5


@dataclass(frozen=True, eq=False)
class Part:
    """Directions U [d, rank] at one site and role (coordinates: `neurons`); `points` [row, d] give mean and spread."""

    site: Site
    role: str
    U: Float[np.ndarray, "d rank"]
    points: Float[np.ndarray, "row d"]
    neurons: np.ndarray | None = None

    @cached_property
    def mean(self) -> np.ndarray:
        """The mean activation [d]."""
        return self.points.mean(0)

    @cached_property
    def centred(self) -> np.ndarray:
        """The points without their mean."""
        return self.points - self.mean

    @property
    def share(self) -> float:
        """The share of the variance of the points that lies in U."""
        total = np.square(self.centred).sum()
        return float(np.square(self.centred @ self.U).sum() / total) if total > 0 else float("nan")

    def write(self, mode: str) -> Intervention:
        """Return the write of one of MODES. Raises InterpError for another, or where nothing is left to write."""
        if mode not in MODES:
            raise InterpError(f"Unknown mode {mode!r}: expected {', '.join(MODES)}.")
        mean = Constant(torch.as_tensor(self.mean, dtype=torch.float32))
        if mode == "keep":
            rest = np.linalg.svd(self.U, full_matrices=True)[0][:, self.U.shape[1] :]
            if not rest.shape[1]:
                raise InterpError(f"{self.site}: the subspace is everything, so that keeping it writes nothing.")
            return Intervention(self.site, (self.role,), mean, Basis(rest))
        return Intervention(self.site, (self.role,), Zero() if mode == "zero" else mean, Basis(self.U))

    def control(self, kind: str, rng: np.random.Generator) -> Part:
        """Return as many other directions, drawn as one of CONTROLS says."""
        if kind not in CONTROLS:
            raise InterpError(f"Unknown control {kind!r}: expected {' or '.join(CONTROLS)}.")
        if self.neurons is not None:
            chosen = self._other_neurons(kind, rng)
            return replace(self, U=np.eye(self.U.shape[0])[:, chosen], neurons=chosen)
        d, rank = self.U.shape
        within = np.eye(d) if kind == "random" else self._components(rank)
        drawn = np.linalg.qr(rng.standard_normal((within.shape[1], rank)))[0]
        return replace(self, U=within @ drawn)

    def _components(self, rank: int) -> np.ndarray:
        """The first m principal components [d, m] in which a random subspace has the variance of U on average."""
        _, sizes, axes = np.linalg.svd(self.centred, full_matrices=False)
        power = np.square(sizes)
        wanted = self.share * power.sum()
        m = np.arange(rank, len(power) + 1)
        expected = rank / m * power.cumsum()[m - 1]
        best = int(m[np.argmin(np.abs(np.log(np.maximum(expected, 1e-300) / max(wanted, 1e-300))))])
        return axes[: max(best, min(rank + 1, len(axes)))].T  # one more than rank, or every draw is the same

    def _other_neurons(self, kind: str, rng: np.random.Generator) -> np.ndarray:
        """As many neurons that are not among these."""
        given = self.neurons if self.neurons is not None else np.arange(0)
        others = np.setdiff1d(np.arange(self.U.shape[0]), given)
        if len(others) < len(given):
            raise InterpError(
                f"{self.site}: {len(given)} neurons leave {len(others)} others, too few for a control; "
                "take smaller families."
            )
        if kind == "random":
            return rng.choice(others, len(given), replace=False)
        variance, left, chosen = np.log(self.points.var(0) + 1e-12), list(others), []
        for neuron in rng.permutation(given):
            near = np.argsort(np.abs(variance[left] - variance[neuron]))[:NEAREST]
            chosen.append(left.pop(int(rng.choice(near))))
        return np.array(chosen)


@dataclass(frozen=True, eq=False)
class Subspace:
    """A named subspace, taken out at all of its parts (one a role) together."""

    name: str
    place: str
    parts: tuple[Part, ...]

    @property
    def rank(self) -> int:
        """The dimension at the first part."""
        return self.parts[0].U.shape[1]

    @property
    def share(self) -> float:
        """The mean share of the variance over the parts."""
        return float(np.mean([part.share for part in self.parts]))

    def edit(self, mode: str) -> list[Intervention]:
        """Return the writes of all parts."""
        return [part.write(mode) for part in self.parts]

    def control(self, kind: str, rng: np.random.Generator) -> Subspace:
        """Return a subspace with every part drawn anew."""
        return replace(self, parts=tuple(part.control(kind, rng) for part in self.parts))
