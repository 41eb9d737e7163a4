"""The wait sweep: CAMA and its alternatives on planted readers, and as laws on five architectures."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from interp.engine import Site, run
from interp.errors import InterpError
from interp.methods.cama import cama, wait_sweep
from interp.methods.means import reference_means
from interp.methods.waiting import VARIANTS, WAITS, References, wait
from tests.families import FAMILIES, N_LAYERS, family
from tests.methods.pairs import pair_prompts
from tests.methods.planted import Move, build_mover, copy_prompts

PAIRS = np.stack(np.meshgrid(np.arange(10), np.arange(10), indexing="ij")).reshape(2, -1)
TRAIN, TEST = (copy_prompts(*PAIRS[:, PAIRS.sum(0) % 3 == k], split=str(k)) for k in (0, 2))
READ_AT = 1
KEEP = ("cama", "resample", "early", "isolated", "other_operator", "unfiltered")
"""Variants that keep a token's own identity."""


@pytest.fixture(scope="module")
def reader():
    """Three blocks; the last token reads `a` in block 1, and nothing else happens: it waits for one block."""
    return build_mover([None, Move(query=3, keys={1: 1.0}), None])


@pytest.fixture(scope="module")
def references(reader) -> References:
    means = reference_means(reader, TRAIN, fewest=1)
    return References(reader, TRAIN, means, means, means)


@pytest.fixture(params=FAMILIES)
def bridge(request: pytest.FixtureRequest):
    return family(request.param).bridge


def test_every_variant_on_the_reader(reader, references) -> None:
    """Until the read, whatever keeps the own token answers; after it nothing does. The nulls never do."""
    result = cama(reader, TEST, references)
    assert result["faithfulness"].dims == ("variant", "l_wait")
    assert tuple(result["variant"].values) == WAITS
    assert result["l_wait"].values.tolist() == [0, 1, 2, 3]
    shares = result["faithfulness"]
    np.testing.assert_array_equal(shares.sel(variant=list(KEEP), l_wait=[0, READ_AT]), 1.0)
    assert (shares.sel(l_wait=[2, 3]).to_numpy() < 0.35).all()
    assert (shares.sel(variant=["mean", "zero"]).to_numpy() < 0.3).all()
    assert (shares.sel(variant="noise").to_numpy() < 0.35).all()
    assert (result["faithfulness_low"] <= shares).all()
    assert (shares <= result["faithfulness_high"]).all()
    assert (int(result["n"]), int(result["n_uncovered"])) == (len(TEST), 0)
    assert float(result["reference_standard_error"][0]) == 0.0, "an embedding does not vary given its token"
    assert float(result["reference_standard_error"][3]) > 0.0
    assert float(result["null_majority"]) == pytest.approx(np.bincount(TEST.answer_ids).max() / len(TEST))


def test_what_the_means_come_from_is_said(reader, references) -> None:
    few = reference_means(reader, TRAIN[:20], fewest=1)
    result = cama(reader, TEST, replace(references, other=few, unfiltered=None), variants=("cama",))
    sizes = [int(result[name]) for name in ("n_reference", "n_reference_other", "n_reference_unfiltered", "exact")]
    assert sizes == [len(TRAIN), 20, 0, 0]
    whole = reference_means(reader, replace(TRAIN, population=len(TRAIN)), fewest=1)
    result = cama(reader, TEST, whole, variants=VARIANTS)
    assert int(result["exact"]) == 1
    np.testing.assert_array_equal(result["reference_standard_error"], 0.0)


def test_every_example_is_kept(reader, references) -> None:
    result = cama(reader, TEST, references, variants=("cama", "noise"))
    np.testing.assert_allclose(result["correct"].mean("prompt"), result["faithfulness"])
    assert tuple(result["prompt"].values) == TEST.texts


def test_the_sweep_is_one_run_a_cell(reader, references) -> None:
    right = wait_sweep(reader, references, TEST, WAITS)
    for v, variant in enumerate(WAITS):
        for layer in range(4):
            logits = run(reader, TEST, wait(references, TEST, layer, variant)).logits
            np.testing.assert_array_equal(right[v, layer], logits.argmax(-1).numpy() == TEST.answer_ids)
    assert wait_sweep(reader, references, TEST[:0], WAITS).shape == (len(WAITS), 4, 0)


def test_batches_are_small_where_asked_and_a_cancel_is_heard_while_reading(reader, references) -> None:
    sizes: list[int] = []
    with reader.hooks(fwd_hooks=[("hook_embed", lambda h, hook: sizes.append(len(h)))]):
        wait_sweep(reader, references, TEST, ("resample", "early", "noise"), batch_size=5)
    assert max(sizes) == 5

    class Cancelled(Exception):
        pass

    said: list[str] = []

    def cancel(done: int, total: int, message: str) -> None:
        said.append(message)
        if said.count("noise, reading what it writes") == 2:
            raise Cancelled

    with pytest.raises(Cancelled):
        wait_sweep(reader, references, TEST, ("noise",), progress=cancel)
    assert set(said) == {"noise, reading what it writes"}


def test_a_token_without_a_mean_is_counted_and_left_out(reader, references) -> None:
    """Also where only the unfiltered means lack it: all variants share their prompts."""
    known = reference_means(reader, TRAIN[TRAIN.variables["b"] != 7], fewest=1)
    left_out = int((TEST.variables["b"] == 7).sum())
    for partial in (known, replace(references, unfiltered=known)):
        result = cama(reader, TEST, partial, variants=VARIANTS)
        assert int(result["n_uncovered"]) == left_out > 0
        assert int(result["n"]) == len(TEST) - left_out


def test_a_mean_over_few_prompts_is_no_mean(reader) -> None:
    """Each digit stands in about three reference prompts: below `fewest` its prompts are left out and counted."""
    seen = np.bincount(TRAIN.variables["b"], minlength=10)
    means = reference_means(reader, TRAIN, fewest=int(seen.max()) + 1)
    result = cama(reader, TEST, means, variants=VARIANTS)
    assert (int(result["n"]), int(result["n_uncovered"])) == (0, len(TEST))
    assert np.isnan(result["faithfulness"]).all()


def test_a_model_that_answers_nothing_gives_nan(reader, references) -> None:
    wrong = replace(TEST, answer_ids=(TEST.answer_ids + 1) % 10)
    result = cama(reader, wrong, references)
    assert int(result["n"]) == 0
    assert np.isnan(result["faithfulness"]).all()
    assert np.isnan(result["null_majority"])


def test_errors_come_before_any_forward(reader, references) -> None:
    with pytest.raises(InterpError, match="same task and style"):
        cama(reader, pair_prompts(8), references)
    with pytest.raises(InterpError, match="no prompts to run"):
        cama(reader, TEST[:0], references)
    with reader.hooks(fwd_hooks=[("hook_embed", lambda h, hook: pytest.fail("a forward ran"))]):
        for variant, said in (("unfiltered", "needs a reference"), ("camma", "Did you mean cama")):
            with pytest.raises(InterpError, match=said):
                cama(reader, TEST, replace(references, unfiltered=None), variants=("cama", variant))


# laws, on five architectures


def test_cama_is_the_identity_where_nothing_else_is_seen(bridge) -> None:
    """At the embeddings everywhere; at every layer for the first token; the last token is one vector at each layer."""
    batch = pair_prompts(12)
    means = reference_means(bridge, pair_prompts(), fewest=1)
    sites = [Site("resid_pre", layer) for layer in range(N_LAYERS + 1)]
    clean = run(bridge, batch, reads=sites)
    for layer, site in enumerate(sites):
        held = run(bridge, batch, wait(means, batch, layer), [site])[site]
        torch.testing.assert_close(held[:, :2], clean[site][:, :2], atol=1e-5, rtol=1e-5)
        if layer == 0:
            torch.testing.assert_close(held, clean[site], atol=1e-6, rtol=1e-6)
        else:
            assert (held[:, 2:] - clean[site][:, 2:]).abs().amax((0, 2)).min() > 1e-3, "elsewhere it forgets"
        assert torch.equal(held[:, -1], held[:1, -1].expand_as(held[:, -1])), "the last token knows nothing"


def test_the_other_operands_do_not_reach_a_token_that_waited(bridge) -> None:
    """At l_wait L nothing is computed afterwards, so the answer is the same for all prompts."""
    batch = pair_prompts(12)
    means = reference_means(bridge, pair_prompts(), fewest=1)
    logits = run(bridge, batch, wait(means, batch, N_LAYERS)).logits
    torch.testing.assert_close(logits, logits[:1].expand_as(logits), atol=1e-5, rtol=0)
    assert (run(bridge, batch, wait(means, batch, 1)).logits - logits).abs().max() > 1e-2
