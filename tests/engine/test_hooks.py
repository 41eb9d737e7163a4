"""Interventions beside a user's own hooks; nothing stays on the model."""

import functools

import numpy as np
import pytest
import torch

from interp.engine import (
    Constant,
    Hidden,
    Intervention,
    Rows,
    Site,
    Zero,
    conditional_means,
    edits,
    from_run,
    run,
    stream,
    to_hooks,
)
from interp.engine.sites import NAMES
from interp.errors import Cancelled, InterpError
from tests.engine.test_laws import gap, tokens_of
from tests.families import PARALLEL, fresh

RESID = Site("resid_pre", 1)


def left_behind(bridge):
    """Return every hook that a model carries: TransformerLens's lists and PyTorch's own."""
    found = [name for name, point in bridge.hook_dict.items() if point.fwd_hooks or point.bwd_hooks]
    found += [f"pre {i}" for i, block in enumerate(bridge.blocks) if block.attn._forward_pre_hooks]
    return found


def test_hooks_equal_run(fam, clean, other):
    source = from_run(run(fam.bridge, other, reads=[RESID]), RESID)
    writes = [
        Intervention(RESID, ("a", "last"), source, alpha=0.5),
        Intervention(Site("z", 1, 2), "b", Zero()),
        Intervention(Site("mlp_out", 2), "all", Constant(torch.tensor(0.3)), alpha=0.5),
    ]
    with torch.no_grad():
        hooked = fam.bridge.run_with_hooks(tokens_of(fam, clean), fwd_hooks=to_hooks(fam.bridge, clean, writes))
    assert torch.equal(hooked[:, -1].float(), run(fam.bridge, clean, writes).logits)


def test_hooks_mix_with_the_users_own(fam, clean):
    """Mine doubles the MLP's output of block 0, ours zeroes a head of block 1: both happen."""
    seen = {}

    def double(h, hook):
        return 2 * h

    def look(h, hook):
        seen[hook.name] = h.clone()

    write = Intervention(Site("z", 1, 2), "all", Zero())
    mine = [("blocks.0.hook_mlp_out", double), ("blocks.0.hook_mlp_out", look), ("blocks.1.attn.hook_z", look)]
    with torch.no_grad():
        mixed = fam.bridge.run_with_hooks(tokens_of(fam, clean), fwd_hooks=to_hooks(fam.bridge, clean, [write]) + mine)
    plain = run(fam.bridge, clean, reads=[Site("mlp_out", 0)])
    doubled, z = seen.values()
    assert torch.equal(doubled, 2 * plain[Site("mlp_out", 0)])
    assert not z[:, :, 2].any()
    twin = [Intervention(Site("mlp_out", 0), "all", Rows(doubled)), write]
    assert torch.equal(mixed[:, -1].float(), run(fam.bridge, clean, twin).logits)


@pytest.mark.parametrize("site", [RESID, Site("z", 1), Site("mlp_out", 1)], ids=str)
def test_a_write_leaves_the_activation_it_was_handed(fam, clean, site):
    """What a hook before ours kept, without a copy, is still the unwritten activation."""
    kept = []
    mine = [(site.hook_name(fam.bridge), lambda h, hook: kept.append(h))]
    hooks = mine + to_hooks(fam.bridge, clean, [Intervention(site, "all", Zero())])
    with torch.no_grad():
        fam.bridge.run_with_hooks(tokens_of(fam, clean), fwd_hooks=hooks)
    assert torch.equal(kept[0], run(fam.bridge, clean, reads=[site])[site])


def test_rows_name_the_prompts_of_a_batch(fam, clean, other):
    source = from_run(run(fam.bridge, other, reads=[RESID]), RESID)
    write = Intervention(RESID, "all", source)
    batch = np.array([4, 1])
    hooks = to_hooks(fam.bridge, clean, [write], rows=batch)
    with torch.no_grad():
        hooked = fam.bridge.run_with_hooks(tokens_of(fam, clean)[batch], fwd_hooks=hooks)[:, -1]
    assert gap(hooked, run(fam.bridge, clean, [write]).logits[batch]) < fam.tolerance
    mask = np.isin(np.arange(len(clean)), [1, 4])
    with torch.no_grad(), edits(fam.bridge, clean, [write], rows=mask) as model:
        ordered = model(tokens_of(fam, clean)[mask])[:, -1]
    assert gap(ordered, run(fam.bridge, clean, [write]).logits[[1, 4]]) < fam.tolerance


def test_edits_hold_inside_the_context_only(fam, clean):
    write = Intervention(RESID, "all", Zero())
    plain = run(fam.bridge, clean).logits
    with torch.no_grad(), edits(fam.bridge, clean, [write]) as model:
        inside = model(tokens_of(fam, clean))[:, -1].float()
    assert torch.equal(inside, run(fam.bridge, clean, [write]).logits)
    assert gap(inside, plain) > 0.1
    assert torch.equal(run(fam.bridge, clean).logits, plain)
    assert left_behind(fam.bridge) == left_behind(fresh(fam.name)[0])


@pytest.mark.parametrize("name", ["resid_pre", "resid_mid", "z"])
def test_gradients_flow_through_hooks(fam, clean, name):
    """The derivative of the logits through an edit is that of finite differences."""
    if fam.dtype != torch.float32 or (name == "resid_mid" and fam.name in PARALLEL):
        pytest.skip("needs float32 and the site")
    edit = Intervention(Site(name, 1), "eq", Zero(), alpha=0.5)

    def measure(shift):
        mine = [("blocks.0.hook_out", lambda h, hook: h + shift * torch.arange(32.0, device=h.device).cos())]
        hooks = mine + to_hooks(fam.bridge, clean, [edit])
        return fam.bridge.run_with_hooks(tokens_of(fam, clean), fwd_hooks=hooks)[:, -1].square().sum()

    shift = torch.zeros((), device=fam.device, requires_grad=True)
    measure(shift).backward()
    with torch.no_grad():
        slope = (measure(2e-3) - measure(-2e-3)) / 4e-3
    assert shift.grad is not None
    assert abs(shift.grad - slope) < 0.02 * abs(slope) + 0.02


@pytest.mark.parametrize("error", [Cancelled, KeyboardInterrupt, RuntimeError])
def test_an_exception_in_a_run_leaves_nothing_on_the_model(fam, clean, error):
    untouched = left_behind(fam.bridge)

    def stop(done, total, message):
        raise error("stop")

    writes = [Intervention(RESID, "a", Zero()), Intervention(Site("attn", 1), (("eq", "a"),), Hidden())]
    with pytest.raises(error):
        run(fam.bridge, clean, writes, [RESID], batch_size=2, progress=stop)
    with pytest.raises(error):
        conditional_means(fam.bridge, clean, [RESID], {"a": np.zeros(7, int)}, batch_size=2, progress=stop)
    assert left_behind(fam.bridge) == untouched


def test_progress_counts_prompts(fam, clean):
    reports = []
    run(fam.bridge, clean, batch_size=3, progress=lambda *report: reports.append(report[:2]))
    assert reports == [(3, 7), (6, 7), (7, 7)]


def test_a_batch_of_other_prompts_is_an_error(fam, clean):
    with torch.no_grad(), edits(fam.bridge, clean, [Intervention(RESID, "a", Zero())]) as model:
        with pytest.raises(InterpError, match=r"3 prompts of 6 tokens .* 7 of 6"):
            model(tokens_of(fam, clean)[:3])
        with pytest.raises(InterpError, match="7 prompts of 5 tokens"):
            model(tokens_of(fam, clean)[:, :5])
    edge = Intervention(Site("attn", 0), (("eq", "a"),), Hidden())
    with (
        torch.no_grad(),
        edits(fam.bridge, clean, [edge]) as model,
        pytest.raises(InterpError, match="6 tokens; the batch has 5"),
    ):
        model(tokens_of(fam, clean)[:, :5])


class Seen:
    """Keeps the activations it is handed."""

    def __init__(self):
        self.kept = {}

    def at(self, site):
        return lambda h, rows: self.kept.update({site: h.clone()})


def test_a_stream_stops_after_the_last_site_it_needs(fam, clean):
    """Without logits to compute, blocks after the deepest read do not run."""
    ran = []
    watch = [
        (f"blocks.{layer}.hook_out", lambda h, hook: ran.append(int(hook.name.split(".")[1]))) for layer in range(3)
    ]
    for sites, blocks in [
        ([Site("embed")], []),
        ([Site("resid_pre", 1)], [0]),
        ([Site("resid_pre", 1), Site("z", 1)], [0, 1]),
        ([Site("resid_post", 2)], [0, 1, 2]),
        ([Site("resid_pre", 3)], [0, 1, 2]),
    ]:
        ran.clear()
        seen = Seen()
        with fam.bridge.hooks(fwd_hooks=watch):
            stream(fam.bridge, clean, {site: seen.at(site) for site in sites})
        assert ran == blocks
        reads = run(fam.bridge, clean, reads=sites)
        assert all(torch.equal(seen.kept[site], reads[site]) for site in sites)


def test_compatibility_mode_applies_each_write_once(clean):
    """There a hook may be called once for each alias of its name; half of zero twice would be a quarter."""
    bridge = compatible()
    plain = run(bridge, clean, reads=[RESID])[RESID]
    write = Intervention(RESID, "a", Zero(), alpha=0.5)
    seen = []
    hooks = [*to_hooks(bridge, clean, [write]), (RESID.hook_name(bridge), lambda h, hook: seen.append(h.clone()))]
    with torch.no_grad():
        bridge.run_with_hooks(torch.as_tensor(clean.tokens), fwd_hooks=hooks)
    assert gap(seen[0][:, 1], plain[:, 1] / 2) < 1e-6
    assert gap(run(bridge, clean, [write], [RESID])[RESID][:, 1], plain[:, 1] / 2) < 1e-6


@pytest.mark.parametrize("name", [name for name in NAMES if name not in ("embed", "attn")])
def test_compatibility_mode_takes_writes_at_every_site(clean, name):
    """It turns nan in the pattern into 0, so that a probe of q and k must look at the pattern itself."""
    site = Site(name, 1)
    bridge = compatible()
    read = run(bridge, clean, [Intervention(site, "b", Zero())], [site])[site]
    assert not read.select(2 if name == "pattern" else 1, 3).any()


@functools.cache
def compatible():
    bridge, _ = fresh("llama")
    bridge.enable_compatibility_mode(disable_warnings=True)
    return bridge
