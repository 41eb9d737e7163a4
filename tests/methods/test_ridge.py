"""The ridge path against scikit-learn, penalty by penalty and fold by fold."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import Ridge
from sklearn.preprocessing import StandardScaler

from interp.methods.ridge import Moments, Path, choose_penalty, standardise

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 7)) @ RNG.normal(size=(7, 7)) + 3
Y = X[:, :3] @ RNG.normal(size=(3, 4)) + RNG.normal(size=(60, 4)) * [0.01, 1, 10, 0] + [5, -5, 0, 2]
PENALTIES = (100.0, 1.0, 1e-2, 1e-4)


def tensor(values):
    return torch.as_tensor(np.asarray(values, dtype=float))


@pytest.mark.parametrize("alpha", PENALTIES)
def test_path_equals_sklearn_ridge(alpha):
    path = Path.of(Moments.of(tensor(X), tensor(Y)))
    model = Ridge(alpha=alpha * len(X)).fit(X, Y)
    penalty = torch.full((4,), alpha, dtype=torch.float64)
    assert np.allclose(path.weights(penalty).numpy().T, model.coef_, atol=1e-8)
    assert np.allclose(path.predict(tensor(X[:5] + 1), penalty).numpy(), model.predict(X[:5] + 1), atol=1e-8)


def test_held_out_error_from_moments_equals_predicting():
    rows = slice(40, 60)
    held = Moments.of(tensor(X[rows]), tensor(Y[rows]))
    path = Path.of(Moments.of(tensor(X), tensor(Y)) - held)
    for k, alpha in enumerate(PENALTIES):
        model = Ridge(alpha=alpha * 40).fit(X[:40], Y[:40])
        expected = ((model.predict(X[rows]) - Y[rows]) ** 2).sum(axis=0)
        assert np.allclose(path.squared_error(held, PENALTIES)[k].numpy(), expected, rtol=1e-7, atol=1e-9)


def test_penalty_is_chosen_by_cross_validation_on_the_given_folds():
    rng = np.random.default_rng(1)
    x = rng.normal(size=(60, 15))
    y = x @ rng.normal(size=(15, 12)) + rng.normal(size=(60, 12)) * np.linspace(0.1, 12, 12)
    fold, grid = np.arange(60) % 3, np.logspace(2, -4, 13).tolist()
    error = np.zeros((len(grid), 12))
    for k in range(3):
        for i, alpha in enumerate(grid):
            model = Ridge(alpha=alpha * 40).fit(x[fold != k], y[fold != k])
            error[i] += ((model.predict(x[fold == k]) - y[fold == k]) ** 2).sum(axis=0)
    path, alpha = choose_penalty(tensor(x), tensor(y), fold, grid)
    assert alpha.tolist() == [grid[i] for i in error.argmin(axis=0)]
    assert len(set(alpha.tolist())) > 3  # the targets differ in noise, and so in the penalty they need
    assert path.n == 60


def test_noise_is_shrunk_and_signal_is_not():
    rng = np.random.default_rng(3)
    x, noise = rng.normal(size=(100, 20)), rng.normal(size=(100, 50))
    fold = np.arange(100) % 5
    assert np.mean(choose_penalty(tensor(x), tensor(noise), fold, PENALTIES)[1].numpy() >= 1) > 0.8
    assert choose_penalty(tensor(x), tensor(x[:, :2]), fold, PENALTIES)[1].tolist() == [1e-4, 1e-4]


def test_standardise_uses_the_training_rows_and_silences_constants():
    train = np.column_stack([X, np.full(60, 4.0), 4 + 1e-7 * RNG.normal(size=60)])
    test = train[:5] + 1
    scaler = StandardScaler().fit(X)
    a, b = standardise(torch.as_tensor(train), torch.as_tensor(test))
    assert np.allclose(a[:, :7], scaler.transform(X))
    assert np.allclose(b[:, :7], scaler.transform(test[:, :7]))
    assert not a[:, 7:].any()
    assert not b[:, 7:].any()  # rounding noise must not be blown up to unit spread
    assert a.dtype == torch.float64


def test_standardise_keeps_small_features_and_knows_the_rounding_of_each_dtype():
    """A spread of 0.001 about 1 is below one step of bfloat16, and far above one of float32."""
    rng = np.random.default_rng(0)
    x = torch.as_tensor(np.column_stack([rng.normal(size=40), 1 + 1e-3 * rng.normal(size=40), 1e-4 * X[:40, 0]]))
    kept = [
        standardise(x.to(dtype), x[:3].to(dtype))[0].any(dim=0).tolist() for dtype in (torch.float32, torch.bfloat16)
    ]
    assert kept == [[True, True, True], [True, False, True]]
    spread = standardise(x, x)[0].std(dim=0, correction=0)
    assert np.allclose(spread, 1)


def test_a_place_without_any_signal_predicts_the_mean():
    x, _ = standardise(torch.full((20, 3), 2.0), torch.zeros(1, 3))
    path, alpha = choose_penalty(x, tensor(Y[:20]), np.arange(20) % 4, PENALTIES)
    assert np.allclose(path.predict(x[:1], alpha).numpy(), Y[:20].mean(axis=0))
