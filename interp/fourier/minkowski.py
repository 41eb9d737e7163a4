"""Is the output of an attention head a sum of one part for each of two digits, nested clusters of one shape?

A head that looks at a_i with weight alpha and at b_j with 1 - alpha writes

    out  =  alpha A[a_i] + (1 - alpha) B[b_j] + eps          a Minkowski sum of two sets of points

so the two-way fit  out ~ mean + u[a_i] + v[b_j]  holds all that the cells (a_i, b_j) hold, and, where both digits lie
on the same curve up to a rotation,  tr cov(u) / tr cov(v) = (alpha / (1 - alpha))^2.

    additive      R^2 of the two-way fit          cell    R^2 of a mean for every cell (the most any fit can have)
    interaction   cell - additive
    alpha         1 / (1 + sqrt(var v / var u)),  to be held against the mean attention
    cosines       |cos| between leading eigenvectors of cov(u) and cov(v)
    similarity    mean Procrustes similarity (shape, free rotation) of the clusters of cell means of different a_i
    parallel      the same without rotation: clusters of a sum are translates of each other, so they agree as they lie

Null: digits dealt out anew to the prompts (`shuffled`, several draws); R^2 is then (parameters - 1) / (n - 1).

How to read: additive near cell, similarity and parallel near 1, is a Minkowski sum. In many dimensions ten points have
nearly one shape under rotation, so `parallel` tells more. Alpha assumes that A and B are spread alike.
Source: Why Can't Transformers Learn Multiplication? 2025, arXiv:2510.00184.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Int

from interp.engine import Site, run
from interp.errors import InterpError
from interp.fourier.basis import real


class TwoWay(NamedTuple):
    """The fit: R^2 of the two-way and of the cell model, implied alpha, eigenvector cosines, likeness of clusters."""

    additive: float
    cell: float
    alpha: float
    cosines: np.ndarray
    similarity: float
    parallel: float

    @property
    def interaction(self) -> float:
        """Return the share of the variance that only the cells hold."""
        return self.cell - self.additive


def two_way(
    out: Float[np.ndarray, "prompt d"], a: Int[np.ndarray, " prompt"], b: Int[np.ndarray, " prompt"], n_vectors: int = 2
) -> TwoWay:
    """Return the two-way fit of a head's output on two digits, by least squares, so cells may be unequal in number.

    The likenesses are nan where no two values of a share three of b. Raises InterpError when a digit does
    not vary or the output does not.
    """
    out = real(out)
    codes = [np.unique(each, return_inverse=True)[1] for each in (a, b)]
    sizes = [int(code.max()) + 1 for code in codes]
    rest = out - out.mean(0)
    total = (rest**2).sum()
    if min(sizes) < 2 or not np.isfinite(total) or not total > 0:
        raise InterpError(f"A two-way fit of {sizes[0]} and {sizes[1]} digits: expected both, and the output, to vary.")
    cells = codes[0] * sizes[1] + codes[1]
    design = np.column_stack([np.eye(size)[code] for size, code in zip(sizes, codes, strict=True)])
    effects = np.linalg.lstsq(design, rest, rcond=None)[0]
    u, v = effects[: sizes[0]], effects[sizes[0] :]
    covariances = [np.cov(each.T, bias=True).reshape(out.shape[1], -1) for each in (u, v)]
    spreads = [float(np.trace(each)) for each in covariances]
    means, filled = _cell_means(rest, cells, sizes)
    similarity, parallel = _likeness(means, filled)
    explained = rest - means.reshape(-1, out.shape[1])[cells]
    return TwoWay(
        additive=1 - float(((rest - design @ effects) ** 2).sum() / total),
        cell=1 - float((explained**2).sum() / total),
        alpha=1 / (1 + np.sqrt(spreads[1] / spreads[0])) if spreads[0] > 0 else 0.0,
        cosines=_cosines(covariances, n_vectors),
        similarity=similarity,
        parallel=parallel,
    )


def shuffled(out: np.ndarray, a: np.ndarray, b: np.ndarray, draws: int = 20, seed: int = 0) -> list[TwoWay]:
    """Return the fits with both digits dealt out anew: rows (a, b) stay together, prompts lose theirs."""
    rng = np.random.default_rng(seed)
    orders = (rng.permutation(len(out)) for _ in range(draws))
    return [two_way(out, np.asarray(a)[order], np.asarray(b)[order]) for order in orders]


def head_two_way(
    model: Any,
    prompts: Any,
    layer: int,
    head: int,
    variables: tuple[str, str],
    role: str = "last",
    draws: int = 20,
    batch_size: int = 512,
) -> tuple[TwoWay, list[TwoWay], dict[str, float]]:
    """Return the fit of one head's output (after W_O) at `role`, its shuffles, and its mean attention by role.

    Raises InterpError for a variable that the prompts lack, and as `two_way`.
    """
    missing = [name for name in variables if name not in prompts.variables]
    if missing:
        raise InterpError(f"These prompts have no {', '.join(missing)}: choose among {', '.join(prompts.variables)}.")
    site, pattern = Site("z", layer, head), Site("pattern", layer, head)
    seen, at = run(model, prompts, reads=[site, pattern], batch_size=batch_size), prompts.position(role)
    weights = model.W_O[layer][head].detach().double().cpu().numpy()
    out = seen[site][:, at].double().cpu().numpy() @ weights
    a, b = (prompts.variables[name] for name in variables)
    attention = seen[pattern][:, at].double().mean(0).cpu().numpy()
    by_role = dict(zip(prompts.roles, attention.tolist(), strict=True))
    return two_way(out, a, b), shuffled(out, a, b, draws), by_role


def _cell_means(rest: np.ndarray, cells: np.ndarray, sizes: list[int]) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean of every cell [a, b, d] (0 where empty) and which cells are filled [a, b]."""
    counts = np.bincount(cells, minlength=sizes[0] * sizes[1])
    sums = np.zeros((len(counts), rest.shape[1]))
    np.add.at(sums, cells, rest)
    means = sums / np.maximum(counts, 1)[:, None]
    return means.reshape(*sizes, -1), (counts > 0).reshape(sizes)


def _cosines(covariances: list[np.ndarray], count: int) -> np.ndarray:
    """Return |cos| between the leading eigenvectors of both, as principal cosines of their leading subspaces."""
    leading = [np.linalg.eigh(each)[1][:, -count:] for each in covariances]
    return np.linalg.svd(leading[0].T @ leading[1], compute_uv=False)


def _likeness(means: np.ndarray, filled: np.ndarray) -> tuple[float, float]:
    """Return the mean likeness, at most 1, of the centred clusters of two a: best rotated, and as they lie."""
    turned, as_they_lie = [], []
    for i in range(len(means)):
        for j in range(i):
            both = filled[i] & filled[j]
            x, y = (means[k][both] - means[k][both].mean(0) if both.sum() >= 3 else np.zeros((1, 1)) for k in (i, j))
            size = np.linalg.norm(x) * np.linalg.norm(y)
            if size > 0:
                # the nuclear norm of x^T y, in the row spaces of both
                small = [np.linalg.qr(each.T)[1] for each in (x, y)]
                turned.append(np.linalg.svd(small[0] @ small[1].T, compute_uv=False).sum() / size)
                as_they_lie.append((x * y).sum() / size)
    return (float(np.mean(turned)), float(np.mean(as_they_lie))) if turned else (float("nan"), float("nan"))
