"""What would the logits, neurons and embeddings of a perfect mechanism be? Exact fixtures, all float64.

    w = 2 pi k / p,   s = a + b - c,   t = a - b

    clock           Q = cos w s
    pizza           Q = 2 |cos(w t / 2)| (|cos(w s / 2)| - |sin(w s / 2)|)      about |cos(w t / 2)| cos w s
    accompanying    Q = -2 cos w t cos w s               of the circle whose embeddings turn at 2 w
    ReLU neuron     max(0, cos(w a + phase_a) + cos(w b + phase_b))
    |.| neuron      |cos(w a + phase_a) + cos(w b + phase_b)|

`helix` lays numbers on circles of given periods, a plane each, with a line if asked and isotropic noise of a
stated standard deviation: the planted truth for everything that looks for periods in embeddings.

How to read: a measure that does not give its textbook value here is wrong. The 3 x 3 block of frequency k holds .962
of the variance of the ReLU neuron and .852 of the |.| neuron (another .129 at 2 k), for large p: ceilings, not flaws.
Sources: Nanda et al. 2023, arXiv:2301.05217 (clock); Zhong et al. 2023, arXiv:2306.17844 (pizza); Kantamneni & Tegmark
2025, arXiv:2502.00873 (helix).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from interp.errors import InterpError

Cube = Float[np.ndarray, "p p p"]
Grid = Float[np.ndarray, "p p"]


def clock_logits(p: int, keys: Sequence[int], amplitudes: Sequence[float] | None = None) -> Cube:
    """Return sum over `keys` of amplitude * cos w_k(a + b - c), [a, b, c]; amplitudes default to 1.

    Raises InterpError for a frequency outside 1..floor(p / 2) and for another number of amplitudes than keys.
    """
    profile = _sum(p, keys, amplitudes, lambda k: np.cos(2 * np.pi * k * np.arange(p) / p))
    return profile[_offset(p)]


def pizza_logits(p: int, keys: Sequence[int], amplitudes: Sequence[float] | None = None) -> Cube:
    """Return sum over `keys` of 2 |cos(w t/2)| (|cos(w s/2)| - |sin(w s/2)|), [a, b, c]; raises as `clock_logits`."""

    def one(k: int) -> Cube:
        half = np.pi * k * np.arange(p) / p  # |cos| and |sin| of half angles are functions on Z_p
        by_sum = np.abs(np.cos(half)) - np.abs(np.sin(half))
        return 2 * np.abs(np.cos(half))[_difference(p)][:, :, None] * by_sum[_offset(p)]

    return _sum(p, keys, amplitudes, one)


def accompanying_logits(p: int, keys: Sequence[int], amplitudes: Sequence[float] | None = None) -> Cube:
    """Return sum over `keys` of -2 cos w t cos w s, [a, b, c]; raises as `clock_logits`."""

    def one(k: int) -> Cube:
        wave = np.cos(2 * np.pi * k * np.arange(p) / p)
        return -2 * wave[_difference(p)][:, :, None] * wave[_offset(p)]

    return _sum(p, keys, amplitudes, one)


def relu_neuron(p: int, k: int, phase_a: float = 0.0, phase_b: float = 0.0) -> Grid:
    """Return max(0, cos(w a + phase_a) + cos(w b + phase_b)), [a, b]."""
    return np.maximum(0, _preactivation(p, k, phase_a, phase_b))


def abs_neuron(p: int, k: int, phase_a: float = 0.0, phase_b: float = 0.0) -> Grid:
    """Return |cos(w a + phase_a) + cos(w b + phase_b)|, [a, b]: two ReLU neurons of opposite sign."""
    return np.abs(_preactivation(p, k, phase_a, phase_b))


@dataclass(frozen=True, eq=False)
class Helix:
    """Numbers laid on circles: `points` [number, d] = centre + sum of the parts + noise.

    `planes[T]` is orthonormal [d, 2] ([d, 1] for T = 2, whose sine is 0 at whole numbers) with the cosine first;
    `line` is a unit vector [d] or None; planes and line are orthogonal to each other. A circle has radius `radius`,
    the line runs from -1 to 1 times `radius`; `noise` is the standard deviation of every coordinate.
    """

    points: Float[np.ndarray, "number d"]
    numbers: np.ndarray
    planes: dict[float, np.ndarray]
    line: np.ndarray | None
    radius: float
    noise: float


def helix(
    numbers: Sequence[int],
    periods: Sequence[float],
    d: int,
    *,
    noise: float = 0.0,
    line: bool = False,
    seed: int = 0,
) -> Helix:
    """Return `numbers` on circles of `periods` (radius 1) in R^d, in planes drawn with `seed`.

    Raises InterpError when d is too small for the planes and the line, or a period is below 2 or twice there.
    """
    if min(periods, default=2) < 2 or len(set(periods)) < len(periods):
        raise InterpError(f"Periods {tuple(periods)}: expected different ones of at least 2; change them.")
    widths = [1 if period == 2 else 2 for period in periods]
    needed = sum(widths) + line
    if not 1 <= needed <= d:
        raise InterpError(f"A helix with {needed} directions in {d} dimensions: expected 1 to {d}; widen d.")
    rng = np.random.default_rng(seed)
    directions = np.linalg.qr(rng.standard_normal((d, needed)))[0]
    cuts = np.split(directions[:, : needed - line], np.cumsum(widths)[:-1], axis=1)
    planes = dict(zip((float(period) for period in periods), cuts, strict=True)) if periods else {}
    n = np.asarray(numbers)
    points = noise * rng.standard_normal((len(n), d))
    for period, plane in planes.items():
        points += circle(n, period)[:, : plane.shape[1]] @ plane.T
    if line:
        points += np.outer(2 * (n - n.min()) / max(1, np.ptp(n)) - 1, directions[:, -1])
    return Helix(points, n, planes, directions[:, -1] if line else None, 1.0, noise)


def circle(numbers: np.ndarray, period: float) -> Float[np.ndarray, "number 2"]:
    """Return (cos, sin) of 2 pi n / period for every number n."""
    turn = 2 * np.pi * np.asarray(numbers) / period
    return np.stack([np.cos(turn), np.sin(turn)], axis=-1)


def _sum(
    p: int, keys: Sequence[int], amplitudes: Sequence[float] | None, one: Callable[[int], np.ndarray]
) -> np.ndarray:
    amplitudes = [1.0] * len(keys) if amplitudes is None else list(amplitudes)
    if len(amplitudes) != len(keys) or not len(keys):
        raise InterpError(f"{len(keys)} frequencies with {len(amplitudes)} amplitudes: give one each, at least one.")
    for k in keys:
        _require_frequency(p, k)
    return np.sum([size * one(k) for size, k in zip(amplitudes, keys, strict=True)], axis=0)


def _require_frequency(p: int, k: int) -> None:
    if not 1 <= k <= p // 2:
        raise InterpError(f"Frequency {k} is not in Z_{p}: expected 1 to {p // 2}; choose one of these.")


def _preactivation(p: int, k: int, phase_a: float, phase_b: float) -> Grid:
    _require_frequency(p, k)
    turn = 2 * np.pi * k * np.arange(p) / p
    return np.cos(turn + phase_a)[:, None] + np.cos(turn + phase_b)[None, :]


def _offset(p: int) -> np.ndarray:
    n = np.arange(p)
    return (n[:, None, None] + n[None, :, None] - n) % p


def _difference(p: int) -> np.ndarray:
    n = np.arange(p)
    return (n[:, None] - n) % p
