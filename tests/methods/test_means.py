"""Conditional means: by hand on a planted mover, and as laws on five architectures."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file, save_file

from interp.engine import Lookup, Moments, Site, run
from interp.errors import InterpError
from interp.methods.keyed_means import matching
from interp.methods.means import Means, key_roles, plain_mean, reference_means, relative_error
from interp.methods.waiting import wait
from interp.models import load
from interp.tasks import build, get_task, unfiltered
from tests.families import FAMILIES, N_LAYERS, family
from tests.methods.pairs import digit_pairs, joined, pair_prompts
from tests.methods.planted import N_TOKENS, Move, build_mover

B, EQ, A = 2, 3, 1
FILTERED, EVERY = digit_pairs("filtered"), digit_pairs("every")
ADDED = slice(N_TOKENS, N_TOKENS + 10)
"""Where the mover puts the digit that it moved."""


@pytest.fixture(scope="module")
def mixer():
    """In block 0 `b` reads `a`: its residual after it holds both digits, each one-hot in a slot of its own."""
    return build_mover([Move(query=B, keys={A: 1.0}), None])


@pytest.fixture(params=FAMILIES)
def bridge(request: pytest.FixtureRequest):
    return family(request.param).bridge


def same(found: Means, expected: Means, tolerance: float = 1e-6) -> None:
    """The same keys and counts, and the same moments up to rounding."""
    assert found.given == expected.given
    assert found.fixed == expected.fixed
    for role in expected.tokens:
        np.testing.assert_array_equal(found.tokens[role], expected.tokens[role])
        np.testing.assert_array_equal(found.counts[role], expected.counts[role])
        for layer in expected.moments:
            mine, theirs = found.moments[layer][role], expected.moments[layer][role]
            assert torch.equal(mine.count, theirs.count)
            torch.testing.assert_close(mine.mean, theirs.mean, atol=tolerance, rtol=tolerance)
            torch.testing.assert_close(mine.M2, theirs.M2, atol=10 * tolerance, rtol=10 * tolerance)


# by hand


def test_the_filter_leaks_the_other_operand_and_unfiltered_prompts_do_not(mixer) -> None:
    """a - b with a >= b: given b the digit a is uniform on b..9, so its mean is (9 + b) / 2; unfiltered it is 4.5."""
    filtered, every = (reference_means(mixer, p, fewest=1).moments[1]["b"].mean[:, ADDED] for p in (FILTERED, EVERY))
    digits = torch.arange(10)
    known = (digits[None] >= digits[:, None]) / (10 - digits[:, None])
    torch.testing.assert_close(filtered, known.double(), atol=1e-6, rtol=0)
    torch.testing.assert_close(filtered @ digits.double(), (9 + digits) / 2.0, check_dtype=False, atol=1e-5, rtol=0)
    torch.testing.assert_close(every, torch.full((10, 10), 0.1).double(), atol=1e-6, rtol=0)


def test_keys_counts_and_errors_of_the_mixer(mixer) -> None:
    means = reference_means(mixer, FILTERED, fewest=3)
    assert means.tokens["b"].tolist() == [[digit] for digit in range(10)]
    assert means.counts["b"].tolist() == list(range(10, 0, -1))
    assert means.keys(FILTERED[:3])["b"].tolist() == FILTERED.tokens[:3, B].tolist()
    assert means.covers(FILTERED).tolist() == (FILTERED.tokens[:, B] <= 7).tolist(), "8 and 9 have two and one"
    # of b = 8 the digit a is 8 or 9: variance 1/2 (n - 1 = 1) over 2 prompts, in two slots
    error = means.moments[1]["b"].standard_error[8, ADDED]
    torch.testing.assert_close(error[[7, 8, 9]], torch.tensor([0, 0.5, 0.5]).double(), atol=1e-6, rtol=0)
    assert means.moments[1]["b"].standard_error[9].isnan().all(), "one prompt has no spread"
    torch.testing.assert_close(plain_mean(means.moments[1]["b"])[ADDED], torch.arange(1.0, 11) / 55, atol=1e-6, rtol=0)


def test_only_the_whole_task_is_exact(mixer) -> None:
    """A share of it, or as many prompts with one twice, is a sample: its error is not 0."""
    whole, part = (reference_means(mixer, p, fewest=1) for p in (FILTERED, FILTERED[:54]))
    assert whole.exact
    assert relative_error(whole).tolist() == [0, 0, 0]
    assert whole.n == 55
    twice = reference_means(mixer, FILTERED[[0, *range(54)]], fewest=1)
    unknown = reference_means(mixer, replace(FILTERED, population=0), fewest=1)
    for sampled in (part, twice, unknown):
        assert not sampled.exact
        assert relative_error(sampled)[1] > 0
    halves = [reference_means(mixer, FILTERED[rows], fewest=1) for rows in (slice(20), slice(20, None))]
    assert [half.exact for half in halves] == [False, False]
    assert halves[0].merge(halves[1]).exact, "all shards together are the whole task again"


def test_a_place_behind_constant_tokens_keeps_its_clean_activation(mixer) -> None:
    means = reference_means(mixer, FILTERED, fewest=1)
    assert means.fixed == {"bos": 10, "eq": 11}
    assert means.clean_roles(FILTERED) == ("a",)
    filled = pair_prompts()
    named = replace(filled, roles=("bos", "a", "op1", "b", "op2", "eq"))
    other = replace(filled, roles=("bos", "b", "w1", "a", "w2", "eq"))
    model = family("native").bridge
    assert reference_means(model, named, [1], fewest=1).clean_roles(named) == ("a",)
    constant = filled[filled.tokens[:, 1] == 5]  # the first operand is constant here, so only b varies
    fitted = reference_means(model, constant, [1], fewest=1)
    assert fitted.clean_roles(constant) == ("a", "op1", "b")
    assert fitted.clean_roles(filled) == ("a",), "there it varies"
    assert fitted.clean_roles(pair_prompts(op1=33)) == ("a",)
    assert reference_means(model, pair_prompts(bos=2), [1], fewest=1).clean_roles(filled) == (), "another first token"
    with pytest.raises(InterpError, match="same task and style"):
        fitted.check(other)


def test_a_clean_place_needs_no_reference_with_its_token(mixer) -> None:
    known = FILTERED[FILTERED.tokens[:, A] != 9]
    means = reference_means(mixer, known, fewest=1)
    assert means.covers(FILTERED).tolist() == (FILTERED.tokens[:, B] != 9).tolist()
    assert set(means.keys(FILTERED)["a"][FILTERED.tokens[:, A] == 9]) == {-1}


def test_matching_finds_rows() -> None:
    known = np.array([[1, 5], [1, 7], [3, 5]])
    assert matching(known, np.array([[3, 5], [1, 6], [1, 5], [5, 1]])).tolist() == [2, -1, 0, -1]


def test_key_roles() -> None:
    prompts = pair_prompts(2)
    assert key_roles(prompts)["op2"] == ("op2",)
    assert key_roles(prompts, "context")["op2"] == ("op2", "bos", "op1")
    assert key_roles(prompts, "prefix")["b"] == ("b", "bos", "a", "op1")
    with pytest.raises(InterpError, match=r"unknown condition 'contxt'\. Did you mean context"):
        key_roles(prompts, "contxt")  # type: ignore[arg-type]


def test_means_of_other_layers_or_conditions_do_not_merge(mixer) -> None:
    means = reference_means(mixer, FILTERED, [0, 1])
    for other in (reference_means(mixer, FILTERED, [1]), reference_means(mixer, FILTERED, [0, 1], given="context")):
        with pytest.raises(InterpError, match="do not merge"):
            means.merge(other)
    with pytest.raises(InterpError, match="are no means"):
        Means.from_tensors({"weights": np.zeros(2)})


# laws, on five architectures


def test_merged_shards_are_one_pass(bridge) -> None:
    """In any order, and with keys that only some shards have."""
    prompts = pair_prompts()
    by_b = prompts[np.argsort(prompts.tokens[:, 3], kind="stable")]
    shards = [reference_means(bridge, by_b[rows], fewest=1) for rows in (slice(10), slice(10, 24), slice(24, None))]
    assert len({len(shard.tokens["b"]) for shard in shards}) > 1
    whole = reference_means(bridge, prompts, fewest=1)
    same(shards[0].merge(shards[1]).merge(shards[2]), whole)
    same(shards[2].merge(shards[0].merge(shards[1])), whole)
    assert shards[0].counts["b"].sum() == 10, "merging leaves the shards as they were"


def test_the_batch_size_is_irrelevant(bridge) -> None:
    prompts = pair_prompts()
    same(reference_means(bridge, prompts, batch_size=5), reference_means(bridge, prompts, batch_size=36), 2e-6)


def test_given_all_operands_the_mean_is_the_identity(bridge) -> None:
    """The key is the whole prefix: what CAMA writes is what stands there."""
    prompts = pair_prompts()
    means = reference_means(bridge, prompts, given="prefix", fewest=1)
    clean = run(bridge, prompts, reads=[Site("resid_pre", layer) for layer in means.moments])
    for layer in range(N_LAYERS + 1):
        edits = wait(means, prompts, layer)
        now = clean[Site("resid_pre", layer)]
        written = edits[0].source.at(np.arange(len(prompts)), edits[0].where, now[:, 2:], edits[0].site)
        torch.testing.assert_close(written, now[:, 2:], atol=1e-6, rtol=1e-5)
        torch.testing.assert_close(run(bridge, prompts, edits).logits, clean.logits, atol=1e-5, rtol=1e-5)
    token = run(bridge, prompts, wait(reference_means(bridge, prompts, fewest=1), prompts, 2)).logits
    assert (token - clean.logits).abs().max() > 1e-2, "its own token alone does not"


def test_the_context_tells_operators_apart(bridge) -> None:
    """Over prompts of two operators the context mean is that of each apart; the token mean mixes them."""
    plus, minus = pair_prompts(), pair_prompts(20, op1=29)
    both = joined(plus, minus)
    context, token = (reference_means(bridge, both, given=given, fewest=1) for given in ("context", "token"))
    merged = reference_means(bridge, plus, given="context", fewest=1)
    same(merged.merge(reference_means(bridge, minus, given="context", fewest=1)), context)
    assert context.clean_roles(both) == token.clean_roles(both) == ("a",)
    for prompts in (plus, minus):
        alone = reference_means(bridge, prompts, fewest=1)
        for layer in (1, N_LAYERS):
            mine, theirs, mixed = (
                Lookup.from_moments(means.moments[layer], means.keys(prompts)) for means in (context, alone, token)
            )
            for role in ("op1", "b", "op2", "eq"):
                written = [source.table[role][source.keys[role]] for source in (mine, theirs, mixed)]
                torch.testing.assert_close(written[0], written[1], atol=1e-6, rtol=1e-5)
                if role != "op1":
                    assert (written[2] - written[1]).abs().max() > 1e-3


def test_clean_places_are_untouched_to_the_last_bit_and_the_mean_there_is_the_same(bridge) -> None:
    prompts = pair_prompts(12)
    means = reference_means(bridge, pair_prompts(), fewest=1)
    for layer in (1, N_LAYERS):
        site = Site("resid_pre", layer)
        clean, held = (run(bridge, prompts, edits, [site])[site] for edits in ([], wait(means, prompts, layer)))
        assert torch.equal(held[:, :2], clean[:, :2])
        moments = means.moments[layer]["a"]
        torch.testing.assert_close(moments.mean.float()[means.keys(prompts)["a"]], clean[:, 1], atol=1e-5, rtol=1e-5)
        assert moments.M2.max() < 1e-9, "nothing varies given the token"


def test_tensors_round_trip(bridge, tmp_path) -> None:
    """Through a safetensors file: equal keys, means in float32; a second trip changes no bit."""
    prompts = pair_prompts()
    for given in ("token", "context"):
        means = reference_means(bridge, prompts, given=given, fewest=3)
        save_file(means.tensors(), tmp_path / "means.safetensors")
        kept = load_file(tmp_path / "means.safetensors")
        assert {kept[name].dtype for name in kept if name[:2] in ("me", "M2")} == {np.dtype("float32")}
        assert kept["mean.02.b"].shape == kept["M2.02.b"].shape == (6, bridge.cfg.d_model)
        again = Means.from_tensors(kept, fewest=3)
        same(again, means)
        assert (again.roles, again.exact, again.n, again.fewest) == (means.roles, True, 36, 3)
        assert list(again.tokens) == list(means.tokens)
        np.testing.assert_array_equal(again.covers(prompts), means.covers(prompts))
        for name, tensor in again.tensors().items():
            np.testing.assert_array_equal(tensor, kept[name])
        edits = [wait(m, prompts, 2)[0].source for m in (means, again)]
        assert edits[0] == edits[1], "what is written is the same to the last bit"


@pytest.mark.parametrize(("name", "style"), [("a-b", "python"), ("a+b-c", "word_problem"), ("a-b-c", "question")])
def test_any_wording_and_number_of_operands(checkpoint, name: str, style: str) -> None:
    """One pass gives every layer and position; at l_wait 0 the write changes nothing."""
    model = load(str(checkpoint))
    task, tokenizer = get_task(name).within(0, 3), model.arith.tokenizer
    prompts = build(task, tokenizer, style, "all")
    means = reference_means(model, prompts, fewest=1)
    assert means.exact
    assert set(means.tokens) == set(prompts.roles) - {"bos"}
    assert means.clean_roles(prompts) == prompts.roles[1 : prompts.position("a") + 1]
    plain = run(model, prompts).logits
    torch.testing.assert_close(run(model, prompts, wait(means, prompts, 0)).logits, plain, atol=1e-5, rtol=1e-5)
    assert (run(model, prompts, wait(means, prompts, 1)).logits - plain).abs().max() > 1e-2
    every = reference_means(model, unfiltered(task, tokenizer, style, "all"), fewest=1)
    assert every.exact
    assert every.n == 4 ** len(task.operands) > means.n
    every.check(prompts)


def test_the_unconditional_mean_is_the_mean_over_all_prompts(mixer) -> None:
    means = reference_means(mixer, FILTERED, fewest=1)
    clean = run(mixer, FILTERED, reads=[Site("resid_pre", 1)])[Site("resid_pre", 1)]
    assert isinstance(means.moments[1]["b"], Moments)
    torch.testing.assert_close(plain_mean(means.moments[1]["b"]), clean[:, B].mean(0), atol=1e-6, rtol=1e-6)
