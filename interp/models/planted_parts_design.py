"""What is copied from where to where? The named directions and heads of `interp.models.planted_parts`, as tables.

The same four slots stand in every block. A slot that is planted in a block makes its MOVE there; in other blocks it
reads the same direction and writes to a decoy. Each head also copies three random codes of the numbers to decoys.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from interp.models.planted_parts import SLOTS, PlantedParts, layout

N_DECOYS = 12
FLAGS = ("bos", "eq", "a", "op1", "b")
NAMES = tuple(f"name{i}" for i in range(4))
CODES = tuple(f"code{i}" for i in range(3))
DECOYS = tuple(f"decoy{i}" for i in range(N_DECOYS))
OWN: dict[str, tuple[str, ...]] = {
    "copy": ("value", "sum"),
    "compose-v": ("value", "middle", "sum"),
    "compose-q": ("value", "sign", "select", "sum"),
    "compose-k": ("value", "sign", "mark", "sum"),
    "adder": ("tens", "digit", "carry", "units", "sum_tens", "sum_units"),
}
LOOKS = {
    "copy": (("eq", "a"), ("eq", "b"), ("eq", "op1"), ("b", "a")),
    "compose-v": (("eq", "a"), ("eq", "b"), ("eq", "op1"), ("op1", "a")),
    "compose-q": (("eq", "a"), ("eq", "b"), ("eq", "op1"), ("eq", "b")),
    "compose-k": (("eq", "a"), ("eq", "b"), ("b", "op1"), ("eq", "b")),
    "adder": (("eq", "a"), ("eq", "b"), ("b", "a"), ("eq", "b")),
}
"""For each slot: the token that asks and the token it looks at."""
CHOOSES = {"compose-q": ("select", "b"), "compose-k": ("eq", "mark")}
"""The direction of the query and that of the key by which the last slot of these chooses between b and BOS."""
MOVES: dict[str, dict[str, tuple[str, str, float]]] = {
    "copy": {"bring_a": ("value", "sum", 1), "bring_b": ("value", "sum", 1)},
    "compose-v": {
        "first": ("value", "middle", 1),
        "second": ("middle", "sum", 1),
        "bring_b": ("value", "sum", 1),
    },
    "compose-q": {
        "first": ("sign", "select", 1),
        "second": ("value", "sum", 2),
        "bring_a": ("value", "sum", 1),
        "bring_b": ("value", "sum", -1),
    },
    "adder": {
        "tens_a": ("tens", "sum_tens", 1),
        "tens_b": ("tens", "sum_tens", 1),
        "bring": ("digit", "digit", 1),
        "carry": ("carry", "sum_tens", 0.1),
        "units": ("units", "sum_units", 1),
    },
}
MOVES["compose-k"] = MOVES["compose-q"] | {"first": ("sign", "mark", 1)}
"""What a planted head copies: from a direction to a direction, times a factor. Digits are in units of 10."""


class Slot(NamedTuple):
    """A head to be written: which token asks, which it looks at, and what it copies, [(from, to, factor)]."""

    asks: str
    looks: str
    copies: list[tuple[str, str, float]]


def directions(planted: PlantedParts) -> list[str]:
    """Return the named directions of the residual stream."""
    return [*FLAGS, *NAMES, *CODES, *DECOYS, *OWN[planted.family]]


def slots(planted: PlantedParts, layer: int, rng: np.random.Generator) -> list[Slot]:
    """Return the four heads of a block before they are shuffled; one that is not planted here copies to a decoy."""
    places, made, moves = layout(planted).places, [], MOVES[planted.family]
    for (asks, looks), parts in zip(LOOKS[planted.family], SLOTS[planted.family], strict=True):
        here = [part for part in parts.split() if places[part][0] == layer]
        like = moves[here[0]] if here else next((moves[part] for part in parts.split()), (CODES[0], "", 1.0))
        source, target, factor = like if here else (like[0], str(rng.choice(DECOYS)), like[2])
        codes = [(code, str(rng.choice(DECOYS)), float(rng.standard_normal())) for code in CODES]
        made.append(Slot(asks, looks, [(source, target, factor), *codes]))
    return made
