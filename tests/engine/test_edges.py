"""A hidden attention edge reads exactly 0, moves the output, and equals the plain model under a 4-D mask."""

import numpy as np
import pytest
import torch

from interp.engine import Hidden, Intervention, Site, Zero, edits, run, to_hooks
from interp.engine.edges import combined, masked
from interp.errors import InterpError
from tests.engine.test_laws import gap, tokens_of
from tests.families import N_HEADS, N_LAYERS, family, fresh

EDGES = (("eq", "a"), ("eq", "op1"), ("b", "a"))
PLACES = [(5, 1), (5, 2), (3, 1)]


def hide(layer, edges=EDGES, head=None):
    return Intervention(Site("attn", layer, head), edges, Hidden())


def mask_of(heads, dtype, device):
    """Return the additive mask [1, head, query, key]: causal, and PLACES hidden in `heads`."""
    blocked = torch.ones(6, 6).triu(1).bool().repeat(N_HEADS, 1, 1)
    for query, key in PLACES:
        blocked[heads, query, key] = True
    return torch.zeros(1, N_HEADS, 6, 6, dtype=dtype).masked_fill(blocked, torch.finfo(dtype).min).to(device)


@pytest.mark.parametrize("head", [None, 0, 3])
@pytest.mark.parametrize("layer", range(N_LAYERS))
def test_a_hidden_edge_reads_zero_and_moves_the_output(fam, clean, layer, head):
    pattern = Site("pattern", layer)
    plain = run(fam.bridge, clean, reads=[pattern])
    cut = run(fam.bridge, clean, [hide(layer, head=head)], [pattern])
    heads = range(N_HEADS) if head is None else [head]
    for query, key in PLACES:
        assert bool((plain[pattern][:, :, query, key] > 0).all())
        assert not cut[pattern][:, heads, query, key].any()
    assert gap(cut[pattern].double().sum(-1), torch.ones(1, device=fam.device)) < 2e-2
    untouched = [h for h in range(N_HEADS) if h not in heads]
    assert torch.equal(cut[pattern][:, untouched], plain[pattern][:, untouched])
    assert torch.equal(cut[pattern][:, :, :3], plain[pattern][:, :, :3])
    assert gap(cut.logits, plain.logits) > 1e-3


@pytest.mark.parametrize("heads", [list(range(N_HEADS)), [1], [0, 2]])
def test_hidden_edges_equal_the_plain_model_under_a_mask(fam, clean, heads):
    """An independent forward: Hugging Face's own 4-D attention mask, the same in all layers."""
    if fam.plain is None:
        pytest.skip("native models have no plain twin")
    cut = [hide(layer, head=head) for layer in range(N_LAYERS) for head in heads]
    with torch.no_grad():
        mask = mask_of(heads, fam.dtype, fam.device)
        twin = fam.plain(tokens_of(fam, clean), attention_mask=mask).logits[:, -1]
    assert gap(run(fam.bridge, clean, cut).logits, twin) < fam.tolerance


@pytest.mark.parametrize("head", [None, 1])
def test_hidden_edges_of_one_layer_equal_the_plain_model_with_that_layer_masked(fam, clean, head):
    if fam.plain is None:
        pytest.skip("native models have no plain twin")
    heads = list(range(N_HEADS)) if head is None else [head]
    kind = {"llama": ".1.self_attn", "neox": ".1.attention"}.get(fam.name, ".1.attn")
    attention = next(module for name, module in fam.plain.named_modules() if name.endswith(kind))
    mask = mask_of(heads, fam.dtype, fam.device)
    handle = attention.register_forward_pre_hook(
        lambda module, args, kwargs: (args, {**kwargs, "attention_mask": mask}), with_kwargs=True
    )
    with torch.no_grad():
        twin = fam.plain(tokens_of(fam, clean)).logits[:, -1]
    handle.remove()
    assert gap(run(fam.bridge, clean, [hide(1, head=head)]).logits, twin) < fam.tolerance


def test_native_edges_equal_a_softmax_by_hand(clean, setting):
    """score = q k / sqrt(d_head), -inf where hidden; z = softmax(score) v."""
    fam = family("native", *setting)
    sites = {name: Site(name, 1) for name in ("q", "k", "v", "z")}
    cut = run(fam.bridge, clean, [hide(1, head=2)], list(sites.values()))
    q, k, v, z = (cut[site].double()[:, :, 2] for site in sites.values())
    scores = (q @ k.mT / 8**0.5).masked_fill(torch.ones(6, 6, device=q.device).triu(1).bool(), -torch.inf)
    for query, key in PLACES:
        scores[:, query, key] = -torch.inf
    assert gap(scores.softmax(-1) @ v, z) < fam.tolerance


def test_hiding_no_edge_changes_nothing(fam, clean):
    plain = run(fam.bridge, clean).logits
    assert torch.equal(run(fam.bridge, clean, [hide(1, edges=())]).logits, plain)
    later = (("a", "eq"),)  # a key after its query is out of sight anyway
    assert torch.equal(run(fam.bridge, clean, [hide(1, edges=later)]).logits, plain)


def test_a_list_of_edges_is_a_union(fam, clean):
    singly = [hide(1, edges=(edge,), head=head) for edge in EDGES for head in range(N_HEADS)]
    assert torch.equal(run(fam.bridge, clean, singly).logits, run(fam.bridge, clean, [hide(1)]).logits)


def test_cutting_the_last_query_from_all_but_itself_leaves_its_own_value(fam, clean):
    """One key left: the pattern is 1 there, and the head's mix is that token's value."""
    edges = tuple(("eq", role) for role in clean.roles[:-1])
    z, v, pattern = Site("z", 1), Site("v", 1), Site("pattern", 1)
    cut = run(fam.bridge, clean, [hide(1, edges=edges)], [z, v, pattern])
    assert bool((cut[pattern][:, :, 5, 5] == 1).all())
    own = cut[v][:, 5].repeat_interleave(N_HEADS // fam.n_kv_heads, dim=1)
    assert gap(cut[z][:, 5], own) < fam.tolerance


def test_edges_do_not_disturb_writes_at_the_pattern(fam, clean):
    if fam.name == "gptj":
        pytest.skip("GPT-J takes no write at its pattern")
    even = Intervention(Site("pattern", 1, 0), "eq", Zero())
    z = Site("z", 1)
    mixed = run(fam.bridge, clean, [even, hide(1)], [z])[z]
    assert not mixed[:, 5, 0].any()
    assert torch.equal(mixed[:, 5, 1:], run(fam.bridge, clean, [hide(1)], [z])[z][:, 5, 1:])


def test_hooks_and_run_hide_the_same_edges(fam, clean):
    cut = [hide(0), hide(1, head=1), Intervention(Site("mlp_out", 1), "eq", Zero())]
    if fam.name == "gptj":
        with pytest.raises(InterpError, match=r"edits\(model"):
            to_hooks(fam.bridge, clean, cut)
        return
    with torch.no_grad():
        hooked = fam.bridge.run_with_hooks(tokens_of(fam, clean), fwd_hooks=to_hooks(fam.bridge, clean, cut))
    assert gap(hooked[:, -1], run(fam.bridge, clean, cut).logits) < fam.tolerance


def test_edits_hide_edges_in_any_forward(fam, clean):
    with torch.no_grad(), edits(fam.bridge, clean, [hide(1)]) as model:
        inside = model(tokens_of(fam, clean))[:, -1]
        cached = model.run_with_cache(tokens_of(fam, clean), names_filter="blocks.1.attn.hook_pattern")[1]
    assert torch.equal(inside.float(), run(fam.bridge, clean, [hide(1)]).logits)
    assert not cached["blocks.1.attn.hook_pattern"][:, :, 5, 1].any()


@pytest.mark.parametrize("mask", [None, torch.ones(7, 6, dtype=torch.long)])
def test_edges_combine_with_the_mask_of_the_caller(fam, clean, mask):
    """No mask, a mask of ones, and a mask that hides position 1 from everyone."""
    mask = None if mask is None else mask.to(fam.device)
    with torch.no_grad(), edits(fam.bridge, clean, [hide(1)]) as model:
        inside = model(tokens_of(fam, clean), attention_mask=mask)[:, -1]
    assert torch.equal(inside.float(), run(fam.bridge, clean, [hide(1)]).logits)


def test_a_padding_mask_still_holds_under_hidden_edges(fam, clean):
    mask = torch.ones(7, 6, dtype=torch.long, device=fam.device)
    mask[:, 4] = 0
    positions = torch.arange(6, device=fam.device)[None].expand(7, -1)
    with torch.no_grad(), edits(fam.bridge, clean, [hide(1)]) as model:
        _, cache = model.run_with_cache(tokens_of(fam, clean), attention_mask=mask, position_ids=positions)
    pattern = cache["blocks.1.attn.hook_pattern"]
    assert not pattern[:, :, 5, [1, 2, 4]].any()
    assert bool((pattern[:, :, 5, [0, 3, 5]] > 0).all())


def test_compatibility_mode_hides_edges_too(clean):
    bridge, _ = fresh("llama")
    plain = run(bridge, clean, [hide(1, head=1)]).logits
    bridge.enable_compatibility_mode(disable_warnings=True)
    pattern = Site("pattern", 1)
    cut = run(bridge, clean, [hide(1, head=1)], [pattern])
    assert not cut[pattern][:, 1, 5, [1, 2]].any()
    assert gap(cut.logits.log_softmax(-1), plain.log_softmax(-1)) < 1e-4


def test_a_query_keeps_at_least_one_key(fam, clean):
    everything = tuple(("b", role) for role in clean.roles)
    with pytest.raises(InterpError, match=r"Layer 1, head 0.*'b'"):
        run(fam.bridge, clean, [hide(1, edges=everything)])
    rest = [hide(1, edges=everything[1:]), hide(1, edges=everything[:1], head=2)]
    with pytest.raises(InterpError, match="Layer 1, head 2"):
        run(fam.bridge, clean, rest)


def test_a_model_that_drops_the_mask_is_caught(fam, clean):
    """Its attention is called with a causal mask whatever was asked for: the hidden edge carries attention."""
    causal = torch.zeros(1, 1, 6, 6, dtype=fam.dtype).masked_fill(torch.ones(6, 6).triu(1).bool(), -torch.inf)
    hidden = np.zeros((N_HEADS, 6, 6), dtype=bool)
    hidden[:, 5, 1] = True

    def forget(module, args, kwargs):
        return args, {**kwargs, "attention_mask": causal.to(fam.device)}

    def forward_with_forgetful_attention():
        with masked(fam.bridge, {1: hidden}):
            handle = fam.bridge.blocks[1].attn.register_forward_pre_hook(forget, with_kwargs=True)
            try:
                fam.bridge(tokens_of(fam, clean))
            finally:
                handle.remove()

    with pytest.raises(InterpError, match="still carries attention"), torch.no_grad():
        forward_with_forgetful_attention()
    assert torch.equal(run(fam.bridge, clean).logits, run(fam.bridge, clean, [hide(1, edges=())]).logits)


def test_a_model_that_shows_no_pattern_is_an_error(clean):
    bridge, _ = fresh("llama")

    def forward_without_a_pattern():
        with edits(bridge, clean, [hide(1)]) as model:
            model.blocks[1].attn.hook_pattern = torch.nn.Identity()
            model(torch.as_tensor(clean.tokens))

    with pytest.raises(InterpError, match="shows no attention pattern"), torch.no_grad():
        forward_without_a_pattern()


def test_an_attention_without_a_mask_is_an_error(clean):
    bridge, _ = fresh("native")
    attention = bridge.blocks[1].attn

    def forward_without_a_mask():
        with edits(bridge, clean, [hide(1)]):
            attention(torch.zeros(7, 6, 32))

    with pytest.raises(InterpError, match="its attention takes no mask"), torch.no_grad():
        forward_without_a_mask()


def test_what_a_combined_mask_lets_through():
    """Whatever mask the call brings (none, padding, additive, boolean), the hidden edge is taken out of it."""
    hide = torch.zeros(1, 2, 3, 3, dtype=torch.bool)
    hide[0, 1, 2, 0] = True
    causal = torch.ones(3, 3, dtype=torch.bool).tril()
    whole, padding = torch.ones(3, 3, dtype=torch.bool), torch.tensor([[1, 0, 1]])
    additive = torch.zeros(1, 1, 3, 3).masked_fill(~causal, torch.finfo(torch.float32).min)
    for mask, is_causal, visible in [
        (None, True, causal),
        (None, False, whole),
        (padding, True, causal & padding.bool()),
        (padding, False, whole & padding.bool()),
        (additive, True, causal),
        (causal[None, None], True, causal),
    ]:
        out = combined(mask, hide, torch.bfloat16, is_causal)
        seen = out if out.dtype == torch.bool else out > torch.finfo(torch.float32).min
        assert torch.equal(seen, visible & ~hide)
        assert out.dtype == (torch.bfloat16 if mask is None or mask.ndim == 2 else mask.dtype)
