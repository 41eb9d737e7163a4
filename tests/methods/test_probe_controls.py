"""Probes beside their controls: a planted variable at its site alone, memories, text, empty studies."""

import dataclasses

import numpy as np
import pytest
import torch
from sklearn.linear_model import Ridge
from sklearn.preprocessing import StandardScaler

from interp.engine import Site, run
from interp.errors import InterpError
from interp.methods.gram import Ladder, choose
from interp.methods.nulls import max_threshold
from interp.methods.probe_controls import Asked, probe_controls
from interp.methods.probe_kinds import Code
from interp.methods.probe_result import ceilings
from interp.methods.probe_study import Sets, columns, groups, valued
from interp.methods.ridge import PENALTIES, Moments
from interp.methods.sparse_ridge import sparse_ladder
from tests.methods.planted import copy_prompts

A, B = map(np.ravel, np.meshgrid(np.arange(10), np.arange(10)))
PART = (np.minimum(A, B) * 3 + np.maximum(A, B)) % 5  # a function of the multiset: no twin leaks


@pytest.fixture(scope="module")
def sets():
    prompts = copy_prompts(A, B, "train")
    prompts.variables.update(noise=np.random.default_rng(0).integers(3, size=100), parity=(A + B) % 2, constant=0 * A)
    parts = [("train", PART < 3), ("selection", PART == 3), ("test", PART == 4)]
    return Sets(*(dataclasses.replace(prompts[rows], split=name) for name, rows in parts))


@pytest.mark.parametrize("kind", ["classification", "regression", "ordinal", "circular"])
def test_finds_the_planted_variable_where_it_is_and_nowhere_else(copier, sets, kind):
    """`a` stands at `a`, and at `eq` behind block 0; b never reaches eq; noise is nowhere."""
    ds = probe_controls(copier, sets, Asked(kind), targets=["a", "b", "noise"])
    threshold = ds.score_null_high
    here = ds.score.sel(target="a")
    assert (here.sel(role="a") > 0.9).all()
    assert (here.sel(role="eq", layer=[1, 2]) > 0.9).all()
    assert (here.sel(role=["bos", "b"], layer=0) <= threshold.sel(target="a")).all()
    assert (here.sel(role="eq", layer=0) <= threshold.sel(target="a")).all()
    assert (ds.score.sel(target="b", role=["bos", "eq"]) <= threshold.sel(target="b")).all()
    assert (ds.score.sel(target="noise") <= threshold.sel(target="noise")).all()


def test_each_label_has_the_ceiling_of_its_own_chance():
    """A coin is guessed in half of all prompts; that is no bar for ten digits, of which a tenth is."""
    rng = np.random.default_rng(0)
    null = np.stack([rng.normal(0.1, 0.01, (99, 12)), rng.normal(0.5, 0.01, (99, 12))], axis=1)
    found = ceilings(null)
    assert 0.12 < found[0] < 0.15 < 0.52 < found[1] < 0.55
    passed = (null > found[:, None]).any(axis=(1, 2)).mean()
    assert passed == pytest.approx(0.04, abs=0.011)  # the rank of 5 % of 99 shuffles, ties apart


def test_controls_are_what_they_say(copier, sets):
    ds = probe_controls(copier, sets, targets=["a", "parity", "constant"], blank=copier, n_shuffles=19)
    assert ds.attrs["constant_targets"] == "constant"
    control = ds.score_control
    moved = ds.sel(target="a", role="eq", layer=2)
    assert float(moved.score_control.sel(control="embedding")) < 0.4 < 0.9 < float(moved.score)
    assert float(moved.score_control.sel(control="untrained")) == pytest.approx(float(moved.score))  # the same model
    assert float(moved.score_control.sel(control="tokens")) == 1.0  # the text has it as well
    assert float(moved.margin) <= 0
    a = ds.sel(target="a", role="a", layer=0)
    assert float(a.score_control.sel(control="control task")) == 1.0  # a one-hot token recites any labels of its own
    assert float(a.selectivity) == 0.0
    share = np.bincount(sets.test.variables["parity"])[np.bincount(sets.train.variables["parity"]).argmax()]
    assert float(control.sel(control="constant", target="parity")[0, 0]) == pytest.approx(share / len(sets.test))
    assert ds["value"].dims[0] == "prompt"
    assert np.allclose(ds["value"].mean("prompt"), ds.score, atol=1e-6)
    assert (ds.score_low <= ds.score + 1e-9).all()


def test_score_is_that_of_sklearn_with_the_chosen_penalty(llama, sets):
    ds = probe_controls(llama, sets, Asked("regression"), targets=["b"], layers=[1], roles=["eq"])
    site = Site("resid_pre", 1)
    x, held = (run(llama, p, reads=[site])[site][:, -1].double().numpy() for p in (sets.train, sets.test))
    scaler = StandardScaler().fit(x)
    alpha = float(ds.penalty.sel(layer=1).squeeze()) * len(sets.train)
    model = Ridge(alpha=alpha).fit(scaler.transform(x), sets.train.variables["b"])
    said = model.predict(scaler.transform(held))
    assert np.allclose(ds["value"].sel(layer=1).squeeze(), (said - sets.test.variables["b"]) ** 2, atol=1e-4)


def test_errors_are_told_by_class(copier, sets):
    ds = probe_controls(copier, sets, Asked(by="noise"), targets=["a"], roles=["a"])
    assert ds.attrs["by"] == "noise"
    counts = np.bincount(sets.test.variables["noise"], minlength=3)
    assert ds.n_by.values.tolist() == counts.tolist()
    whole = (ds.score_by * ds.n_by).sum("class") / ds.n_by.sum()
    assert np.allclose(whole, ds.score)


def test_sparse_probes_read_the_units_that_carry_the_label():
    rng = np.random.default_rng(1)
    x = torch.as_tensor(rng.normal(size=(300, 20)))
    y = torch.stack([3 * x[:, 4] - 2 * x[:, 11], x[:, 7]], dim=1)
    ladder = sparse_ladder(Moments.of(x, y), np.array([0, 1]), 2)
    weights = ladder.at(torch.full((2,), 1e-9, dtype=torch.float64)).weights
    assert np.flatnonzero(weights[:, 0]).tolist() == [4, 11]
    assert weights[[4, 11], 0].tolist() == pytest.approx([3, -2], abs=1e-4)
    assert len(np.flatnonzero(weights[:, 1])) == 2
    assert weights[7, 1] == pytest.approx(1, abs=1e-4)
    assert torch.allclose(ladder.errors(x, y, [1e-9]), torch.zeros(1, 2).double(), atol=1e-8)
    with pytest.raises(InterpError, match="21 units"):
        sparse_ladder(Moments.of(x, y), np.array([0, 1]), 21)


def _beats_shuffles(rng, signal):
    """Whether a study of two places and two classes finds a label at a nominal 5 %, all choices included."""
    sizes, n_shuffles = (30, 16, 24), 19
    labels = [rng.integers(2, size=n) for n in sizes]
    x = [torch.as_tensor(rng.normal(size=(n, 2, 3))) for n in sizes]
    for part, y in zip(x, labels, strict=True):
        part[:, 1, 0] += signal * torch.as_tensor(y)
    code = [Code.of("classification", np.arange(2))]
    shuffled = [np.stack([y, *(rng.permutation(y) for _ in range(n_shuffles))], axis=1)[:, :, None] for y in labels]
    y, z = (torch.as_tensor(columns(code, each)) for each in shuffled[:2])
    scores = []
    for place in range(2):
        ladder = Ladder.of(Moments.of(x[0][:, place], y))
        solved = choose(ladder, x[1][:, place], z, groups(code, 1 + n_shuffles), PENALTIES[::4])
        scores.append(valued(code, solved.predict(x[2][:, place]).numpy(), shuffled[2])[:, :, 0].mean(axis=0))
    most = np.max(scores, axis=0)
    return most[0] > max_threshold(most[1:])


@pytest.mark.slow
def test_shuffled_labels_stay_at_chance_and_a_stated_signal_is_found():
    """1,000 empty studies: at most 6.7 % pass a nominal 5 %; class means 4 spreads apart pass in 95 % of 200."""
    rng = np.random.default_rng(5)
    assert np.mean([_beats_shuffles(rng, 0) for _ in range(1000)]) <= 0.067
    assert np.mean([_beats_shuffles(rng, 4) for _ in range(200)]) >= 0.95


def test_bad_input(copier, sets):
    with pytest.raises(InterpError, match="at least 19 shuffles"):
        probe_controls(copier, sets, n_shuffles=3)
    with pytest.raises(InterpError, match="no variable 'parit'"):
        probe_controls(copier, sets, targets=["parit"])
    with pytest.raises(InterpError, match="Nothing to probe"):
        probe_controls(copier, sets, targets=["constant"])
    with pytest.raises(InterpError, match="tell errors apart"):
        probe_controls(copier, sets, Asked(by="carry"), targets=["a"])
    with pytest.raises(InterpError, match="All"):
        probe_controls(copier, Sets(sets.test, sets.validation, sets.test))


@pytest.mark.parametrize("kind", ["classification", "regression", "ordinal", "circular"])
def test_what_is_said_is_counted(copier, sets, kind):
    """Where `a` stands, each digit is said for itself; where nothing stands, no more often than it happens to fall."""
    ds = probe_controls(copier, sets, Asked(kind), targets=["a", "parity"], roles=["bos", "a"])
    truth = np.bincount(sets.test.variables["a"], minlength=10)
    assert ds.counted.values.tolist() == ["a", "parity"]
    assert ds.n_level.sel(counted="a").values.tolist() == truth.tolist()
    assert (ds.confusion.sum("said") == ds.n_level).all()
    here = ds.sel(counted="a", role="a", layer=1)
    assert np.array_equal(here.confusion.values, np.diag(truth))
    assert np.nanmin(here.right) == 1.0
    nothing = ds.sel(counted="a", role="bos", layer=1)
    assert (nothing.confusion.sum("level") > 0).sum() == 1  # one level, whatever the truth
    assert np.isnan(ds.right.sel(counted="parity", level=5)).all()
    assert (ds.right_low <= ds.right + 1e-9).where(ds.right.notnull(), True).all()
    if kind == "classification":
        right = ds.confusion.values[..., np.arange(10), np.arange(10)].sum(-1) / len(sets.test)
        assert np.allclose(right, ds.score)


def test_only_small_labels_are_counted(copier, sets):
    sets.train.variables["sum"], sets.test.variables["sum"], sets.validation.variables["sum"] = (
        part.variables["a"] + part.variables["b"] for part in (sets.train, sets.test, sets.validation)
    )
    ds = probe_controls(copier, sets, targets=["sum"], roles=["a"])
    assert "confusion" not in ds
