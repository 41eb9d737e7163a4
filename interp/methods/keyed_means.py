"""What is a table of conditional means? Keys, counts and moments by layer and role; how prompts find their row in it.

    mean[l, t, key]           the rows of a prompt: keys(prompts)            whether it has them all: covers(prompts)
    table(A + B) = table(A).merge(table(B))                                  A, B: shards without a common prompt

A place whose earlier tokens are the same in all prompts can know nothing but its own token: its mean is its clean
activation (causality). It keeps that, bit for bit, and needs no reference prompt with the same token (`clean_roles`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from interp.engine import Moments
from interp.errors import InterpError
from interp.methods.grid import require_prompts

if TYPE_CHECKING:
    from interp.tasks.prompts import Prompts

FEWEST_PER_MEAN = 10
"""A mean over fewer prompts is a resample rather than a mean; prompts that would need one are left out and counted."""


@dataclass(frozen=True)
class Means:
    """Streamed means of the residual at the input of each block, by role and by the key of the prompt there.

    tokens: {role: int [key, place]}, the tokens that make up each key, in rising order; `given[role]` names their
    roles, the own one first. counts: {role: int [key]}, prompts behind each mean. moments: {layer: {role: Moments
    [key, d_model]}}. fewest: prompts a mean needs to count as one. roles: those of
    the prompts, BOS too. fixed: {role: token} where all reference prompts
    agree. population: size of the whole distribution, 0 where that is not known.
    """

    tokens: dict[str, np.ndarray]
    counts: dict[str, np.ndarray]
    moments: dict[int, dict[str, Moments]]
    fewest: int
    roles: tuple[str, ...]
    given: dict[str, tuple[str, ...]]
    fixed: dict[str, int]
    population: int = 0

    @property
    def n(self) -> int:
        """Return the number of prompts behind the means."""
        return int(next(iter(self.counts.values())).sum())

    @property
    def exact(self) -> bool:
        """Return whether the means are over the whole distribution, so that nothing was sampled."""
        return self.n == self.population

    def check(self, prompts: Prompts) -> None:
        """Raise InterpError unless `prompts` are some, with the roles that have means here."""
        require_prompts(prompts)
        if waiting_roles(prompts) != tuple(self.tokens):
            raise InterpError(
                f"the means have roles {' '.join(self.tokens)}, the prompts {' '.join(waiting_roles(prompts))}; "
                "means must come from the same task and style."
            )

    def clean_roles(self, prompts: Prompts) -> tuple[str, ...]:
        """Return the first roles that wait, up to where an earlier token differs between prompts or from here."""
        found = []
        for role in prompts.roles:
            if role in self.tokens:
                found.append(role)
            column = prompts.tokens[:, prompts.position(role)]
            if role not in self.fixed or (column != self.fixed[role]).any():
                break
        return tuple(found)

    def keys(self, prompts: Prompts) -> dict[str, np.ndarray]:
        """Return the row of each prompt's key in the tables: {role: int [prompt]}; -1 where there is none."""
        return {
            role: matching(known, prompts.tokens[:, prompts.positions(self.given[role])])
            for role, known in self.tokens.items()
        }

    def covers(self, prompts: Prompts) -> np.ndarray:
        """Return which prompts have a mean of at least `fewest` prompts wherever one is needed: bool [prompt]."""
        clean, covered = self.clean_roles(prompts), np.ones(len(prompts), dtype=bool)
        for role, keys in self.keys(prompts).items():
            if role not in clean:
                covered &= (keys >= 0) & (self.counts[role][keys] >= self.fewest)
        return covered

    def merge(self, other: Means) -> Means:
        """Return the means over the prompts of both, as one pass over all of them gives (up to rounding).

        Raises InterpError for other roles, layers or conditions. The shards must not share a prompt.
        """
        if (self.roles, self.given) != (other.roles, other.given) or sorted(self.moments) != sorted(other.moments):
            raise InterpError("these means do not merge: they differ in roles, in layers or in what is given.")
        tokens, counts, moments = {}, {}, {layer: {} for layer in self.moments}
        for role in self.tokens:
            tokens[role] = np.unique(np.concatenate([self.tokens[role], other.tokens[role]]), axis=0)
            rows = [matching(tokens[role], shard.tokens[role]) for shard in (self, other)]
            counts[role] = np.zeros(len(tokens[role]), dtype=np.int64)
            for shard, taken in zip((self, other), rows, strict=True):
                counts[role][taken] += shard.counts[role]
                for layer, there in shard.moments.items():
                    mean = there[role].mean
                    empty = Moments(len(tokens[role]), mean.shape[1:], mean.device)
                    moments[layer].setdefault(role, empty).merge(there[role], taken)
        fixed = dict(self.fixed.items() & other.fixed.items())
        population = self.population if self.population == other.population else 0
        fewest = min(self.fewest, other.fewest)
        return Means(tokens, counts, moments, fewest, self.roles, self.given, fixed, population)

    def tensors(self) -> dict[str, np.ndarray]:
        """Return everything but `fewest` as arrays by name, for safetensors.

        mean.03.b, M2.03.b: float32 [key, d_model]; count.b: int64 [key]; token.b: int64 [key, place]; given.b: the
        positions of those tokens; fixed: int64 [role, (position, token)]; population: int64 [1].
        """
        where = {role: i for i, role in enumerate(self.roles)}
        fixed = [(where[role], token) for role, token in self.fixed.items()]
        kept = {
            "roles": np.frombuffer(" ".join(self.roles).encode(), dtype=np.uint8).copy(),
            "fixed": np.array(fixed, dtype=np.int64).reshape(-1, 2),
            "population": np.array([self.population], dtype=np.int64),
        }
        for role in self.tokens:
            kept[f"token.{role}"] = np.ascontiguousarray(self.tokens[role], dtype=np.int64)
            kept[f"count.{role}"] = np.asarray(self.counts[role], dtype=np.int64)
            kept[f"given.{role}"] = np.array([where[other] for other in self.given[role]], dtype=np.int64)
            for layer, there in self.moments.items():
                kept[f"mean.{layer:02d}.{role}"] = there[role].mean.float().cpu().numpy()
                kept[f"M2.{layer:02d}.{role}"] = there[role].M2.float().cpu().numpy()
        return kept

    @classmethod
    def from_tensors(cls, kept: Mapping[str, np.ndarray], fewest: int = FEWEST_PER_MEAN) -> Means:
        """Return the means that `tensors` took apart (their values in float32). Raises InterpError for other arrays."""
        if not {"roles", "fixed", "population"} <= set(kept):
            raise InterpError(f"these arrays are no means: expected roles, fixed, population; got {sorted(kept)[:5]}.")
        roles = tuple(bytes(np.asarray(kept["roles"])).decode().split(" "))
        own = [role for role in roles if f"token.{role}" in kept]
        moments: dict[int, dict[str, Moments]] = {}
        for layer in sorted({int(name.split(".")[1]) for name in kept if name.startswith("mean.")}):
            moments[layer] = {}
            for role in own:
                mean, M2 = (torch.tensor(kept[f"{what}.{layer:02d}.{role}"]) for what in ("mean", "M2"))
                moments[layer][role] = Moments.of(torch.tensor(kept[f"count.{role}"]), mean, M2)
        return cls(
            tokens={role: np.asarray(kept[f"token.{role}"]) for role in own},
            counts={role: np.asarray(kept[f"count.{role}"]) for role in own},
            moments=moments,
            fewest=fewest,
            roles=roles,
            given={role: tuple(roles[i] for i in kept[f"given.{role}"]) for role in own},
            fixed={roles[i]: int(token) for i, token in kept["fixed"]},
            population=int(kept["population"][0]),
        )


def waiting_roles(prompts: Prompts) -> tuple[str, ...]:
    """Return the roles that wait: every one but BOS, the attention sink."""
    return tuple(role for role in prompts.roles if role != "bos")


def matching(known: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Return the place of each of `rows` (int [row, place]) in `known` (int [key, place], no two alike); -1 if new."""
    groups = np.unique(np.concatenate([known, rows]), axis=0, return_inverse=True)[1].reshape(-1)
    place = np.full(groups.max() + 1, -1)
    place[groups[: len(known)]] = np.arange(len(known))
    return place[groups[len(known) :]]
