"""The function of two embeddings is the model itself, seen from its operands."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from interp.errors import InterpError
from interp.fourier.two_operand import two_operand
from interp.models.modular import build_model, complete, full_batch
from interp.models.native import load_native
from tests import families

ZOO = Path(__file__).parents[2] / "data" / "zoo" / "modadd-59"


@pytest.fixture(scope="module", params=["untrained", "modadd-59"])
def bridge(request):
    if request.param == "modadd-59":
        return load_native(ZOO)
    return build_model(complete({"p": 7, "d_model": 16, "n_heads": 2, "d_mlp": 24})).eval()


def test_grids_are_what_the_hooked_model_does(bridge):
    found = two_operand(bridge)
    batch = full_batch(found.p)
    with torch.no_grad():
        logits, cache = bridge.run_with_cache(batch.tokens)
    shape = (found.p, found.p)
    scale = float(logits.abs().max())
    np.testing.assert_allclose(found.grid(), logits[:, -1].reshape(*shape, -1), atol=1e-6 * scale)
    neurons = cache["blocks.0.mlp.hook_post"][:, -1].reshape(*shape, -1)
    np.testing.assert_allclose(found.neuron_grid(), neurons, atol=1e-5)
    pattern = cache["blocks.0.attn.hook_pattern"][:, :, -1].reshape(*shape, -1, 3)
    np.testing.assert_allclose(found.pattern_grid(), pattern, atol=1e-6)


def test_gradients_reach_both_operands_and_other_embeddings_may_be_put_in(bridge):
    found = two_operand(bridge)
    x_a, x_b = (found.embed_a[rows].clone().requires_grad_() for rows in ([1, 2], [3, 3]))
    found.logits(x_a, x_b)[:, 0].sum().backward()
    assert x_a.grad is not None
    assert x_b.grad is not None
    assert float(x_a.grad.norm()) > 0
    assert float(x_b.grad.norm()) > 0
    swapped = found.grid(found.embed_a.flip(0))
    np.testing.assert_allclose(swapped, found.grid()[::-1], atol=1e-5 * np.abs(swapped).max())


def test_another_model_is_refused():
    with pytest.raises(InterpError, match="no modular-addition model"):
        two_operand(families.family("native").bridge)
