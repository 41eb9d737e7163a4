"""On CUDA every law of this folder runs again in float32 and bfloat16 (the fixture `fam`); here, what CUDA adds."""

import pytest
import torch

from interp.engine import Constant, Intervention, Lookup, Rows, Site, conditional_means, run
from tests.engine.test_laws import gap
from tests.families import D_MODEL, family

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA: all laws of the engine repeat there"),
]


def test_devices_agree(clean):
    """The same edits on CPU and CUDA in float32, with sources that lie on the CPU: logits within 1e-4."""
    keys = {"a": clean.tokens[:, 1]}
    site = Site("resid_pre", 1)
    writes = [
        Intervention(site, "b", Constant(torch.ones(D_MODEL)), alpha=0.5),
        Intervention(site, "eq", Rows(torch.ones(len(clean), 1, D_MODEL))),
    ]
    results = []
    for device in ("cpu", "cuda"):
        bridge = family("llama", device).bridge
        means = conditional_means(bridge, clean, [site], keys, n_keys={"a": 40})[site]
        table = Lookup.from_moments({"a": means["a"]}, keys)
        results.append(run(bridge, clean, [*writes, Intervention(site, "a", table)]).logits.cpu())
    assert gap(*results) < 1e-4
