"""Ridge at all places from one pass equals scikit-learn place by place; the dual equals the primal."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import Ridge
from sklearn.preprocessing import StandardScaler

from interp.engine import Site, run
from interp.methods.gram import Ladder, best_penalty, choose, choose_all, gram_ladders
from interp.methods.ridge import Moments, Path, products, standardise
from tests.families import FAMILIES, family, random_prompts

RNG = np.random.default_rng(0)
CELLS = [(0, "a"), (1, "b"), (3, "eq")]
PENALTIES = (1e-3, 10.0, 0.1)


@pytest.mark.parametrize("name", FAMILIES)
def test_one_pass_over_all_places_is_sklearn_place_by_place(name):
    model, prompts = family(name).bridge, random_prompts(90)
    labels = RNG.normal(size=(90, 3)) + prompts.tokens[:, [1]]
    ladders = gram_ladders(model, prompts, labels, CELLS, batch_size=17)
    reads = run(model, prompts, reads=[Site("resid_pre", layer) for layer, _ in CELLS])
    alpha = torch.tensor([0.1, 1.0, 1e-2], dtype=torch.float64)
    for layer, role in CELLS:
        x = reads[Site("resid_pre", layer)][:, prompts.position(role)].double().numpy()
        scaler = StandardScaler().fit(x)
        found = ladders[layer, role].at(alpha).predict(torch.as_tensor(x))
        for k in range(3):
            twin = Ridge(alpha=float(alpha[k]) * 90).fit(scaler.transform(x), labels[:, k])
            assert np.allclose(found[:, k], twin.predict(scaler.transform(x)), atol=1e-6), (layer, role, k)


def test_penalties_are_those_with_the_least_validation_error_of_each_group():
    model, train, held = family("llama").bridge, random_prompts(80, 1), random_prompts(60, 2)
    y, z = (np.c_[p.tokens[:, 1], RNG.normal(size=(len(p), 2))] for p in (train, held))
    groups = np.array([0, 1, 1])
    ladders = gram_ladders(model, train, y, CELLS)
    chosen = choose_all(model, held, z, groups, ladders, penalties=PENALTIES, batch_size=13)
    reads = run(model, held, reads=[Site("resid_pre", layer) for layer, _ in CELLS])
    for cell, solution in chosen.items():
        x = reads[Site("resid_pre", cell[0])][:, held.position(cell[1])]
        error = {
            alpha: ((ladders[cell].at(torch.full((3,), alpha).double()).predict(x).numpy() - z) ** 2).sum(axis=0)
            for alpha in PENALTIES
        }
        first = min(PENALTIES, key=lambda alpha: error[alpha][0])
        rest = min(PENALTIES, key=lambda alpha: error[alpha][1:].sum())
        assert solution.alpha.tolist() == [first, rest, rest]
        same = choose(ladders[cell], x, torch.as_tensor(z), groups, PENALTIES)
        assert np.allclose(same.weights, solution.weights, atol=1e-9)


def test_among_equal_errors_the_largest_penalty_wins():
    errors = torch.tensor([[1.0, 2.0], [1.0, 1.0]])
    assert best_penalty(errors, np.array([0, 1]), [10.0, 1.0]).tolist() == [10.0, 1.0]


@pytest.mark.parametrize("n", [5, 12, 40])
def test_the_dual_is_the_primal(n):
    x, y = (torch.as_tensor(RNG.normal(size=(n, width)) + 2) for width in (12, 3))
    alpha = torch.tensor([1e-4, 0.1, 10.0], dtype=torch.float64)
    dual, primal = Path.of_rows(x, y), Path.of(Moments.of(x, y))
    assert dual.vectors.shape[1] == (n - 1 if n < 12 else 12)
    assert torch.allclose(dual.weights(alpha), primal.weights(alpha), atol=1e-9)
    held = torch.as_tensor(RNG.normal(size=(7, 12)))
    assert torch.allclose(dual.predict(held, alpha), primal.predict(held, alpha), atol=1e-9)


def test_errors_of_rows_are_those_of_moments():
    x, y, held, truth = (torch.as_tensor(RNG.normal(size=shape)) for shape in ((30, 6), (30, 2), (9, 6), (9, 2)))
    path = Path.of_rows(x, y)
    expected = path.squared_error(Moments.of(held, truth), PENALTIES)
    assert torch.allclose(path.row_errors(held, truth, PENALTIES), expected)


def test_standardising_from_sums_is_standardising_rows():
    x = torch.as_tensor(RNG.normal(size=(50, 5)) * [1, 30, 0.1, 0, 2] + [0, 5, -1, 3, 0]).float()
    y = torch.as_tensor(RNG.normal(size=(50, 2)))
    rows = Moments.of(x.double(), y)
    alpha = torch.full((2,), 0.1, dtype=torch.float64)
    expected = Path.of(Moments.of(standardise(x, x)[0], y)).predict(standardise(x, x)[0], alpha)
    assert torch.allclose(Ladder.of(rows, torch.finfo(torch.float32).eps).at(alpha).predict(x), expected, atol=1e-6)
    assert rows.scale()[3] == 0


def test_parts_add_up_and_triangles_make_the_whole():
    x, y = torch.as_tensor(RNG.normal(size=(20, 4))), torch.as_tensor(RNG.normal(size=(20, 2)))
    whole, parts = Moments.of(x, y), Moments.of(x[:7], y[:7]) + Moments.of(x[7:], y[7:])
    assert parts.n == 20
    assert torch.allclose(parts.xx, whole.xx)
    assert torch.allclose(parts.xy, whole.xy)
    assert torch.allclose(products(x), x.T @ x)
    assert torch.allclose(products(x.T), x @ x.T)
