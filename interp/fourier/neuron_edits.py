"""Does a model of a + b mod p need its key waves, and nothing else? The ablations, each beside its null.

    waves                neurons of one frequency replaced by their 3 x 3 block    null: the block of a random frequency
    sum directions       logits keep cos, sin w_k (a + b) and the constant         null: random keys
    blocks               logits keep the 3 x 3 blocks                              null: random keys
    read directions      neurons keep only their part along u_k, v_k               null: a random subspace of that size
    beside them          neurons keep all but that part                            null: all but a random subspace
    without k            neurons lose the block of one key                         null: of each other frequency
    attention zeroed, no skip around attention, no skip around the MLP (zero, mean)   null: all answers alike, ln p

How to read: what the algorithm does not need may go, and the loss falls; what it needs may not, and the loss is far
above that of an equal number of random waves. Projections see all pairs; losses are of train, test and all pairs.
Nanda et al. 2023, arXiv:2301.05217, section 4.4 and figure 6.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float

from interp.fourier.grid import project_block
from interp.fourier.key_frequencies import random_keys
from interp.fourier.neurons import THRESHOLD, best_frequency, best_share, fve
from interp.fourier.one_layer import OneLayer
from interp.fourier.progress_measures import accuracy, cross_entropy, over_splits, restricted
from interp.fourier.readout import directions

Grid = Float[np.ndarray, "p p neuron"]
Pairs = Bool[np.ndarray, "p p"]


def as_waves(neurons: Grid, frequency: np.ndarray, chosen: np.ndarray) -> Grid:
    """Return the neurons with each of `chosen` replaced by its projection on the 3 x 3 block of its frequency."""
    found = neurons.copy()
    for k in np.unique(frequency[chosen]).tolist():
        own = chosen & (frequency == k)
        found[..., own] = project_block(neurons[..., own], [k], "3x3")
    return found


def without_frequency(neurons: Grid, k: int) -> Grid:
    """Return the neurons without every wave of frequency k, of a, of b and of both; means stay."""
    return neurons - project_block(neurons, [k], "3x3") + neurons.mean((0, 1))


def along(neurons: Grid, columns: Float[np.ndarray, "neuron r"]) -> Grid:
    """Return the part of the neurons, at every pair, in the span of some directions of neuron space."""
    q = np.linalg.qr(columns)[0]
    return neurons @ q @ q.T


def ablation_table(one: OneLayer, keys: Sequence[int], train: Pairs, n_random: int = 20, seed: int = 0) -> pd.DataFrame:
    """Return a line an edit: mean losses over train, test and all pairs, accuracy, and the null of the loss over all.

    null is a median, null_low and null_high the ends of the draws, n_null their number, null_of what they are.
    """
    rng, neurons = np.random.default_rng(seed), one.neurons
    alike = _null([math.log(one.p)], "all answers alike")
    rows = [_line("original", one.logits, train) | alike, _waves(one, train, n_random, rng)]
    draws = random_keys(one.p, len(keys), n_random, seed).tolist()
    for name, variant in (("keep sum directions", "sum_directions"), ("keep 3x3 blocks", "3x3_block")):
        null = [_all(restricted(one.logits, draw, variant)) for draw in draws]
        rows.append(_line(name, restricted(one.logits, keys, variant), train) | _null(null, "random keys"))
    rows += _along(one, keys, train, n_random, rng)
    others = [k for k in range(1, one.p // 2 + 1) if k not in keys]
    null = [_all(one.answered(without_frequency(neurons, k))) for k in others]
    beside = _null(null, "frequencies that are no key")
    rows += [_line(f"without {k}", one.answered(without_frequency(neurons, k)), train) | beside for k in keys]
    rows += [_line(name, logits, train) | alike for name, logits in _parts(one)]
    return pd.DataFrame(rows)


def _waves(one: OneLayer, train: Pairs, n_random: int, rng: np.random.Generator) -> dict[str, Any]:
    explained = fve(one.neurons)
    frequency, chosen = best_frequency(explained), best_share(explained) > THRESHOLD
    null = []
    for _ in range(n_random):
        other = (frequency - 1 + rng.integers(1, one.p // 2, len(frequency))) % (one.p // 2) + 1
        null.append(_all(one.answered(as_waves(one.neurons, other, chosen))))
    logits = one.answered(as_waves(one.neurons, frequency, chosen))
    return _line(f"{chosen.sum()} neurons as waves", logits, train) | _null(null, "waves of another frequency")


def _along(
    one: OneLayer, keys: Sequence[int], train: Pairs, n_random: int, rng: np.random.Generator
) -> list[dict[str, Any]]:
    columns = np.stack(list(directions(one, keys).values()), 1)
    random = [along(one.neurons, rng.standard_normal(columns.shape)) for _ in range(n_random)]
    kept, of = along(one.neurons, columns), f"random subspaces of {columns.shape[1]} dimensions"
    return [
        _line("keep read directions", one.answered(kept), train) | _null([_all(one.answered(x)) for x in random], of),
        _line("keep all beside them", one.answered(one.neurons - kept), train)
        | _null([_all(one.answered(one.neurons - x)) for x in random], of),
    ]


def _parts(one: OneLayer) -> Iterable[tuple[str, np.ndarray]]:
    """Yield the logits without attention, without the skip around it, and without the skip around the MLP."""
    through = one.neurons @ one.W_L
    yield "attention zeroed", one.streamed(np.broadcast_to(one.equals, one.attention.shape))
    yield "no skip around attention", one.streamed(one.attention)
    yield "no skip around the MLP (zero)", through
    yield "no skip around the MLP (mean)", through + (one.logits - through).mean((0, 1))


def _line(name: str, logits: np.ndarray, train: Pairs) -> dict[str, Any]:
    return {"edit": name, **over_splits(cross_entropy(logits), train), "accuracy": float(accuracy(logits).mean())}


def _all(logits: np.ndarray) -> float:
    return float(cross_entropy(logits).mean())


def _null(losses: Sequence[float], of: str) -> dict[str, Any]:
    known = losses or [math.nan]  # a small p may have no frequency that is no key
    ends = {"null": float(np.median(known)), "null_low": min(known), "null_high": max(known)}
    return {**ends, "n_null": len(losses), "null_of": of}
