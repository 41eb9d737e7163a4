"""In what is work counted? How often the prompts of a set go through the whole model."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

HEADS = 8  # of a model whose number of heads is not told


class Passes(NamedTuple):
    """How often `n` prompts of `split` (null: all of it) go through the whole model."""

    split: str
    n: int | None
    forwards: float


class Size(NamedTuple):
    """What a cost depends on: blocks, positions of a prompt, heads of a block."""

    layers: int
    roles: int
    heads: int = HEADS


Work = dict[str, Passes]
Cost = Callable[[Any, Size], Work]


def evaluated(p: Any, forwards: float) -> Work:
    """Return the passes of the prompts a method is judged on."""
    return {"evaluated": Passes(p.split, p.n, forwards)}


def reference(n: int | None) -> Work:
    """Return one pass over the prompts that means are taken over."""
    return {"reference": Passes("all" if n is None else "train", n, 1)}
