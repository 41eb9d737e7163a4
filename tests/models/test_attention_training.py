"""Training of attention-rate networks: what the seed decides, that it learns, and refusals."""

from __future__ import annotations

import pytest
import torch

from interp.errors import InterpError
from interp.models.attention_rate import initial
from interp.models.attention_training import train, training_pairs

CONFIG = {"C": 7, "d_model": 16, "n_heads": 2, "attn_coeff": 0.5, "act_fn": "ReLU", "n_layers": 1}


def loss(net) -> float:
    a, b = training_pairs(net.p, 0)
    logits = net.logits(net.embed[a], net.embed[b])
    return float(torch.nn.functional.cross_entropy(logits, (a + b) % net.p))


def test_training_lowers_the_loss_and_the_seed_decides_everything():
    net, again, other = (train(CONFIG, seed, 60) for seed in (0, 0, 1))
    assert loss(net) < 0.5 * loss(initial(CONFIG, 0))
    assert all(torch.equal(net.tensors[name], again.tensors[name]) for name in net.tensors)
    assert not torch.equal(net.embed, other.embed)
    assert {tensor.dtype for tensor in net.tensors.values()} == {torch.float64}
    assert not any(tensor.requires_grad for tensor in net.tensors.values())
    assert (net.rate, net.p) == (0.5, 7)


def test_training_pairs_are_four_fifths_each_once():
    a, b = training_pairs(7, 3)
    assert len(a) == len(set(zip(a.tolist(), b.tolist(), strict=True))) == int(0.8 * 49)


def test_products_are_another_task():
    product = train(CONFIG, 0, 60, "product")
    a, b = training_pairs(7, 0)
    logits = product.logits(product.embed[a], product.embed[b])
    assert float((logits.argmax(-1) == a * b % 7).double().mean()) > 0.8
    assert float((logits.argmax(-1) == (a + b) % 7).double().mean()) < 0.5


def test_what_cannot_be_trained_is_refused():
    with pytest.raises(InterpError, match="at least 1"):
        train(CONFIG, 0, 0)
    with pytest.raises(InterpError, match="Did you mean product"):
        train(CONFIG, 0, 5, "products")
    with pytest.raises(InterpError, match="no network of this kind"):
        train({**CONFIG, "attn_coeff": 2}, 0, 5)
