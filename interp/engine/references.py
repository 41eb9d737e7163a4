"""Sources that read a reference run: one row for each prompt (`Rows`), or the mean of its group (`Lookup`).

    Rows:    s[i] = A_ref[order[i]]            order = identity (the twin prompt) or a permutation (resample)
    Lookup:  s[i] = mean of A_ref over { j : key[j] = key[i] }

A group that was never seen has no mean: asking for it is an error, not a guess.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from interp.engine.digests import digest_of
from interp.engine.sites import Site
from interp.engine.sources import Source
from interp.errors import InterpError, nearest

if TYPE_CHECKING:
    from interp.engine.run import Run
    from interp.engine.statistics import Moments


@dataclass(frozen=True, eq=False, repr=False)
class Rows(Source):
    """Values read in a run, one row for each prompt being run.

    values: [row, role, ...]; `roles` names axis 1, as a sequence or as {role: entry} (None: it follows `where`).
    `order` [prompt] says which row each prompt takes (None: its own). `note` is for the reader.
    """

    values: Tensor
    roles: Mapping[str, int] | Sequence[str] | None = None
    order: np.ndarray | None = None
    note: str = "same"

    def __post_init__(self) -> None:
        object.__setattr__(self, "values", torch.as_tensor(self.values).detach())
        if self.values.ndim < 2:
            raise InterpError(f"Rows are [prompt, role, ...]; got shape {tuple(self.values.shape)}.")
        if self.roles is not None:
            named = self.roles if isinstance(self.roles, Mapping) else {r: i for i, r in enumerate(self.roles)}
            object.__setattr__(self, "roles", dict(named))
        if self.order is not None:
            order = np.asarray(self.order)
            if order.ndim != 1 or order.dtype.kind not in "iu":
                raise InterpError("The order of Rows is one row number for each prompt.")
            if order.size and (order.min() < 0 or order.max() >= len(self.values)):
                raise InterpError(f"The order of Rows must stay within 0..{len(self.values) - 1}.")
            object.__setattr__(self, "order", order.astype(np.int64))

    @cached_property
    def digest(self) -> str:
        """Return the content hash (of values, roles and order; the note does not count)."""
        return digest_of("Rows", self.values, self.roles, self.order)

    def check(self, where: tuple[str, ...], n: int) -> None:
        """Raise InterpError unless there is a row for each of `n` prompts and an entry for each role."""
        have = len(self.values) if self.order is None else len(self.order)
        if have != n:
            raise InterpError(f"Rows has {have} rows but {n} prompts are run: make them row-aligned.")
        if self.roles is None and self.values.shape[1] != len(where):
            raise InterpError(
                f"Rows has {self.values.shape[1]} entries on its role axis but `where` names {len(where)}: "
                "give one for each role, in the order of `where`, or name them with roles=."
            )
        for role in where:
            if self.roles is not None and role not in self.roles:
                raise InterpError(f"Rows has no role {role!r}. {nearest(role, self.roles)}")

    def at(self, rows: np.ndarray, where: tuple[str, ...], like: Tensor, site: Site) -> Tensor:
        """Return [prompt, role, ...]. Raises InterpError when the rest of the shape is not the site's."""
        if self.values.shape[2:] != like.shape[2:]:
            raise InterpError(
                f"Rows holds activations of shape {tuple(self.values.shape[2:])} but {site} has "
                f"{tuple(like.shape[2:])}: read them at the same kind of site."
            )
        taken = rows if self.order is None else self.order[rows]
        picked = self.values[torch.as_tensor(taken, device=self.values.device)]
        if isinstance(self.roles, Mapping):
            picked = picked[:, [self.roles[role] for role in where]]
        return picked.to(like.device)

    def __repr__(self) -> str:
        return f"Rows({tuple(self.values.shape)}, {self.note})"


def from_run(run: Run, site: Site, order: np.ndarray | None = None) -> Rows:
    """Return the rows that `run` read at `site`, named by role; `order` [prompt] takes another row for each.

    Raises InterpError if the run did not read the site.
    """
    values = run[site]
    if site.name == "pattern" and site.index is None:
        values = values.movedim(2, 1)  # [prompt, query, head, key]
    roles = {role: entry for entry, role in enumerate(run.roles)}
    return Rows(values, {**roles, "last": len(roles) - 1}, order, "same" if order is None else "permute")


@dataclass(frozen=True, eq=False, repr=False)
class Lookup(Source):
    """A table of values by key, for each role: s = table[role][key of this prompt at this role].

    table: {role: [key, ...]}; keys: {role: int [prompt]}; counts: {role: int [key]}, how many examples each entry
    is a mean of: an entry with count 0 was never seen. Keys are row numbers of the table (an operand's value, a token).
    """

    table: Mapping[str, Tensor]
    keys: Mapping[str, np.ndarray]
    counts: Mapping[str, np.ndarray] | None = None

    @classmethod
    def from_moments(cls, moments: Mapping[str, Moments], keys: Mapping[str, np.ndarray]) -> Lookup:
        """Return the group means of `conditional_means`, in float32, for prompts with these keys."""
        table = {role: moments[role].mean.float() for role in moments}
        counts = {role: moments[role].count.cpu().numpy() for role in moments}
        return cls(table, {role: np.asarray(keys[role]) for role in keys}, counts)

    @cached_property
    def digest(self) -> str:
        """Return the content hash."""
        counts = None if self.counts is None else dict(self.counts)
        return digest_of("Lookup", dict(self.table), dict(self.keys), counts)

    def check(self, where: tuple[str, ...], n: int) -> None:
        """Raise InterpError for a role without table or keys, the wrong number of keys, or an unseen key."""
        for role in where:
            for name, part in (("table", self.table), ("keys", self.keys)):
                if role not in part:
                    raise InterpError(f"Lookup has no {name} for role {role!r}. {nearest(role, part)}")
            keys = np.asarray(self.keys[role])
            if keys.shape != (n,):
                raise InterpError(f"Lookup has keys {keys.shape} for role {role!r} but {n} prompts are run.")
            size = len(self.table[role])
            unseen = (keys < 0) | (keys >= size)
            if self.counts is not None:
                unseen |= np.asarray(self.counts[role])[np.clip(keys, 0, size - 1)] == 0
            if unseen.any():
                names = ", ".join(str(key) for key in np.unique(keys[unseen])[:5])
                raise InterpError(
                    f"No group mean for key {names} at role {role!r} ({int(unseen.sum())} of {n} prompts): "
                    "take the means over prompts that contain every key."
                )

    def at(self, rows: np.ndarray, where: tuple[str, ...], like: Tensor, site: Site) -> Tensor:
        """Return [prompt, role, ...]. Raises InterpError when the table was read at another kind of site."""
        picked = []
        for role in where:
            table = self.table[role]
            if table.shape[1:] != like.shape[2:]:
                raise InterpError(
                    f"Lookup holds entries of shape {tuple(table.shape[1:])} for role {role!r} but {site} has "
                    f"{tuple(like.shape[2:])}: take the means at the same kind of site."
                )
            picked.append(table[torch.as_tensor(np.asarray(self.keys[role])[rows], device=table.device)])
        return torch.stack(picked, dim=1).to(like.device)

    def __repr__(self) -> str:
        tables = ", ".join(f"{role}: {tuple(table.shape)}" for role, table in self.table.items())
        return f"Lookup({tables})"
