"""Localisation: the copier's one head is the circuit, faithfulness by hand, and every circuit against plain runs."""

import numpy as np
import pytest
import torch

from interp.engine import Constant, Intervention, Site, run
from interp.errors import InterpError
from interp.methods.localisation import judge, localisation, random_orders, sizes_of
from interp.methods.normalised import kept_share, normalised_logits
from interp.methods.position_means import position_means
from interp.tasks.twins import Twins
from tests.families import N_HEADS, N_LAYERS
from tests.methods.planted import copy_prompts, sum_prompts

A, OTHER = np.array([1, 2, 3, 4, 5, 6]), np.array([7, 8, 9, 0, 1, 2])


def test_normalised_logits_by_hand():
    logits = torch.tensor([[2.0, 4.0, 1.0], [-1.0, -2.0, -3.0]])
    found = normalised_logits(logits, torch.tensor([0, 0]))
    assert found[0] == 0.5
    assert torch.isnan(found[1])


def test_both_averages_by_hand():
    full, empty = np.array([1.0, 1.0, 1.0]), np.array([0.0, 0.9, np.nan])
    circuit = np.array([[0.5], [0.8], [1.0]])
    value, _, ratios = kept_share(circuit, empty, full)
    assert value == pytest.approx([(0.5 - 0.1) / (1.0 + 0.1)])
    assert ratios == pytest.approx([(0.5 - 1.0) / 2])
    assert np.isnan(kept_share(circuit, full, full)[0]).all()


def test_sizes_hold_none_and_all():
    assert sizes_of(3) == [0, 1, 2, 3]
    assert sizes_of(1000)[-1] == 1000
    assert np.all(np.diff(sizes_of(1000)) > 0)


@pytest.fixture(scope="module")
def copied(copier):
    """Outside the circuit the head says 0, which no prompt asks for."""
    pairs = Twins(copy_prompts(A, 5), copy_prompts(OTHER, 5), ("a", "result"), ())
    prompts, reference = copy_prompts(np.arange(1, 10), 3), copy_prompts(np.zeros(4, dtype=int), 5)
    return localisation(copier, pairs, prompts, [reference], n_random=3)


def test_finds_the_copiers_head_and_nothing_else(copied):
    effects = np.zeros((2, 1, 4))
    effects[0, 0, 3] = 1.0  # the logit of 1 moves to the other answer: a nat up, a nat down, halved
    assert copied.head_effect.values == pytest.approx(effects, abs=1e-5)
    assert not copied.mlp_effect.values.any()
    assert copied.added.values.tolist() == ["", "0.0", "1.0"]
    assert copied.faithfulness.values == pytest.approx([0, 1, 1], abs=1e-5)
    assert copied.faithfulness_ratios.values == pytest.approx([0, 1, 1], abs=1e-5)
    assert copied.accuracy.values.tolist() == [0, 1, 1]
    assert float(copied.smallest) == 1
    assert (int(copied.n), int(copied.n_asked), int(copied.n_pairs)) == (9, 9, 6)
    assert copied.faithfulness_random.values == pytest.approx([0, 1, 1], abs=1e-5)  # one head a layer: the same one


def test_means_count_every_prompt_of_every_operator_once(tiny):
    rng = np.random.default_rng(1)
    first, second = (sum_prompts(*rng.integers(0, 10, (2, n))) for n in (5, 9))
    site = Site("z", 1)
    means = position_means(tiny.bridge, [first, second], [site], batch_size=4)[site]
    both = torch.cat([run(tiny.bridge, each, reads=(site,))[site] for each in (first, second)])
    assert means.shape == (5, N_HEADS, both.shape[-1])
    assert torch.allclose(means, both.float().mean(dim=0).to(means), atol=tiny.tolerance)
    assert position_means(tiny.bridge, [first], [site], ["eq"])[site].shape[0] == 1


def test_every_circuit_is_a_plain_run_with_the_rest_at_means(tiny):
    rng = np.random.default_rng(0)
    prompts = sum_prompts(*rng.integers(0, 10, (2, 6)))
    sites = [Site(name, layer) for name in ("z", "mlp_out") for layer in range(N_LAYERS)]
    means = position_means(tiny.bridge, [sum_prompts(*rng.integers(0, 10, (2, 8)))], sites)
    order = [(layer, head) for layer in (1, 0, 2) for head in range(N_HEADS)]
    found = judge(tiny.bridge, prompts, means, [order, order[::-1]], [0, 5, 12], batch_size=4)
    assert found.normalised.shape == (6, 2 + 6)

    def plain(kept, mlps=True):
        edits = [
            Intervention(Site("z", layer, head), prompts.roles, Constant(means[Site("z", layer)][:, head]))
            for layer, head in order if (layer, head) not in kept
        ]  # fmt: skip
        if not mlps:
            edits += [Intervention(s, prompts.roles, Constant(means[s])) for s in sites if s.name == "mlp_out"]
        logits = run(tiny.bridge, prompts, edits).logits
        return normalised_logits(logits, torch.as_tensor(prompts.answer_ids, device=logits.device)).cpu().numpy()

    expected = [plain(order), plain([], mlps=False), plain([]), plain(order[:5]), plain(order)]
    expected += [plain([]), plain(order[::-1][:5]), plain(order)]
    assert found.normalised == pytest.approx(np.stack(expected, axis=1), abs=20 * tiny.tolerance, nan_ok=True)


def test_random_circuits_have_as_many_heads_in_every_layer(llama):
    rng = np.random.default_rng(0)
    a, b = rng.integers(0, 10, (2, 6))
    pairs = Twins(sum_prompts(a, b), sum_prompts((a + 1) % 10, (b + 2) % 10), (), ())
    every = sum_prompts(a, b)
    object.__setattr__(every, "answer_ids", run(llama, every).logits.argmax(dim=-1).numpy())
    ds = localisation(llama, pairs, every, [every], n_random=4, seed=2)
    assert int(ds.n) == 6
    assert ds.faithfulness_draws.shape == (4, N_LAYERS * N_HEADS + 1)
    assert ds.faithfulness_draws.values[:, -1] == pytest.approx(np.ones(4), abs=1e-5)
    assert float(ds.faithfulness[-1]) == pytest.approx(1, abs=1e-5)
    order = [tuple(map(int, name.split("."))) for name in ds.added.values[1:]]
    best = ds.head_effect.max("role").values
    assert [best[head] for head in order] == sorted(best.ravel(), reverse=True)


def test_random_orders_exchange_heads_within_layers():
    order = [(1, 3), (0, 0), (1, 1), (0, 2), (1, 0), (0, 1), (0, 3), (1, 2)]
    drawn = random_orders(order, 4, 20, seed=0)
    assert len({tuple(each) for each in drawn}) > 10
    for each in drawn:
        assert [layer for layer, _ in each] == [layer for layer, _ in order]
        assert sorted(each) == sorted(order)


def test_nothing_answered_says_so(copier):
    wrong = copy_prompts(A, 5)
    object.__setattr__(wrong, "answer_ids", np.full(6, 9))
    ds = localisation(copier, Twins(copy_prompts(A, 5), copy_prompts(OTHER, 5), (), ()), wrong, [copy_prompts(A, 5)])
    assert int(ds.n) == 0
    assert np.isnan(ds.faithfulness).all()


def test_bad_input(copier):
    pairs, prompts = Twins(copy_prompts(A, 5), copy_prompts(OTHER, 5), (), ()), copy_prompts(A, 5)
    with pytest.raises(InterpError, match="at least 2 pairs"):
        localisation(copier, Twins(prompts[:1], prompts[1:2], (), ()), prompts, [prompts])
    with pytest.raises(InterpError, match="use at least 1"):
        localisation(copier, pairs, prompts, [prompts], n_random=0)
    with pytest.raises(InterpError, match="same roles"):
        localisation(copier, pairs, prompts, [sum_prompts(A, A)])
    with pytest.raises(InterpError, match="at least one set"):
        localisation(copier, pairs, prompts, [])
