"""Networks of two operands written by hand: a clock and a pizza, of known gradients and logits."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch

from interp.fourier.two_operand import TwoOperand

REFERENCE = Path(__file__).parents[3] / "shared" / "reference"
PIZZA = REFERENCE / "pizza"

needs_reference = pytest.mark.skipif(
    not PIZZA.is_dir(), reason="the reference folder (third-party networks of Zhong et al.) is not there"
)


def circle_embeddings(p: int, keys: tuple[int, ...]) -> torch.Tensor:
    """Return residues on circles of frequencies `keys`, [p, 2 * keys]."""
    turn = 2 * math.pi * torch.outer(torch.arange(p, dtype=torch.float64), torch.tensor(keys, dtype=torch.float64)) / p
    return torch.stack([turn.cos(), turn.sin()], -1).flatten(1)


def _network(name: str, p: int, keys: tuple[int, ...], circle_logits) -> TwoOperand:
    embed = circle_embeddings(p, keys)
    waves = embed.T.reshape(len(keys), 2, p)

    def logits(x_a: torch.Tensor, x_b: torch.Tensor) -> torch.Tensor:
        pairs = (each.reshape(len(each), len(keys), 2) for each in (x_a, x_b))
        found = circle_logits(*pairs)  # [pair, circle, 2]: the cosine and the sine of the sum
        return torch.einsum("nki,kic->nc", found, waves)

    return TwoOperand(name, p, embed, embed, logits, logits, torch.eye(p, dtype=torch.float64))


def clock(p: int, keys: tuple[int, ...]) -> TwoOperand:
    """Return sum over keys of cos w(a + b - c), by products of the operands: gradients at an angle of w(a - b)."""

    def multiply(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        (x1, x2), (y1, y2) = x.unbind(-1), y.unbind(-1)
        return torch.stack([x1 * y1 - x2 * y2, x1 * y2 + x2 * y1], -1)

    return _network("a clock by hand", p, keys, multiply)


def pizza(p: int, keys: tuple[int, ...]) -> TwoOperand:
    """Return the pizza of four absolute values of the operands' sum: both gradients are the same."""

    def absolute(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        u, v = (x + y).unbind(-1)
        diagonal = ((u + v).abs() - (u - v).abs()) / math.sqrt(2)
        return torch.stack([u.abs() - v.abs(), diagonal], -1)

    return _network("a pizza by hand", p, keys, absolute)


def noise(p: int, d: int = 16, seed: int = 0) -> TwoOperand:
    """Return an untrained network of one hidden layer on random embeddings."""
    generator = torch.Generator().manual_seed(seed)
    embed, first, second = (
        torch.randn(shape, generator=generator, dtype=torch.float64) / math.sqrt(shape[0])
        for shape in ((p, d), (d, 4 * d), (4 * d, p))
    )

    def neurons(x_a: torch.Tensor, x_b: torch.Tensor) -> torch.Tensor:
        return torch.relu((x_a + x_b) @ first)

    return TwoOperand("untrained", p, embed, embed, lambda a, b: neurons(a, b) @ second, neurons, second)
