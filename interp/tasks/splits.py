"""Which prompts may be learned from, selected on and reported on: a function of the operand multiset alone.

    key = the non-zero operands in falling order, packed in base 2^16;  u = splitmix64(key) / 2^64
    train: u < 0.8        selection: 0.8 <= u < 0.9        test: 0.9 <= u

The key forgets the task, the style, the order of the operands and zeros (0 + 12 + 34 is 12 + 34 again), so
nothing held out in one task can be learned through another. Its arithmetic is modulo 2^64: of more than four
operands the four largest decide. "all" is the whole space.
"""

from __future__ import annotations

import numpy as np

from interp.errors import InterpError, nearest

SPLITS = ("train", "selection", "test", "all")
BOUNDS = {"train": (0.0, 0.8), "selection": (0.8, 0.9), "test": (0.9, 1.0), "all": (0.0, 1.0)}


def fraction(operands: np.ndarray) -> np.ndarray:
    """Return the place of each row of `operands` (int [prompt, operand]) in [0, 1): float64 [prompt]."""
    falling = -np.sort(-np.asarray(operands, dtype=np.int64), axis=1)
    key = np.zeros(len(falling), dtype=np.uint64)
    with np.errstate(over="ignore"):
        for column in range(falling.shape[1] - 1, -1, -1):  # trailing zeros add nothing: they are forgotten
            key = key * np.uint64(1 << 16) + falling[:, column].astype(np.uint64)
        return _splitmix64(key) / 2.0**64


def in_split(operands: np.ndarray, split: str) -> np.ndarray:
    """Return which rows of `operands` belong to `split`: bool [prompt]. Raises InterpError for an unknown split."""
    if split not in BOUNDS:
        raise InterpError(f"unknown split {split!r}. {nearest(split, SPLITS)}")
    low, high = BOUNDS[split]
    place = fraction(operands)
    return (place >= low) & (place < high) if high < 1 else place >= low


def _splitmix64(x: np.ndarray) -> np.ndarray:
    """The finaliser of Steele, Lea and Flood (2014), a bijection on 64-bit words."""
    x = x + np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))
