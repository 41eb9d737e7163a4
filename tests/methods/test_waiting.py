"""What a waiting token may hold: CAMA's alternatives by hand on a planted mover, and as laws on five families."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from interp.engine import Site, digest, run
from interp.errors import InterpError
from interp.methods import draws, waiting
from interp.methods.draws import draw_same_key, noisy
from interp.methods.means import reference_means
from interp.methods.waiting import WAITS, References, wait, waits
from tests.families import FAMILIES, N_LAYERS, family
from tests.methods.pairs import digit_pairs, pair_prompts
from tests.methods.planted import N_TOKENS, Move, build_mover

A, B = 1, 2
FILTERED, EVERY = digit_pairs("filtered"), digit_pairs("every")
ADDED = slice(N_TOKENS, N_TOKENS + 10)


@pytest.fixture(scope="module")
def mixer():
    """In block 0 `b` reads `a`: its residual after it holds both digits, each one-hot in a slot of its own."""
    return build_mover([Move(query=B, keys={A: 1.0}), None])


@pytest.fixture(params=FAMILIES)
def bridge(request: pytest.FixtureRequest):
    return family(request.param).bridge


def references(model, prompts=None, seed: int = 0, **more) -> References:
    prompts = pair_prompts() if prompts is None else prompts
    return References(model, prompts, reference_means(model, prompts, fewest=1), **more, seed=seed)


def held(model, held_by, prompts, layer: int, variant: str) -> torch.Tensor:
    """The residual [prompt, pos, d_model] at the input of block `layer` under the variant."""
    site = Site("resid_pre", layer)
    return run(model, prompts, wait(held_by, prompts, layer, variant), [site])[site]


# by hand


def test_every_alternative_on_the_mixer(mixer) -> None:
    """What stands in the slot of `b` for the digit a of 3 - 2, over all pairs with a >= b."""
    batch = FILTERED[(FILTERED.tokens[:, A] == 3) & (FILTERED.tokens[:, B] == 2)]
    unfiltered, other = (reference_means(mixer, p, fewest=1) for p in (EVERY, FILTERED[FILTERED.tokens[:, B] == 2]))
    everything = references(mixer, FILTERED, other=other, unfiltered=unfiltered)
    found = {variant: held(mixer, everything, batch, 1, variant)[0] for variant in WAITS}
    digits = torch.arange(10)
    given_2 = (digits >= 2) / 8
    expected = {"cama": given_2, "unfiltered": torch.full((10,), 0.1), "other_operator": given_2}
    expected |= {"mean": (digits + 1) / 55, "zero": torch.zeros(10), "early": torch.zeros(10)}
    for variant, slot in expected.items():
        torch.testing.assert_close(found[variant][B, ADDED], slot, atol=1e-6, rtol=0)
    drawn = found["resample"][B, ADDED]
    assert sorted(drawn.tolist()) == [0] * 9 + [1], "a digit, not a mean"
    assert int(drawn.argmax()) >= 2
    for variant in set(WAITS) - {"mean", "zero", "noise"}:
        assert found[variant][B, 2] == 1, f"{variant} keeps the token itself"
    # b looks evenly at itself and BOS, which is no digit: half of its own
    torch.testing.assert_close(found["isolated"][B, ADDED], torch.eye(10)[2] / 2, atol=1e-6, rtol=0)


def test_another_operators_means_fall_back_on_the_plain_mean(mixer) -> None:
    """A digit that does not stand there, or in too few prompts, takes the mean over all of them."""
    some = FILTERED[np.isin(FILTERED.tokens[:, B], (0, 8))]  # ten prompts with b = 0, two with b = 8
    other = reference_means(mixer, some, fewest=3)
    batch = FILTERED[FILTERED.tokens[:, A] == 9]
    found = held(mixer, references(mixer, FILTERED, other=other), batch, 1, "other_operator")[:, B]
    plain = torch.zeros(10)
    plain[[0, 8]] = torch.tensor([10 / 12, 2 / 12])
    for row, b in zip(found, batch.tokens[:, B], strict=True):
        torch.testing.assert_close(row[:10], torch.eye(10)[0] if b == 0 else plain, atol=1e-6, rtol=0)


def test_noise_has_the_mean_and_the_covariance_of_the_reference(mixer) -> None:
    """At `b` the 20 one-hot entries of (b, a); 3,000 draws give every covariance within 5 standard errors."""
    batch = FILTERED[np.zeros(3000, dtype=int)]
    found = held(mixer, references(mixer, FILTERED), batch, 1, "noise")[:, B].double()
    clean = run(mixer, FILTERED, reads=[Site("resid_pre", 1)])[Site("resid_pre", 1)][:, B].double()
    covariance, variance = torch.cov(clean.T), clean.var(0)
    error = ((variance[:, None] * variance + covariance**2) / len(found)).sqrt()
    assert ((torch.cov(found.T) - covariance).abs() <= 5 * error + 1e-6).all()
    assert ((found.mean(0) - clean.mean(0)).abs() <= 5 * (variance / len(found)).sqrt() + 1e-6).all()
    together = (covariance.abs() > 6 * error)[:10, ADDED]
    assert together.any(), "a and b do vary together, so independent noise would be seen"


def test_a_draw_is_even_and_has_the_key() -> None:
    """4,000 draws of key 1 among four places: each 1000 +- 5 standard deviations."""
    keys = np.array([1, 0, 1, 1, 2, 1])
    drawn = draw_same_key(keys, np.ones(4000, dtype=int), "b", 0)
    counts = np.bincount(drawn, minlength=6)
    assert counts[[1, 4]].tolist() == [0, 0]
    assert (np.abs(counts[[0, 2, 3, 5]] - 1000) < 5 * np.sqrt(4000 * 0.25 * 0.75)).all()
    assert (draw_same_key(keys, np.ones(9, dtype=int), "a", 0) != drawn[:9]).any(), "each role has its own draw"
    assert (draw_same_key(keys, np.ones(9, dtype=int), "b", 1) != drawn[:9]).any(), "each seed too"
    for missing in (3, -1):
        with pytest.raises(InterpError, match="1 of 1 prompts have a token at 'b' that no reference prompt has"):
            draw_same_key(keys, np.array([missing]), "b", 0)


def test_the_references_say_what_they_serve(mixer) -> None:
    means = reference_means(mixer, FILTERED, [0, 1], fewest=1)
    assert References(None, None, means).variants == ("cama", "mean", "zero", "isolated")
    full = References(mixer, FILTERED, means)
    assert References(None, FILTERED, means).variants == References(None, None, means).variants
    assert full.variants == ("cama", "mean", "zero", "resample", "early", "isolated", "noise")
    assert References(mixer, FILTERED, means, means, means).variants == WAITS
    with pytest.raises(
        InterpError, match="the variant unfiltered needs a reference that is not given; these serve cama"
    ):
        wait(full, FILTERED, 1, "unfiltered")
    with pytest.raises(InterpError, match="the variant early needs a reference"):
        wait(means, FILTERED, 1, "early")
    with pytest.raises(InterpError, match=r"unknown CAMA variant 'camma'\. Did you mean cama"):
        wait(full, FILTERED, 1, "camma")
    with pytest.raises(InterpError, match="no means at l_wait 2; they were taken at 0, 1"):
        wait(full, FILTERED, 2)
    with pytest.raises(InterpError, match="two reference prompts at least; got 1"):
        noisy(mixer, FILTERED[:1], means, FILTERED, [1])
    few = replace(full, unfiltered=reference_means(mixer, EVERY[EVERY.tokens[:, B] != 4], fewest=1))
    assert few.covers(FILTERED).tolist() == (FILTERED.tokens[:, B] != 4).tolist()
    with pytest.raises(InterpError, match="same task and style"):
        replace(full, other=means).check(pair_prompts(2))


# laws, on five architectures


def test_isolated_tokens_know_themselves_alone_and_early_is_the_embedding(bridge) -> None:
    """Prompts that share a token hold the same at its place, whatever the others are."""
    batch, everything = pair_prompts(), references(bridge)
    embeddings = run(bridge, batch, reads=[Site("resid_pre", 0)])[Site("resid_pre", 0)]
    for layer in (1, N_LAYERS):
        alone = held(bridge, everything, batch, layer, "isolated")
        for place in range(1, 6):
            for token in np.unique(batch.tokens[:, place]):
                rows = alone[torch.as_tensor(batch.tokens[:, place] == token), place]
                torch.testing.assert_close(rows, rows[:1].expand_as(rows), atol=1e-5, rtol=1e-5)
        early = held(bridge, everything, batch, layer, "early")
        assert torch.equal(early[:, 1:], embeddings[:, 1:])
        if layer == 1:
            assert (alone[:, 1:] - early[:, 1:]).abs().max() > 1e-2, "isolated tokens work, early ones do not"
    assert wait(everything, batch, 0, "isolated") == []


def test_resample_writes_what_stands_in_a_reference_prompt_with_the_same_token(bridge) -> None:
    """Places behind constant tokens keep their own; the same prompt is drawn at every layer."""
    batch, everything = pair_prompts(12), references(bridge)
    sites = [Site("resid_pre", layer) for layer in range(N_LAYERS + 1)]
    clean = run(bridge, pair_prompts(), reads=sites)
    mine = run(bridge, batch, reads=sites)
    drawn: dict[int, list] = {}
    for layer, edits in enumerate(waits(everything, batch, range(N_LAYERS + 1), "resample")):
        assert edits[0].where == batch.roles[2:]
        found = run(bridge, batch, edits, [sites[layer]])[sites[layer]]
        assert torch.equal(found[:, :2], mine[sites[layer]][:, :2])
        apart = (found[:, None, 2:] - clean[sites[layer]][None, :, 2:]).abs().amax(-1)  # [prompt, reference, place]
        assert apart.amin(1).max() < 2e-5, "every write is some reference prompt's own"
        drawn[layer] = apart.argmin(1).tolist()
        assert (pair_prompts().tokens[drawn[layer], np.arange(2, 6)] == batch.tokens[:, 2:]).all()
    assert drawn[1] == drawn[2] == drawn[3]
    assert len({row[-1] for row in drawn[1]}) > 3, "the last token takes any prompt"


def test_noise_is_a_mix_of_the_whole_reference(bridge) -> None:
    """Against the mix written out as one matrix product; neither batches nor other prompts change a draw."""
    batch, everything = pair_prompts(7), references(bridge, seed=3)
    found = held(bridge, everything, batch, 2, "noise")[:, 1:]
    clean = run(bridge, pair_prompts(), reads=[Site("resid_pre", 2)])[Site("resid_pre", 2)][:, 1:].double()
    weights = torch.from_numpy(draws.normals(np.arange(36), (7, 5), "mix 3")).double()
    centred = clean - clean.mean(0)
    expected = clean.mean(0) + torch.einsum("jpr,jrd->prd", weights, centred) / 35**0.5
    torch.testing.assert_close(found.double(), expected, atol=1e-5, rtol=1e-4)
    small = held(bridge, replace(everything, batch_size=5), batch, 2, "noise")[:, 1:]
    torch.testing.assert_close(small, found, atol=1e-5, rtol=1e-4)
    fewer = held(bridge, everything, batch[:3], 2, "noise")[:, 1:]
    torch.testing.assert_close(fewer, found[:3], atol=1e-5, rtol=1e-4)
    assert (held(bridge, replace(everything, seed=4), batch, 2, "noise")[:, 1:] - found).abs().max() > 0.1


def test_other_operators_means_are_those_of_the_other_prompts(bridge) -> None:
    """Where the token occurs there it takes its own mean; the operator, which does not, becomes the other one."""
    batch, there = pair_prompts(12), pair_prompts(op1=29)
    other = reference_means(bridge, there, fewest=1)
    found = held(bridge, references(bridge, other=other), batch, 2, "other_operator")
    expected = held(bridge, other, there[:12], 2, "cama")
    torch.testing.assert_close(found[:, 2:], expected[:, 2:], atol=1e-5, rtol=1e-5)
    own = held(bridge, references(bridge), batch, 2, "cama")
    assert (found[:, 2:] - own[:, 2:]).abs().amin(0).amax(-1).min() > 1e-3, "at every place another mean"


def test_at_the_embeddings_what_keeps_its_token_changes_nothing(bridge) -> None:
    batch = pair_prompts(9)
    everything = references(bridge, unfiltered=reference_means(bridge, pair_prompts(), fewest=1))
    clean = run(bridge, batch).logits
    for variant in ("cama", "unfiltered", "resample", "early", "isolated"):
        found = run(bridge, batch, wait(everything, batch, 0, variant)).logits
        torch.testing.assert_close(found, clean, atol=1e-5, rtol=1e-5)
    for variant in ("mean", "noise", "zero"):
        assert (run(bridge, batch, wait(everything, batch, 0, variant)).logits - clean).abs().max() > 1e-2


@pytest.mark.parametrize("variant", WAITS)
def test_many_layers_at_once_are_one_layer_at_a_time(mixer, monkeypatch, variant: str) -> None:
    """`waits` shares passes over the reference, as many layers at once as fit; the writes are the same."""
    means = reference_means(mixer, EVERY, fewest=1)
    everything, batch = references(mixer, FILTERED, other=means, unfiltered=means), FILTERED[:9]
    together = [digest(edits) for edits in waits(everything, batch, range(3), variant)]
    assert together == [digest(wait(everything, batch, layer, variant)) for layer in range(3)]
    monkeypatch.setattr(waiting, "HELD", 1)
    assert together == [digest(edits) for edits in waits(everything, batch, range(3), variant)]
    if variant != "isolated":
        roles = ("a", "b", "eq") if variant in ("mean", "zero", "early", "noise") else ("b", "eq")
        assert wait(everything, batch, 1, variant)[0].where == roles


def test_draws_read_only_the_layers_they_need(mixer) -> None:
    """One pass for all layers that fit; for one layer the forward stops before its block."""
    seen: list[int] = []
    hooks = [(f"blocks.{i}.hook_resid_pre", lambda h, hook: seen.append(int(hook.name.split(".")[1]))) for i in (0, 1)]
    everything = references(mixer, FILTERED)
    for variant in ("resample", "noise"):
        with mixer.hooks(fwd_hooks=hooks):
            list(waits(everything, FILTERED[:4], range(3), variant))
        assert seen == [0, 1]
        seen.clear()
        with mixer.hooks(fwd_hooks=hooks):
            wait(everything, FILTERED[:4], 1, variant)
        assert seen in ([0], [0, 1])
        seen.clear()
