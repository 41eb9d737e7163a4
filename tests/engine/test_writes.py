"""The update itself, h + alpha 1[where] U U^T (s - h), checked entry by entry on what a run reads back."""

import dataclasses

import numpy as np
import pytest
import torch

from interp.engine import Basis, Constant, Intervention, Lookup, Noise, Rows, Site, Zero, from_run, run
from tests.engine.test_laws import gap
from tests.families import D_MODEL, PARALLEL, family

RESID = Site("resid_pre", 1)
PLACES = {  # site -> (index of what changes, shape of one written entry)
    Site("embed"): (np.s_[:, 3], (32,)),
    RESID: (np.s_[:, 3], (32,)),
    Site("resid_mid", 1): (np.s_[:, 3], (32,)),
    Site("resid_post", 2): (np.s_[:, 3], (32,)),
    Site("attn_out", 1): (np.s_[:, 3], (32,)),
    Site("mlp_out", 1): (np.s_[:, 3], (32,)),
    Site("mlp_post", 1): (np.s_[:, 3], (48,)),
    Site("mlp_post", 1, 5): (np.s_[:, 3, 5], ()),
    Site("z", 1): (np.s_[:, 3], (4, 8)),
    Site("z", 1, 2): (np.s_[:, 3, 2], (8,)),
    Site("q", 1, 1): (np.s_[:, 3, 1], (8,)),
    Site("k", 1, 1): (np.s_[:, 3, 1], (8,)),
    Site("v", 1, 0): (np.s_[:, 3, 0], (8,)),
    Site("pattern", 1): (np.s_[:, :, 3], (4, 6)),
    Site("pattern", 1, 2): (np.s_[:, 2, 3], (6,)),
}


def exists(fam, site):
    parallel = site.name == "resid_mid" and fam.name in PARALLEL
    return not parallel and (fam.name, site.name) != ("gptj", "pattern")


@pytest.mark.parametrize("site", PLACES, ids=str)
def test_a_write_changes_its_place_and_nothing_else_there(fam, clean, site):
    if not exists(fam, site):
        pytest.skip("no such site in this architecture")
    index, shape = PLACES[site]
    whole = Site(site.name, site.layer)
    value = torch.randn(len(clean), 1, *shape, generator=torch.Generator().manual_seed(0))
    plain = run(fam.bridge, clean, reads=[whole])
    edited = run(fam.bridge, clean, [Intervention(site, "b", Rows(value))], [whole, site])
    expected = plain[whole].clone()
    expected[index] = value[:, 0].to(expected).reshape(expected[index].shape)
    assert torch.equal(edited[whole], expected)
    assert gap(edited.logits, plain.logits) > 1e-4 or site == Site("resid_post", 2)
    if site.index is not None:
        assert torch.equal(edited[site], expected.select(1 if site.name == "pattern" else 2, site.index))


def test_values_follow_the_order_of_where(fam, clean, other):
    source = run(fam.bridge, other, reads=[RESID])[RESID]
    by_place = Rows(source[:, [3, 1]])
    by_role = from_run(run(fam.bridge, other, reads=[RESID]), RESID)
    for rows in (by_place, by_role):
        read = run(fam.bridge, clean, [Intervention(RESID, ("b", "a"), rows)], [RESID])[RESID]
        assert torch.equal(read[:, [1, 3]], source[:, [1, 3]])


@pytest.mark.parametrize("site", [Site("pattern", 1), Site("pattern", 1, 2)], ids=str)
def test_the_pattern_of_another_run_is_taken_by_query(fam, clean, other, site):
    if fam.name == "gptj":
        pytest.skip("GPT-J takes no write at its pattern")
    target = run(fam.bridge, other, reads=[site])
    read = run(fam.bridge, clean, [Intervention(site, ("eq", "b"), from_run(target, site))], [site])[site]
    expected = run(fam.bridge, clean, reads=[site])[site].clone()
    queries = np.s_[..., [5, 3], :]
    expected[queries] = target[site][queries]
    assert torch.equal(read, expected)


def test_edges_of_the_pattern_are_written_one_by_one(fam, clean):
    if fam.name == "gptj":
        pytest.skip("GPT-J takes no write at its pattern")
    site = Site("pattern", 1)
    plain = run(fam.bridge, clean, reads=[site])[site]
    value = Constant(torch.tensor([[0.25], [0.5]]))  # [edge, head]
    edited = run(fam.bridge, clean, [Intervention(site, (("eq", "a"), ("b", "bos")), value)], [site])[site]
    expected = plain.clone()
    expected[:, :, 5, 1], expected[:, :, 3, 0] = 0.25, 0.5
    assert torch.equal(edited, expected)


def test_a_select_lets_infinities_and_nan_through(fam, clean):
    for value in (torch.inf, -torch.inf, torch.nan):
        site = Site("mlp_out", 1)
        read = run(fam.bridge, clean, [Intervention(site, "eq", Constant(torch.tensor(value)))], [site])[site]
        assert torch.equal(read[:, 5], torch.full_like(read[:, 5], value)) or bool(read[:, 5].isnan().all())
        assert bool(torch.isfinite(read[:, :5]).all())


def test_writes_apply_in_list_order(fam, clean):
    one, two = Constant(torch.tensor(1.0)), Constant(torch.tensor(2.0))
    half = Intervention(RESID, "a", Zero(), alpha=0.5)
    for writes, expected in [
        ([Intervention(RESID, "a", one), Intervention(RESID, "a", two)], 2.0),
        ([Intervention(RESID, "a", two), Intervention(RESID, "a", one)], 1.0),
        ([Intervention(RESID, "a", two), half, half], 0.5),
        ([half, half, Intervention(RESID, "a", two)], 2.0),
    ]:
        read = run(fam.bridge, clean, writes, [RESID])[RESID]
        assert torch.equal(read[:, 1], torch.full_like(read[:, 1], expected))


def test_the_dose_interpolates_in_float32(fam, clean, other):
    source = from_run(run(fam.bridge, other, reads=[RESID]), RESID)
    h = run(fam.bridge, clean, reads=[RESID])[RESID].float()
    s = run(fam.bridge, other, reads=[RESID])[RESID].float()
    for alpha in (0.0, 0.25, 0.3, 2.0, -1.0):
        read = run(fam.bridge, clean, [Intervention(RESID, "all", source, alpha=alpha)], [RESID])[RESID]
        assert torch.equal(read, (h + alpha * (s - h)).to(fam.dtype))
    still = run(fam.bridge, clean, [Intervention(RESID, "all", source, alpha=0.0)]).logits
    assert torch.equal(still, run(fam.bridge, clean).logits)


def test_a_basis_restricts_the_write_to_its_subspace(fam, clean, other):
    basis = Basis(np.random.default_rng(0).normal(size=(D_MODEL, 5)))
    source = from_run(run(fam.bridge, other, reads=[RESID]), RESID)
    h = run(fam.bridge, clean, reads=[RESID])[RESID].double()
    s = run(fam.bridge, other, reads=[RESID])[RESID].double()
    read = run(fam.bridge, clean, [Intervention(RESID, "all", source, basis)], [RESID])[RESID].double()
    U = basis.U.double().to(h.device)
    assert gap(read @ U, s @ U) < 4 * fam.tolerance  # inside: the source
    assert gap(read - read @ U @ U.T, h - h @ U @ U.T) < 4 * fam.tolerance  # outside: as it was


def test_the_full_basis_is_the_plain_patch(fam, clean, other):
    target = run(fam.bridge, other, reads=[RESID])
    write = Intervention(RESID, "all", from_run(target, RESID), Basis(torch.eye(D_MODEL)))
    assert gap(run(fam.bridge, clean, [write]).logits, target.logits) < fam.tolerance


def test_complementary_subspaces_add_up_to_the_plain_patch(fam, clean, other):
    Q = np.linalg.qr(np.random.default_rng(0).normal(size=(D_MODEL, D_MODEL)))[0]
    target = run(fam.bridge, other, reads=[RESID])
    source = from_run(target, RESID)
    writes = [Intervention(RESID, "all", source, Basis(part)) for part in (Q[:, :9], Q[:, 9:])]
    assert gap(run(fam.bridge, clean, writes).logits, target.logits) < 2 * fam.tolerance


def test_resampling_is_a_permutation_of_the_rows(fam, clean, other):
    order = np.random.default_rng(0).permutation(len(clean))
    values = run(fam.bridge, other, reads=[RESID])
    write = Intervention(RESID, "all", from_run(values, RESID, order))
    permuted = run(fam.bridge, clean, [write], batch_size=3).logits
    assert gap(permuted, run(fam.bridge, other).logits[order]) < fam.tolerance


def test_noise_depends_on_seed_site_role_and_prompt_only(fam, clean):
    def noisy(seed, where, batch_size=512, site=RESID):
        write = Intervention(site, where, Noise(0.5, 2.0, seed))
        return run(fam.bridge, clean, [write], [site], batch_size=batch_size)[site]

    whole = noisy(0, ("a", "b"))
    assert torch.equal(whole, noisy(0, ("a", "b"), batch_size=2))
    assert torch.equal(whole[:, 3], noisy(0, "b")[:, 3])
    assert gap(whole[:, 1], noisy(1, "a")[:, 1]) > 1
    assert gap(whole[:, 1], whole[:, 3]) > 1
    later = Site("resid_pre", 2)
    assert gap(whole[:, 1], noisy(0, "a", site=later)[:, 1]) > 1
    drawn = whole[:, [1, 3]].double()
    assert abs(drawn.mean().item() - 0.5) < 0.4
    assert abs(drawn.std().item() - 2) < 0.3


def test_a_lookup_gives_each_prompt_the_entry_of_its_key(fam, clean):
    table = {"a": torch.arange(3.0)[:, None].expand(3, D_MODEL)}
    keys = {"a": np.arange(len(clean)) % 3}
    write = Intervention(RESID, "a", Lookup(table, keys))
    read = run(fam.bridge, clean, [write], [RESID], batch_size=2)[RESID]
    assert torch.equal(read[:, 1, 0].float().cpu(), torch.tensor([0.0, 1, 2, 0, 1, 2, 0]))


def test_arrays_that_may_not_be_written_are_taken(clean):
    """Arrays from a store are read-only; PyTorch warns of them where it does not copy."""
    tokens = clean.tokens.copy()
    tokens.flags.writeable = False
    frozen = dataclasses.replace(clean, tokens=tokens)
    vector = np.ones(D_MODEL)
    vector.flags.writeable = False
    writes = [Intervention(RESID, "a", Constant(vector), Basis(vector))]
    bridge = family("llama").bridge
    assert torch.equal(run(bridge, frozen, writes).logits, run(bridge, clean, writes).logits)


def test_reads_see_the_writes_of_their_site(clean):
    bridge = family("llama").bridge
    read = run(bridge, clean, [Intervention(RESID, "all", Zero())], [RESID])[RESID]
    assert not read.any()


def test_a_model_in_training_mode_is_evaluated_and_given_back(clean):
    from tests.families import fresh

    bridge, _ = fresh("gpt2")  # dropout 0.1
    bridge.train()
    assert torch.equal(run(bridge, clean).logits, run(family("gpt2").bridge, clean).logits)
    assert bridge.training
