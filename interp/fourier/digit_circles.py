"""How is a digit written on a circle, and read back? Digit d of base B is the angle 2 pi d / B.

    n      =  sum over places i of digit_i B^i                      place 0 = units
    turns  =  (cos, sin)(2 pi digit_i / B)                          two numbers a place
    digit  =  round( angle of the predicted point * B / 2 pi ) mod B

A number is right when every place is. Source: Levy & Geva 2024, arXiv:2410.11781.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int

from interp.errors import InterpError


def n_places(largest: int, base: int) -> int:
    """Return how many digits `largest` has in `base` (0 has one). Raises InterpError for a base below 2."""
    if base < 2 or largest < 0:
        raise InterpError(f"Digits of {largest} in base {base}: expected a number >= 0 and a base >= 2; change them.")
    count = 1
    while largest >= base:
        largest, count = largest // base, count + 1
    return count


def digits(numbers: Int[np.ndarray, "*batch"], base: int, count: int) -> Int[np.ndarray, "*batch place"]:
    """Return the `count` lowest digits, units first. Raises InterpError for a number with more digits, or below 0."""
    numbers = np.asarray(numbers)
    if numbers.size and not 0 <= numbers.min() <= numbers.max() < base**count:
        raise InterpError(
            f"Numbers {numbers.min()} to {numbers.max()} in {count} digits of base {base}: expected 0 to "
            f"{base**count - 1}; ask for more digits."
        )
    return numbers[..., None] // base ** np.arange(count) % base


def turns(found: Int[np.ndarray, "row place"], base: int) -> Float[np.ndarray, "row two_place"]:
    """Return cos and sin of every digit's angle: columns cos_0, sin_0, cos_1, sin_1, ..."""
    angle = 2 * np.pi * found / base
    return np.stack([np.cos(angle), np.sin(angle)], axis=-1).reshape(len(found), -1)


def decode(points: Float[np.ndarray, "... two_place"], base: int) -> Int[np.ndarray, "... place"]:
    """Return the digit whose angle is nearest to each predicted point; undoes `turns`."""
    pairs = np.asarray(points).reshape(*np.shape(points)[:-1], -1, 2)
    angle = np.arctan2(pairs[..., 1], pairs[..., 0])
    return np.rint(angle * base / (2 * np.pi)).astype(int) % base
