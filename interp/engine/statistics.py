"""Streamed means by group: count, mean and M2 of activations for each key, in float64, in one pass.

    merge (Chan):  n = na + nb;  mean = mean_a + (mean_b - mean_a) nb / n;
                   M2 = M2_a + M2_b + (mean_b - mean_a)^2 na nb / n

Batches, shards and machines merge in any order. The standard error of a mean is sqrt(M2 / (n - 1) / n); with one
example it is nan. Chan, Golub & LeVeque, "Updating formulae and a pairwise algorithm for computing sample variances"
(1979).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from interp.engine.interventions import Intervention
from interp.engine.run import stream
from interp.engine.sites import Site
from interp.errors import InterpError
from interp.progress import Progress, silent


class Moments:
    """Count, mean and sum of squared deviations for each key.

    count: int64 [key]; mean, M2: float64 [key, ...]; a key that never occurred has mean nan.
    """

    def __init__(self, n_keys: int, shape: Sequence[int] = (), device: Any = "cpu") -> None:
        self.count = torch.zeros(n_keys, dtype=torch.int64, device=device)
        self._mean = torch.zeros((n_keys, *shape), dtype=torch.float64, device=device)
        self.M2 = torch.zeros_like(self._mean)

    @classmethod
    def of(cls, count: Tensor, mean: Tensor, M2: Tensor) -> Moments:
        """Return the moments with these contents, kept elsewhere; the mean of a count of 0 is ignored."""
        moments = cls(len(count), mean.shape[1:], mean.device)
        return moments._merge(
            torch.arange(len(count), device=mean.device), count, mean.double().nan_to_num(), M2.double()
        )

    @property
    def mean(self) -> Tensor:
        """Return the mean of each key [key, ...]; nan where the key never occurred."""
        return torch.where(_wide(self.count, self._mean) > 0, self._mean, torch.nan)

    @property
    def standard_error(self) -> Tensor:
        """Return the standard error of each mean [key, ...]; nan where there are fewer than two examples."""
        n = _wide(self.count, self._mean).double()
        return torch.where(n > 1, (self.M2 / (n - 1) / n).sqrt(), torch.nan)

    def update(self, values: Tensor, keys: Any) -> Moments:
        """Add values [example, ...] with keys int [example]; return self.

        Raises InterpError for a key outside 0..n_keys-1 or a shape that differs from the earlier ones.
        """
        group = keys.cpu().numpy() if isinstance(keys, Tensor) else np.asarray(keys)
        x = values.detach().to(device=self.count.device, dtype=torch.float64)
        if x.shape[1:] != self._mean.shape[1:] or group.shape != x.shape[:1]:
            raise InterpError(
                f"Moments of [example, {', '.join(map(str, self._mean.shape[1:]))}] with one key each "
                f"cannot take values {tuple(x.shape)} with keys {group.shape}."
            )
        present, group = np.unique(group, return_inverse=True)
        if len(present) and (present[0] < 0 or present[-1] >= len(self.count)):
            raise InterpError(f"Keys must lie in 0..{len(self.count) - 1}; got {present[0]}..{present[-1]}.")
        rows = torch.as_tensor(present, device=x.device)
        return self._merge(rows, *_batch_moments(x, torch.as_tensor(group, device=x.device), len(present)))

    def merge(self, other: Moments, rows: Any = None) -> Moments:
        """Add another shard of the same shape; return self.

        rows: int [key of other], the key here that each key there is (default: the same keys, in the same order).
        """
        same = rows is None or len(rows) == len(other.count)
        if other.M2.shape[rows is not None :] != self.M2.shape[rows is not None :] or not same:
            raise InterpError(f"Shards differ in shape: {tuple(self.M2.shape)} and {tuple(other.M2.shape)}.")
        device = self.count.device
        rows = torch.as_tensor(np.arange(len(self.count)) if rows is None else rows, device=device)
        return self._merge(rows, other.count.to(device), other._mean.to(device), other.M2.to(device))

    def _merge(self, rows: Tensor, count: Tensor, mean: Tensor, M2: Tensor) -> Moments:
        """Merge the moments of some keys (`rows`, each once) into those kept here."""
        n_a, n_b = _wide(self.count[rows], mean).double(), _wide(count, mean).double()
        n = (n_a + n_b).clamp(min=1)
        delta = mean - self._mean[rows]
        self._mean[rows] += delta * (n_b / n)
        self.M2[rows] += M2 + delta**2 * (n_a * n_b / n)
        self.count[rows] += count
        return self


def conditional_means(
    model: Any,
    prompts: Any,
    sites: Sequence[Site],
    keys: Mapping[str, np.ndarray],
    *,
    n_keys: Mapping[str, int] | None = None,
    interventions: Sequence[Intervention] = (),
    batch_size: int = 512,
    progress: Progress = silent,
) -> dict[Site, dict[str, Moments]]:
    """Return {site: {role: Moments [key, ...]}}: the activation at each role, averaged over prompts of equal key.

    keys: {role: int [prompt]}, each prompt's key at that role (its own token, an operand); zeros give the plain mean.
    n_keys: {role: number of keys} (default: largest key + 1). For pattern the role is the query. One pass; only the
    sums are kept. Raises InterpError like `run`, and for keys that do not match the prompts.
    """
    groups = {role: _keys(role, given, len(prompts)) for role, given in keys.items()}
    sizes = {role: int(group.max()) + 1 for role, group in groups.items()} | dict(n_keys or {})
    places = {role: prompts.position(role) for role in groups}
    means: dict[Site, dict[str, Moments]] = {site: {} for site in sites}

    def consumer(site: Site) -> Any:
        axis = 2 if site.name == "pattern" and site.index is None else 1

        def add(h: Tensor, rows: np.ndarray) -> None:
            for role, group in groups.items():
                x = h.select(axis, places[role])
                if role not in means[site]:
                    means[site][role] = Moments(sizes[role], x.shape[1:], _sum_device(x))
                means[site][role].update(x, group[rows])

        return add

    consume = {site: consumer(site) for site in means}
    stream(model, prompts, consume, interventions, batch_size=batch_size, progress=progress)
    return means


def _batch_moments(x: Tensor, keys: Tensor, n_keys: int) -> tuple[Tensor, Tensor, Tensor]:
    """Return count [key], mean and M2 [key, ...] of one batch: two passes over it, by index_add."""
    count = torch.bincount(keys, minlength=n_keys)
    zeros = x.new_zeros((n_keys, *x.shape[1:]))
    mean = zeros.index_add(0, keys, x) / _wide(count, zeros).clamp(min=1)
    M2 = zeros.index_add(0, keys, (x - mean[keys]) ** 2)
    return count, mean, M2


def _keys(role: str, keys: Any, n: int) -> np.ndarray:
    group = np.asarray(keys)
    if group.shape != (n,) or group.dtype.kind not in "iu" or (n and group.min() < 0):
        raise InterpError(f"Keys of role {role!r} must be {n} integers from 0 up, one for each prompt.")
    return group.astype(np.int64)


def _sum_device(x: Tensor) -> Any:
    return x.device if x.device.type in ("cpu", "cuda") else torch.device("cpu")  # float64 is needed


def _wide(count: Tensor, like: Tensor) -> Tensor:
    """Return count [key] with trailing axes so that it broadcasts against [key, ...]."""
    return count.reshape(-1, *(1,) * (like.ndim - 1))
