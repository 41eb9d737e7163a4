"""Attention by role: the copier's one edge is found, rows sum to one, nothing looks ahead."""

import numpy as np
import pytest

from interp.engine import Site, run
from interp.errors import InterpError
from interp.methods.attention import attention
from interp.methods.intervals import t_interval
from tests.methods.planted import copy_prompts, sum_prompts


def test_finds_the_one_edge_of_the_copier(copier):
    ds = attention(copier, copy_prompts(np.arange(8), 5))
    assert ds.pattern.dims == ("layer", "head", "role", "key")
    assert ds.pattern.sel(layer=0, head=0, role="eq").values == pytest.approx([0, 1, 0, 0], abs=1e-5)
    assert np.allclose(ds.pattern.sel(layer=1, head=0), ds.pattern_uniform)
    assert ds.pattern_uniform.sel(role="b").values == pytest.approx([1 / 3, 1 / 3, 1 / 3, 0])


def test_is_the_mean_over_prompts_with_its_interval(tiny):
    prompts = sum_prompts(np.arange(10), np.arange(10) // 2)
    ds = attention(tiny.bridge, prompts, batch_size=4)
    site = Site("pattern", 1)
    values = run(tiny.bridge, prompts, reads=(site,))[site].double().cpu().numpy()
    assert np.allclose(ds.pattern.sel(layer=1), values.mean(0), atol=1e-6)
    low, high = t_interval(values)
    assert np.allclose(ds.pattern_low.sel(layer=1), low.clip(0, 1), atol=1e-5)
    assert np.allclose(ds.pattern_high.sel(layer=1), high.clip(0, 1), atol=1e-5)
    assert int(ds.n) == 10


def test_rows_sum_to_one_and_nothing_looks_ahead(tiny):
    prompts = sum_prompts(np.arange(10), 3)
    ds = attention(tiny.bridge, prompts, roles=["b", "last"], layers=[1])
    assert np.allclose(ds.pattern.sum("key"), 1, atol=tiny.tolerance)
    assert np.allclose(ds.pattern_uniform.sum("key"), 1)
    assert (ds.pattern.sel(role="b", key="eq") == 0).all()
    assert ds.role.values.tolist() == ["b", "last"]
    assert ds.layer.values.tolist() == [1]


def test_bad_input(copier):
    prompts = copy_prompts(np.arange(4), 5)
    with pytest.raises(InterpError, match="no prompts"):
        attention(copier, prompts[:0])
    with pytest.raises(InterpError, match=r"blocks 0\.\.1"):
        attention(copier, prompts, layers=[2])
    with pytest.raises(InterpError, match="unknown role"):
        attention(copier, prompts, roles=["c"])
