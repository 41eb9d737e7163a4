"""Ablation: the copier breaks exactly where its answer passes, and by how much is known."""

import numpy as np
import pytest

from interp.engine import Constant, Intervention, Rows, Site, Zero, run
from interp.errors import InterpError
from interp.methods import metrics
from interp.methods.ablation import KINDS, ablation
from interp.methods.intervals import wilson
from tests.methods.planted import copy_prompts, sum_prompts

A = np.array([1, 2, 3, 4, 5, 6, 7, 1])


@pytest.fixture(scope="module")
def planted(copier):
    return ablation(copier, copy_prompts(A, 5), copy_prompts(np.array([1, 1, 1, 2]), 6, "train"), seed=2)


def test_breaks_only_where_the_answer_passes(planted):
    on_path = {(0, "a"), (1, "eq"), (2, "eq")}
    for layer in range(3):
        for role in ("bos", "a", "b", "eq"):
            if (layer, role) not in on_path and (layer, role) != (0, "eq"):
                assert (planted.accuracy.sel(layer=layer, role=role) == 1).all(), (layer, role)
    assert float(planted.accuracy_clean) == 1
    assert float(planted.accuracy.sel(kind="mean", layer=0, role="eq")) == 1  # eq is the same in every prompt


def test_what_is_left_is_known_by_construction(planted):
    cell = planted.accuracy.sel(layer=0, role="a")
    assert float(cell.sel(kind="mean")) == 2 / 8  # the mean says 1, right for the prompts with a = 1
    drawn = np.random.default_rng(2).integers(4, size=8)
    resampled = np.array([1, 1, 1, 2])[drawn] == A
    assert float(cell.sel(kind="resample")) == resampled.mean()
    assert float(planted.accuracy.sel(kind="zero", layer=2, role="eq")) == 0  # all logits 0: token 0 is said
    low, high = wilson(2, 8)
    bounds = planted.sel(kind="mean", layer=0, role="a")
    assert (float(bounds.accuracy_low), float(bounds.accuracy_high)) == pytest.approx((low, high))


def test_zero_on_the_question_loses_the_position(planted):
    """Without its position part `eq` attends everywhere, and digit 5 of b ties with a: the lower id wins."""
    assert float(planted.accuracy.sel(kind="zero", layer=0, role="eq")) == np.mean(A <= 5)


def test_keeps_every_example_and_says_which_reference(planted):
    assert planted.correct.dims == ("prompt", "kind", "layer", "role")
    assert np.allclose(planted.correct.mean("prompt"), planted.accuracy)
    assert planted.kind.values.tolist() == list(KINDS)
    assert int(planted.n) == 8
    assert float(planted.null_majority) == 2 / 8
    assert planted.attrs["reference"] == "4 prompts of split train, 0 of them evaluated"
    assert int(planted.n_reference) == 4


def test_states_the_sampling_error_of_the_mean_by_hand(planted):
    """At the embedding of `a` the reference digits are 1 1 1 2, one-hot, beside a constant position part."""
    spread = np.std([1, 1, 1, 0], ddof=1) * np.sqrt(2) / np.sqrt(4)
    size = np.sqrt(0.75**2 + 0.25**2 + 1)
    assert float(planted.reference_standard_error.sel(layer=0, role="a")) == pytest.approx(spread / size)
    assert float(planted.reference_standard_error.sel(layer=0, role="eq")) == 0


@pytest.fixture(scope="module")
def sums():
    a, b = map(np.ravel, np.meshgrid(np.arange(10), np.arange(10)))
    keep = (a + 2 * b) % 3 == 0
    return sum_prompts(a[keep], b[keep]), sum_prompts(a[~keep], b[~keep], "train")


def test_every_kind_is_a_plain_run_with_that_source(tiny, sums):
    prompts, reference = sums
    ds = ablation(tiny.bridge, prompts, reference, layers=[1], seed=5)
    site = Site("resid_pre", 1)
    values = run(tiny.bridge, reference, reads=(site,))[site]
    drawn = np.random.default_rng(5).integers(len(reference), size=len(prompts))
    for p, role in enumerate(prompts.roles):
        mean = values[:, p].double().mean(0).to(values.dtype)
        sources = {"zero": Zero(), "mean": Constant(mean), "resample": Rows(values[drawn][:, [p]])}
        for kind, source in sources.items():
            logits = run(tiny.bridge, prompts, (Intervention(site, (role,), source),)).logits
            expected = metrics.correct(logits, prompts).cpu().numpy()
            assert (ds.correct.sel(kind=kind, layer=1, role=role).values == expected).all(), (kind, role)


def test_resampling_everything_gives_the_other_runs_answers(tiny, sums):
    prompts, reference = sums
    ds = ablation(tiny.bridge, prompts, reference, kinds=["resample"], layers=[0, 1], roles=["all"], seed=1)
    said = run(tiny.bridge, reference).logits.argmax(-1).cpu().numpy()
    drawn = np.random.default_rng(1).integers(len(reference), size=len(prompts))
    for layer in (0, 1):
        expected = (said[drawn] == prompts.answer_ids).mean()
        assert float(ds.accuracy.sel(kind="resample", layer=layer, role="all")) == pytest.approx(expected)


def test_mean_of_everything_leaves_one_answer_for_all(tiny, sums):
    prompts, reference = sums
    ds = ablation(tiny.bridge, prompts, reference, kinds=["mean", "zero"], layers=[1], roles=["all"])
    assert (ds.accuracy <= ds.null_majority + 1e-9).all()


def test_batch_size_is_irrelevant(tiny, sums):
    one, many = (
        ablation(tiny.bridge, *sums, kinds=["mean", "resample"], layers=[1], batch_size=size) for size in (7, 512)
    )
    assert float((one.correct != many.correct).mean()) <= (0 if tiny.tolerance < 1e-3 else 0.05)  # near ties


def test_bad_input(copier):
    prompts, reference = copy_prompts(A, 5), copy_prompts(A, 6)
    with pytest.raises(InterpError, match=r"no ablation 'meen'.*mean"):
        ablation(copier, prompts, reference, kinds=["meen"])
    with pytest.raises(InterpError, match="at least one kind"):
        ablation(copier, prompts, reference, kinds=[])
    with pytest.raises(InterpError, match="8 of 8 reference prompts are also evaluated"):
        ablation(copier, prompts, prompts)
    with pytest.raises(InterpError, match="no prompts"):
        ablation(copier, prompts, reference[:0])
    with pytest.raises(InterpError, match="no prompts"):
        ablation(copier, prompts[:0], reference)
    with pytest.raises(InterpError, match="same task and style"):
        ablation(copier, prompts, sum_prompts(A, 6))


def test_a_mean_over_the_whole_task_is_a_named_variant(copier):
    prompts = copy_prompts(A, 5)
    ds = ablation(copier, prompts, prompts, kinds=["mean"], layers=[0], roles=["a"], shared="allow")
    assert ds.attrs["reference"] == "8 prompts of split test, 8 of them evaluated"
    assert float(ds.accuracy.squeeze()) == 2 / 8
