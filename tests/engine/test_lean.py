"""The opened model is the model: every activation of a hooked run, on every architecture, and norms' gradients."""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from interp.engine import Site, run
from interp.engine.lean import Lean
from interp.errors import InterpError
from tests import families
from tests.families import FAMILIES, N_LAYERS, PARALLEL

SEEN = ("resid_pre", "q", "k", "v", "pattern", "z", "attn_out", "resid_mid", "mlp_post", "mlp_out")


@pytest.mark.parametrize("name", FAMILIES)
def test_a_trace_is_what_a_hooked_run_reads(name):
    model, prompts = families.family(name).bridge, families.random_prompts()
    names = [site for site in SEEN if not (site == "resid_mid" and name in PARALLEL)]
    read = run(model, prompts, reads=[Site(site, layer) for site in names for layer in range(N_LAYERS)])
    with torch.no_grad():
        trace = Lean.of(model).trace(prompts.tokens)
    assert (trace.logits - read.logits).abs().max() < 1e-5
    for site in names:
        for layer in range(N_LAYERS):
            assert (getattr(trace, site)[layer] - read[Site(site, layer)]).abs().max() < 1e-5, (site, layer)
    assert len(trace.resid_mid) == (0 if name in PARALLEL else N_LAYERS)


@pytest.mark.parametrize("name", FAMILIES)
def test_named_matrices_give_the_same_activations(name):
    lean, prompts = Lean.of(families.family(name).bridge), families.random_prompts(3)
    with torch.no_grad():
        trace = lean.trace(prompts.tokens)
        normed = lean.norm1[1](trace.resid_pre[1])
        for part, W, b in (("q", lean.W_Q, lean.b_Q), ("k", lean.W_K, lean.b_K), ("v", lean.W_V, lean.b_V)):
            own = torch.einsum("npd,hde->nphe", normed, W[1]) + b[1]
            assert torch.allclose(own, getattr(trace, part)[1], atol=1e-5), part
        summed = lean.head_out(1, trace.z[1]).sum(2) + lean.b_O[1]
        assert torch.allclose(summed, trace.attn_out[1], atol=1e-5)
        assert torch.allclose(trace.mlp_post[1] @ lean.W_out[1] + lean.b_out[1], trace.mlp_out[1], atol=1e-5)
        final = lean.norm_final(trace.resid_pre[-1][:, -1]) @ lean.W_U + lean.b_U
        assert torch.allclose(final, trace.logits, atol=1e-5)


@pytest.mark.parametrize("name", FAMILIES)
def test_a_norm_pulls_gradients_back_as_autograd_does(name):
    norm = Lean.of(families.family(name).bridge).norm1[0]
    wide = {part: None if (p := getattr(norm, part)) is None else p.double() + 0.3 for part in ("weight", "bias")}
    norm = dataclasses.replace(norm, **wide)
    drawn = torch.Generator().manual_seed(1)
    x, g = torch.randn(2, 3, 4, families.D_MODEL, dtype=torch.float64, generator=drawn)
    (expected,) = torch.autograd.grad((norm(x.requires_grad_()) * g).sum(), x)
    assert (norm.pullback(x.detach(), g) - expected).abs().max() < 1e-12


@pytest.mark.parametrize("name", FAMILIES)
def test_the_gradient_of_a_logit_is_its_slope(name):
    lean, prompts = Lean.of(families.family(name).bridge), families.random_prompts(2)
    resid = lean.embed(prompts.tokens).requires_grad_()
    step = torch.randn(resid.shape, generator=torch.Generator().manual_seed(2))
    (grad,) = torch.autograd.grad(lean.trace(resid=resid).logits[:, 3].sum(), resid)
    with torch.no_grad():
        ends = [lean.trace(resid=resid + sign * 1e-3 * step).logits[:, 3].sum() for sign in (1, -1)]
    assert float((grad * step).sum()) == pytest.approx(float(ends[0] - ends[1]) / 2e-3, rel=0.02, abs=1e-2)


def test_a_later_query_reads_earlier_keys():
    """Rows from place 3 on, given the keys of all places, are the last rows of the whole."""
    lean, prompts = Lean.of(families.family("llama").bridge), families.random_prompts(3)
    with torch.no_grad():
        trace = lean.trace(prompts.tokens)
        q, k, v = trace.q[1], trace.k[1], trace.v[1]
        z, _ = lean.attention(q[:, 3:], k, v, places=torch.arange(3, q.shape[1]))
    assert torch.allclose(z, trace.z[1][:, 3:], atol=1e-6)


def test_it_is_opened_once():
    model = families.family("gpt2").bridge
    assert Lean.of(model) is Lean.of(model)


def test_an_unknown_architecture_is_refused():
    with pytest.raises(InterpError, match="cannot be opened up"):
        Lean.of(SimpleNamespace(original_model=object(), __dict__={}))


def test_a_model_that_is_not_what_it_says_is_refused():
    model, _ = families.fresh("gpt2")
    model.blocks[0].mlp.original_component.register_forward_hook(lambda module, args, out: 2 * out)
    with pytest.raises(InterpError, match="its logits differ"):
        Lean.of(model)


@pytest.mark.parametrize("tokens", [np.zeros(3, int), np.zeros((2, 0), int), np.zeros((2, 99), int)])
def test_tokens_that_do_not_fit_are_refused(tokens):
    with pytest.raises(InterpError, match="positions"):
        Lean.of(families.family("gpt2").bridge).embed(tokens)
