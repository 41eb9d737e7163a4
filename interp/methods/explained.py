"""How much of a map over pairs of operands does one property of the pair explain, and how much of a shuffled map?

    explained(map, g) = sum over values v of g: n_v (mean of the map where g = v  -  mean)²  /  sum (map - mean)²
    null: the same of the map with its cells shuffled; its mean is (K - 1) / (N - 1) exactly (K values of g, N cells)

`null_high` is the largest of the shuffles: with 19 of them a map beyond it is so with 5 % probability by chance.

Reading: a property with many values explains more of anything, which is what the null shows. Properties overlap (b mod
5 is a function of b), so shares do not add up. A share near 1 says that the map is a function of that property alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_matrix

from interp.progress import Progress, silent

BATCH = 2048  # maps at once


class Explained(NamedTuple):
    """Shares [map, property]: of the map, mean over shuffles (exact) [property], and the largest of the shuffles."""

    share: np.ndarray
    null: np.ndarray
    null_high: np.ndarray


def properties(variables: Mapping[str, np.ndarray], operands: tuple[str, str]) -> dict[str, np.ndarray]:
    """Return {property: int [prompt]} of operands and result: themselves, residues, tens, and the carry or borrow.

    Mod 10 is the units digit. What has one value only, or is another property again, is left out.
    """
    found: dict[str, np.ndarray] = {}
    for name in (*operands, "result"):
        column = variables[name]
        found[name] = column
        found |= {f"{name} mod {m}": column % m for m in (2, 5, 10, 100)}
        found[f"{name} tens"] = column // 10 % 10
    for kind in ("carry", "borrow"):
        found |= {kind: variables[f"result_{kind}0"]} if f"result_{kind}0" in variables else {}
    kept: dict[str, np.ndarray] = {}
    for name, column in found.items():
        if len(np.unique(column)) > 1 and not any(np.array_equal(column, other) for other in kept.values()):
            kept[name] = column
    return kept


def explained(
    maps: np.ndarray,
    groups: Mapping[str, np.ndarray],
    *,
    n_shuffles: int = 19,
    progress: Progress = silent,
    seed: int = 0,
) -> Explained:
    """Return what each of `groups` int [cell] explains of `maps` [map, cell], and of shuffled maps.

    A constant map has no share (nan). Cells where a map is nan are left out of it.
    """
    codes = [np.unique(column, return_inverse=True)[1] for column in groups.values()]
    share, high = (np.full((len(maps), len(codes)), np.nan) for _ in range(2))
    whole = np.isfinite(maps).all(axis=1)
    rng = np.random.default_rng((seed, 11))
    orders = [rng.permutation(maps.shape[1]) for _ in range(n_shuffles)]
    sets = [np.flatnonzero(whole)[i : i + BATCH] for i in range(0, int(whole.sum()), BATCH)]
    for k, rows in enumerate(sets):
        progress(k, len(sets), "variance explained")
        share[rows], high[rows] = _of(maps[rows], codes, orders)
    for row in np.flatnonzero(~whole):
        cells = np.isfinite(maps[row])
        if cells.sum() > 2:
            fewer = [rng.permutation(int(cells.sum())) for _ in range(n_shuffles)]
            share[row], high[row] = _of(maps[row : row + 1, cells], [code[cells] for code in codes], fewer)
    null = np.array([(len(np.unique(code)) - 1) / (maps.shape[1] - 1) for code in codes])
    return Explained(share, null, high)


def _of(maps: np.ndarray, codes: list[np.ndarray], orders: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    n = maps.shape[1]
    codes = [np.unique(code, return_inverse=True)[1] for code in codes]
    starts = np.cumsum([0, *(code.max() + 1 for code in codes)])
    rows = np.concatenate([code + start for code, start in zip(codes, starts[:-1], strict=True)])
    member = csr_matrix((np.ones(len(rows)), (rows, np.tile(np.arange(n), len(codes)))), (starts[-1], n))
    counts = np.bincount(rows, minlength=starts[-1])[:, None]
    values = (maps - maps.mean(axis=1, keepdims=True)).T.astype(np.float64)  # [cell, map]
    total = (values**2).sum(axis=0)
    total = np.where(total > 1e-12 * max(1.0, float(total.max(initial=0.0))), total, np.nan)

    def shares(ordered: np.ndarray) -> np.ndarray:
        return np.add.reduceat((member @ ordered) ** 2 / counts, starts[:-1], axis=0).T / total[:, None]

    high = np.full((maps.shape[0], len(codes)), -np.inf)
    for order in orders:
        high = np.maximum(high, shares(values[order]))
    return shares(values), high
