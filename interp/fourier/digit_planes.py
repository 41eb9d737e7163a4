"""Along which directions does a digit turn, and by how much must an activation move to turn it? Three planes.

    probe    h' = h + D^+ (R - I) D (h - mean)             D [2, d]: what a ridge probe reads of (cos, sin) of the digit
    circle   h' = h + A (phi(digit + steps) - phi(digit))      A [d, 2]: least squares of h on (cos, sin) of the digit
    code     the same with phi = all waves of the digit (B - 1 of them): h moves from one digit's mean to another's

R turns by 2 pi steps / B. `probe` is the plane of Levy & Geva; a probe's directions are those that *tell* the digit,
not those that the model *writes* it on (`circle`, `code`), and the two differ whenever activations are correlated. The
harmonics of a digit turn together: `circle` alone contradicts the others, where the model has them.

`disguised` keeps a shift's coefficients and lengths and gives it random directions: the null of every turn.
Sources: Levy & Geva 2024, arXiv:2410.11781; Haufe et al. 2014, NeuroImage 87:96 (filters are not patterns).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Float

from interp.errors import InterpError
from interp.methods.ridge import PENALTIES, choose_penalty

KINDS = ("probe", "circle", "code")


@dataclass(frozen=True, eq=False)
class Plane:
    """Directions `frame` [d, m] of one digit; `reader` [m, d] and `mean` [d] where the coordinates are read off h."""

    frame: Float[np.ndarray, "d m"]
    base: int
    reader: Float[np.ndarray, "m d"] | None = None
    mean: Float[np.ndarray, " d"] | None = None

    def shift(self, h: Float[np.ndarray, "prompt d"], digit: np.ndarray, steps: float) -> Float[np.ndarray, "prompt d"]:
        """Return h' - h for a turn of every prompt's digit by `steps` (base = a whole turn)."""
        if self.reader is None or self.mean is None:
            m = self.frame.shape[1]
            return (waves(digit + steps, self.base, m) - waves(digit, self.base, m)) @ self.frame.T
        angle = 2 * np.pi * steps / self.base
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        return (h - self.mean) @ self.reader.T @ (turn - np.eye(2)).T @ self.frame.T


def waves(digit: np.ndarray, base: int, count: int) -> Float[np.ndarray, "prompt count"]:
    """Return the first `count` of cos 1, sin 1, cos 2, sin 2, ... of 2 pi k digit / base; at most base - 1."""
    angle = 2 * np.pi * np.asarray(digit, float)[:, None] * np.arange(1, base // 2 + 1) / base
    return np.stack([np.cos(angle), np.sin(angle)], axis=-1).reshape(len(angle), -1)[:, :count]


def fit(kind: str, h: Float[np.ndarray, "prompt d"], digit: np.ndarray, base: int) -> Plane:
    """Return one of KINDS fitted on activations. Raises InterpError for base 2 or less, or digits that do not vary
    enough to have these waves.
    """
    count = base - 1 if kind == "code" else 2
    if kind not in KINDS or base < 3 or len(np.unique(digit)) <= count:
        raise InterpError(
            f"A {kind} plane of {len(np.unique(digit))} different digits of base {base}: expected one of "
            f"{', '.join(KINDS)}, base >= 3 and at least {count + 1} digits; use more prompts or a lower place."
        )
    h = np.asarray(h, float)
    mean, targets = h.mean(0), waves(digit, base, count)
    if kind != "probe":
        frame = np.linalg.lstsq(targets - targets.mean(0), h - mean, rcond=None)[0].T
        return Plane(frame, base)
    fold = np.random.default_rng(0).permutation(len(h)) % 5
    scale = float(np.sqrt((h - mean).var()))
    path, alpha = choose_penalty(torch.from_numpy((h - mean) / scale), torch.from_numpy(targets), fold, PENALTIES)
    reader = path.weights(alpha).numpy().T / scale
    return Plane(np.linalg.pinv(reader), base, reader, mean)


def disguised(plane: Plane, rng: np.random.Generator) -> Plane:
    """Return a plane in random directions with the same lengths and angles among its columns."""
    drawn = np.linalg.qr(rng.standard_normal(plane.frame.shape))[0]
    _, sizes, right = np.linalg.svd(plane.frame, full_matrices=False)
    return replace(plane, frame=drawn * sizes @ right)
