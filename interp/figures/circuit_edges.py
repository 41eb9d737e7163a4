"""Which edges does a circuit of k edges hold, on which paths do they lie, and what does a circuit of that size keep?

    kept(k)   = the k edges of largest |score| ("size") or largest score ("signed"), without those that lie on no path
                from the embedding to the logits

Sizes between those that were measured are drawn too, but f is stated only of measured ones: nothing is interpolated.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from interp.errors import InterpError
from interp.figures import schema

if TYPE_CHECKING:
    import xarray as xr

MOST = 400
"""Edges of a drawing; more are a grey cloud and slow."""
FEW = 100
"""Edges that can still be followed by eye."""
READS = {"q": "query", "k": "key", "v": "value", "mlp": "input", "logits": "input"}


@dataclass(frozen=True)
class Edge:
    """An edge from node to node; `reads`: what of the reader it feeds; `rank`: its place in the ranking, from 1."""

    sender: str
    receiver: str
    reads: str
    score: float
    rank: int


def node_of(name: str, group: int = 1) -> str:
    """Return the node of a sender or receiver: `embed`, `head 2.1`, `MLP 3`, `logits`.

    A key or value head that serves `group` query heads is a node of its own, `kv 2.0`, where group > 1.
    """
    kind, *place = name.split(".")
    if kind in ("embed", "logits"):
        return kind
    if kind.startswith("mlp"):
        return f"MLP {place[0]}"
    return f"kv {'.'.join(place)}" if kind in "kv" and group > 1 else f"head {'.'.join(place)}"


def group_of(dataset: xr.Dataset) -> int:
    """Return how many query heads share a key and value head."""
    receivers = [str(name) for name in schema.labels(dataset, "receiver")]
    heads, shared = (len({name for name in receivers if name.startswith(f"{kind}.")}) for kind in "qk")
    return max(1, heads // max(1, shared))


def ranked(dataset: xr.Dataset, ranking: str) -> list[Edge]:
    """Return every edge in the order of a ranking. Raises InterpError for one that is not known."""
    if ranking not in ("size", "signed"):
        raise InterpError(f"Edges are ranked by size or signed, not by {ranking[:40]!r}.")
    score, group = schema.values(dataset, "score", "sender", "receiver"), group_of(dataset)
    senders, receivers = ([str(name) for name in schema.labels(dataset, dim)] for dim in ("sender", "receiver"))
    there = np.argwhere(np.isfinite(score) & (score != 0))
    values = score[tuple(there.T)]
    order = np.argsort(-(np.abs(values) if ranking == "size" else values), kind="stable")
    return [
        Edge(
            node_of(senders[i]), node_of(receivers[j], group), READS[receivers[j].split(".")[0]],
            float(score[i, j]), rank,
        )
        for rank, (i, j) in enumerate(there[order].tolist(), start=1)
    ]  # fmt: skip


def kept(dataset: xr.Dataset, k: int, ranking: str = "size") -> list[Edge]:
    """Return the first k edges of a ranking that lie on a path from the embedding to the logits."""
    edges, before = ranked(dataset, ranking)[:k], -1
    group = group_of(dataset)
    while len(edges) != before:
        before = len(edges)
        fed = {"embed"} | {owner for edge in edges for owner in _owners(edge.receiver, group)}
        read = {"logits"} | {edge.sender for edge in edges}
        edges = [e for e in edges if e.sender in fed and any(owner in read for owner in _owners(e.receiver, group))]
    return edges


def _owners(node: str, group: int) -> list[str]:
    """Return the nodes that a receiver feeds: all heads of a shared key or value head."""
    if not node.startswith("kv "):
        return [node]
    layer, shared = node.removeprefix("kv ").split(".")
    return [f"head {layer}.{head}" for head in range(int(shared) * group, (int(shared) + 1) * group)]


def stops(dataset: xr.Dataset) -> list[int]:
    """Return the sizes that can be drawn: those measured, and some between them, up to `MOST`."""
    most = min(MOST, len(ranked(dataset, "size")))
    between = {round(float(k)) for k in np.geomspace(1, max(most, 1), 22)}
    return sorted(k for k in {*measured_sizes(dataset), *between} if 1 <= k <= most)


def measured_sizes(dataset: xr.Dataset) -> list[int]:
    """Return the sizes of which f was measured."""
    return [int(k) for k in schema.values(dataset, "n_kept", "share")]


def usual(dataset: xr.Dataset, ranking: str = "size") -> int:
    """Return the size to begin with: the smallest measured one with f of at least 0.8, of at most `FEW` edges."""
    f = schema.values(dataset, "faithfulness", "ranking", "share")[_row(dataset, ranking)]
    sizes, known = measured_sizes(dataset), stops(dataset)
    good = [k for k, value in zip(sizes, f, strict=True) if value >= 0.8 and k in known]
    few = [k for k in sizes if k in known and k <= FEW] or known[:1]
    return good[0] if good and good[0] <= FEW else few[-1]


def keeps(dataset: xr.Dataset, k: int, ranking: str = "size") -> str:
    """Return what a circuit of k edges keeps beside random ones; of a k between two measured sizes, both of these."""
    sizes = measured_sizes(dataset)
    if k in sizes:
        return f"f = {_at(dataset, sizes.index(k), ranking)}"
    near = [s for s in (max((s for s in sizes if s < k), default=None), min((s for s in sizes if s > k), default=None))]
    told = [f"{size} edges f = {_at(dataset, sizes.index(size), ranking)}" for size in near if size is not None]
    return f"f was measured of {'; of '.join(told)}"


def _at(dataset: xr.Dataset, i: int, ranking: str) -> str:
    f = schema.estimates(dataset, "faithfulness", "ranking", "share")[_row(dataset, ranking), i]
    random = schema.values(dataset, "faithfulness_null", "draw", "share")[:, i]
    low, high = (round(float(end), 2) + 0.0 for end in (random.min(), random.max()))  # + 0.0: no -0.00
    return f"{f.text(2)} (random edges: {low:.2f} to {high:.2f})"


def _row(dataset: xr.Dataset, ranking: str) -> int:
    return [str(name) for name in schema.labels(dataset, "ranking")].index(ranking)
