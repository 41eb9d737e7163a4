"""Measures on multiplying models: a calculator passes, one that misses a digit does not, and numbers by hand."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from interp.engine import Site, run
from interp.errors import InterpError
from interp.fourier.digit_geometry import components, digit_geometry, head_at
from interp.fourier.minkowski import head_two_way
from interp.fourier.product_digits import product_digits, state_means
from interp.methods.attention_tree import attention_tree, scores, shuffled_edges, tree
from interp.methods.digit_attribution import digit_attribution, passes
from interp.methods.learning_order import learned, learning_order, places
from interp.methods.multiplier import foretold, multiplication_recipe, untrained, written
from interp.methods.product_accuracy import product_accuracy
from interp.methods.running_sums import Plan, _missed, _said, running_sums, stream_sites
from interp.models import load
from interp.tasks import multiplication as task
from interp.tasks.products import foretold_at, product_prompts, told
from tests.families import FAMILIES, PARALLEL, family
from tests.multipliers import SIZE, Calculator, train_tiny

AB = task.pairs(2, 120, 0, "test")
ROLES = product_prompts(AB, 2).roles


@pytest.fixture(scope="module")
def tiny(tmp_path_factory) -> Path:
    return train_tiny(tmp_path_factory.mktemp("tiny") / "multiply")


@pytest.fixture(scope="module")
def model(tiny):
    return load(str(tiny))


def test_a_calculator_is_right_and_passes():
    ab, calculator = task.pairs(3, 400, 1), Calculator(3)
    found = product_accuracy(calculator, ab, 3)
    assert found.exact.values.tolist() == [1, 1]
    assert found.digit.values.tolist() == [1, 1]
    assert float(found.token) == 1
    assert float(found.digit_majority_null) < 0.3
    map_ = digit_attribution(calculator, ab, 3)
    assert int(map_.passed) == 1
    np.testing.assert_allclose(map_.attribution, SIZE * map_.changes, atol=1e-5)
    assert map_.source.values.tolist() == ["a2", "a1", "a0", "b2", "b1", "b0"]
    assert (map_.changes.sel(source="a2").values > 0).tolist() == [False, False, True, True, True, True]
    assert float(map_.attribution_null_high) < 5


def test_a_calculator_that_misses_a_digit_does_not_pass():
    ab = task.pairs(3, 200, 1)
    partial = digit_attribution(Calculator(3, knows=(0, 1, 5)), ab, 3)
    assert int(partial.passed) == 0
    assert not partial.attribution.sel(column=["c2", "c3", "c4"]).values.any()
    blind = digit_attribution(Calculator(3, last_b=False), ab, 3)
    assert not blind.attribution.sel(source="b2").values.any()
    assert not blind.passes.sel(source="b2", column="c3").values.any()
    assert int(digit_attribution(Calculator(3, knows=()), ab, 3).passed) == 0


def test_the_rule_of_the_map_by_hand():
    changes = np.array([[0.0, 0.8, 0.2], [0.9, 0.9, 0.6]])
    drop = np.array([[0.5, 10, 3], [8, 20, 4.9]])
    expected = [[True, True, True], [True, True, False]]  # 4.9 is below a quarter of 20; 3 is below 4.9
    np.testing.assert_array_equal(passes(drop, drop - 1, changes, 2), expected)
    noisy = passes(drop, np.where(drop == 8, 1.9, drop), changes, 2)
    assert not noisy[1, 0]  # its interval reaches into the null
    assert not passes(np.where(drop == 0.5, -1.1, drop), drop - 1, changes, 2)[0, 0]
    assert not passes(np.where(drop == 3, 6, drop), drop - 1, changes, 2)[0, 2]


def test_accuracy_by_hand_under_every_definition():
    ab = np.array([[47, 65], [99, 99], [10, 10], [25, 40]])  # 3055, 9801, 0100, 1000
    found = product_accuracy(Calculator(2, knows=(0, 1)), ab, 2)
    right = [[1, 1, 1, 0], [1, 1, 0, 0], [1, 1, 0, 1], [1, 1, 1, 0]]
    np.testing.assert_array_equal(found.right.sel(mode="told"), right)
    np.testing.assert_array_equal(found.right.sel(mode="free"), right)
    assert found.exact.values.tolist() == [0, 0]
    assert found.digit.values.tolist() == [11 / 16, 11 / 16]
    assert float(found.token) == (11 + 4 * 3) / (4 * 7)
    assert found.accuracy_majority_null.values.tolist() == [0.5, 0.75, 0.5, 0.25]
    zeros = product_accuracy(Calculator(2, knows=()), np.array([[47, 65], [65, 47]]), 2)  # c2 of 3055 alone is 0
    assert float(zeros.token) == pytest.approx((1 + 3) / 7)


def test_the_published_map_follows_the_arithmetic_of_carries():
    published = np.array([  # arXiv:2510.00184, rows a0 .. a3 of the model that solves it, read from the figure
        [19.6, 22.3, 21.5, 20.7, 16.4, 1.4, 0, 0], [0, 18.8, 21.4, 21.3, 20.0, 18.1, 1.2, 0],
        [0, 0, 17.5, 20.7, 19.7, 21.5, 17.9, 1.4], [0, 0, 0, 16.4, 19.7, 21.3, 21.9, 22.6],
    ])  # fmt: skip
    changes = digit_attribution(Calculator(4), task.pairs(4, 2000, 0), 4, n_shuffles=19).changes.values[3::-1]
    assert np.corrcoef(published.ravel(), changes.ravel())[0, 1] > 0.98
    large = changes >= 0.5
    assert published[large].min() > 0.25 * published.max()
    assert published[~large].max() < published[large].min()
    assert large.sum(1).tolist() == [5, 5, 5, 5]  # i <= k <= i + n: the last product's carry counts as a product


def test_logits_are_those_of_the_plain_model(model, tiny):
    from transformers import GPT2LMHeadModel

    from interp.models.multiplication_training import digit_logits

    tokens = told(AB, 2)
    plain = GPT2LMHeadModel.from_pretrained(tiny)
    whole = torch.from_numpy(np.concatenate([tokens, np.full((len(AB), 1), task.END)], axis=1))
    with torch.no_grad():
        expected = digit_logits(plain, whole, 2).numpy()
    np.testing.assert_allclose(foretold(model, tokens, 2, batch_size=50), expected, atol=1e-4)
    said = written(model, AB, 2, batch_size=50)
    for row, digits in zip(tokens[:5], said[:5], strict=True):
        so_far = row[:8].tolist()
        for _ in range(4):
            so_far.append(int(plain(input_ids=torch.tensor([so_far])).logits[0, -1].argmax()))
        assert so_far[8:] == digits.tolist()


def test_the_untrained_network_is_that_of_the_recipe(model):
    from interp.models.multiplication import build_model

    blank, fresh = untrained(model), build_model(multiplication_recipe(model)).eval()
    tokens = told(AB, 2)[:5]
    with torch.no_grad():
        expected = fresh(input_ids=torch.from_numpy(tokens)).logits[:, 7:11].numpy()
    np.testing.assert_allclose(foretold(blank, tokens, 2), expected, atol=1e-4)
    assert np.abs(foretold(model, tokens, 2) - expected).max() > 1e-3


def test_other_models_are_refused(checkpoint):
    with pytest.raises(InterpError, match="no multiplying model"):
        multiplication_recipe(load(str(checkpoint)))


def test_a_planted_sum_is_read_and_a_shuffled_one_is_not():
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 200, (600, 1)).astype(float)
    x = torch.from_numpy(np.concatenate([truth, rng.standard_normal((600, 5))], axis=1) @ rng.standard_normal((6, 6)))
    labels = np.concatenate([truth[:400], rng.permutation(truth[:400])], axis=1)
    plan = Plan(np.arange(400) % 5, torch.from_numpy(labels), truth[400:])
    found = _missed(plan, _said(x[:400], x[400:], plan))
    constant = np.abs(truth[400:] - np.median(truth[:400])).mean()
    assert found[0] < 0.01 * constant
    assert found[1] > 0.95 * constant


def test_a_probe_that_reads_nothing_is_the_best_constant_even_of_skewed_sums():
    """Squared error alone would fall back to the mean, which errs 1.06 times as much as the median."""
    rng = np.random.default_rng(0)
    truth = rng.exponential(20, (4000, 1))
    plan = Plan(np.arange(2000) % 5, torch.from_numpy(truth[:2000]), truth[2000:])
    for x in (torch.ones(4000, 3), torch.from_numpy(rng.standard_normal((4000, 3)))):
        [[found]] = _missed(plan, _said(x[:2000], x[2000:], plan))
        constant = np.abs(truth[2000:] - np.median(truth[:2000])).mean()
        mean = np.abs(truth[2000:] - truth[:2000].mean()).mean()
        assert mean > 1.04 * constant
        assert abs(found / constant - 1) < 0.01


@pytest.mark.parametrize("name", FAMILIES)
def test_running_sums_of_every_architecture(name):
    bridge, train = family(name).bridge, product_prompts(task.pairs(2, 250, 0, "train"), 2)
    found = running_sums(bridge, train, product_prompts(AB, 2), 2, untrained=bridge)
    assert [site.name for site in stream_sites(bridge)].count("resid_mid") == (0 if name in PARALLEL else 3)
    np.testing.assert_allclose(found.mae_untrained_null, found.mae, rtol=1e-6)
    own = found.ratio.sel(column="c3", site="resid_pre 0")
    assert float(own.sel(role="c3")) < 0.2 < 0.6 < float(own.sel(role="a0"))  # the last digit is its own sum
    assert float(found.ratio.sel(role="a0").min()) > 0.5
    assert 0.8 < float(found.ratio_null_low) < 1.02 < float(found.ratio_null_high) < 1.4
    assert float(found.worst) == float(found.ratio.max()) < 1.05 * float(found.ratio_null_high)  # a constant and noise
    away = np.abs(found.truth - found.said).mean("problem").transpose(*found.mae.dims)
    np.testing.assert_allclose(found.mae, away, rtol=1e-5)
    for k in range(4):
        here = found.mae.sel(column=f"c{k}", role=foretold_at(k))
        np.testing.assert_array_equal(found.mae_foretold.sel(column=f"c{k}"), here)
    truth = task.columns(AB[:, 0], AB[:, 1], 2).running
    middle = np.median(task.columns(train.variables["a"], train.variables["b"], 2).running, axis=0)
    np.testing.assert_allclose(found.mae_constant_null, np.abs(truth - middle).mean(0), rtol=0.05)


def hand_edges() -> np.ndarray:
    """One head a layer: block 0 makes a0 b0 at `times`.. at "#" it looks at a0 and b0; block 1 fetches "#" from c0."""
    at, edges = {role: i for i, role in enumerate(ROLES)}, np.zeros((2, 1, len(ROLES), len(ROLES)), bool)
    for query, key in (("#", "a0"), ("#", "b0"), ("c1", "a1"), ("c1", "b1")):
        edges[0, 0, at[query], at[key]] = True
    edges[1, 0, at["c0"], at["#"]] = edges[1, 0, at["c2"], at["c1"]] = True
    return edges


def test_a_tree_by_hand():
    covered = tree(hand_edges(), ROLES, 2)
    pairs = [{(int(i), int(j)) for i, j in zip(*np.nonzero(each), strict=True)} for each in covered]
    assert pairs == [{(0, 0)}, {(0, 0)}, {(1, 1)}, {(1, 1)}]  # foretold at "#", c0, c1, c2
    coverage, spurious = scores(covered)
    assert coverage.tolist() == [1, 1 / 3, 1 / 4, 1 / 4]
    assert spurious.tolist() == [0, 0, 0, 0]
    whole = np.ones((4, 2, 2), bool)
    assert scores(whole)[0].tolist() == [1, 1, 1, 1]
    assert scores(whole)[1].tolist() == [0.75, 0.25, 0, 0]


def test_random_trees_have_as_many_edges_none_in_the_future():
    edges = hand_edges()
    found = shuffled_edges(edges, np.random.default_rng(0))
    np.testing.assert_array_equal(found.sum(-1), edges.sum(-1))
    assert not found[..., ~np.tri(len(ROLES), dtype=bool)].any()
    assert (found != edges).any()


@pytest.mark.parametrize("name", FAMILIES)
def test_trees_and_geometry_of_every_architecture(name):
    bridge, prompts = family(name).bridge, product_prompts(AB, 2)
    found = attention_tree(bridge, prompts, 2, untrained=bridge, thresholds=(0.01, 0.2, 0.9), n_random=19)
    np.testing.assert_array_equal(found.coverage_untrained_null, found.coverage)
    slow = tree(found.pattern.values > 0.2, ROLES, 2)
    np.testing.assert_array_equal(found.covered.sel(threshold=0.2), slow)
    geometry = digit_geometry(bridge, prompts, 2, draws=1, untrained=bridge)
    np.testing.assert_allclose(geometry.additive_untrained_null, geometry.additive, atol=1e-9)
    cell = geometry.sel(layer=1, head=2, column="c3")
    pair = (f"a{int(cell.digit_a)}", f"b{int(cell.digit_b)}")
    twin = head_two_way(bridge, prompts, 1, 2, pair, "c2", draws=1)
    assert float(cell.additive) == pytest.approx(twin[0].additive, rel=1e-6)
    assert float(cell.attention_a) == pytest.approx(twin[2][pair[0]], rel=1e-5)
    assert float(cell.attention_a) == pytest.approx(max(twin[2]["a0"], twin[2]["a1"]), rel=1e-5)
    assert float(geometry.additive_shuffled_null.max()) < 0.5 < float(geometry.cell.max())


def test_components_hold_what_they_say():
    out = np.random.default_rng(0).standard_normal((50, 4)) * [3, 2, 1, 0]
    place, held = components(out, 3)
    assert held.sum() == pytest.approx(1)
    np.testing.assert_allclose((place**2).sum(0) / ((out - out.mean(0)) ** 2).sum(), held)


def test_states_by_digit(model):
    digit = np.arange(40) % 10
    states = np.eye(10)[digit] * 7
    np.testing.assert_allclose(state_means(states, digit), 7 * np.eye(10))
    with pytest.raises(InterpError, match="digits 9 never"):
        state_means(states[digit < 9], digit[digit < 9])
    found = product_digits(model, product_prompts(task.pairs(2, 300, 0), 2), 1, untrained=untrained(model), draws=19)
    assert {"embedding", "states", "final", "final before", "mlp 1 before"} <= set(found.site.values.tolist())
    same = found.r2.sel(site="embedding").values - found.r2.sel(site="embedding before").values
    assert 0 < np.abs(same).max() < 0.2  # eight steps are few
    head = head_at(run(model, product_prompts(AB, 2), reads=[Site("z", 0), Site("pattern", 0)]), model,
                   product_prompts(AB, 2), 0, 1, "#", 2)  # fmt: skip
    assert head.out.shape == (len(AB), 16)


def test_learning_by_hand():
    steps = np.arange(10, 110, 10)
    loss = np.full((10, 4), 2.3)
    loss[:, 0] = 0.01  # from the first line on
    loss[3:, 1] = 0.3
    loss[5, 1] = 0.9  # once more above: only four lines are left after it, and two before it
    loss[5:, 2] = 0.3  # the last five lines
    at, after = learned(steps, loss, 0.5)
    np.testing.assert_array_equal(at, [10, np.nan, 60, np.nan])
    np.testing.assert_array_equal(after, [0, np.nan, 50, np.nan])
    np.testing.assert_array_equal(places(np.array([at])), [[1, np.nan, 2, np.nan]])


def test_the_order_is_read_from_the_log_of_a_training(tiny):
    lines = [json.loads(line) for line in (tiny / "log.jsonl").read_text().splitlines()]
    found = learning_order(lines, 2, 20, "tiny")
    assert found.step.values.tolist() == [line["step"] for line in lines]
    assert found.loss.values[2].tolist() == lines[2]["digits"]["loss"]
    assert np.isnan(found.learned_at).all()
    np.testing.assert_allclose(found.loss_null[1:3], np.log(10), atol=0.02)
    assert found.scored.values.tolist() == [4, 8]
    with pytest.raises(InterpError, match="expected 5 or more"):
        learning_order(lines[:3], 2, 20)
