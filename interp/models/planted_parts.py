"""Which parts of a model carry what differs between two prompts? In these models it is known, to the head.

    planted:copy             one head brings a to the answering token, another brings b: s = a + b
    planted:compose          the first head writes a at the operator, the second reads it there (by its v): s = a + b
    planted:compose,read=q   the first head reads the sign, which is the second's query (read=k: key): s = a - b + 2b[+]
    planted:adder            a head brings a's units digit to b, an MLP there makes carry and units of the column, one
                             head carries the carry to the answer's tens, one brings the units, two bring the tens

All do the task a+b (compose with q or k: a-b too) in the plain and verbal style, and nothing else; `layers=4` (2..16)
and `seed=0` can follow. Which blocks and heads are planted is drawn by the seed. The other heads look alike: the same
queries and keys, values of the same size, written to directions that nothing reads; so do other MLPs.

    truth("planted:compose", "a")  ->  nodes, edges and paths that carry what a swapped operand a changes

A node is (name, layer, index) as in `Site(*node)`; an edge is (sender, receiver), a receiver ("v", layer, head),
("mlp", layer) or ("logits",). `copy`, and `compose` with v, are linear in what is moved: first-order attribution of
a logit difference is exact. With q or k attention is nearly hard: at both ends the gradient is a few thousandths of
the effect, half way it is not, so attribution ranks the parts right, far too small, and integrated gradients find the
size. The carry is a step: its gradient is 0 at every prompt, so that what reaches it is seen through the units alone.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np

from interp.errors import InterpError, nearest
from interp.models.planted_fields import PREFIX, is_kind, read_fields, split_kind

KINDS = ("copy", "compose", "adder")
READS = ("v", "q", "k")
LAYERS, LARGEST = 4, 16
Node = tuple[str, int | None, int | None]
Receiver = tuple[str, int, int] | tuple[str, int] | tuple[str]

PATHS: dict[str, dict[str, tuple[tuple[str, ...], ...]]] = {
    "copy": {"a": (("bring_a.v",),), "b": (("bring_b.v",),)},
    "compose-v": {"a": (("first.v", "second.v"),), "b": (("bring_b.v",),)},
    "compose-q": {"a": (("bring_a.v",),), "b": (("bring_b.v",), ("second.v",)), "op1": (("first.v", "second.q"),)},
    "compose-k": {"a": (("bring_a.v",),), "b": (("bring_b.v",), ("second.v",)), "op1": (("first.v", "second.k"),)},
    "adder": {
        "a": (("tens_a.v",), ("bring.v", "column.mlp", "units.v"), ("bring.v", "column.mlp", "carry.v")),
        "b": (("tens_b.v",), ("column.mlp", "units.v"), ("column.mlp", "carry.v")),
    },
}
"""The ways from the embedding of what is changed to the logits: part.input, in order."""

SLOTS: dict[str, tuple[str, ...]] = {
    "copy": ("bring_a", "bring_b", "", ""),
    "compose-v": ("", "bring_b", "second", "first"),
    "compose-q": ("bring_a", "bring_b", "first", "second"),
    "compose-k": ("bring_a", "bring_b", "first", "second"),
    "adder": ("tens_a", "tens_b carry", "bring", "units"),
}
"""Which parts are heads of which slot: in every block, a slot is a head that looks from one token at one other."""
N_SLOTS = 4


@dataclass(frozen=True)
class PlantedParts:
    """What a name asks for: the kind, by which input the second head of `compose` reads the first, depth and seed."""

    kind: str
    read: str = "v"
    layers: int = LAYERS
    seed: int = 0

    def __post_init__(self) -> None:
        if self.read not in READS or (self.read != "v" and self.kind != "compose"):
            raise InterpError(f"{self.name}: read is v, q or k, and belongs to {PREFIX}compose alone.")
        if not 2 <= self.layers <= LARGEST or not 0 <= self.seed < 2**32:
            raise InterpError(f"{self.name}: need 2 <= layers <= {LARGEST} and 0 <= seed < 2^32.")

    @property
    def family(self) -> str:
        """The kind, with the input that is read where that is a choice."""
        return f"compose-{self.read}" if self.kind == "compose" else self.kind

    @property
    def name(self) -> str:
        """Return the full name, defaults written out."""
        read = f",read={self.read}" if self.kind == "compose" else ""
        return f"{PREFIX}{self.kind}{read},layers={self.layers},seed={self.seed}"


@dataclass(frozen=True)
class Layout:
    """Where the parts are: {part: (layer, head)}, an MLP with head None, and the shuffle [layer, slot] -> head."""

    places: dict[str, tuple[int, int | None]]
    order: np.ndarray


@dataclass(frozen=True)
class Truth:
    """What carries a change: nodes, edges and paths (tuples of receivers, the last ("logits",)), and where each node
    writes; `carry` names, for the adder, the unit direction of the carry [d_model], its role and the blocks whose
    resid_pre holds it there while it matters."""

    nodes: tuple[Node, ...]
    edges: tuple[tuple[Node, Receiver], ...]
    paths: tuple[tuple[Receiver, ...], ...]
    roles: dict[Node, str]
    carry: tuple[np.ndarray, str, range] | None = None


def is_parts(name: str) -> bool:
    """Return whether `name` asks for one of these, well spelled or not."""
    return is_kind(name, KINDS)


def read_parts(name: str) -> PlantedParts:
    """Return what a name such as `planted:compose,read=q` means. Raises InterpError, in one line, for a bad one."""
    kind, parts = split_kind(name, KINDS)
    example = f"{PREFIX}{kind},layers=6"
    return PlantedParts(kind, **read_fields(name, parts, ("read", "layers", "seed"), example, texts=("read",)))


def layout(planted: PlantedParts) -> Layout:
    """Return where the parts are, drawn by the seed so that each stands before what reads it."""
    rng = np.random.default_rng((zlib.crc32(planted.family.encode()), planted.seed, planted.layers))
    last = planted.layers - 1
    at = {part: int(rng.integers(planted.layers)) for slot in SLOTS[planted.family] for part in slot.split()}
    if planted.kind == "compose":
        at["first"] = int(rng.integers(last))
        at["second"] = int(rng.integers(at["first"] + 1, planted.layers))
    if planted.kind == "adder":
        at["bring"] = int(rng.integers(last))
        at["column"] = int(rng.integers(at["bring"], last))
        at["units"], at["carry"] = (int(rng.integers(at["column"] + 1, planted.layers)) for _ in range(2))
        at["tens_b"] = int(rng.choice([layer for layer in range(planted.layers) if layer != at["carry"]]))
    order = np.stack([rng.permutation(N_SLOTS) for _ in range(planted.layers)])
    slot = {part: i for i, parts in enumerate(SLOTS[planted.family]) for part in parts.split()}
    places = {part: (layer, int(order[layer, slot[part]]) if part in slot else None) for part, layer in at.items()}
    return Layout(places, order)


def truth(name: str, changed: str) -> Truth:
    """Return what carries a change of `changed` ("a", "b", or "op1" in compose with q or k) to the logits.

    The operator matters to no other kind. Raises InterpError for another name or another change.
    """
    planted = read_parts(name)
    known, places = PATHS[planted.family], layout(planted).places
    if changed not in known:
        raise InterpError(f"{planted.name} says nothing about a change of {changed!r}. {nearest(changed, known)}")
    chains = [[tuple(step.split(".")) for step in path] for path in known[changed]]
    receivers = [(*(_receiver(places, *step) for step in chain), ("logits",)) for chain in chains]
    edges = []
    for chain, reads in zip(chains, receivers, strict=True):
        senders: list[Node] = [("embed", None, None), *(_node(places, part) for part, _ in chain)]
        edges.extend(zip(senders, reads, strict=True))
    parts = dict.fromkeys(part for chain in chains for part, _ in chain)
    roles = {_node(places, part): _role(planted.family, part) for part in parts}
    return Truth(tuple(roles), tuple(dict.fromkeys(edges)), tuple(receivers), roles, _carry(planted, places))


def _node(places: dict[str, tuple[int, int | None]], part: str) -> Node:
    layer, head = places[part]
    return ("mlp_out", layer, None) if head is None else ("z", layer, head)


def _receiver(places: dict[str, tuple[int, int | None]], part: str, reads: str) -> Receiver:
    layer, head = places[part]
    return (reads, layer) if head is None else (reads, layer, head)


def _role(family: str, part: str) -> str:
    middle = {"compose-v": {"first": "op1"}, "compose-k": {"first": "b"}, "adder": {"bring": "b", "column": "b"}}
    return middle.get(family, {}).get(part, "eq")


def _carry(planted: PlantedParts, places: dict[str, tuple[int, int | None]]) -> tuple[np.ndarray, str, range] | None:
    if planted.kind != "adder":
        return None
    from interp.models.planted_parts_weights import direction

    return direction(planted, "carry"), "b", range(places["column"][0] + 1, places["carry"][0] + 1)
