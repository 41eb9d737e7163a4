"""Streamed moments equal numpy's to 1e-12, in any order of batches and shards."""

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from interp.engine import Intervention, Moments, Site, Zero, conditional_means, run
from interp.errors import InterpError
from tests.families import family, random_prompts

N_KEYS = 5


def sample(n=200, seed=0, offset=0.0):
    rng = np.random.default_rng(seed)
    return offset + rng.normal(size=(n, 2, 3)), rng.integers(0, N_KEYS - 1, n)  # the last key never occurs


def close(x, y):
    x, y = np.asarray(x), np.asarray(y)
    assert np.array_equal(np.isnan(x), np.isnan(y))
    assert np.nanmax(np.abs(x - y), initial=0) <= 1e-12 * max(1, np.nanmax(np.abs(y), initial=0))


def agrees_with_numpy(moments, values, keys):
    for key in range(N_KEYS):
        rows = values[keys == key]
        assert moments.count[key] == len(rows)
        if len(rows):
            close(moments.mean[key], rows.mean(0))
            close(moments.M2[key], ((rows - rows.mean(0)) ** 2).sum(0))
        else:
            assert bool(moments.mean[key].isnan().all())
        if len(rows) > 1:
            close(moments.standard_error[key], rows.std(0, ddof=1) / np.sqrt(len(rows)))
        else:
            assert bool(moments.standard_error[key].isnan().all())


def update(moments, values, keys, size):
    for start in range(0, len(values), size):
        moments.update(torch.from_numpy(values[start : start + size]), keys[start : start + size])
    return moments


@pytest.mark.parametrize("size", [1, 7, 64, 1000])
def test_moments_equal_numpy(size):
    values, keys = sample()
    agrees_with_numpy(update(Moments(N_KEYS, (2, 3)), values, keys, size), values, keys)


def test_a_large_offset_does_not_cancel():
    values, keys = sample(offset=1e6)
    moments = update(Moments(N_KEYS, (2, 3)), values, keys, 16)
    rows = values[keys == 0]
    close(moments.mean[0], rows.mean(0))
    assert np.allclose(moments.M2[0], ((rows - rows.mean(0)) ** 2).sum(0), rtol=1e-8)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(0, 200), max_size=5), st.randoms(use_true_random=False), st.integers(1, 50))
def test_shards_merge_in_any_order(cuts, random, size):
    values, keys = sample()
    edges = sorted({0, *cuts, 200})
    shards = [update(Moments(N_KEYS, (2, 3)), values[a:b], keys[a:b], size) for a, b in itertools.pairwise(edges)]
    random.shuffle(shards)
    whole = Moments(N_KEYS, (2, 3))
    for shard in shards:
        whole.merge(shard)
    agrees_with_numpy(whole, values, keys)


def test_shards_with_other_keys_merge_into_the_rows_named():
    """The second shard has three of the five keys, in another order."""
    values, keys = sample()
    first, rest = keys < 2, keys >= 2
    order = np.array([3, 1, 2])  # where the shard's keys 0, 1, 2 belong
    theirs = np.select([keys == 3, keys == 1, keys == 2], [0, 1, 2], -1)
    whole = update(Moments(N_KEYS, (2, 3)), values[first & (keys != 1)], keys[first & (keys != 1)], 16)
    mine = rest | (keys == 1)
    shard = update(Moments(3, (2, 3)), values[mine], theirs[mine], 16)
    agrees_with_numpy(whole.merge(shard, order), values, keys)
    for rows in (order[:2], np.array([0, 1, 2, 3])):
        with pytest.raises(InterpError, match="Shards differ"):
            whole.merge(shard, rows)


def test_moments_made_of_their_contents_are_the_same():
    values, keys = sample()
    moments = update(Moments(N_KEYS, (2, 3)), values, keys, 16)
    again = Moments.of(moments.count, moments.mean, moments.M2)
    agrees_with_numpy(again, values, keys)
    agrees_with_numpy(again.merge(Moments(N_KEYS, (2, 3))), values, keys)
    assert moments.count is not again.count
    assert moments.M2 is not again.M2


def test_scalars_and_low_precision_are_summed_in_float64():
    values = torch.full((1000,), 0.1, dtype=torch.bfloat16)
    moments = Moments(1).update(values, np.zeros(1000, int))
    assert moments.mean.dtype == torch.float64
    close(moments.mean[0], float(values[0]))


def test_what_moments_refuse():
    moments = Moments(2, (3,))
    with pytest.raises(InterpError, match="cannot take values"):
        moments.update(torch.zeros(4, 2), np.zeros(4, int))
    with pytest.raises(InterpError, match="cannot take values"):
        moments.update(torch.zeros(4, 3), np.zeros(3, int))
    with pytest.raises(InterpError, match=r"0\.\.1; got 0\.\.2"):
        moments.update(torch.zeros(2, 3), np.array([0, 2]))
    with pytest.raises(InterpError, match="Shards differ"):
        moments.merge(Moments(3, (3,)))
    assert not moments.count.any()


def test_conditional_means_are_the_means_of_what_a_run_reads(fam):
    prompts = random_prompts(40)
    sites = [
        Site("embed"),
        Site("resid_pre", 3),
        Site("z", 1),
        Site("z", 1, 2),
        Site("pattern", 0),
        Site("pattern", 0, 1),
    ]
    keys = {"a": prompts.tokens[:, 1] % 3, "last": np.zeros(40, int)}
    writes = [Intervention(Site("mlp_out", 0), "b", Zero())]
    means = conditional_means(fam.bridge, prompts, sites, keys, interventions=writes, batch_size=40)
    batched = conditional_means(fam.bridge, prompts, sites, keys, interventions=writes, batch_size=7)
    read = run(fam.bridge, prompts, writes, sites)
    for site in sites:
        axis = 2 if site.name == "pattern" and site.index is None else 1
        for role, group in keys.items():
            x = read[site].select(axis, prompts.position(role)).double().cpu().numpy()
            moments = means[site][role]
            assert moments.count.tolist() == np.bincount(group).tolist()
            for key in range(len(moments.count)):
                close(moments.mean[key].cpu(), x[group == key].mean(0))
            assert torch.allclose(moments.mean, batched[site][role].mean, atol=2 * fam.tolerance)


def test_one_pass_and_a_given_number_of_keys():
    bridge, prompts = family("llama").bridge, random_prompts(40)
    ran = []
    with bridge.hooks(fwd_hooks=[("hook_embed", lambda h, hook: ran.append(len(h)))]):
        sites = [Site("resid_pre", layer) for layer in range(4)]
        keys = {role: prompts.tokens[:, i] for i, role in enumerate(prompts.roles)}
        means = conditional_means(bridge, prompts, sites, keys, n_keys=dict.fromkeys(prompts.roles, 50), batch_size=16)
    assert ran == [16, 16, 8]
    assert means[sites[0]]["a"].mean.shape == (50, 32)
