"""What is a circuit? A set of edges, each from a sender's output to one reader's input; data, not hooks.

    senders    embed, then by layer: heads z.l.h, mlp_out.l                 what adds to the residual stream
    receivers  by layer: heads q.l.h, k.l.h, v.l.h (k, v by key/value head), mlp.l; then logits    what reads it
    edge       sender before receiver: a head does not read its own layer; an MLP reads its layer's heads, unless
               attention and MLP run in parallel; everything is read by the logits

Biases (b_O, and the MLP's own inside mlp_out) are no senders: b_O is the same in every run. Scores of edges are arrays
[sender, receiver] in this order, zero where there is no edge.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from interp.errors import InterpError, nearest

SEPARATOR = "->"


@dataclass(frozen=True)
class Wiring:
    """The senders and receivers of a model, by name, in their fixed order; `edges` bool [sender, receiver]."""

    senders: tuple[str, ...]
    receivers: tuple[str, ...]
    edges: np.ndarray

    @classmethod
    def of(cls, lean: Any) -> Wiring:
        """Return the wiring of a model: n_layers, n_heads, n_kv_heads, and whether its blocks are parallel."""
        senders, receivers, before, column = ["embed"], list[str](), [-1.0], list[float]()
        for layer in range(lean.n_layers):
            senders += [f"z.{layer}.{head}" for head in range(lean.n_heads)] + [f"mlp_out.{layer}"]
            before += [layer + 0.25] * lean.n_heads + [layer + 0.75]
            for name, n in (("q", lean.n_heads), ("k", lean.n_kv_heads), ("v", lean.n_kv_heads)):
                receivers += [f"{name}.{layer}.{head}" for head in range(n)]
                column += [float(layer)] * n
            receivers.append(f"mlp.{layer}")
            column.append(layer + (0.0 if lean.parallel else 0.5))
        receivers.append("logits")
        column.append(float(lean.n_layers))
        return cls(tuple(senders), tuple(receivers), np.array(before)[:, None] < np.array(column)[None, :])

    def __len__(self) -> int:
        """Return the number of edges."""
        return int(self.edges.sum())

    def index(self, sender: str, receiver: str) -> tuple[int, int]:
        """Return where an edge stands. Raises InterpError for an unknown part, or a sender that is not before."""
        for name, known in ((sender, self.senders), (receiver, self.receivers)):
            if name not in known:
                raise InterpError(f"This model has no {name!r}. {nearest(name, known)}")
        i, j = self.senders.index(sender), self.receivers.index(receiver)
        if not self.edges[i, j]:
            raise InterpError(f"{sender} does not come before {receiver}, so there is no such edge.")
        return i, j


@dataclass(frozen=True, eq=False)
class Circuit:
    """Some edges of a wiring: `kept` bool [sender, receiver]. Raises InterpError for edges that do not exist."""

    wiring: Wiring
    kept: np.ndarray

    def __post_init__(self) -> None:
        kept = np.asarray(self.kept, dtype=bool)
        if kept.shape != self.wiring.edges.shape or bool((kept & ~self.wiring.edges).any()):
            raise InterpError(
                f"A circuit is bool {self.wiring.edges.shape} of edges that exist; got {kept.shape} with "
                f"{int((kept & ~self.wiring.edges).sum()) if kept.shape == self.wiring.edges.shape else 'other'} more."
            )
        kept.setflags(write=False)
        object.__setattr__(self, "kept", kept)

    @classmethod
    def of(cls, wiring: Wiring, edges: Iterable[str]) -> Circuit:
        """Return the circuit of edges named "z.0.1->q.1.2"."""
        kept = np.zeros(wiring.edges.shape, dtype=bool)
        for edge in edges:
            sender, arrow, receiver = edge.partition(SEPARATOR)
            if not arrow:
                raise InterpError(f'An edge is named "sender{SEPARATOR}receiver", such as z.0.1{SEPARATOR}logits.')
            kept[wiring.index(sender, receiver)] = True
        return cls(wiring, kept)

    @classmethod
    def of_nodes(cls, wiring: Wiring, nodes: Iterable[str]) -> Circuit:
        """Return every edge out of the nodes (senders): a node circuit cuts all edges out of the others."""
        rows = [wiring.index(node, "logits")[0] for node in nodes]
        kept = np.zeros(wiring.edges.shape, dtype=bool)
        kept[rows] = wiring.edges[rows]
        return cls(wiring, kept)

    def __len__(self) -> int:
        """Return the number of edges kept."""
        return int(self.kept.sum())

    def __or__(self, other: Circuit) -> Circuit:
        """Return the edges of either."""
        return Circuit(self.wiring, self.kept | other.kept)

    def complement(self) -> Circuit:
        """Return all other edges."""
        return Circuit(self.wiring, self.wiring.edges & ~self.kept)

    def names(self) -> list[str]:
        """Return the names of the edges, in order."""
        return [
            f"{self.wiring.senders[i]}{SEPARATOR}{self.wiring.receivers[j]}" for i, j in np.argwhere(self.kept).tolist()
        ]

    def pruned(self) -> Circuit:
        """Return the edges that lie on a path from the embedding to the logits."""
        kept, alive = self.kept.copy(), -1
        owner = [self._node_of(receiver) for receiver in self.wiring.receivers]
        while alive != int(kept.sum()):
            alive = int(kept.sum())
            fed = {owner[j] for j in np.flatnonzero(kept.any(axis=0))} | {"embed"}
            read = {self.wiring.senders[i] for i in np.flatnonzero(kept.any(axis=1))} | {"logits"}
            for i, sender in enumerate(self.wiring.senders):
                kept[i] &= self._is_in(sender, fed)
            for j in range(len(owner)):
                kept[:, j] &= any(self._is_in(node, {owner[j]}) for node in read) or owner[j] == "logits"
        return Circuit(self.wiring, kept)

    @staticmethod
    def _node_of(receiver: str) -> str:
        """The node that a receiver belongs to: an MLP, the logits, a query head, or all heads of a key/value head."""
        name, _, rest = receiver.partition(".")
        return {"q": f"z.{rest}", "mlp": f"mlp_out.{rest}"}.get(name, receiver)

    def _is_in(self, node: str, owners: set[str]) -> bool:
        """Whether a node is among owners; a key or value head belongs to every query head of its group."""
        if node in owners:
            return True
        name, *place = node.split(".")
        if name != "z":
            return False
        layer, head = int(place[0]), int(place[1])
        n_query = sum(sender.startswith(f"z.{layer}.") for sender in self.wiring.senders)
        n_kv = sum(receiver.startswith(f"k.{layer}.") for receiver in self.wiring.receivers)
        group = head * n_kv // n_query
        return f"k.{layer}.{group}" in owners or f"v.{layer}.{group}" in owners

    def to_json(self) -> str:
        """Return the edges as JSON text."""
        return json.dumps({"edges": self.names(), "of": len(self.wiring)})

    @classmethod
    def from_json(cls, wiring: Wiring, text: str) -> Circuit:
        """Return the circuit in a JSON text. Raises InterpError when it is none, or of another model."""
        try:
            edges = json.loads(text)["edges"]
        except (ValueError, KeyError, TypeError):
            raise InterpError('A circuit is JSON with a list "edges"; this text is none.') from None
        return cls.of(wiring, edges)

    @cached_property
    def digest(self) -> str:
        """Return the sha256 of the edges."""
        return hashlib.sha256(" ".join(self.names()).encode()).hexdigest()


def top(wiring: Wiring, scores: np.ndarray, k: int, *, by: str = "size") -> Circuit:
    """Return the k edges of the largest scores [sender, receiver]; by "size" (|score|) or "signed" (score).

    Ties go to the earlier edge. Raises InterpError for a k outside 0..number of edges, or scores that are not finite.
    """
    if not 0 <= k <= len(wiring) or by not in ("size", "signed"):
        raise InterpError(f"k = {k} edges by {by!r}: use 0..{len(wiring)} and size or signed.")
    there = np.argwhere(wiring.edges)
    values = np.asarray(scores, dtype=float)[wiring.edges]
    if not np.isfinite(values).all():
        raise InterpError(f"{int((~np.isfinite(values)).sum())} scores are not finite; check the attribution.")
    ranked = np.argsort(-(np.abs(values) if by == "size" else values), kind="stable")[:k]
    kept = np.zeros(wiring.edges.shape, dtype=bool)
    kept[tuple(there[ranked].T)] = True
    return Circuit(wiring, kept)
