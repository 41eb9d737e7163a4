"""What is a label to a linear probe: a number, a class, a rank, or an angle?

    kind             columns Y(y)                        said(Ŷ)                   value of a row       score
    regression       y                                   Ŷ                         (y - said)²          1 - Σ value / Σ (y - mean)²
    classification   one-hot over the train classes      the class of the largest  [said = y]           mean value (accuracy)
    ordinal          [y > v] for each level v but last   first level not passed    |y - said|           1 - Σ value / Σ |y - median|
    circular(T)      cos, sin of 2π y / T                the angle of Ŷ            cos(angle - angle)   mean value

The mean and the median are those of the judged rows (hindsight), so 0 is no better than the best constant; accuracy has
the majority class and the mean cosine the mean direction as their constants (`constant`). 1 is exact in all four.

Names of labels: a variable of the prompts, "a mod 7" (its residue), or "a near 10": is the nearest multiple of 10 at
most 1 away (of 2 and 3: exactly 0)? Near 5 and 10 depend on the last digit alone, near 4 and 8 on the last two or
three; the majority class of near 10 is right in 70 %.

Source: McCullagh, J. R. Stat. Soc. B 42 (1980) 109 (cumulative levels); the near-k labels are those of StreetMath,
arXiv 2510.25776, whose accuracies are given without the majority class.
"""  # noqa: E501

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from interp.errors import InterpError, nearest

if TYPE_CHECKING:
    from interp.tasks.prompts import Prompts

KINDS = ("regression", "classification", "ordinal", "circular")
UNITS = {"regression": "R²", "classification": "accuracy", "ordinal": "1 - MAE / constant's", "circular": "mean cosine"}
_DERIVED = re.compile(r"(\w+) (near|mod) (\d+)")


def label(prompts: Prompts, name: str) -> np.ndarray:
    """Return the labels int64 [prompt] called `name`. Raises InterpError for an unknown variable or k below 2."""
    derived = _DERIVED.fullmatch(name)
    source = derived[1] if derived else name
    if source not in prompts.variables:
        raise InterpError(f"There is no variable {source!r} to probe. {nearest(source, prompts.variables)}")
    values = prompts.variables[source]
    if derived is None:
        return values
    k = int(derived[3])
    if k < 2:
        raise InterpError(f"{name!r} is the same for every number; residues and multiples need k of 2 or more.")
    if derived[2] == "mod":
        return values % k
    return (np.minimum(values % k, -values % k) <= (0 if k <= 3 else 1)).astype(np.int64)


@dataclass(frozen=True)
class Code:
    """One label as columns of a regression, and back. `levels` are the values seen in training, rising."""

    kind: str
    levels: np.ndarray
    period: float = 0.0

    @classmethod
    def of(cls, kind: str, train: np.ndarray, period: float = 0.0) -> Code:
        """Return the code of a label with these train values. Raises InterpError for a kind or period that is none."""
        if kind not in KINDS:
            raise InterpError(f"Unknown kind of label {kind!r}. {nearest(kind, KINDS)}")
        if kind == "circular" and not period > 1:
            raise InterpError(f"A circular label needs a period above 1; got {period:g}.")
        return cls(kind, np.unique(train), float(period))

    @property
    def width(self) -> int:
        """Return the number of columns."""
        several = {"classification": len(self.levels), "ordinal": len(self.levels) - 1}
        return several.get(self.kind, 2 if self.kind == "circular" else 1)

    def columns(self, y: np.ndarray) -> np.ndarray:
        """Return the columns float64 [prompt, width]; a class that training never had is a row of zeros."""
        if self.kind == "regression":
            return y[:, None].astype(float)
        if self.kind == "circular":
            angle = 2 * np.pi * y / self.period
            return np.stack([np.cos(angle), np.sin(angle)], axis=1)
        if self.kind == "ordinal":
            return (y[:, None] > self.levels[:-1]).astype(float)
        return (y[:, None] == self.levels).astype(float)

    def said(self, out: np.ndarray) -> np.ndarray:
        """Return the label [...] that predicted columns [..., width] say: a number, a level, or an angle."""
        if self.kind == "regression":
            return out[..., 0]
        if self.kind == "circular":
            return np.arctan2(out[..., 1], out[..., 0])
        if self.kind == "ordinal":
            return self.levels[(out > 0.5).sum(axis=-1)]
        return self.levels[out.argmax(axis=-1)]

    @property
    def counted(self) -> bool:
        """Return whether every level is one of 0 .. 9, so that what was said can be counted (probe_confusion.py)."""
        return bool(len(self.levels)) and self.levels[0] >= 0 and self.levels[-1] <= 9

    def nearest(self, said: np.ndarray) -> np.ndarray:
        """Return the level [...] that is nearest to what was said [...]: around the circle for an angle."""
        if self.kind == "regression":
            return self.levels[np.abs(said[..., None] - self.levels).argmin(axis=-1)]
        if self.kind == "circular":
            return self.levels[np.cos(said[..., None] - 2 * np.pi * self.levels / self.period).argmax(axis=-1)]
        return said

    def value(self, said: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Return the value of each row, float64, of what was said against the truth (they broadcast)."""
        if self.kind == "regression":
            return (said - y) ** 2
        if self.kind == "circular":
            return np.cos(said - 2 * np.pi * y / self.period)
        return (np.abs(said - y) if self.kind == "ordinal" else said == y).astype(float)

    def reference(self, y: np.ndarray) -> np.ndarray | None:
        """Return the values [prompt] of the best constant in hindsight, which a ratio needs; None for a mean."""
        middle = {"regression": np.mean, "ordinal": np.median}.get(self.kind)
        return None if middle is None else self.value(np.asarray(middle(y)), y)

    def score(self, values: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Return the score [...] of values [prompt, ...] of rows with labels `y`; 1 is exact."""
        told = self.reference(y)
        return values.mean(axis=0) if told is None else 1 - values.mean(axis=0) / told.mean()

    def constant(self, train: np.ndarray) -> np.ndarray:
        """Return what the best constant of the training rows says, a scalar array."""
        return self.said(self.columns(train).mean(axis=0)) if self.kind != "ordinal" else np.asarray(np.median(train))
