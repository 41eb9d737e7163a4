"""What must hold on every architecture, whatever the weights."""

import numpy as np
import pytest
import torch

from interp.engine import Constant, Intervention, Lookup, Site, Zero, conditional_means, from_run, run
from tests.families import D_MODEL, N_LAYERS, PARALLEL, VOCAB

STREAM = [Site("resid_pre", layer) for layer in range(N_LAYERS + 1)]


def gap(x, y):
    return (x.double() - y.double()).abs().max().item()


def tokens_of(fam, prompts):
    return torch.as_tensor(prompts.tokens, device=fam.device)


def test_no_edits_is_the_plain_model(fam, clean):
    logits = run(fam.bridge, clean).logits
    assert logits.shape == (len(clean), VOCAB)
    assert logits.dtype == torch.float32
    with torch.no_grad():
        assert gap(logits, fam.bridge(tokens_of(fam, clean))[:, -1]) == 0
        if fam.plain is not None:
            assert gap(logits, fam.plain(tokens_of(fam, clean)).logits[:, -1]) < fam.tolerance


def test_a_pad_token_in_the_prompt_is_an_ordinary_token(fam, clean, setting):
    """The tokenizer's pad token, t2, stands in prompt 0: nothing before or after it may be masked."""
    if fam.plain is None:
        pytest.skip("native models have no tokenizer")
    assert (clean.tokens == fam.bridge.tokenizer.pad_token_id).any()
    pattern = run(fam.bridge, clean, reads=[Site("pattern", 0)])[Site("pattern", 0)]
    assert bool((pattern[0, :, 5, 2] > 0).all())
    assert gap(pattern.double().sum(-1), torch.ones(1, device=pattern.device)) < 2e-2


@pytest.mark.parametrize("name", ["resid_pre", "resid_post", "attn_out", "mlp_out", "mlp_post", "z", "q", "k", "v"])
def test_patching_a_site_with_itself_changes_nothing(fam, clean, name):
    site = Site(name, 1)
    before = run(fam.bridge, clean, reads=[site])
    after = run(fam.bridge, clean, [Intervention(site, "all", from_run(before, site))], [site])
    assert torch.equal(before.logits, after.logits)
    assert torch.equal(before[site], after[site])


def test_batch_size_is_irrelevant(fam, clean, other):
    source = from_run(run(fam.bridge, other, reads=[STREAM[1]]), STREAM[1])
    writes = [Intervention(STREAM[1], ("a", "last"), source), Intervention(Site("z", 2, 1), "b", Zero())]
    read = Site("resid_post", 2)
    whole = run(fam.bridge, clean, writes, [read])
    for batch_size in (1, 3, 7):
        parts = run(fam.bridge, clean, writes, [read], batch_size=batch_size)
        assert gap(whole.logits, parts.logits) < fam.tolerance
        assert gap(whole[read], parts[read]) < 4 * fam.tolerance


@pytest.mark.parametrize("name", ["resid_pre", "attn_out", "mlp_out", "z"])
def test_an_edit_acts_from_its_layer_and_position_on(fam, clean, name):
    reads = [*STREAM, Site("attn_out", 1)]
    plain = run(fam.bridge, clean, reads=reads)
    edited = run(fam.bridge, clean, [Intervention(Site(name, 1), "b", Constant(torch.tensor(3.0)))], reads)
    before = [STREAM[0]] + ([] if name == "resid_pre" else [STREAM[1]])
    for site in before:
        assert torch.equal(plain[site], edited[site])
    for site in STREAM[2:]:
        assert torch.equal(plain[site][:, :3], edited[site][:, :3])  # causal: positions before b are untouched
        assert gap(plain[site][:, 3:], edited[site][:, 3:]) > 0.05
    assert gap(plain.logits, edited.logits) > 0.05


@pytest.mark.parametrize("layer", range(N_LAYERS + 1))
def test_patching_the_whole_stream_is_the_other_run(fam, clean, other, layer):
    target = run(fam.bridge, other, reads=STREAM)
    write = Intervention(STREAM[layer], "all", from_run(target, STREAM[layer]))
    patched = run(fam.bridge, clean, [write], reads=STREAM)
    assert torch.equal(patched.logits, target.logits)
    assert torch.equal(patched[STREAM[-1]], target[STREAM[-1]])


def test_the_stream_before_the_last_token_matters_only_through_attention(fam, clean, other):
    """At the end of the last block only the last position is read."""
    target = run(fam.bridge, other, reads=STREAM)
    site = STREAM[-1]
    early = run(fam.bridge, clean, [Intervention(site, ("bos", "a", "op1", "b", "op2"), from_run(target, site))])
    last = run(fam.bridge, clean, [Intervention(site, "last", from_run(target, site))])
    assert torch.equal(early.logits, run(fam.bridge, clean).logits)
    assert torch.equal(last.logits, target.logits)


def test_resid_mid_carries_the_whole_stream(fam, clean, other):
    """A write at resid_mid reaches the skip connection, not the MLP alone."""
    if fam.name in PARALLEL:
        pytest.skip("parallel blocks have no resid_mid")
    site = Site("resid_mid", 1)
    target = run(fam.bridge, other, reads=[site])
    patched = run(fam.bridge, clean, [Intervention(site, "all", from_run(target, site))], [site])
    assert torch.equal(patched.logits, target.logits)
    assert torch.equal(patched[site], target[site])


def test_the_residual_stream_adds_up(fam, clean):
    for layer in range(N_LAYERS):
        names = ("resid_pre", "attn_out", "mlp_out", "resid_post")
        reads = run(fam.bridge, clean, reads=[Site(name, layer) for name in names])
        pre, attn, mlp, post = (reads[Site(name, layer)].double() for name in names)
        assert gap(pre + attn + mlp, post) < 4 * fam.tolerance
        if fam.name not in PARALLEL:
            mid = run(fam.bridge, clean, reads=[Site("resid_mid", layer)])[Site("resid_mid", layer)]
            assert gap(pre + attn, mid) < 4 * fam.tolerance


def test_resid_pre_at_n_layers_is_the_last_resid_post(fam, clean):
    last, end = Site("resid_post", N_LAYERS - 1), STREAM[-1]
    reads = run(fam.bridge, clean, reads=[last, end])
    assert torch.equal(reads[last], reads[end])
    assert reads[end].shape == (len(clean), 6, D_MODEL)


def test_a_mean_given_everything_is_the_identity(fam, clean):
    """One key a prompt: the conditional mean is the prompt's own activation."""
    own = {role: np.arange(len(clean)) for role in clean.roles}
    for site in (Site("resid_pre", 1), Site("z", 1), Site("mlp_post", 0)):
        means = conditional_means(fam.bridge, clean, [site], own, batch_size=7)[site]
        patched = run(fam.bridge, clean, [Intervention(site, "all", Lookup.from_moments(means, own))])
        assert torch.equal(patched.logits, run(fam.bridge, clean).logits)


def test_heads_written_one_by_one_are_all_heads(fam, clean, other):
    site = Site("z", 1)
    target = run(fam.bridge, other, reads=[site])
    each = [Site("z", 1, head) for head in range(target[site].shape[2])]
    singly = run(fam.bridge, other, reads=each)
    writes = [Intervention(head, "all", from_run(singly, head)) for head in each]
    whole = run(fam.bridge, clean, [Intervention(site, "all", from_run(target, site))])
    assert torch.equal(run(fam.bridge, clean, writes).logits, whole.logits)


def test_grouped_keys_and_values_have_their_own_head_count(fam, clean):
    reads = run(fam.bridge, clean, reads=[Site(name, 1) for name in ("q", "k", "v", "z", "pattern")])
    heads = {name: reads[Site(name, 1)].shape[2] for name in ("q", "k", "v", "z")}
    assert heads == {"q": 4, "k": fam.n_kv_heads, "v": fam.n_kv_heads, "z": 4}
    assert reads[Site("pattern", 1)].shape == (len(clean), 4, 6, 6)


def test_one_key_value_head_serves_its_group_of_query_heads(fam, clean):
    """Zero values in key/value head 0 zero the mix of the query heads that share it, and no other."""
    z = Site("z", 1)
    mixed = run(fam.bridge, clean, [Intervention(Site("v", 1, 0), "all", Zero())], [z])[z]
    group = 4 // fam.n_kv_heads
    assert not mixed[:, :, :group].any()
    assert bool((mixed[:, :, group:].abs().amax((0, 1, 3)) > 0).all())
