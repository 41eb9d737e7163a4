"""Blocks run one by one are the model, and packed copies of the last token are experiments run one by one."""

import numpy as np
import pytest
import torch

from interp.engine import Blocks, Hidden, Intervention, Site, run
from interp.errors import InterpError
from tests.families import D_MLP, D_MODEL, N_HEADS, N_LAYERS, VOCAB, family, fresh, random_prompts, tokenizer

CAUSAL = np.tril(np.ones((6, 6), dtype=bool))
FAMILIES = ("llama", "gpt2", "neox", "gptj")  # those that come from transformers


def gap(x, y):
    return (x.double() - y.double()).abs().max().item()


def plain(blocks: Blocks, tokens, visible=CAUSAL):
    resid = blocks.embed(tokens)
    for layer in range(N_LAYERS):
        resid = blocks.through(layer, resid, range(6), visible)
    return resid


def test_blocks_one_by_one_are_the_model(fam, clean):
    blocks = Blocks.of(fam.bridge, clean)
    assert len(blocks) == N_LAYERS
    reads = [Site("resid_pre", layer) for layer in range(N_LAYERS + 1)]
    truth = run(fam.bridge, clean, reads=reads)
    resid = blocks.embed(clean.tokens)
    for layer in range(N_LAYERS):
        assert gap(resid, truth[reads[layer]]) < fam.tolerance
        resid = blocks.through(layer, resid, range(6), CAUSAL)
    assert gap(resid, truth[reads[-1]]) < fam.tolerance
    logits = blocks.logits(resid[:, -1])
    assert logits.dtype == torch.float32
    assert gap(logits, truth.logits) < fam.tolerance


def test_it_leaves_nothing_on_the_model(fam, clean):
    before = run(fam.bridge, clean).logits
    plain(Blocks.of(fam.bridge, clean), clean.tokens)
    assert torch.equal(run(fam.bridge, clean).logits, before)
    assert all(not block._forward_pre_hooks for block in fam.bridge.blocks)


def test_visibility_of_heads_is_a_list_of_hidden_edges(fam, clean):
    visible = np.repeat(CAUSAL[None], N_HEADS, axis=0)
    visible[2, 5, 1:5] = False
    visible[0, 3, 1] = False
    edges = [
        (2, (("eq", "a"), ("eq", "op1"), ("eq", "b"), ("eq", "op2"))),
        (0, (("b", "a"),)),
    ]
    edits = [Intervention(Site("attn", la, head), where, Hidden()) for la in range(N_LAYERS) for head, where in edges]
    resid = plain(Blocks.of(fam.bridge, clean), clean.tokens, visible)
    ours = Blocks.of(fam.bridge, clean).logits(resid[:, -1])
    assert gap(ours, run(fam.bridge, clean, edits).logits) < fam.tolerance
    assert gap(ours, run(fam.bridge, clean).logits) > 0.05


def test_visibility_may_differ_between_prompts(fam, clean):
    """The even prompts lose an edge, the odd ones do not."""
    visible = np.repeat(CAUSAL[None, None], len(clean), axis=0)
    visible[::2, :, 5, 1] = False
    blocks = Blocks.of(fam.bridge, clean)
    ours = blocks.logits(plain(blocks, clean.tokens, visible)[:, -1])
    whole = run(fam.bridge, clean).logits
    cut = run(fam.bridge, clean, [Intervention(Site("attn", la), (("eq", "a"),), Hidden()) for la in range(N_LAYERS)])
    assert gap(ours[1::2], whole[1::2]) < fam.tolerance
    assert gap(ours[::2], cut.logits[::2]) < fam.tolerance


@pytest.mark.parametrize("layer", range(N_LAYERS))
def test_packed_copies_are_separate_runs(fam, clean, layer):
    """From block `layer` on, copy k of the last token cannot read role k; each copy is a run of its own."""
    hidden = ("bos", "a", "b")
    blocks = Blocks.of(fam.bridge, clean)
    resid, places, visible = blocks.embed(clean.tokens), list(range(6)), CAUSAL
    for before in range(layer):
        resid = blocks.through(before, resid, places, visible)
    resid = torch.cat([resid, *(resid[:, -1:] for _ in hidden)], dim=1)
    visible = np.zeros((9, 9), dtype=bool)
    visible[:6, :6] = CAUSAL
    for k, role in enumerate(hidden):
        visible[6 + k, :5] = True
        visible[6 + k, [clean.position(role), 6 + k]] = False, True
    for after in range(layer, N_LAYERS):
        resid = blocks.through(after, resid, [*places, 5, 5, 5], visible)
    assert gap(blocks.logits(resid[:, 5]), run(fam.bridge, clean).logits) < fam.tolerance
    for k, role in enumerate(hidden):
        edits = [Intervention(Site("attn", la), (("eq", role),), Hidden()) for la in range(layer, N_LAYERS)]
        assert gap(blocks.logits(resid[:, 6 + k]), run(fam.bridge, clean, edits).logits) < fam.tolerance


def test_a_row_keeps_its_place_when_rows_are_left_out(fam, clean):
    """BOS and the last token alone, at places 0 and 5: the run whose last token reads nothing else."""
    blocks = Blocks.of(fam.bridge, clean)
    resid = blocks.embed(clean.tokens)[:, [0, 5]]
    for layer in range(N_LAYERS):
        resid = blocks.through(layer, resid, [0, 5], np.tril(np.ones((2, 2))))
    edges = tuple(("eq", role) for role in clean.roles[1:5])
    edits = [Intervention(Site("attn", layer), edges, Hidden()) for layer in range(N_LAYERS)]
    assert gap(blocks.logits(resid[:, -1]), run(fam.bridge, clean, edits).logits) < fam.tolerance


def test_nothing_sees_what_comes_after_it(fam, clean):
    """Asking for it changes nothing: visibility narrows the model's own mask."""
    blocks = Blocks.of(fam.bridge, clean)
    everything = plain(blocks, clean.tokens, np.ones((6, 6), dtype=bool))
    assert torch.equal(everything, plain(blocks, clean.tokens))


def test_a_row_never_sees_a_later_row(fam, clean):
    """Two copies of the last token stand at one place; the first must not see the second, even when asked to."""
    blocks = Blocks.of(fam.bridge, clean)
    resid = blocks.embed(clean.tokens)
    resid = torch.cat([resid, resid[:, -1:] + 1], dim=1)
    asked = [blocks.through(0, resid, [*range(6), 5], visible) for visible in (np.ones((7, 7)), np.tri(7))]
    assert torch.equal(*asked)


def test_a_native_model_with_rotary_positions():
    """Its position ids come one row a prompt, for any number of prompts."""
    from transformer_lens.config import TransformerBridgeConfig
    from transformer_lens.model_bridge import TransformerBridge

    config = TransformerBridgeConfig(
        n_layers=N_LAYERS, d_model=D_MODEL, n_ctx=16, d_head=8, n_heads=N_HEADS, d_mlp=D_MLP, d_vocab=VOCAB,
        act_fn="relu", normalization_type="LN", positional_embedding_type="rotary", seed=0,
    )  # fmt: skip
    bridge, batch = TransformerBridge.boot_native(config).eval().requires_grad_(False), random_prompts()
    blocks = Blocks.of(bridge, batch)
    assert gap(blocks.logits(plain(blocks, batch.tokens)[:, -1]), run(bridge, batch).logits) < 1e-5


def test_there_may_be_more_rows_than_the_context_of_a_native_model():
    """Its causal mask has the size of the context, 16: eleven copies behind six tokens do not fit into it."""
    bridge, batch = family("native").bridge, random_prompts()
    blocks = Blocks.of(bridge, batch)
    resid = blocks.embed(batch.tokens)
    resid = torch.cat([resid, *[resid[:, -1:]] * 11], dim=1)
    visible = np.eye(17, dtype=bool)
    visible[:6, :6], visible[6:, :5] = CAUSAL, True
    for layer in range(N_LAYERS):
        resid = blocks.through(layer, resid, [*range(6), *[5] * 11], visible)
    for row in (5, 6, 16):
        assert gap(blocks.logits(resid[:, row]), run(bridge, batch).logits) < 1e-5
    assert all(block.attn.original_component.causal for block in bridge.blocks)


@pytest.mark.parametrize("name", FAMILIES)
def test_fused_attention_gives_the_same(name):
    """The model's own mask may then be bool, or not there at all."""
    bridge, _ = fresh(name)
    bridge.original_model.set_attn_implementation("sdpa")
    batch, eager = random_prompts(), family(name).bridge
    fused, slow = Blocks.of(bridge, batch), Blocks.of(eager, batch)
    visible = CAUSAL & (np.arange(6) != 1)
    visible[1, 0] = True
    torch.testing.assert_close(plain(fused, batch.tokens, visible), plain(slow, batch.tokens, visible))


@pytest.mark.parametrize("attention", ["eager", "sdpa"])
def test_a_window_of_the_model_itself_still_holds(attention):
    """A Mistral whose tokens see three tokens back: packed copies do not see further."""
    from transformers import AutoModelForCausalLM, MistralConfig

    bridge = bridge_of(AutoModelForCausalLM, MistralConfig, sliding_window=3, num_key_value_heads=2)
    bridge.original_model.set_attn_implementation(attention)
    batch = random_prompts()
    blocks = Blocks.of(bridge, batch)
    resid = plain(blocks, batch.tokens, np.ones((6, 6), dtype=bool))
    assert gap(blocks.logits(resid[:, -1]), run(bridge, batch).logits) < 1e-5


def bridge_of(auto, config, **more):
    import tempfile

    from transformer_lens.model_bridge import TransformerBridge

    size = {"vocab_size": VOCAB, "hidden_size": D_MODEL, "intermediate_size": D_MLP, "num_hidden_layers": N_LAYERS}
    model = auto.from_config(config(**size, num_attention_heads=N_HEADS, bos_token_id=1, eos_token_id=2, **more))
    with tempfile.TemporaryDirectory() as directory:
        model.save_pretrained(directory)
        tokenizer().save_pretrained(directory)
        return TransformerBridge.boot_transformers(directory).eval().requires_grad_(False)


def test_dropout_is_off():
    bridge, _ = fresh("gpt2")
    bridge.train()
    batch = random_prompts()
    resid = plain(Blocks.of(bridge, batch), batch.tokens)
    assert bridge.training
    assert torch.equal(resid, plain(Blocks.of(family("gpt2").bridge, batch), batch.tokens))


def test_a_model_that_does_more_than_its_blocks_is_refused():
    """Logits scaled after the unembedding: the blocks one by one do not give them."""
    bridge, _ = fresh("llama")
    bridge.original_model.register_forward_hook(lambda module, args, out: out.__setitem__("logits", 1.5 * out.logits))
    with pytest.raises(InterpError, match="cannot be run block by block"):
        Blocks.of(bridge, random_prompts())


def test_a_model_that_ignores_its_mask_is_refused():
    bridge, _ = fresh("llama")

    def drop(module, args, kwargs):
        n = kwargs["hidden_states"].shape[1]
        causal = torch.full((n, n), -torch.inf).triu(1)[None, None]
        return args, {**kwargs, "attention_mask": causal}

    bridge.blocks[1].attn.register_forward_pre_hook(drop, with_kwargs=True)
    with pytest.raises(InterpError, match="cannot be run block by block"):
        Blocks.of(bridge, random_prompts())


@pytest.mark.parametrize("bias", ["mask", "tensor"])
def test_an_argument_that_no_one_can_make_for_other_rows_is_refused(bias):
    bridge, _ = fresh("llama")

    def add(module, args, kwargs):
        extra = {"attention_mask": kwargs["attention_mask"] - 0.5} if bias == "mask" else {"alibi": torch.ones(6)}
        return args, {**kwargs, **extra}

    bridge.blocks[0].register_forward_pre_hook(add, with_kwargs=True)
    with pytest.raises(InterpError, match=f"{'attention_mask' if bias == 'mask' else 'alibi'}.*other rows"):
        Blocks.of(bridge, random_prompts())


def test_errors_say_what_fits():
    batch = random_prompts()
    blocks = Blocks.of(family("llama").bridge, batch)
    resid = blocks.embed(batch.tokens)
    for layer in (-1, N_LAYERS):
        with pytest.raises(InterpError, match="outside this model of 3 blocks"):
            blocks.through(layer, resid, range(6), CAUSAL)
    for places, visible in ((range(5), CAUSAL), (range(1, 7), CAUSAL), (range(6), CAUSAL[:5, :5])):
        with pytest.raises(InterpError, match=r"one place in 0\.\.5 for each"):
            blocks.through(0, resid, places, visible)
    with pytest.raises(InterpError, match="no key at all"):
        blocks.through(0, resid, range(6), np.triu(CAUSAL, 1))
    with pytest.raises(InterpError, match="no prompts"):
        Blocks.of(family("llama").bridge, batch[:0])
