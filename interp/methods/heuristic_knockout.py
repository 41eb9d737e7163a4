"""Do the neurons of a rule of thumb matter for the prompts that it is about, and for no others?

    kept        only the first n neurons of each late layer stay, the others at means: share of the normalised logit
    by rule     all neurons that follow one heuristic are put at their means: accuracy on prompts that satisfy it
                (associated) and on those that do not
    by prompt   of each prompt, up to N neurons a layer that follow a heuristic it satisfies are put at their means

Controls: random neurons of the same layers instead of the first ones; as many other neurons of the chosen ones in each
layer; as many chosen neurons a layer that follow no heuristic of the prompt. All writes are at the last token.

Reading: a rule is used where associated prompts suffer more than unassociated ones, and more than under the control.

Source: Nikankin et al. (2025) arXiv 2410.21272 (there neurons are zeroed; a mean keeps the neuron's average effect).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from interp.methods.neuron_effects import Neuron
from interp.methods.neuron_tail import Tail
from interp.methods.normalised import normalised_logits
from interp.progress import Progress, silent

if TYPE_CHECKING:
    from interp.tasks.prompts import Prompts

FIRST_SIZES = (0, 1, 2, 5)
"""Sizes go on as 10, 20, 50, 100, ... up to all."""


class Stand(NamedTuple):
    """What ablations run on: answered prompts behind a tail, the means {layer: [d_mlp]}, and the progress."""

    tail: Tail
    answers: Tensor
    means: Mapping[int, Tensor]
    progress: Progress = silent

    @classmethod
    def of(cls, model: Any, prompts: Prompts, means: Mapping[int, Tensor], batch_size: int = 512) -> Stand:
        """Return the stand of `prompts` before the first layer that has means."""
        tail = Tail(model, prompts, min(means), batch_size)
        return cls(tail, torch.as_tensor(prompts.answer_ids, device=tail.lean.device), means)

    def judge(self, ablated: Mapping[int, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        """Return normalised logit [prompt] and correctness bool [prompt] with these neurons at their means."""
        logits = self.tail.run({layer: torch.as_tensor(gone) for layer, gone in ablated.items()}, self.means)
        right = logits.argmax(dim=-1) == self.answers
        return normalised_logits(logits, self.answers).double().cpu().numpy(), right.cpu().numpy()


def sizes_up_to(most: int) -> list[int]:
    """Return 0, 1, 2, 5, 10, 20, 50, ... and `most`."""
    sizes = [size * 10**power for power in range(6) for size in (1, 2, 5)]
    return sorted({0, most, *(size for size in sizes if size < most)})


def kept_curve(stand: Stand, orders: Mapping[int, np.ndarray], sizes: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    """Return normalised logits and correctness [prompt, size] with the first `size` neurons of each layer kept; orders:
    {layer: int [d_mlp]}."""
    found = []
    for size in sizes:
        ablated = {}
        for layer, order in orders.items():
            gone = np.ones(len(order), dtype=bool)
            gone[order[:size]] = False
            ablated[layer] = gone
        found.append(stand.judge(ablated))
    return tuple(np.stack(part, axis=1) for part in zip(*found, strict=True))  # type: ignore[return-value]


def by_rule(
    stand: Stand, neurons: Sequence[Neuron], follows: np.ndarray, n_random: int, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Return correctness [heuristic, prompt] without the neurons that follow each heuristic, and its mean over draws of
    as many other chosen neurons in each layer; follows: bool [neuron, heuristic]."""
    rng = np.random.default_rng((seed, 6))
    layers = np.array([layer for layer, _ in neurons])
    own, other = [], []
    for h in range(follows.shape[1]):
        stand.progress(h, follows.shape[1], "knocked out by heuristic")
        own.append(stand.judge(_masks(stand, neurons, follows[:, h]))[1])
        draws = []
        for _ in range(n_random):
            taken = np.zeros(len(neurons), dtype=bool)
            for layer in set(layers.tolist()):
                free = np.flatnonzero((layers == layer) & ~follows[:, h])
                count = min(int(follows[layers == layer, h].sum()), len(free))
                taken[rng.choice(free, size=count, replace=False)] = True
            draws.append(stand.judge(_masks(stand, neurons, taken))[1])
        other.append(np.mean(draws, axis=0))
    n = len(stand.answers)
    return np.array(own).reshape(-1, n), np.array(other).reshape(-1, n)


def by_prompt(
    stand: Stand, neurons: Sequence[Neuron], relevance: np.ndarray, sizes: Sequence[int], seed: int = 0
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return correctness [size, prompt] without the up to `size` most relevant neurons of each layer, without as many
    irrelevant ones, and how many those were, mean over prompts [size]; relevance: [neuron, prompt], 0 = none."""
    rng = np.random.default_rng((seed, 7))
    layers, n = np.array([layer for layer, _ in neurons]), relevance.shape[1]
    ties = rng.random(relevance.shape)
    own, other, counts = [], [], []
    for size in sizes:
        taken, control = (np.zeros((len(neurons), n), dtype=bool) for _ in range(2))
        for layer in sorted(set(layers.tolist())):
            here = np.flatnonzero(layers == layer)
            relevant = relevance[here] > 0
            rank = np.argsort(np.argsort(-(relevance[here] + 1e-9 * ties[here]), axis=0), axis=0)
            count = np.minimum(np.minimum(relevant.sum(axis=0), (~relevant).sum(axis=0)), size)
            taken[here] = relevant & (rank < count)
            shuffled = np.argsort(np.argsort(np.where(relevant, 2.0, ties[here]), axis=0), axis=0)
            control[here] = ~relevant & (shuffled < count)
        own.append(stand.judge(_masks(stand, neurons, taken))[1])
        other.append(stand.judge(_masks(stand, neurons, control))[1])
        counts.append(taken.sum(axis=0).mean())
    return np.array(own), np.array(other), np.array(counts)


def _masks(stand: Stand, neurons: Sequence[Neuron], taken: np.ndarray) -> dict[int, np.ndarray]:
    """Return {layer: bool [d_mlp], or [prompt, d_mlp]} of the neurons taken: bool [neuron] or [neuron, prompt]."""
    d_mlp = stand.tail.lean.d_mlp
    masks = {layer: np.zeros((d_mlp, *taken.shape[1:]), dtype=bool) for layer in stand.means}
    for (layer, index), gone in zip(neurons, taken, strict=True):
        masks[layer][index] |= gone
    return {layer: mask.T if mask.ndim == 2 else mask for layer, mask in masks.items()}
