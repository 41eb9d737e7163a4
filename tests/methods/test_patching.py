"""Patching: a hand-built copier gives the map known by construction; random models obey the laws."""

import numpy as np
import pytest

from interp.engine import Intervention, Rows, Site, run
from interp.errors import InterpError
from interp.methods import metrics
from interp.methods.nulls import derangement
from interp.methods.patching import patching
from interp.tasks.twins import Twins
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


def test_exact_shortcuts_run_no_forward(copier, monkeypatch):
    """Equal residuals and places that nothing reads any more cost no forward; every other cell costs one."""
    from interp.methods import grid

    calls = []
    monkeypatch.setattr(grid, "run", lambda *args, **kw: calls.append(args) or run(*args, **kw))
    patching(copier, Twins(copy_prompts(A, 5), copy_prompts(CORRUPTED, 5), (), ()))
    cells = {(edit.site.layer, *edit.where) for call in calls if len(call) > 2 for edit in call[2]}
    assert cells == {(0, "a"), (1, "a"), (1, "b"), (1, "eq"), (2, "eq")}
