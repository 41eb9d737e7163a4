"""What a user can get wrong: one line that names it, before any forward, and nothing left behind."""

import numpy as np
import pytest
import torch

from interp.engine import (
    Basis,
    Constant,
    Hidden,
    Intervention,
    Lookup,
    Noise,
    Rows,
    Site,
    Zero,
    conditional_means,
    edits,
    from_run,
    run,
    to_hooks,
)
from interp.errors import InterpError
from tests.families import D_MODEL, PARALLEL, family, fresh, random_prompts

RESID = Site("resid_pre", 1)


def one_line(error):
    text = str(error.value)
    assert "\n" not in text
    assert len(text) < 400
    return text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("resid_prw", 0), "Unknown site 'resid_prw'. Did you mean resid_pre"),
        (("logits",), "Unknown site 'logits'"),
        (("embed", 0), "takes no layer"),
        (("z",), "needs a layer"),
        (("z", -1), "layer must be an integer from 0 up, got -1"),
        (("z", 1.5), "got 1.5"),
        (("z", True), "got True"),
        (("z", 0, -2), "index must be an integer"),
        (("resid_pre", 0, 3), "has no heads or neurons"),
    ],
)
def test_a_site_that_cannot_be(arguments, message):
    with pytest.raises(InterpError) as error:
        Site(*arguments)
    assert message in one_line(error)


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ((RESID, "a", Hidden()), "Hidden() belongs to attention edges"),
        ((Site("attn", 1), (("eq", "a"),), Zero()), "these take nothing else"),
        ((Site("attn", 1), ("eq", "a"), Hidden()), "name edges as (query role, key role)"),
        ((Site("attn", 1), (("eq", "a"),), Hidden(), None, 0.5), "all or nothing"),
        ((Site("attn", 1), (("eq", "a"),), Hidden(), Basis(torch.eye(2))), "all or nothing"),
        ((RESID, (("eq", "a"),), Zero()), "written at roles, not at (query, key) edges"),
        ((Site("pattern", 1), ("a", ("eq", "a")), Zero()), "not both"),
        ((RESID, (), Zero()), "names no role"),
        ((RESID, 3, Zero()), "`where` names roles"),
        ((RESID, (("a", "b", "c"),), Zero()), "`where` names roles"),
        ((RESID, "a", Zero(), torch.eye(3)), "wrap the matrix"),
        ((RESID, "a", Zero(), None, float("nan")), "must be finite"),
        ((RESID, "a", torch.zeros(3)), "a site and a source"),
        (("resid_pre", "a", Zero()), "a site and a source"),
        ((Site("mlp_post", 1, 3), ("a", "b"), Zero(), Basis(torch.eye(2))), "no subspace"),
        ((Site("pattern", 1), (("eq", "a"),), Zero(), Basis(torch.eye(4))), "no subspace"),
    ],
)
def test_an_intervention_that_cannot_be(parts, message):
    with pytest.raises(InterpError) as error:
        Intervention(*parts)
    assert message in one_line(error)


BAD_RUNS = [
    (
        [Intervention(Site("resid_pre", 4), "a", Zero())],
        "layer 4 is out of range; this model has 3 layers, so use 0..3",
    ),
    ([Intervention(Site("resid_post", 3), "a", Zero())], "use 0..2"),
    ([Intervention(Site("z", 1, 4), "a", Zero())], "head 4 is out of range; use 0..3"),
    ([Intervention(Site("k", 1, 2), "a", Zero())], "key/value head 2 is out of range; use 0..1"),
    ([Intervention(Site("mlp_post", 1, 48), "a", Zero())], "neuron 48 is out of range; use 0..47"),
    ([Intervention(Site("attn", 3), (("eq", "a"),), Hidden())], "layer 3 is out of range"),
    ([Intervention(Site("attn", 1, 4), (("eq", "a"),), Hidden())], "head 4 is out of range"),
    ([Intervention(RESID, "c", Zero())], "unknown role 'c'"),
    ([Intervention(Site("attn", 1), (("eq", "c"),), Hidden())], "unknown role 'c'"),
    ([Intervention(RESID, ("eq", "last"), Zero())], "names one place twice"),
    ([Intervention(RESID, ("all", "a"), Zero())], "already names every role"),
    ([Intervention(RESID, "a", Rows(torch.zeros(6, 1, D_MODEL)))], "Rows has 6 rows but 7 prompts are run"),
    ([Intervention(RESID, "a", Rows(torch.zeros(7, 2, D_MODEL)))], "2 entries on its role axis but `where` names 1"),
    ([Intervention(RESID, "a", Rows(torch.zeros(7, 1, D_MODEL), roles=("b",)))], "Rows has no role 'a'"),
    ([Intervention(RESID, "a", Lookup({}, {}))], "Lookup has no table for role 'a'"),
    ([Intervention(RESID, "a", Lookup({"a": torch.zeros(2, 1)}, {}))], "Lookup has no keys for role 'a'"),
    (
        [Intervention(RESID, "a", Lookup({"a": torch.zeros(2, D_MODEL)}, {"a": np.array([0, 1, 7, 7, 0, 1, -1])}))],
        "No group mean for key -1, 7 at role 'a' (3 of 7 prompts)",
    ),
    (
        [
            Intervention(
                RESID,
                "a",
                Lookup({"a": torch.zeros(2, D_MODEL)}, {"a": np.array([0, 1, 0, 0, 0, 0, 0])}, {"a": np.array([4, 0])}),
            )
        ],
        "No group mean for key 1 at role 'a' (1 of 7 prompts)",
    ),
    (
        [Intervention(RESID, "a", Lookup({"a": torch.zeros(2, D_MODEL)}, {"a": np.zeros(6, int)}))],
        "keys (6,) for role 'a' but 7 prompts are run",
    ),
]


@pytest.mark.parametrize(("writes", "message"), BAD_RUNS, ids=[message for _, message in BAD_RUNS])
def test_a_run_that_cannot_be_fails_before_any_forward(clean, writes, message):
    bridge = family("llama").bridge
    ran = []
    with bridge.hooks(fwd_hooks=[("hook_embed", lambda h, hook: ran.append(1))]):
        for start in (run, to_hooks):
            with pytest.raises(InterpError) as error:
                start(bridge, clean, writes)
            assert message in one_line(error)
        with pytest.raises(InterpError), edits(bridge, clean, writes):
            pass
    assert ran == []


@pytest.mark.parametrize(
    ("source", "basis", "message"),
    [
        (Constant(torch.zeros(3)), None, "The constant has shape (3,), which does not fit resid_pre.1"),
        (Constant(torch.zeros(7, 1, D_MODEL)), None, "does not fit"),
        (Noise(std=torch.ones(3)), None, "The spread of the noise has shape (3,)"),
        (Rows(torch.zeros(7, 1, 3)), None, "Rows holds activations of shape (3,) but resid_pre.1 has (32,)"),
        (Lookup({"a": torch.zeros(2, 3)}, {"a": np.zeros(7, int)}), None, "entries of shape (3,) for role 'a'"),
        (Zero(), Basis(torch.eye(3)), "acts on width 3 but the activation is (7, 1, 32)"),
    ],
)
def test_values_that_do_not_fit_the_site(clean, source, basis, message):
    with pytest.raises(InterpError) as error:
        run(family("llama").bridge, clean, [Intervention(RESID, "a", source, basis)])
    assert message in one_line(error)


def test_reads_that_cannot_be(fam, clean):
    with pytest.raises(InterpError, match="for hiding edges"):
        run(fam.bridge, clean, reads=[Site("attn", 1)])
    result = run(fam.bridge, clean, reads=[RESID])
    with pytest.raises(InterpError, match=r"resid_pre\.2 was not read .* Did you mean resid_pre\.1"):
        result[Site("resid_pre", 2)]
    with pytest.raises(InterpError, match="was not read"):
        from_run(result, Site("z", 1))
    with pytest.raises(InterpError, match=r"Nothing to run: 0 prompts"):
        run(fam.bridge, clean[:0])
    with pytest.raises(InterpError, match="batches of 0"):
        run(fam.bridge, clean, batch_size=0)


def test_a_read_that_does_not_happen_is_an_error(clean):
    """TransformerLens returns an empty cache without a word; here it is an error."""
    bridge, _ = fresh("llama")
    point = bridge.blocks[1].mlp.out.hook_in
    bridge.blocks[1].mlp.out.hook_in = torch.nn.Identity()
    bridge._hook_registry["blocks.1.mlp.out.hook_in"] = point
    with pytest.raises(InterpError, match=r"never showed mlp_post\.1"):
        run(bridge, clean, reads=[Site("mlp_post", 1)])


def test_parallel_blocks_have_no_resid_mid(fam, clean):
    site = Site("resid_mid", 1)
    if fam.name not in PARALLEL:
        assert run(fam.bridge, clean, reads=[site])[site].shape == (7, 6, D_MODEL)
        return
    for start in (lambda: run(fam.bridge, clean, reads=[site]), lambda: site.hook_name(fam.bridge)):
        with pytest.raises(InterpError, match=r"resid_mid\.1 does not exist in GPT\S+ because .* parallel"):
            start()


def test_a_dropped_write_is_an_error(fam, clean):
    """GPT-J shows its pattern after using it: TransformerLens drops the write with a warning."""
    write = Intervention(Site("pattern", 1), "eq", Zero())
    if fam.name != "gptj":
        assert not run(fam.bridge, clean, [write], [Site("z", 1)])[Site("z", 1)][:, 5].any()
        return
    for _ in range(2):  # the verdict is remembered, not the failure forgotten
        with pytest.raises(InterpError, match="dropped by GPTJForCausalLM"):
            run(fam.bridge, clean, [write])


def test_writes_into_dead_weights_are_no_dropped_writes(clean):
    """A planted model may ignore a head or the whole MLP: that is no fault of the write."""
    bridge, _ = fresh("llama")
    for block in bridge.blocks:
        block.attn.o.weight.zero_()
        block.mlp.out.weight.zero_()
    for name in ("z", "q", "k", "v", "pattern", "mlp_post", "attn_out", "mlp_out", "resid_mid"):
        run(bridge, clean, [Intervention(Site(name, 1), "a", Zero())])


def test_a_write_that_misses_the_skip_connection_is_an_error(clean):
    """A model whose MLP norm gets a copy of the stream: a write at resid_mid would reach the MLP alone."""
    bridge, _ = fresh("llama")
    for block in bridge.blocks:
        block.ln2.register_forward_pre_hook(lambda module, args: (args[0].clone(), *args[1:]))
    with pytest.raises(InterpError, match=r"resid_mid\.1 is dropped"):
        run(bridge, clean, [Intervention(Site("resid_mid", 1), "a", Zero())])


def test_keys_that_do_not_match_the_prompts(clean):
    bridge = family("llama").bridge
    for keys in (np.zeros(6, int), np.zeros(7), np.full(7, -1)):
        with pytest.raises(InterpError, match="one for each prompt"):
            conditional_means(bridge, clean, [RESID], {"a": keys})
    with pytest.raises(InterpError, match="unknown role"):
        conditional_means(bridge, clean, [RESID], {"c": np.zeros(7, int)})
    with pytest.raises(InterpError, match=r"Keys must lie in 0\.\.1"):
        conditional_means(bridge, clean, [RESID], {"a": np.full(7, 2)}, n_keys={"a": 2})


def test_rows_that_cannot_be():
    with pytest.raises(InterpError, match=r"Rows are \[prompt, role"):
        Rows(torch.zeros(3))
    with pytest.raises(InterpError, match=r"stay within 0\.\.2"):
        Rows(torch.zeros(3, 1), order=np.array([0, 3]))
    with pytest.raises(InterpError, match="one row number for each prompt"):
        Rows(torch.zeros(3, 1), order=np.array([0.5]))
    with pytest.raises(InterpError, match="pick from the 7 prompts"):
        to_hooks(family("llama").bridge, random_prompts(), [], rows=[9])
