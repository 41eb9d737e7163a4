"""Which attention edges does a token keep? Peeking as data: (query, key) edges set to -inf before the softmax.

| mode | the last token sees | every other token sees |
|---|---|---|
| full | everything | itself and BOS |
| self | itself and BOS | itself and BOS |
| full_no_bos | everything but BOS | itself |
| self_no_bos | itself | itself |
| full_others_free | everything | everything before it |
| self_others_free | itself and BOS | everything before it |

Edges are named by role, so a full peek hides nothing from the last token however long the template is. BOS itself sees
BOS in every mode; without a BOS token "itself and BOS" is "itself". The softmax renormalises over the keys left.

Source: Mamidanna, Rai, Yao & Zhou, "All for One", EMNLP 2025, arXiv 2509.09650.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from interp.engine import Hidden, Intervention, Site
from interp.errors import InterpError, nearest

if TYPE_CHECKING:
    from interp.tasks.prompts import Prompts

Edges = tuple[tuple[str, str], ...]


def others_edges(prompts: Prompts) -> Edges:
    """Return the (query, key) edges that keep every token but the last to itself and BOS."""
    return tuple(edge for query in prompts.roles[:-1] for edge in _reads(prompts, query))


def last_edges(prompts: Prompts) -> Edges:
    """Return the (query, key) edges that keep the last token to itself and BOS."""
    return _reads(prompts, prompts.roles[-1])


def bos_edges(prompts: Prompts) -> Edges:
    """Return the (query, key) edges by which every other token reads BOS; none where there is no BOS."""
    return tuple((query, "bos") for query in prompts.roles if query != "bos" and "bos" in prompts.roles)


def _reads(prompts: Prompts, query: str) -> Edges:
    """The edges of one query to earlier keys, BOS apart."""
    return tuple((query, key) for key in prompts.roles[: prompts.position(query)] if key != "bos")


_HIDDEN: dict[str, tuple[Callable[[Prompts], Edges], ...]] = {
    "full": (others_edges,),
    "self": (others_edges, last_edges),
    "full_no_bos": (others_edges, bos_edges),
    "self_no_bos": (others_edges, last_edges, bos_edges),
    "full_others_free": (),
    "self_others_free": (last_edges,),
}
MODES = tuple(_HIDDEN)


def peek(
    prompts: Prompts, layers: Iterable[int], mode: str, *, heads: Sequence[int] | None = None
) -> list[Intervention]:
    """Return the masks of `mode` (one of MODES) in `layers`, in all heads or in `heads` alone.

    Masks of one layer add up: "full" everywhere and "self" in some heads lets the other heads alone read.
    Raises InterpError for an unknown mode.
    """
    if mode not in _HIDDEN:
        raise InterpError(f"unknown peek {mode!r}. {nearest(mode, MODES)}")
    return cut([edge for edges in _HIDDEN[mode] for edge in edges(prompts)], layers, heads)


def cut(
    edges: Sequence[tuple[str, str]], layers: Iterable[int], heads: Sequence[int] | None = None
) -> list[Intervention]:
    """Return the masks that hide `edges` in `layers`, in all heads or in `heads` alone; none for no edge."""
    chosen = [None] if heads is None else [int(head) for head in heads]
    where = tuple(edges)
    return [Intervention(Site("attn", layer, head), where, Hidden()) for layer in layers for head in chosen if where]
