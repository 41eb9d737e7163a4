"""How near does a trained quadratic network come to the largest margin? Gradient descent on all p^2 sums, seconds.

    loss = cross-entropy + penalty * sum_i |(inputs, outputs)_i|_2 ^ 3        Adam, full batch, float64

The penalty is the third power of the norm that the margin is measured in, so that for a small penalty the minimum
tends to the network of largest margin. A trajectory reports efficiency (margin / gamma_star, at most 1) and accuracy.
Source: Morwani et al. 2023, arXiv:2311.07568.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch

from interp.errors import InterpError
from interp.models.quadratic import Quadratic, answers


class Trained(NamedTuple):
    """The final network, and `steps`, `efficiency`, `accuracy` [record] on the way (the first before any update)."""

    network: Quadratic
    steps: np.ndarray
    efficiency: np.ndarray
    accuracy: np.ndarray


def train_quadratic(
    p: int, n_neurons: int, *, steps: int = 2000, learning_rate: float = 0.02, penalty: float = 1e-4, seed: int = 0
) -> Trained:
    """Return a quadratic network trained on all pairs, recorded ten times; deterministic for a seed on one machine.

    Raises InterpError for fewer than one neuron or ten steps, and for a modulus without a closed form.
    """
    if n_neurons < 1 or steps < 10:
        raise InterpError(f"{n_neurons} neurons, {steps} steps: expected at least 1 and 10; give more.")
    generator = torch.Generator().manual_seed(seed)
    weights = (0.3 * torch.randn(3, n_neurons, p, generator=generator, dtype=torch.float64)).requires_grad_()
    right = torch.from_numpy(answers(p, 2))
    optimiser = torch.optim.Adam([weights], lr=learning_rate, betas=(0.9, 0.98))
    times = np.unique(np.linspace(0, steps, 11).round().astype(int))
    records = []
    for step in range(steps + 1):
        if step in times:
            network = _network(weights)
            records.append((step, network.efficiency(), network.accuracy()))
        if step == steps:
            break
        loss = torch.nn.functional.cross_entropy(_logits(weights), right)
        loss = loss + penalty * weights.square().sum((0, 2)).pow(1.5).sum()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    found = np.array(records)
    return Trained(_network(weights), found[:, 0].astype(int), found[:, 1], found[:, 2])


def _logits(weights: torch.Tensor) -> torch.Tensor:
    """Return [a * p + b, c] of weights [input a, input b, output] x neuron x p."""
    hidden = (weights[0].T[:, None] + weights[1].T[None, :]).flatten(0, 1).square()
    return hidden @ weights[2]


def _network(weights: torch.Tensor) -> Quadratic:
    found = weights.detach().numpy().copy()
    return Quadratic(found[:2], found[2])
