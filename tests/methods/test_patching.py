"""Patching: a hand-built copier gives the map known by construction; random models obey the laws."""

import sys

import numpy as np
import pytest
import torch

from interp.engine import Intervention, Rows, Site, Zero, run
from interp.errors import InterpError
from interp.methods import metrics
from interp.methods.nulls import derangement
from interp.methods.patching import patching
from interp.methods.patching_question import HEADS, Asked
from interp.tasks.twins import Twins
from tests import families
from tests.families import PARALLEL
from tests.methods.planted import copy_prompts, sum_prompts

A = np.array([1, 2, 3, 4, 5, 6])
CORRUPTED = np.array([7, 8, 9, 0, 1, 2])


@pytest.fixture(scope="module")
def planted(copier):
    twins = Twins(copy_prompts(A, 5), copy_prompts(CORRUPTED, 5), ("a",), ("b",))
    return patching(copier, twins, seed=3)


def test_finds_the_planted_circuit(planted):
    """The answer sits at `a` until block 0 has moved it to `eq`."""
    expected = {"bos": [0, 0, 0], "a": [1, 0, 0], "b": [0, 0, 0], "eq": [0, 1, 1]}
    assert planted.layer.values.tolist() == [0, 1, 2]
    for role, column in expected.items():
        assert planted.recovered.sel(role=role).values == pytest.approx(column, abs=1e-5)
    assert (planted.recovered_low <= planted.recovered + 1e-12).all()
    assert (planted.recovered_high >= planted.recovered - 1e-12).all()


def test_null_is_the_answer_of_another_pair_worked_out_by_hand(planted):
    other = A[derangement(len(A), 3)]
    diff = (other == A).astype(float) - (other == CORRUPTED)
    expected = (diff + 1).mean() / 2  # unpatched differences are +1 (clean) and -1 (corrupted)
    assert float(planted.recovered_null.sel(layer=0, role="a")) == pytest.approx(expected, abs=1e-5)
    assert float(planted.recovered_null.sel(layer=2, role="eq")) == pytest.approx(expected, abs=1e-5)
    assert float(planted.recovered_null.sel(layer=2, role="a")) == 0


def test_keeps_every_example(planted):
    assert planted.logit_diff.dims == ("prompt", "layer", "role")
    assert planted.logit_diff_clean.values == pytest.approx(np.ones(6), abs=1e-5)
    assert planted.logit_diff_corrupted.values == pytest.approx(-np.ones(6), abs=1e-5)
    assert int(planted.n) == 6
    assert planted.prompt_corrupted.dims == ("prompt",)
    assert planted.attrs["changed"] == "a"
    assert planted.attrs["guard"] == ""


@pytest.fixture(scope="module")
def pairs():
    """All pairs over two digits, one operand swapped."""
    a, b = map(np.ravel, np.meshgrid(np.arange(10), np.arange(10)))
    return Twins(sum_prompts(a, b), sum_prompts((a + 1 + b % 8) % 10, b), ("a",), ("b",))


def decisive(model, pairs):
    """The pairs of a random model whose clean run favours the clean answer: there is something to recover."""
    ends = [metrics.logit_diff(run(model, side).logits, pairs) for side in (pairs.clean, pairs.corrupted)]
    keep = np.flatnonzero((ends[0] - ends[1] > 0.5).cpu().numpy())[:24]
    return Twins(pairs.clean[keep], pairs.corrupted[keep], pairs.changed, pairs.kept)


def test_patching_everything_or_the_final_stream_gives_the_clean_run(tiny, pairs):
    ds = patching(tiny.bridge, decisive(tiny.bridge, pairs), roles=["all", "last", "op1"])
    whole = ds.recovered.sel(role="all")
    assert whole.values == pytest.approx(np.ones(4), abs=4 * tiny.tolerance)
    assert np.allclose(ds.logit_diff.sel(role="all").T, ds.logit_diff_clean, atol=2 * tiny.tolerance)
    assert float(ds.recovered.sel(role="last", layer=3)) == pytest.approx(1, abs=4 * tiny.tolerance)
    assert float(ds.recovered.sel(role="op1", layer=3)) == 0
    assert float(ds.recovered.sel(role="last", layer=0)) == 0  # the token is the same in both


def test_every_cell_is_a_plain_run_with_that_write(tiny, pairs):
    twins = decisive(tiny.bridge, pairs)
    ds = patching(tiny.bridge, twins)
    site = Site("resid_pre", 1)
    clean = run(tiny.bridge, twins.clean, reads=(site,))[site]
    for role in twins.clean.roles:
        at = clean[:, [twins.clean.position(role)]]
        patched = run(tiny.bridge, twins.corrupted, (Intervention(site, (role,), Rows(at)),)).logits
        expected = metrics.logit_diff(patched, twins)
        assert np.allclose(ds.logit_diff.sel(layer=1, role=role), expected.cpu(), atol=tiny.tolerance)


def test_batch_size_is_irrelevant_and_only_the_seed_moves_the_null(tiny, pairs):
    twins = decisive(tiny.bridge, pairs)
    one = patching(tiny.bridge, twins, layers=[1], batch_size=5)
    many = patching(tiny.bridge, twins, layers=[1])
    other = patching(tiny.bridge, twins, layers=[1], seed=1)
    for name in ("recovered", "recovered_low", "recovered_null", "logit_diff"):
        assert np.allclose(one[name], many[name], atol=4 * tiny.tolerance), name
    assert (other.recovered == many.recovered).all()
    assert not np.allclose(other.recovered_null, many.recovered_null)


def test_says_so_when_there_is_nothing_to_recover(copier):
    """Twins whose answers are digits the copier never says: both runs are equal in logit difference."""
    prompts = copy_prompts(A, 5)
    twins = Twins(prompts, copy_prompts(A, 6), ("b",), ("a",))
    object.__setattr__(twins.clean, "answer_ids", np.zeros(6, dtype=np.int64))
    object.__setattr__(twins.corrupted, "answer_ids", np.full(6, 9))
    ds = patching(copier, twins)
    assert np.isnan(ds.recovered).all()
    assert ds.attrs["guard"].startswith("nothing to recover")
    assert (ds.logit_diff == 0).all()


def test_two_pairs_are_enough(copier):
    twins = Twins(copy_prompts(A[:2], 5), copy_prompts(CORRUPTED[:2], 5), (), ())
    ds = patching(copier, twins, layers=[0], roles=["a"])
    assert float(ds.recovered.squeeze()) == pytest.approx(1)


def test_bad_input(copier):
    with pytest.raises(InterpError, match="at least 2 pairs"):
        patching(copier, Twins(copy_prompts(A[:1], 5), copy_prompts(CORRUPTED[:1], 5), (), ()))
    same = np.array([1, 2, 9, 9, 9, 9])
    with pytest.raises(InterpError, match="2 of 6 pairs have one answer"):
        patching(copier, Twins(copy_prompts(A, 5), copy_prompts(same, 5), (), ()))
    with pytest.raises(InterpError, match="not aligned"):
        Twins(copy_prompts(A, 5), copy_prompts(CORRUPTED[:5], 5), (), ())
    with pytest.raises(InterpError, match="not aligned"):
        Twins(copy_prompts(A, 5), sum_prompts(CORRUPTED, 5), (), ())
    twins = Twins(copy_prompts(A, 5), copy_prompts(CORRUPTED, 5), (), ())
    with pytest.raises(InterpError, match=r"layers run 0\.\.2"):
        patching(copier, twins, layers=[3])
    with pytest.raises(InterpError, match="c"):
        patching(copier, twins, roles=["c"])
    with pytest.raises(InterpError, match="unknown role 'c'"):
        patching(copier, twins, roles=["all", "c"])
    with pytest.raises(InterpError, match="at least one role"):
        patching(copier, twins, roles=[])


def test_exact_shortcuts_compute_nothing(copier, monkeypatch):
    """Equal residuals and places that nothing reads any more are not computed; every other cell is."""
    module, seen = sys.modules["interp.engine.sweep"], []
    inner = module.stacks

    def watched(jobs, *rest):
        seen.extend((write.intervention.site.layer, *write.intervention.where)
                    for job in jobs for group in job.writes.values() for write in group)  # fmt: skip
        return inner(jobs, *rest)

    monkeypatch.setattr(module, "stacks", watched)
    patching(copier, Twins(copy_prompts(A, 5), copy_prompts(CORRUPTED, 5), (), ()))
    assert set(seen) == {(0, "a"), (1, "a"), (1, "b"), (1, "eq"), (2, "eq")}


COMPONENTS = ("resid_pre", "resid_mid", "resid_post", "attn_out", "mlp_out", "mlp_post", "z", "q", "k", "v", "pattern")


@pytest.mark.parametrize("component", COMPONENTS)
@pytest.mark.parametrize("direction", ["denoising", "noising"])
def test_every_component_is_a_plain_run_with_that_write(tiny, pairs, component, direction):
    if (component == "resid_mid" and tiny.name in PARALLEL) or (component == "pattern" and tiny.name == "gptj"):
        pytest.skip("not in this architecture")
    twins = decisive(tiny.bridge, pairs)
    ds = patching(tiny.bridge, twins, Asked(component, direction), layers=[1], roles=["eq", "a"])
    base, other = (twins.corrupted, twins.clean) if direction == "denoising" else (twins.clean, twins.corrupted)
    site = Site(component, 1)
    read = run(tiny.bridge, other, reads=(site,))[site]
    for role in ("eq", "a"):
        p, index = other.position(role), 1 if component in HEADS else None
        value = read if index is None else read.select(1 if component == "pattern" else 2, index)
        edit = Intervention(Site(component, 1, index), (role,), Rows(value[:, [p]]))
        expected = metrics.logit_diff(run(tiny.bridge, base, (edit,)).logits, twins).cpu()
        found = ds.logit_diff.sel(layer=1, role=role)
        found = found if index is None else found.sel(head=1)
        assert np.allclose(found, expected, atol=2 * tiny.tolerance), role
    assert ds.attrs["method"] == ("head_patching" if component in HEADS else "patching")


def test_the_uninformative_sources(tiny, pairs):
    twins = decisive(tiny.bridge, pairs)
    site = Site("mlp_out", 1)
    read = run(tiny.bridge, pairs.clean, reads=(site,))[site]
    order = derangement(len(twins), 0)
    own = run(tiny.bridge, twins.clean, reads=(site,))[site]
    p = twins.clean.position("eq")
    wanted = {
        "mean": Rows(read.double().mean(0, keepdim=True).float().expand(len(twins), -1, -1)[:, [p]]),
        "resample": Rows(own[order][:, [p]]),
        "zero": Zero(),
    }
    for source, value in wanted.items():
        asked = Asked("mlp_out", "noising", source)
        ds = patching(tiny.bridge, twins, asked, reference=pairs.clean, layers=[1], roles=["eq"])
        logits = run(tiny.bridge, twins.clean, [Intervention(site, ("eq",), value)]).logits
        expected = metrics.logit_diff(logits, twins).cpu()
        assert np.allclose(ds.logit_diff.squeeze(), expected, atol=4 * tiny.tolerance), source


def test_noising_takes_away_what_denoising_brings(copier):
    """The copier's answer is all at `a` before block 0: either direction goes the whole way there, nowhere else."""
    twins = Twins(copy_prompts(A, 5), copy_prompts(CORRUPTED, 5), ("a",), ("b",))
    ds = patching(copier, twins, Asked(direction="noising"))
    assert ds.recovered.sel(layer=0).values == pytest.approx([0, 1, 0, 0], abs=1e-5)
    assert ds.logit_diff_clean.values == pytest.approx(np.ones(6), abs=1e-5)
    assert float(ds.accuracy.sel(layer=0, role="a")) == 0
    assert float(ds.accuracy.sel(layer=0, role="b")) == 1
    assert (ds.mean_kl.sel(layer=0, role="a") > 0.1).all()


@pytest.mark.parametrize("metric", ["prob_diff", "answer_logit", "answer_logprob"])
def test_the_share_is_of_the_metric_asked_for(tiny, pairs, metric):
    twins = decisive(tiny.bridge, pairs)
    ds = patching(tiny.bridge, twins, Asked(metric=metric), layers=[0, 2], roles=["a", "eq"])
    ends = ds[f"{metric}_clean"] - ds[f"{metric}_corrupted"]
    if ds.attrs["guard"]:
        pytest.skip("the runs of this random model do not differ in it")
    share = (ds[metric] - ds[f"{metric}_corrupted"]).mean("prompt") / ends.mean()
    assert np.allclose(ds.recovered, share, atol=1e-6)


@pytest.mark.parametrize("direction", ["denoising", "noising"])
def test_the_share_of_every_metric_is_kept_whichever_was_asked_for(copier, direction):
    twins = Twins(copy_prompts(A, 5), copy_prompts(CORRUPTED, 5), ("a",), ("b",))
    one = patching(copier, twins, Asked(direction=direction), seed=3)
    for metric in one.metric.values:
        alone = patching(copier, twins, Asked(direction=direction, metric=str(metric)), seed=3)
        for end in ("", "_low", "_high", "_null", "_null_low", "_null_high"):
            kept = one[f"recovered_by_metric{end}"].sel(metric=metric)
            assert np.array_equal(kept, alone[f"recovered{end}"], equal_nan=True), (metric, end)
    assert float(one.recovered_by_metric.sel(metric="answer_logit", layer=0, role="a")) == pytest.approx(1, abs=1e-5)


def test_the_null_of_accuracy_and_divergence_is_the_write_of_an_unrelated_pair(planted):
    other = A[derangement(len(A), 3)]
    assert float(planted.accuracy_null.sel(layer=0, role="a")) == pytest.approx((other == A).mean())
    assert float(planted.accuracy.sel(layer=0, role="a")) == 1
    assert float(planted.mean_kl_null.sel(layer=0, role="a")) > 0.1
    assert float(planted.mean_kl_null.sel(layer=2, role="a")) == pytest.approx(0, abs=1e-6)
    assert ((planted.accuracy_low <= planted.accuracy) & (planted.accuracy <= planted.accuracy_high)).all()


def test_names_that_are_not_known(copier):
    for name in ("component", "direction", "source", "metric"):
        with pytest.raises(InterpError, match=f"unknown {name}"):
            Asked(**{name: "nonsense"})
    twins = Twins(copy_prompts(A, 5), copy_prompts(CORRUPTED, 5), (), ())
    with pytest.raises(InterpError, match="reference prompts"):
        patching(copier, twins, Asked(source="mean"))
    with pytest.raises(InterpError, match="inside a block"):
        patching(copier, twins, Asked("z"), layers=[2])


@pytest.mark.slow
@pytest.mark.parametrize("name", ["gpt2", "llama"])
def test_transformer_lens_finds_the_same(name, pairs):
    """Its patching functions, where they run: the residual stream, outputs, and heads by position."""
    from transformer_lens import patching as theirs

    model = families.family(name).bridge
    twins = decisive(model, pairs)
    tokens = torch.tensor(twins.corrupted.tokens)
    _, cache = model.run_with_cache(torch.tensor(twins.clean.tokens))

    def metric(logits):
        return metrics.logit_diff(logits[:, -1], twins).mean()

    functions = {
        "resid_pre": theirs.get_act_patch_resid_pre, "resid_mid": theirs.get_act_patch_resid_mid,
        "attn_out": theirs.get_act_patch_attn_out, "mlp_out": theirs.get_act_patch_mlp_out,
        "z": theirs.get_act_patch_attn_head_out_by_pos, "q": theirs.get_act_patch_attn_head_q_by_pos,
        "v": theirs.get_act_patch_attn_head_v_by_pos,
    }  # fmt: skip
    for component, function in functions.items():
        if name == "llama" and component == "v":
            continue  # fewer key/value heads than heads: their function refuses
        expected = function(model, tokens, cache, metric).numpy()
        found = patching(model, twins, Asked(component), layers=range(model.cfg.n_layers)).logit_diff.mean("prompt")
        if component in HEADS:
            expected = expected.transpose(0, 2, 1)  # theirs: layer, position, head
        largest = np.abs(expected - float(metrics.logit_diff(run(model, twins.corrupted).logits, twins).mean())).max()
        assert np.abs(found.values - expected).max() < 1e-5 * max(1.0, largest), component
