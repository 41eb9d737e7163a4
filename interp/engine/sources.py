"""What is written: s in h <- h + alpha 1[where] U U^T (s - h), described, not computed, until a batch runs.

Every source is frozen data with a content hash (`digest`), computed when first asked for. The tensors it holds must
not be changed afterwards. A source returns, for the prompts `rows` of a batch, values that broadcast to
[prompt, role, ...]; the mixing matrix W of DESIGN §1 is never built: `Rows` picks one row of a run for each
prompt (the same, or a permutation), `Lookup` picks the mean of the group that a prompt's key names.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor

from interp.engine.digests import Hashed, digest_of
from interp.engine.sites import Site
from interp.errors import InterpError


class Source(Hashed):
    """The interface of all sources: `check` before any forward, `at` for the prompts of one batch."""

    digest: Any

    def check(self, where: tuple[str, ...], n: int) -> None:
        """Raise InterpError unless this source can serve the roles `where` of `n` prompts."""

    def at(self, rows: np.ndarray, where: tuple[str, ...], like: Tensor, site: Site) -> Tensor:
        """Return s for the prompts `rows`, broadcastable to `like` [prompt, role, ...], on its device."""
        raise NotImplementedError


@dataclass(frozen=True, eq=False)
class Zero(Source):
    """s = 0."""

    @property
    def digest(self) -> str:
        """Return the content hash."""
        return digest_of("Zero")

    def at(self, rows: np.ndarray, where: tuple[str, ...], like: Tensor, site: Site) -> Tensor:
        """Return a scalar zero."""
        return like.new_zeros(())


@dataclass(frozen=True, eq=False)
class Hidden(Source):
    """The score -inf: an attention edge that cannot be used. Belongs to Site("attn", layer, head) alone."""

    @property
    def digest(self) -> str:
        """Return the content hash."""
        return digest_of("Hidden")


@dataclass(frozen=True, eq=False, repr=False)
class Constant(Source):
    """s = one value for all prompts: a number, [d], or [role, d] in the order of `where` (copied on entry)."""

    value: Tensor

    def __post_init__(self) -> None:
        value = self.value if isinstance(self.value, Tensor) else torch.tensor(self.value)
        object.__setattr__(self, "value", value.detach().clone())

    @cached_property
    def digest(self) -> str:
        """Return the content hash."""
        return digest_of("Constant", self.value)

    def at(self, rows: np.ndarray, where: tuple[str, ...], like: Tensor, site: Site) -> Tensor:
        """Return the constant. Raises InterpError when it does not fit the site."""
        return fit(self.value, like, "The constant", site)

    def __repr__(self) -> str:
        return f"Constant({tuple(self.value.shape)})"


@dataclass(frozen=True, eq=False)
class Noise(Source):
    """s = mean + std * g with g standard normal, seeded; mean and std are numbers or tensors like a constant.

    g depends on (seed, site, role, the prompt's place in the run) alone: neither the batch size nor the other
    roles nor the device change it.
    """

    mean: Any = 0.0
    std: Any = 1.0
    seed: int = 0

    @cached_property
    def digest(self) -> str:
        """Return the content hash."""
        return digest_of("Noise", torch.as_tensor(self.mean), torch.as_tensor(self.std), int(self.seed))

    def at(self, rows: np.ndarray, where: tuple[str, ...], like: Tensor, site: Site) -> Tensor:
        """Return the noise of these prompts [prompt, role, ...]."""
        draws = np.stack([normals(rows, like.shape[2:], f"{int(self.seed)} {site} {role}") for role in where], axis=1)
        drawn = torch.from_numpy(draws).to(like.device)
        mean = fit(torch.as_tensor(self.mean), like, "The mean of the noise", site).float()
        std = fit(torch.as_tensor(self.std), like, "The spread of the noise", site).float()
        return mean + std * drawn


def fit(value: Tensor, like: Tensor, what: str, site: Site) -> Tensor:
    """Return `value` on the device of `like`; raise InterpError unless it broadcasts to its shape."""
    try:
        whole = value.ndim < like.ndim and torch.broadcast_shapes(value.shape, like.shape) == like.shape
    except RuntimeError:
        whole = False
    if not whole:
        raise InterpError(
            f"{what} has shape {tuple(value.shape)}, which does not fit {site}: "
            f"[prompt, role, ...] is {tuple(like.shape)} there."
        )
    return value.to(like.device)


def normals(rows: np.ndarray, shape: Sequence[int], label: str) -> np.ndarray:
    """Return standard normals [row, *shape] from a counter-based generator: row r is the same in any batch."""
    key = np.frombuffer(hashlib.sha256(label.encode()).digest()[:16], dtype=np.uint64)
    size = math.prod(shape)
    drawn = [
        np.random.Generator(np.random.Philox(key=key, counter=[0, 0, 0, int(row)])).standard_normal(
            size, dtype=np.float32
        )
        for row in rows
    ]
    return np.stack(drawn).reshape(len(rows), *shape)
