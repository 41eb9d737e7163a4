"""What does one circle of the embeddings compute alone, and is it a clock or a pizza?

    isolated embeddings = centre + their part on one circle        (a pair of principal components, or one frequency k)
    Q = the logits of the network on these;      s = a + b - c,  t = a - b,  w = 2 pi k / p

    clock          cos w s
    pizza          |cos(w t/2)| (|cos(w s/2)| - |sin(w s/2)|)
    finite_pizza   |cos(w t/2)| (A cos w c + B sin w c),   A = |cos(w u/2)| - |sin(w u/2)|,  B the same at w u/2 - pi/4
    accompanying   -cos(v t) cos(v s),  2 v = w: the circle turns at twice the frequency of its logits

    explained = 1 - Var(z(Q) - z(formula)) / Var(z(Q)) = 2 r - 1,       z(x) = (x - mean) / std,  r their correlation

`whole` standardises the whole cube, as published. `centred` first takes the mean over classes from every pair and the
mean over pairs from every class: a constant preference for some classes (softmax attention has one for the mean
embedding) adds no number, yet it hides a clock under `whole`. 1: the formula; -1: nothing in common, which is about
what any other frequency gets.

On the logits of the whole network a pizza passes for a clock, for its accompanying circle fills the blind angle:
.995 of the variance of model A lies in cosines of a + b - c. Only circles by themselves tell the two apart.
Zhong et al. 2023, arXiv:2306.17844, sections 3.2, 4.3 and appendix.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from interp.errors import InterpError, nearest
from interp.fourier.bases import cyclic
from interp.fourier.basis import power
from interp.fourier.circularity import principal_components
from interp.fourier.ideal import accompanying_logits, clock_logits, pizza_logits
from interp.fourier.two_operand import TwoOperand

VARIANTS = ("whole", "centred")
ROUNDING = 1e-12
"""Less than this share of the squares of the logits, and they count as constant (1e-6 of their size)."""
MOST = 12
"""The most circles looked at: networks use two to nine frequencies, and each has its double."""


@dataclass(frozen=True, eq=False)
class Circle:
    """`frequency` k, its share of the power of the embeddings, and the logits [a, b, c] of the circle alone."""

    frequency: int
    share: float
    logits: Float[np.ndarray, "p p p"]


def finite_pizza_logits(p: int, k: int) -> Float[np.ndarray, "p p p"]:
    """Return the pizza of four kinds of neurons, on the axes and the diagonals: a polygon for the circle of c."""
    n = np.arange(p)
    half = np.pi * k * n / p
    by_sum = np.abs(np.cos(half)) - np.abs(np.sin(half))
    diagonal = np.abs(np.cos(half - np.pi / 4)) - np.abs(np.cos(half + np.pi / 4))
    u, t = np.add.outer(n, n) % p, np.subtract.outer(n, n) % p
    turn = 2 * np.pi * k * n / p
    towards = by_sum[u][..., None] * np.cos(turn) + diagonal[u][..., None] * np.sin(turn)
    return np.abs(np.cos(half))[t][..., None] * towards


def _accompanying(p: int, k: int) -> Float[np.ndarray, "p p p"]:
    if p % 2 == 0:
        raise InterpError(f"p = {p} is even: frequency {k} has no half; use an odd modulus.")
    half = k * (p + 1) // 2 % p
    return accompanying_logits(p, [min(half, p - half)])


FORMULAS: dict[str, Callable[[int, int], np.ndarray]] = {
    "clock": lambda p, k: clock_logits(p, [k]),
    "pizza": lambda p, k: pizza_logits(p, [k]),
    "finite_pizza": finite_pizza_logits,
    "accompanying": _accompanying,
}
"""The logits [a, b, c] that each algorithm gives a circle of embedding frequency k."""


def explained(
    logits: Float[np.ndarray, "p p p"], formula: Float[np.ndarray, "p p p"], variant: str = "centred"
) -> float:
    """Return how much of standardised logits a standardised formula explains, in [-1, 1]; nan for constant logits."""
    return float(share_of(correlation_sums(logits, formula, variant).mean(0)))


def correlation_sums(
    logits: Float[np.ndarray, "p p p"], formula: Float[np.ndarray, "p p p"], variant: str = "centred"
) -> Float[np.ndarray, "p 3"]:
    """Return sums of x y, x x and y y for every a, x and y the centred logits and formula: rows to resample.

    Logits that are constant up to rounding give rows of 0. Raises InterpError for an unknown variant.
    """
    if variant not in VARIANTS:
        raise InterpError(f"Unknown variant {variant!r} of the explained share. {nearest(variant, VARIANTS)}")
    x, y = (_centred(each) if variant == "centred" else each - each.mean() for each in (logits, formula))
    found = np.stack([np.einsum("abc,abc->a", one, other) for one, other in ((x, y), (x, x), (y, y))], axis=1)
    return found if found[:, 1].sum() > ROUNDING * float(np.square(logits).sum()) else np.zeros_like(found)


def share_of(sums: Float[np.ndarray, "... 3"]) -> np.ndarray:
    """Return 2 r - 1 of sums of x y, x x, y y; nan where one of the two is constant."""
    xy, xx, yy = np.moveaxis(np.asarray(sums, float), -1, 0)
    scale = np.sqrt(xx * yy)
    return 2 * np.divide(xy, scale, out=np.full_like(scale, np.nan), where=scale > 0) - 1


def centred_variance(logits: Float[np.ndarray, "p p p"]) -> float:
    """Return the variance of logits that depends on pair and class together."""
    return float(np.square(_centred(logits)).mean())


def circles(net: TwoOperand, least: float | None = None, most: int = MOST) -> list[Circle]:
    """Return the circles of a network by frequency, the largest first: the variant without principal components.

    A circle is the plane of cos and sin of one frequency over the residues; those with at least `least` of the power of
    the embeddings are taken (default: an even share of it), `most` at most.
    """
    shares = np.mean([power(_array(embed)) for embed in (net.embed_a, net.embed_b)], axis=0)
    least = 1 / len(shares) if least is None else least
    order = [i for i in np.argsort(-shares) if shares[i] >= least][:most]
    return [Circle(int(i) + 1, float(shares[i]), _isolated(net, int(i) + 1)) for i in order]


def principal_circles(net: TwoOperand, pairs: int = 6) -> list[Circle]:
    """Return the circles of pairs of principal components (1, 2), (3, 4) ...: the published isolation.

    The frequency is that with most power in the pair. Raises InterpError where the operands have two vocabularies, or
    fewer components than asked for.
    """
    if net.embed_a is not net.embed_b and not torch.equal(net.embed_a, net.embed_b):
        raise InterpError(f"{net.name} has two vocabularies: principal components of one only; isolate by frequency.")
    embed = _array(net.embed_a)
    left, values, directions = principal_components(embed)
    if 2 * pairs > len(values):
        raise InterpError(f"{pairs} pairs of {len(values)} principal components: ask for {len(values) // 2} at most.")
    centre, found = embed.mean(0), []
    for i in range(0, 2 * pairs, 2):
        plane = directions[i : i + 2]
        kept = torch.as_tensor(centre + (embed - centre) @ plane.T @ plane).to(net.embed_a)
        frequency = 1 + int(power(left[:, i : i + 2] * values[i : i + 2]).argmax())
        share = float(np.square(values[i : i + 2]).sum() / np.square(values).sum())
        found.append(Circle(frequency, share, net.grid(kept, kept)))
    return found


def _isolated(net: TwoOperand, k: int) -> np.ndarray:
    kept = [_on_circle(embed, k) for embed in (net.embed_a, net.embed_b)]
    return net.grid(*kept)


def _on_circle(embed: Tensor, k: int) -> Tensor:
    points = _array(embed)
    return torch.as_tensor(cyclic(len(points)).project(points, [0, k])).to(embed)


def _array(embed: Tensor) -> np.ndarray:
    return embed.detach().double().cpu().numpy()


def _centred(logits: np.ndarray) -> np.ndarray:
    logits = logits - logits.mean(-1, keepdims=True)
    return logits - logits.mean((0, 1), keepdims=True)
