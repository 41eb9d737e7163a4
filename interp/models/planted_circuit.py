"""How does a planted model add? Shares of each operand wait, are read one a block, and their sum waits for the end.

The residual stream has named directions. At the embedding an operand's value n is split into t shares, arbitrary
integers with sum n, all far from constant; share j stands in `share{j}@0`. Then, in block i,

    MLP         moves every share not yet read, `share{j}@i` -> `share{j}@i+1`, and the sum, `sum@i` -> `sum@i+1`
    attention   i = w + j: for each operand one head of the answering token ("=" or "equals") adds `share{j}@i` of that
                operand to `sum@i`

so each of the t reads is needed, none is repeated, and no block can be skipped. Decoys are in every block, so attention
looks alike in all of them: the same heads, and a fourth one of every token, copy a code of the operands (its first
part is n itself, so the answer can be probed from block 1 on) to directions that nothing reads.

Early mixing (`planted.mix` = m) has one share: in block m the later operands add the earlier ones to theirs, and in
block m + 1 the answering token reads the last operand alone.

A head sees every token alike (score 0) but the sinks, BOS and the answering token itself, whose shares and codes are 0
(score 1), and what it is made for (score 2, or 4 before 2), in units of SHARP (`interp.models.planted_weights`).
"""

from __future__ import annotations

from typing import NamedTuple

from interp.models.planted import Planted

OPERANDS = ("a", "b", "c")
SINKS = ("bos", "answering")
FLAGS = (*SINKS, *OPERANDS)
"""`a`, `b`, `c` are set by position: 1, 3 and 5, where the plain style has its operands."""
NAMES = tuple(f"name{i}" for i in range(4))
"""A random identity of every token, which nothing reads; it keeps any residual from being 0."""
CODES = tuple(f"code{i}" for i in range(3))
N_HEADS = len(OPERANDS) + 1
N_DECOYS = N_HEADS * len(CODES)


class Head(NamedTuple):
    """A head: which tokens ask (all when empty), which are preferred how much, what is copied where, [(from, to)]."""

    query: tuple[str, ...]
    keys: dict[str, int]
    copies: list[tuple[str, str]]


class Block(NamedTuple):
    """A block: its heads, and what its MLP moves, [(from, to)]."""

    heads: list[Head]
    moves: list[tuple[str, str]]


def d_model(layers: int) -> int:
    """Return the dimensions that any planted model of this depth needs, so that the shape tells nothing more."""
    return len(FLAGS + NAMES + CODES) + N_DECOYS + layers + 1 + layers * (layers + 1) // 2


def directions(planted: Planted) -> list[str]:
    """Return the named directions of the residual stream, at most d_model(layers) of them."""
    sums = [f"sum@{i}" for i in range(planted.layers + 1)]
    shares = [f"share{j}@{i}" for j, read in enumerate(planted.reads) for i in range(read + 1)]
    return [*FLAGS, *NAMES, *CODES, *(f"decoy{i}" for i in range(N_DECOYS)), *sums, *shares]


def block(planted: Planted, i: int) -> Block:
    """Return what block `i` does."""
    heads = [Head(("answering",), {operand: 2}, []) for operand in OPERANDS]
    if planted.mix is not None:
        heads = _mixing(planted.mix, i, heads)
    elif i in planted.reads:
        for head in heads:
            head.copies.append((f"share{i - planted.reads.start}@{i}", f"sum@{i}"))
    heads.append(Head((), dict.fromkeys(OPERANDS, 2), []))
    for h, head in enumerate(heads):
        head.copies.extend((code, f"decoy{len(CODES) * h + k}") for k, code in enumerate(CODES))
    waiting = [(f"share{j}@{i}", f"share{j}@{i + 1}") for j, read in enumerate(planted.reads) if read > i]
    return Block(heads, [*waiting, (f"sum@{i}", f"sum@{i + 1}")])


def _mixing(mix: int, i: int, heads: list[Head]) -> list[Head]:
    """The heads of an early-mixing model where they differ: b and c ask in block `mix`, the last one is read next."""
    here = f"share0@{i}"
    if i == mix:
        return [Head(("b", "c"), {"a": 2}, [(here, here)]), Head(("c",), {"b": 2}, [(here, here)]), heads[2]]
    if i == mix + 1:
        return [*heads[:2], Head(("answering",), {"c": 4, "b": 2}, [(here, f"sum@{i}")])]
    return heads
