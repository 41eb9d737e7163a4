"""What do prompts of every kind have? One length, a role at each position, rows that can be drawn.

`tokens` is int64 [prompt, pos] and `roles` names the positions; `Prompts` add an answer of one token, `LongPrompts`
one of several.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar, Self, cast

import numpy as np

from interp.errors import InterpError, nearest


class Placed:
    """Rectangular tokens with roles. A subclass is a dataclass; `BY_PROMPT` names its fields with a row a prompt."""

    BY_PROMPT: ClassVar[tuple[str, ...]]
    tokens: np.ndarray
    roles: tuple[str, ...]
    task: str
    style: str

    def __len__(self) -> int:
        return len(self.tokens)

    def __getitem__(self, rows: Any) -> Self:
        """Return the prompts at `rows`: a slice, a boolean mask or integer indices."""
        index = np.atleast_1d(np.arange(len(self))[rows])
        return replace(cast(Any, self), **{name: _taken(getattr(self, name), index) for name in self.BY_PROMPT})

    def position(self, role: str) -> int:
        """Return the position of `role`; `last` is the final position. Raises InterpError for an unknown role."""
        if role == "last":
            return len(self.roles) - 1
        if role not in self.roles:
            raise InterpError(f"unknown role {role!r} in {self.task} {self.style}. {nearest(role, self.roles)}")
        return self.roles.index(role)

    def positions(self, roles: Sequence[str]) -> list[int]:
        """Return the position of each of `roles`."""
        return [self.position(role) for role in roles]

    def sample(self, n: int | None, seed: int = 0) -> Self:
        """Return `n` prompts drawn without replacement, in their old order; all of them when n is None or large.

        Raises InterpError for n < 1.
        """
        rows = drawn(len(self), n, seed)
        return self if rows is None else self[rows]


def _taken(column: Any, index: np.ndarray) -> Any:
    """Return the rows of an array, of a dict of arrays, or of texts (as a tuple)."""
    if isinstance(column, dict):
        return {name: values[index] for name, values in column.items()}
    return column[index] if isinstance(column, np.ndarray) else tuple(column[i] for i in index)


def drawn(size: int, n: int | None, seed: int) -> np.ndarray | None:
    """Return `n` of `size` rows in rising order, drawn without replacement; None means all of them."""
    if n is not None and n < 1:
        raise InterpError(f"n = {n} prompts asked for; use at least 1.")
    if n is None or n >= size:
        return None
    return np.sort(np.random.default_rng(seed).choice(size, size=n, replace=False))
