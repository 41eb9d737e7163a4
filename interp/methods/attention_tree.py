"""Do the heads of a multiplying model look where the products of each column are: which tree do they span?

    edge (layer, head, query, key)    mean attention over problems > threshold
    pair (i, j) at a token            formed where one head looks at the tokens a_i and b_j themselves
    pairs at a token after layer l =  those before, those formed there, and those of every token that l looks at

    needed   = {(i, j): i + j <= k}                       all products that c_k depends on
    coverage = |found at the token that foretells c_k, needed| / |needed|
    spurious = |found there, not needed| / |found there|                 0 where nothing is found

Null: random edges, as many for each head and query, among the keys it can see (`n_random` draws of the whole tree), and
the network before training. How to read: coverage far above the random trees', with few spurious pairs, is a tree that
caches products and fetches them. Attention shows what is moved, not what is used: hide the edges to know (`knockout`).
Source: Bai et al. 2025, arXiv:2510.00184 (pictures of the heads; the counting is ours).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr
from jaxtyping import Bool

from interp.errors import InterpError
from interp.methods.attention import attention
from interp.methods.result import attributes, variable
from interp.progress import Progress, silent
from interp.tasks.products import foretold_at

if TYPE_CHECKING:
    from interp.tasks.prompts import Prompts

THRESHOLDS = (0.05, 0.1, 0.15, 0.2, 0.25, 0.3)
PUBLISHED = 0.2


def attention_tree(
    model: Any,
    prompts: Prompts,
    n: int,
    *,
    untrained: Any = None,
    thresholds: Sequence[float] = THRESHOLDS,
    n_random: int = 200,
    batch_size: int = 512,
    progress: Progress = silent,
    seed: int = 0,
) -> xr.Dataset:
    """Return mean attention, and coverage and spurious share of the tree of each column, at each threshold.

    `pattern` [layer, head, role, key] with intervals; `coverage`, `spurious` [threshold, column] in [0, 1]; their
    `_null` (mean of random trees), `_null_high` (95 %) and `_untrained_null`; `covered` [threshold, column, a_digit,
    b_digit] 0 or 1; `n_edges` [threshold]. Raises InterpError for a threshold outside (0, 1) or no random tree.
    """
    if not thresholds or any(not 0 < t < 1 for t in thresholds) or n_random < 19:
        raise InterpError(f"Thresholds {list(thresholds)}, {n_random} trees: expected them in (0, 1), and 19 trees.")
    seen = attention(model, prompts, batch_size=batch_size, progress=progress)
    roles, rng = list(prompts.roles), np.random.default_rng(seed)
    pattern = seen["pattern"].values
    blank = None
    if untrained is not None:
        blank = attention(untrained, prompts, batch_size=batch_size)["pattern"].values
    covered, coverage, spurious, random, before = [], [], [], [], []
    for i, threshold in enumerate(thresholds):
        progress(i, len(thresholds), f"trees above {threshold:g}")
        edges = pattern > threshold
        covered.append(tree(edges, roles, n))
        coverage.append(scores(covered[-1])[0])
        spurious.append(scores(covered[-1])[1])
        random.append([scores(tree(shuffled_edges(edges, rng), roles, n)) for _ in range(n_random)])
        none = np.full((2, 2 * n), np.nan)
        before.append(none if blank is None else scores(tree(blank > threshold, roles, n)))
    progress(1, 1, "trees")
    counts = [int((pattern > t).sum()) for t in thresholds]
    made = _variables(np.array(coverage), np.array(spurious), np.array(random), np.array(before))
    made["covered"] = variable("threshold column a_digit b_digit", np.array(covered, np.int8), "0 or 1",
                               "1: the product of these digits is found where the column is foretold")  # fmt: skip
    made["n_edges"] = variable("threshold", counts, "edges", "edges above the threshold, all heads and queries")
    digits = [str(i) for i in range(n)]
    coords = {
        "threshold": list(thresholds), "column": [f"c{k}" for k in range(2 * n)], "a_digit": digits, "b_digit": digits,
    }  # fmt: skip
    title = "The products that heads gather for each digit of the answer, following strong attention."
    about = attributes("attention_tree", model, prompts, title, n_digits=n, n_random=n_random, seed=seed)
    return xr.merge([seen.drop_attrs(deep=False), xr.Dataset(made, coords)]).assign_attrs(about)


def tree(edges: Bool[np.ndarray, "layer head query key"], roles: Sequence[str], n: int) -> np.ndarray:
    """Return which pairs are found where each column is foretold, bool [column, a_digit, b_digit]."""
    at = {role: place for place, role in enumerate(roles)}
    looks = [edges[..., [at[f"{side}{i}"] for i in range(n)]] for side in "ab"]  # [layer, head, query, digit]
    pairs = np.zeros((len(roles), n, n), bool)
    for layer, heads in enumerate(edges):
        formed = np.einsum("hqi,hqj->qij", looks[0][layer].astype(int), looks[1][layer].astype(int)) > 0
        fetched = np.tensordot(heads.any(0).astype(int), pairs.astype(int), axes=1) > 0
        pairs = pairs | formed | fetched
    return pairs[[at[foretold_at(k)] for k in range(2 * n)]]


def scores(covered: Bool[np.ndarray, "column a_digit b_digit"]) -> tuple[np.ndarray, np.ndarray]:
    """Return coverage of the needed pairs and the share of spurious ones, each [column] in [0, 1]."""
    n = covered.shape[1]
    place = np.arange(n)[:, None] + np.arange(n)
    needed = place[None] <= np.arange(2 * n)[:, None, None]
    found = covered.sum((1, 2))
    hit = (covered & needed).sum((1, 2))
    return hit / needed.sum((1, 2)), (found - hit) / np.maximum(found, 1)


def shuffled_edges(edges: Bool[np.ndarray, "layer head query key"], rng: np.random.Generator) -> np.ndarray:
    """Return as many edges for each layer, head and query, to keys drawn among those it can see."""
    size = edges.shape[-1]
    seen = np.arange(size)[None, :] <= np.arange(edges.shape[-2])[:, None]
    order = np.where(seen, rng.random(edges.shape), np.inf).argsort(-1).argsort(-1)
    return order < edges.sum(-1, keepdims=True)


def _variables(
    coverage: np.ndarray, spurious: np.ndarray, random: np.ndarray, before: np.ndarray
) -> dict[str, xr.Variable]:
    """`random` [threshold, draw, 2, column] and `before` [threshold, 2, column] hold coverage and spurious share."""
    dims, found = "threshold column", {}
    words = {"coverage": "needed products that are found", "spurious": "found products that are not needed"}
    for i, (name, values) in enumerate((("coverage", coverage), ("spurious", spurious))):
        found[name] = variable(dims, values, "fraction", words[name])
        found[f"{name}_null"] = variable(dims, random[:, :, i].mean(1), "fraction", f"{name} of random trees, mean")
        high = np.quantile(random[:, :, i], 0.95, axis=1)
        found[f"{name}_null_high"] = variable(dims, high, "fraction", f"{name} of random trees, 95 %")
        found[f"{name}_untrained_null"] = variable(dims, before[:, i], "fraction", f"{name} before training")
    as_much = (random[:, :, 0] >= coverage[:, None]).sum(1)
    p = (1 + as_much) / (1 + random.shape[1])
    found["coverage_p"] = variable(dims, p, "probability", "random trees that cover as much")
    return found
