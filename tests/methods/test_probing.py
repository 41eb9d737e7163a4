"""Probes find what is linear and nothing else: planted truth, scikit-learn, false positives, power."""

import dataclasses

import numpy as np
import pytest
import torch
from sklearn.linear_model import Ridge
from sklearn.metrics import r2_score
from sklearn.preprocessing import StandardScaler

from interp.engine import Site, run
from interp.errors import InterpError
from interp.methods import probe_labels
from interp.methods.probe_labels import apart, grouped_folds
from interp.methods.probing import map_threshold, probe, probing, r2_interval
from tests.methods.planted import BOS, EQ, copy_prompts, make_prompts, sum_prompts

A, B = map(np.ravel, np.meshgrid(np.arange(10), np.arange(10)))
IN_TEST = (np.minimum(A, B) * 3 + np.maximum(A, B)) % 4 == 0  # a function of the multiset: no twin leaks


@pytest.fixture(scope="module")
def splits():
    """Sum prompts over two digits with a variable that has nothing to do with them."""
    noise = np.random.default_rng(0).normal(size=(100, 1)).round(2)[:, 0] * 100
    prompts = sum_prompts(A, B, "train")
    prompts.variables["noise"] = noise.astype(np.int64)
    prompts.variables["constant"] = np.ones(100, dtype=np.int64)
    return prompts[~IN_TEST], dataclasses.replace(prompts[IN_TEST], split="test")


@pytest.fixture(scope="module")
def copied(copier):
    keep = A != B  # the copier's prompts: bos a b eq, answer a
    prompts = copy_prompts(A[keep], B[keep], "train")
    return probing(copier, prompts[~IN_TEST[keep]], prompts[IN_TEST[keep]])


def test_finds_the_planted_variable_where_it_is_and_only_there(copied):
    """One-hot tokens are a linear code of the digit; `a` moves to `eq` in block 0, b never does."""
    expected = {"a": {"bos": 0, "a": 1, "b": None, "eq": None}, "b": {"bos": 0, "a": 0, "b": 1, "eq": 0}}
    threshold = float(copied.score_null_high)
    for target, column in expected.items():
        for role, truth in column.items():
            score = copied.score.sel(target=target, role=role)
            if truth == 1:
                assert (score > 0.9).all(), (target, role)
            elif truth == 0:
                assert (score <= threshold).all(), (target, role)
    at_eq = copied.score.sel(target="a", role="eq").values
    assert at_eq[0] <= threshold
    assert (at_eq[1:] > 0.95).all()


def test_score_is_that_of_sklearn_with_the_chosen_penalty(llama, splits):
    train, test = splits
    ds = probing(llama, train, test, targets=["a", "noise"], layers=[1], roles=["eq"])
    x, held = (run(llama, p, reads=(Site("resid_pre", 1),))[Site("resid_pre", 1)][:, -1] for p in splits)
    scaler = StandardScaler().fit(x.double())
    for target in ("a", "noise"):
        alpha = float(ds.penalty.sel(target=target).squeeze()) * len(train)
        model = Ridge(alpha=alpha).fit(scaler.transform(x.double()), train.variables[target])
        expected = r2_score(test.variables[target], model.predict(scaler.transform(held.double())))
        assert float(ds.score.sel(target=target).squeeze()) == pytest.approx(expected, abs=1e-6)


def test_carries_its_control_and_its_numbers(llama, splits):
    ds = probing(llama, *splits, layers=[0, 3])
    assert ds.score.dims == ds.score_null.dims == ("target", "layer", "role")
    assert ds.target.values.tolist() == ["a", "b", "result", "noise"]
    assert ds.attrs["constant_targets"] == "constant"
    assert ds.attrs["n_left_out"] == 0
    assert (int(ds.n), int(ds.n_train)) == (IN_TEST.sum(), (~IN_TEST).sum())
    assert (ds.score_null <= float(ds.score_null_high)).all()
    assert (ds.score.sel(target="noise") <= ds.score_null_high).all()
    assert float(ds.score.sel(target="a", layer=0, role="a")) > float(ds.score_null_high)
    assert (ds.score_low <= ds.score + 1e-9).all()
    assert (ds.score_high >= ds.score - 1e-9).all()


def test_batch_size_is_irrelevant(llama, splits):
    one, many = (probing(llama, *splits, layers=[1], batch_size=size) for size in (9, 512))
    assert np.allclose(one.score, many.score, atol=1e-4)
    assert float(one.score_null_high) == pytest.approx(float(many.score_null_high), abs=1e-4)


def _bare_prompts(labels, split):
    """Prompts with distinct tokens whose one variable is `labels`."""
    n = len(labels)
    first = np.arange(n) + (0 if split == "train" else 1000)
    prompts = make_prompts({"bos": np.full(n, BOS), "a": first, "eq": np.full(n, EQ)}, np.zeros(n), split)
    prompts.variables.clear()
    prompts.variables["y"] = labels
    return prompts


def _passes(features, labels, seed):
    """Whether a study of places {split: [prompt, place, d]} finds the labels {split: [prompt]} anywhere."""
    plan = probe_labels.plan(
        _bare_prompts(labels["train"], "train"), _bare_prompts(labels["test"], "test"), None, 2, 19, seed
    )
    train, test = (torch.as_tensor(features[split]) for split in ("train", "test"))
    places = [probe(train[:, i], test[:, i], plan, [1.0, 1e-2]) for i in range(train.shape[1])]
    score = max(1 - place.error.mean() / plan.truth.var() for place in places)
    return score > map_threshold(np.stack([place.null for place in places], axis=-1))


@pytest.mark.slow
def test_false_positives_are_bounded_and_a_stated_signal_is_found():
    """1,000 empty studies: at most 6.7 % pass a 5 % threshold; a true R² of 0.8 passes in 95 %."""
    rng = np.random.default_rng(11)
    nothing, signal = [], []
    for trial in range(1000):
        x = {split: rng.normal(size=(n, 2, 3)) for split, n in (("train", 30), ("test", 20))}
        y = {split: rng.integers(0, 100, size=len(rows)) for split, rows in x.items()}
        nothing.append(_passes(x, y, trial))
        if trial < 200:
            noisy = {s: 29 * (x[s][:, 1, 0] + rng.normal(0, 0.5, size=len(x[s]))) for s in x}
            signal.append(_passes(x, {s: np.round(v).astype(int) for s, v in noisy.items()}, trial))
    assert np.mean(nothing) <= 0.067
    assert np.mean(signal) >= 0.95


def test_r2_interval_holds_the_truth_and_is_zero_for_predicting_the_mean():
    rng = np.random.default_rng(0)
    truth = rng.normal(size=(200, 2))
    error = (0.5 * rng.normal(size=(200, 2))) ** 2
    low, high = r2_interval(error, truth, seed=0)
    assert ((low > 0.6) & (low < 0.75) & (high > 0.75) & (high < 0.85)).all()
    blank = r2_interval((truth - truth.mean(axis=0)) ** 2, truth, seed=0)
    assert np.allclose(blank, 0)


def test_twins_by_operand_order_stay_in_one_fold_and_on_one_side():
    prompts = sum_prompts(A, B, "train")
    test = sum_prompts(np.array([2, 5]), np.array([7, 5]), "test")
    kept, groups = apart(prompts, test)
    left_out = {(2, 7), (7, 2), (5, 5)}
    pairs = list(zip(kept.variables["a"].tolist(), kept.variables["b"].tolist(), strict=True))
    assert set(pairs) == set(zip(A.tolist(), B.tolist(), strict=True)) - left_out
    fold = dict(zip(pairs, grouped_folds(groups, 5, seed=1).tolist(), strict=True))
    assert all(fold[pair] == fold[pair[::-1]] for pair in pairs)
    sizes = np.bincount([fold[pair] for pair in pairs if pair[0] <= pair[1]])
    assert sizes.max() - sizes.min() <= 1
    assert len(sizes) == 5


def test_bad_input(copier, splits):
    train, test = splits
    with pytest.raises(InterpError, match="All 74 train prompts have the tokens of a test prompt"):
        probing(copier, train, train)
    with pytest.raises(InterpError, match=r"no variable 'resultt'.*result"):
        probing(copier, train, test, targets=["resultt"])
    with pytest.raises(InterpError, match="no variable varies"):
        probing(copier, train, test, targets=["constant"])
    with pytest.raises(InterpError, match="at least 19 shuffles; got 5"):
        probing(copier, train, test, n_shuffles=5)
    with pytest.raises(InterpError, match="500-fold cross-validation"):
        probing(copier, train, test, n_folds=500)
    with pytest.raises(InterpError, match="no prompts"):
        probing(copier, train, test[:0])
    with pytest.raises(InterpError, match="no prompts"):
        probing(copier, train[:0], test)
    with pytest.raises(InterpError, match="same template"):
        probing(copier, train, copy_prompts(A[:5], B[:5]))
