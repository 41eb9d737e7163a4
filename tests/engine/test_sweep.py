"""A sweep is one run an edit: every site, several writes, any places, five architectures; and it costs what it says."""

from __future__ import annotations

import itertools
import sys

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from interp.engine import Basis, Constant, Hidden, Intervention, Lean, Noise, Rows, Site, Zero, run, sweep
from interp.errors import InterpError
from tests import families
from tests.families import FAMILIES, N_HEADS, N_LAYERS, PARALLEL, ROLES, VOCAB

MODULE = sys.modules["interp.engine.sweep"]  # the package names its function so
BY_ROLE = ("resid_pre", "resid_mid", "resid_post", "attn_out", "mlp_out", "mlp_post", "z", "q", "k", "v")


def logits_of(logits, rows):
    return logits


def one_by_one(model, prompts, edits):
    return torch.stack([run(model, prompts, edit).logits for edit in edits])


def effect(fast, slow, base):
    """Return the largest difference, as a fraction of the largest effect."""
    return float((fast - slow).abs().max() / (slow - base).abs().max())


def corrupted(name, prompts):
    """What a run on other prompts reads at each site, as sources."""
    family = families.family(name)
    sites = [
        Site(site, layer) for site in (*BY_ROLE, "pattern") for layer in range(N_LAYERS)
        if not (site == "resid_mid" and name in PARALLEL)
    ]  # fmt: skip
    other = run(family.bridge, families.random_prompts(len(prompts), seed=9), reads=sites)
    return {site: other[site] for site in sites}


def row_source(values, site, roles):
    kept = values if site.index is None else values.select(2, site.index)
    return Rows(kept[:, [ROLES.index(role) for role in roles]])


@pytest.mark.parametrize("name", FAMILIES)
def test_every_site_layer_and_role(name):
    model, prompts = families.family(name).bridge, families.random_prompts(5)
    values = corrupted(name, prompts)
    edits = []
    for site, role in itertools.product(values, ROLES):
        if site.name == "pattern":
            continue
        with_head = site.name in ("z", "q", "k", "v")
        for at in [site, Site(site.name, site.layer, 1)] if with_head else [site]:
            edits.append([Intervention(at, (role,), row_source(values[site], at, (role,)))])
    edits += [
        [Intervention(Site("resid_pre", N_LAYERS), ("eq",), Zero())],
        [],
        [Intervention(Site("attn", 1), (), Hidden())],
    ]
    fast, slow = sweep(model, prompts, edits, logits_of), one_by_one(model, prompts, edits)
    base = run(model, prompts).logits
    assert effect(fast, slow, base) < 1e-5
    moved = (fast - base).abs().amax(dim=(1, 2))
    assert (moved > 1e-3).sum() > len(edits) / 2


@pytest.mark.parametrize("name", FAMILIES)
@settings(max_examples=6, deadline=None)
@given(data=st.data())
def test_any_lists_of_writes(name, data):
    """Lists of one to three writes at any sites and roles, in any order, with doses and subspaces."""
    model, prompts = families.family(name).bridge, families.random_prompts(3)
    sites = [s for s in BY_ROLE if not (s == "resid_mid" and name in PARALLEL)]
    heads = families.family(name).n_kv_heads

    def drawn():
        site = data.draw(st.sampled_from(sites))
        index = data.draw(st.sampled_from([None, 0, heads - 1])) if site in ("z", "q", "k", "v", "mlp_post") else None
        roles = tuple(data.draw(st.lists(st.sampled_from(ROLES), min_size=1, max_size=3, unique=True)))
        alpha = data.draw(st.sampled_from([1.0, 0.5]))
        layer, seed = data.draw(st.integers(0, N_LAYERS - 1)), data.draw(st.integers(0, 9))
        plain = site in ("resid_pre", "mlp_out", "attn_out") and data.draw(st.booleans())
        basis = Basis(torch.eye(families.D_MODEL)[:, :4]) if plain else None
        return Intervention(Site(site, layer, index), roles, Noise(0.3, 1.0, seed), basis, alpha)

    edits = [[drawn() for _ in range(data.draw(st.integers(1, 3)))] for _ in range(4)]
    fast, slow = sweep(model, prompts, edits, logits_of, batch_size=2), one_by_one(model, prompts, edits)
    assert (fast - slow).abs().max() < 1e-5 * max(1.0, float((slow - run(model, prompts).logits).abs().max()))


@pytest.mark.parametrize("name", FAMILIES)
def test_patterns_and_hidden_edges(name):
    model, prompts = families.family(name).bridge, families.random_prompts(4)
    values = corrupted(name, prompts)
    edits: list[list[Intervention]] = [
        [Intervention(Site("attn", 1), (("eq", "a"), ("op2", "bos")), Hidden())],
        [Intervention(Site("attn", 2, 1), (("eq", "b"),), Hidden())],
        [Intervention(Site("attn", 0), (("a", "bos"),), Hidden()), Intervention(Site("z", 2, 0), ("eq",), Zero())],
    ]
    if name != "gptj":  # whose pattern cannot be written (see honoured)
        pattern = values[Site("pattern", 1)]
        edits += [
            [Intervention(Site("pattern", 1, 2), ("eq",), Rows(pattern[:, 2, [5]]))],
            [Intervention(Site("pattern", 1), ("b",), Rows(pattern[:, :, [3]].transpose(1, 2)))],
            [Intervention(Site("pattern", 2, 0), (("eq", "a"), ("eq", "b")), Constant(0.25))],
        ]
    fast, slow = sweep(model, prompts, edits, logits_of), one_by_one(model, prompts, edits)
    assert effect(fast, slow, run(model, prompts).logits) < 1e-5


def test_the_embedding_and_unknown_architectures_are_run_one_by_one():
    model, prompts = families.family("gpt2").bridge, families.random_prompts(3)
    edits = [[Intervention(Site("embed"), ("a",), Zero())], [Intervention(Site("z", 1, 0), ("eq",), Zero())]]
    assert torch.equal(sweep(model, prompts, edits, logits_of), one_by_one(model, prompts, edits))


def test_batches_and_the_order_of_edits_change_nothing():
    model, prompts = families.family("llama").bridge, families.random_prompts(9)
    edits = [[Intervention(Site("z", layer, head), (role,), Zero())] for layer in (2, 0, 1) for head in range(N_HEADS)
             for role in ("eq", "a", "b")]  # fmt: skip
    whole, parts = sweep(model, prompts, edits, logits_of), sweep(model, prompts, edits, logits_of, batch_size=2)
    assert (whole - parts).abs().max() < 1e-5
    assert (sweep(model, prompts, edits[::-1], logits_of) - whole.flip(0)).abs().max() < 1e-5


def test_the_measure_sees_its_own_prompts():
    model, prompts = families.family("llama").bridge, families.random_prompts(7)
    edits = [[Intervention(Site("resid_pre", layer), (role,), Zero())] for layer in (0, 1) for role in ROLES]

    def own(logits, rows):
        return torch.stack([logits[:, 3], torch.as_tensor(rows) * 1.0], dim=1)

    out = sweep(model, prompts, edits, own, batch_size=3)
    assert out.shape == (len(edits), 7, 2)
    assert torch.equal(out[..., 1], torch.arange(7.0).expand(len(edits), -1))


def test_a_write_of_what_stands_there_gives_the_clean_logits_exactly():
    model, prompts = families.family("llama").bridge, families.random_prompts(4)
    lean = Lean.of(model)
    with torch.no_grad():
        trace = lean.trace(prompts.tokens)
    edits = [[Intervention(Site("resid_pre", 0), ("a",), Rows(trace.resid_pre[0][:, [1]]))],
             [Intervention(Site("mlp_out", 2), ("a",), Zero())]]  # fmt: skip
    out = sweep(model, prompts, edits, logits_of)
    assert torch.equal(out[0], out[1])  # neither was computed
    assert (out[0] - trace.logits).abs().max() < 1e-5


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda: Intervention(Site("z", 9), ("eq",), Zero()), "layer 9"),
        (lambda: Intervention(Site("z", 0), ("nobody",), Zero()), "nobody"),
        (lambda: Intervention(Site("resid_pre", 0), ("a",), Rows(torch.zeros(3, 1, 32))), "3 rows"),
    ],
)
def test_what_does_not_fit_is_told_before_any_forward(edit, message, monkeypatch):
    model, prompts = families.family("llama").bridge, families.random_prompts(5)
    Lean.of(model)
    monkeypatch.setattr(MODULE, "clean_run", lambda *args: pytest.fail("a forward was run"))
    with pytest.raises(InterpError, match=message):
        sweep(model, prompts, [[edit()]], logits_of)


def test_resid_mid_of_parallel_blocks_is_refused():
    edits = [[Intervention(Site("resid_mid", 0), ("a",), Zero())]]
    with pytest.raises(InterpError, match="parallel"):
        sweep(families.family("neox").bridge, families.random_prompts(2), edits, logits_of)


def test_nothing_to_do_is_an_error():
    with pytest.raises(InterpError, match="Nothing to sweep"):
        sweep(families.family("llama").bridge, families.random_prompts(2), [], logits_of)


def test_memory_shrinks_the_batch_and_then_refuses(monkeypatch):
    model, prompts = families.family("llama").bridge, families.random_prompts(6)
    edits = [[Intervention(Site("resid_pre", 1), (role,), Zero())] for role in ROLES]
    whole = sweep(model, prompts, edits, logits_of)
    seen = []
    inner = MODULE.clean_run

    def counted(lean, tokens, rows, wanted):
        seen.append(len(rows))
        return inner(lean, tokens, rows, wanted)

    monkeypatch.setattr(MODULE, "clean_run", counted)
    monkeypatch.setattr(MODULE, "ROWS", {"cpu": 1, "cuda": 1})
    monkeypatch.setattr(MODULE, "_free", lambda device: 120_000)
    assert (sweep(model, prompts, edits, logits_of) - whole).abs().max() < 1e-5
    assert max(seen) < 6
    assert sum(seen) == 6
    monkeypatch.setattr(MODULE, "_free", lambda device: 1000)
    with pytest.raises(InterpError, match="does not fit"):
        sweep(model, prompts, edits, logits_of)


def test_progress_rises_and_a_cancel_is_heard():
    model, prompts = families.family("llama").bridge, families.random_prompts(6)
    edits = [[Intervention(Site("z", layer), (role,), Zero())] for layer in range(N_LAYERS) for role in ROLES]
    heard = []
    sweep(model, prompts, edits, logits_of, batch_size=2, progress=lambda done, total, _: heard.append((done, total)))
    assert [done for done, _ in heard] == sorted(done for done, _ in heard)
    assert heard[-1][0] == heard[-1][1]

    class Stop(Exception):
        pass

    def stop(*_):
        raise Stop

    with pytest.raises(Stop):
        sweep(model, prompts, edits, logits_of, progress=stop)


def test_it_returns_what_the_vocabulary_is_wide():
    model = families.family("llama").bridge
    out = sweep(model, families.random_prompts(2), [[Intervention(Site("z", 0), ("a",), Zero())]], logits_of)
    assert out.shape == (1, 2, VOCAB)
    assert out.dtype == torch.float32
    assert np.isfinite(out.numpy()).all()
