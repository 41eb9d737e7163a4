"""How far has a model come that adds modulo p, whatever its accuracy says? Losses with only, and without, its keys.

P_S(L) is the part of the logits L[a, b, c] along the sum directions cos, sin w_k (a + b), k in S; mean is the mean of L
over all pairs, a number a class (the constant component, the paper's bias correction).

    restricted   CE(P_S(L) + mean)        can the key frequencies alone answer? falls while the circuit forms
    excluded     CE(L - P_S(L))           can the rest answer? rises once the keys are used. No correction by the mean.

Restricted loss exists in four variants that give different numbers, so the name is part of the result:

    sum_directions   1 + 2|S| waves: what the released code does        2x2_block   1 + 4|S|: products of one frequency
    3x3_block        1 + 8|S|: waves of a and of b alone as well        outer_mask  (1 + 2|S|)^2: products of different
                                                                        frequencies too, which the algorithm has not

Excluded loss is of all keys (the paper's figure), of one frequency, or `largest`: the maximum over all single ones, for
which no keys need to be known. Projections use all p^2 pairs; every loss is then a mean over train, test or all pairs.
Losses are float64 cross-entropies in nats: float32 floors near 1e-7, where a grokked model lives.
The null of both is the same loss with as many random frequencies (`random_restricted`, `random_excluded`).
Nanda et al. 2023, arXiv:2301.05217, section 5.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np
from jaxtyping import Bool, Float
from scipy.special import logsumexp

from interp.errors import InterpError, nearest
from interp.fourier.bases import cyclic
from interp.fourier.basis import real
from interp.fourier.grid import on_sums, outer_mask, project_block, project_sums, sums

Cube = Float[np.ndarray, "p p p"]
PerPair = Float[np.ndarray, "p p"]
SPLITS = ("train", "test", "all")
LARGEST = 300.0
"""Logits further apart than this many nats would leave the range of float64 in the fast way of `loss_without`."""


def cross_entropy(logits: Cube) -> PerPair:
    """Return the loss in nats of every pair, the answer being a + b mod p."""
    logits = real(logits)
    shifted = logits - logits.max(-1, keepdims=True)
    n = np.arange(len(logits))
    right = np.take_along_axis(shifted, (np.add.outer(n, n) % len(n))[..., None], -1)[..., 0]
    return np.log(np.exp(shifted, out=shifted).sum(-1)) - right


def over_splits(values: Float[np.ndarray, "p p"], train: Bool[np.ndarray, "p p"]) -> dict[str, float]:
    """Return the mean of a number a pair over the training pairs, the others, and all."""
    return {"train": float(values[train].mean()), "test": float(values[~train].mean()), "all": float(values.mean())}


def accuracy(logits: Cube) -> Bool[np.ndarray, "p p"]:
    """Return which pairs are answered right."""
    n = np.arange(len(logits))
    return np.argmax(logits, -1) == np.add.outer(n, n) % len(n)


def _sum_directions(logits: Cube, keys: Sequence[int]) -> Cube:
    return project_sums(logits, [0, *keys])


def _product_blocks(logits: Cube, keys: Sequence[int]) -> Cube:
    return project_block(logits, keys, "2x2") + logits.mean((0, 1))


def _whole_blocks(logits: Cube, keys: Sequence[int]) -> Cube:
    return project_block(logits, keys, "3x3")


RESTRICTED: dict[str, Callable[[Cube, Sequence[int]], Cube]] = {
    "sum_directions": _sum_directions,
    "2x2_block": _product_blocks,
    "3x3_block": _whole_blocks,
    "outer_mask": outer_mask,
}


def restricted(logits: Cube, keys: Iterable[int], variant: str = "sum_directions") -> Cube:
    """Return the logits of the keys alone, constant included, in a named variant. Raises InterpError for another."""
    if variant not in RESTRICTED:
        raise InterpError(f"unknown variant {variant!r} of the restricted loss. {nearest(variant, RESTRICTED)}")
    return RESTRICTED[variant](logits, _distinct(keys, len(logits)))


def restricted_loss(logits: Cube, keys: Iterable[int], variant: str = "sum_directions") -> PerPair:
    """Return the loss of every pair with the keys alone, in nats."""
    return cross_entropy(restricted(logits, keys, variant))


def excluded_loss(logits: Cube, keys: Iterable[int]) -> PerPair:
    """Return the loss of every pair without the keys' sum directions, in nats."""
    return cross_entropy(logits - project_sums(logits, _distinct(keys, len(logits))))


def excluded_by_frequency(logits: Cube, pairs: Bool[np.ndarray, "p p"]) -> Float[np.ndarray, " frequency"]:
    """Return the mean loss over `pairs` without each single frequency k = 1 .. floor(p/2), in nats.

    The largest of them needs no knowledge of the keys.
    """
    p = len(logits)
    profile = sums(logits)
    removed = np.stack([cyclic(p).project(profile, [k]) for k in range(1, p // 2 + 1)])
    return loss_without(logits, removed, pairs)


def random_excluded(
    logits: Cube, draws: Sequence[Sequence[int]], pairs: Bool[np.ndarray, "p p"]
) -> Float[np.ndarray, " draw"]:
    """Return the mean excluded loss over `pairs` for every set of frequencies in `draws`."""
    profile = sums(logits)
    return loss_without(logits, np.stack([cyclic(len(logits)).project(profile, keys) for keys in draws]), pairs)


def random_restricted(
    logits: Cube, draws: Sequence[Sequence[int]], pairs: Bool[np.ndarray, "p p"]
) -> Float[np.ndarray, " draw"]:
    """Return the mean restricted loss (sum_directions) over `pairs` for every set of frequencies in `draws`.

    Such logits depend on a + b alone, so there are p losses, each with as many pairs as have that sum.
    """
    p = len(logits)
    profile, s = sums(logits), np.arange(p)
    kept = np.stack([cyclic(p).project(profile, [0, *keys]) for keys in draws])
    losses = logsumexp(kept, axis=-1) - kept[:, s, s]
    count = np.bincount((np.add.outer(s, s) % p)[pairs], minlength=p)
    return losses @ count / count.sum()


def loss_without(
    logits: Cube, removed: Float[np.ndarray, "case p p"], pairs: Bool[np.ndarray, "p p"]
) -> Float[np.ndarray, " case"]:
    """Return the mean loss over `pairs` of logits[a, b, c] - removed[a + b mod p, c] for every case, in nats.

    exp(L - r) = exp(L) exp(-r), and r depends on (a + b, c) alone: one small product a sum instead of an exponential a
    case, pair and class. Logits so far apart that exp would leave the range of float64 go the long way.
    """
    p = len(logits)
    shifted = logits - logits.max(-1, keepdims=True)
    if max(-shifted.min(), np.abs(removed).max()) > LARGEST:
        return np.array([cross_entropy(logits - on_sums(each))[pairs].mean() for each in removed])
    grown, shrunk = np.exp(shifted), np.exp(-removed)
    n, total = np.arange(p), np.zeros(len(removed))
    for s in range(p):
        a = n[pairs[n, (s - n) % p]]
        b = (s - a) % p
        sizes = grown[a, b] @ shrunk[:, s].T  # [pair, case]
        total += (np.log(sizes) - shifted[a, b, s][:, None]).sum(0) + len(a) * removed[:, s, s]
    return total / pairs.sum()


def _distinct(keys: Iterable[int], p: int) -> list[int]:
    """Return the keys, each once. Raises InterpError for a frequency that is none, or for the constant."""
    found = list(dict.fromkeys(keys))
    if any(not 1 <= k <= p // 2 for k in found):
        raise InterpError(f"Keys {found}: expected frequencies from 1 to {p // 2}; the constant is no key.")
    return found


def sum_of_squares(weights: dict[str, np.ndarray]) -> dict[str, float]:
    """Return the sum of the squares of every weight, and of all under "all"."""
    each = {name: float(np.square(np.asarray(w, float)).sum()) for name, w in weights.items()}
    return each | {"all": sum(each.values())}
