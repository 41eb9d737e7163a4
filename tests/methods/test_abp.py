"""What follows waiting: masks listed by hand, planted circuits that tell the variants apart, laws on five families."""

from typing import Any

import numpy as np
import pytest
import torch

from interp.engine import Constant, Hidden, Site, Zero, run
from interp.errors import InterpError
from interp.methods.abp import PEEKS, abp, peek, window
from interp.methods.after_waiting import resting_roles, sources_of, subgraph
from interp.methods.means import reference_means
from interp.methods.waiting import References, wait
from tests.families import FAMILIES, N_LAYERS, family, random_prompts
from tests.methods.planted import Move, build_mover, copy_prompts, sum_prompts

PAIRS = np.stack(np.divmod(np.arange(100), 10))
TRAIN, TEST = (copy_prompts(*PAIRS[:, PAIRS.sum(0) % 2 == k], split=str(k)) for k in range(2))
FIVE = sum_prompts(np.arange(4), np.arange(4))  # bos a op1 b eq
BOS, A, B, EQ = range(4)
ALL = {"abp", "no_bos", "zero_attention", "mean_attention", "others_free", "frozen"}


def references(model: Any, reference=TRAIN) -> References:
    return References(model, reference, reference_means(model, reference, fewest=1))


# by hand


def hidden_of(edits) -> dict[int, set]:
    return {edit.site.layer: set(edit.where) for edit in edits if isinstance(edit.source, Hidden)}


def test_the_masks_of_five_tokens() -> None:
    """Window (1, 2) of four blocks: full peek in blocks 1 and 2, self peek in block 3, nothing in block 0."""
    others, last = {("op1", "a"), ("b", "a"), ("b", "op1")}, {("eq", "a"), ("eq", "op1"), ("eq", "b")}
    sink = {(role, "bos") for role in ("a", "op1", "b", "eq")}
    sites = [Site("attn_out", 3)]
    given: Any = {sites[0]: Zero(), Site("resid_pre", 1): Zero()}
    for variant in ("abp", "zero_attention", "mean_attention", "frozen"):
        edits = window(FIVE, 4, 1, 2, variant, given)
        assert hidden_of(edits) == {1: others, 2: others, 3: others | last}
    assert hidden_of(window(FIVE, 4, 1, 2, "no_bos")) == {
        1: others | sink, 2: others | sink, 3: others | last | sink,
    }  # fmt: skip
    assert hidden_of(window(FIVE, 4, 1, 2, "others_free")) == {3: last}


def test_the_writes_of_five_tokens() -> None:
    held, mean = Constant(torch.ones(3)), Constant(torch.zeros(3))
    given: Any = {Site("resid_pre", 1): held, **{Site("attn_out", layer): mean for layer in (2, 3)}}

    def writes(variant):
        edits = window(FIVE, 4, 1, 1, variant, given)
        return [(e.site, e.where, e.source) for e in edits if not isinstance(e.source, Hidden)]

    assert [(site, where, type(source)) for site, where, source in writes("zero_attention")] == [
        (Site("attn_out", 2), ("last",), Zero),
        (Site("attn_out", 3), ("last",), Zero),
    ]
    assert writes("mean_attention") == [(Site("attn_out", layer), ("last",), mean) for layer in (2, 3)]
    assert writes("frozen") == [(Site("resid_pre", layer), ("a", "op1", "b"), held) for layer in (2, 3)]
    for variant in ("abp", "no_bos", "others_free"):
        assert writes(variant) == []


def test_errors_say_what_to_do() -> None:
    model = build_mover([Move(EQ, {A: 1}), None])
    for at in ((0, 3), (-1, 1), (2, 1), (1, -1)):
        with pytest.raises(InterpError, match="outside a model of 2 blocks"):
            window(FIVE, 2, *at)
    with pytest.raises(InterpError, match="outside a model of 2 blocks"):
        abp(model, TEST, references(model), 3)
    with pytest.raises(InterpError, match=r"unknown peeking variant 'frozn'\. Did you mean frozen"):
        window(FIVE, 2, 0, 1, "frozn")
    with pytest.raises(InterpError, match=r"mean_attention writes at attn_out\.1 .* sources=sources_of"):
        window(FIVE, 2, 0, 1, "mean_attention")
    with pytest.raises(InterpError, match="give References"):
        sources_of(model, TEST, references(model).means, 0, 1, "mean_attention")
    with pytest.raises(InterpError, match="same task and style"):
        abp(model, FIVE, references(model), 0)
    assert set(PEEKS) == ALL
    assert resting_roles(FIVE) == ("a", "op1", "b")


# planted: which variants answer in which circuit (in the shortest window that the paper's peeking needs)

COPIER = [Move(EQ, {A: 1}), None, None]
CIRCUITS = {
    # eq reads a in block 0, and nothing happens after
    "read": (COPIER, 1, (0, 1), ALL),
    # block 2: eq attends to BOS, and only where it cannot, to itself, which takes the answer away
    "sink": ([Move(EQ, {A: 1}), None, Move(EQ, {BOS: 1, EQ: 0.5}, 1, 1, -2.0)], 1, (0, 1), ALL - {"no_bos"}),
    # block 2: eq carries what it read to another slot by attending to itself
    "carry": ([Move(EQ, {A: 1}), None, Move(EQ, {EQ: 1}, 1, 2)], 2, (0, 1), ALL - {"zero_attention", "mean_attention"}),
    # block 0: a carries its value to another slot; block 1: eq reads it there
    "prepare": ([Move(A, {A: 1}), Move(EQ, {A: 1}, 1, 2), None], 2, (0, 2), ALL - {"frozen"}),
    # block 0: b reads a; block 1: eq reads it from b
    "relay": ([Move(B, {A: 1}), Move(EQ, {B: 1}, 1, 2), None], 2, (0, 2), {"others_free"}),
}


@pytest.mark.parametrize("name", CIRCUITS)
def test_each_circuit_fails_exactly_the_variants_that_take_its_parts_away(name: str) -> None:
    moves, slot, (l_wait, l_transfer), expected = CIRCUITS[name]
    model = build_mover(moves, slot)
    result = abp(model, TEST, references(model), l_wait)
    assert int(result["n"]) == len(TEST), "the full model answers everything"
    kept = result["faithfulness"].sel(l_transfer=l_transfer)
    answering = {variant for variant in PEEKS if float(kept.sel(variant=variant)) == 1.0}
    assert answering == expected
    assert all(float(kept.sel(variant=variant)) < 0.3 for variant in ALL - expected)
    assert (result["faithfulness"].sel(l_transfer=0) < 0.3).all(), "without transfer the operand is unknown"


def test_a_transfer_must_be_as_long_as_planted() -> None:
    """Three waiting tokens, two reads: block 1 reads a, block 2 copies it on from there: window (1, 1) is enough."""
    model = build_mover([None, Move(EQ, {A: 1}), Move(EQ, {EQ: 1}, 1, 2)], 2)
    kept = abp(model, TEST, references(model), 1, variants=["abp"])["faithfulness"].sel(variant="abp").to_numpy()
    assert kept.shape == (3,)
    assert kept[0] < 0.3
    np.testing.assert_array_equal(kept[1:], 1.0)
    late = abp(model, TEST, references(model), 0, variants=["abp"])["faithfulness"].sel(variant="abp").to_numpy()
    assert (late[:2] < 0.3).all()
    np.testing.assert_array_equal(late[2:], 1.0)


def test_the_result_keeps_every_example_and_its_nulls() -> None:
    model = build_mover(COPIER)
    known = TRAIN[TRAIN.variables["b"] != 7]
    result = abp(model, TEST, references(model, known), 1)
    assert result["faithfulness"].dims == ("variant", "l_transfer")
    assert tuple(result["l_transfer"].values) == (0, 1, 2)
    np.testing.assert_allclose(result["correct"].mean("prompt"), result["faithfulness"])
    uncovered = int((TEST.variables["b"] == 7).sum())
    assert (int(result["n"]), int(result["n_uncovered"])) == (len(TEST) - uncovered, uncovered)
    assert (int(result["l_wait"]), int(result["n_reference"])) == (1, len(known))
    assert float(result["null_majority"]) == pytest.approx(
        np.bincount(TEST.answer_ids[TEST.variables["b"] != 7]).max() / 45
    )
    assert (result["faithfulness_low"] <= result["faithfulness"]).all()


def test_a_model_that_answers_nothing_gives_nan() -> None:
    wrong = type(TEST)(**{**TEST.__dict__, "answer_ids": (TEST.answer_ids + 1) % 10})
    model = build_mover(COPIER)
    result = abp(model, wrong, references(model), 0)
    assert int(result["n"]) == 0
    assert np.isnan(result["faithfulness"]).all()


# laws, on five architectures


@pytest.fixture(params=FAMILIES)
def bridge(request: pytest.FixtureRequest):
    return family(request.param).bridge


def test_attention_of_the_last_token_is_what_the_variant_says(bridge) -> None:
    """Also where attention and MLP run in parallel: the stream after a block is then input + MLP alone, and the last
    token's output moves."""
    batch, refs = random_prompts(12), references(bridge, random_prompts(40))
    layer = 2
    sites = [Site(name, layer) for name in ("resid_pre", "attn_out", "mlp_out", "resid_post")]
    plain = run(bridge, batch, subgraph(bridge, batch, refs, 1, 1), sites)
    zero = run(bridge, batch, subgraph(bridge, batch, refs, 1, 1, "zero_attention"), sites)
    pre, attn, mlp, post = (zero[site][:, -1] for site in sites)
    assert not attn.any()
    torch.testing.assert_close(post - pre, mlp, atol=1e-5, rtol=1e-5)
    assert (zero.logits - plain.logits).abs().max() > 1e-3
    for site in sites:
        assert torch.equal(zero[site][:, :-1], plain[site][:, :-1]), "the other tokens are as in abp"
    mean = run(bridge, batch, subgraph(bridge, batch, refs, 1, 1, "mean_attention"), sites)
    own = run(bridge, refs.task_prompts, subgraph(bridge, refs.task_prompts, refs, 1, 1), sites)
    expected = own[sites[1]][:, -1].mean(0)
    torch.testing.assert_close(mean[sites[1]][:, -1], expected.expand(12, -1), atol=1e-5, rtol=1e-5)


def test_the_mean_of_one_prompt_is_that_prompt(bridge) -> None:
    batch = random_prompts(1)
    same = batch[[0, 0, 0]]
    refs = references(bridge, same)
    for l_transfer in range(N_LAYERS):
        expected = run(bridge, batch, subgraph(bridge, batch, refs, 0, l_transfer)).logits
        mean = run(bridge, batch, subgraph(bridge, batch, refs, 0, l_transfer, "mean_attention")).logits
        torch.testing.assert_close(mean, expected, atol=1e-5, rtol=1e-5)


def test_frozen_tokens_lend_the_keys_and_values_of_where_they_waited(bridge) -> None:
    """K and V of block l_wait + 2 are those the block computes when its input is the residual of block l_wait."""
    batch, refs = random_prompts(8), references(bridge, random_prompts(40))
    waiting, pre = wait(refs.means, batch, 0), [Site("resid_pre", layer) for layer in range(3)]
    sites = [Site("k", 2), Site("v", 2)]
    frozen = run(bridge, batch, subgraph(bridge, batch, refs, 0, 2, "frozen"), pre + sites)
    at_wait = run(bridge, batch, waiting, reads=[pre[0]])[pre[0]]
    for site in pre[1:]:
        assert torch.equal(frozen[site][:, 1:-1], at_wait[:, 1:-1])
        assert not torch.equal(frozen[site][:, 0], at_wait[:, 0]), "BOS runs on"
        assert not torch.equal(frozen[site][:, -1], at_wait[:, -1]), "the last token computes"
    jumped = run(bridge, batch, [edit_of(at_wait, batch.roles)], sites)
    plain = run(bridge, batch, subgraph(bridge, batch, refs, 0, 2), sites)
    for site in sites:
        torch.testing.assert_close(frozen[site][:, 1:-1], jumped[site][:, 1:-1], atol=1e-5, rtol=1e-5)
        assert not torch.allclose(frozen[site][:, 1:-1], plain[site][:, 1:-1], atol=1e-3)


def test_frozen_tokens_hold_what_cama_wrote(bridge) -> None:
    """Not what the plain model has there."""
    batch, refs = random_prompts(8), references(bridge, random_prompts(40))
    at, later = Site("resid_pre", 1), Site("resid_pre", 2)
    written = run(bridge, batch, wait(refs.means, batch, 1), [at])[at][:, 1:-1]
    frozen = run(bridge, batch, subgraph(bridge, batch, refs, 1, 1, "frozen"), [later])[later][:, 1:-1]
    assert torch.equal(frozen, written)
    assert not torch.allclose(frozen, run(bridge, batch, reads=[at])[at][:, 1:-1], atol=1e-3)


def edit_of(values: torch.Tensor, roles: tuple[str, ...]):
    """The whole residual stream of block 2's input set to `values`."""
    from interp.engine import Intervention, Rows

    return Intervention(Site("resid_pre", 2), roles, Rows(values, roles))


def test_free_others_are_as_in_the_plain_model_after_waiting(bridge) -> None:
    batch, refs = random_prompts(8), references(bridge, random_prompts(40))
    site = Site("resid_post", N_LAYERS - 1)
    free = run(bridge, batch, subgraph(bridge, batch, refs, 1, 1, "others_free"), [site])
    waited = run(bridge, batch, wait(refs.means, batch, 1), [site])
    assert torch.equal(free[site][:, :-1], waited[site][:, :-1])
    assert (free.logits - waited.logits).abs().max() > 1e-3


def test_full_transfer_of_free_tokens_is_waiting_alone(bridge) -> None:
    """With every block after l_wait a full peek and nobody restricted, nothing but CAMA is left."""
    batch, refs = random_prompts(8), references(bridge, random_prompts(40))
    for l_wait in range(N_LAYERS):
        free = run(bridge, batch, subgraph(bridge, batch, refs, l_wait, N_LAYERS - l_wait, "others_free")).logits
        assert torch.equal(free, run(bridge, batch, wait(refs.means, batch, l_wait)).logits)


def test_abp_is_waiting_and_two_peeks(bridge) -> None:
    batch, refs = random_prompts(8), references(bridge, random_prompts(40))
    listed = wait(refs.means, batch, 1) + peek(batch, [1], "full") + peek(batch, [2], "self")
    assert torch.equal(
        run(bridge, batch, subgraph(bridge, batch, refs, 1, 1)).logits, run(bridge, batch, listed).logits
    )
