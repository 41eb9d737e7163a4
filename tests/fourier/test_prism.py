"""A prism is found and noise, lines and other circles are not; the nulls have their laws."""

from __future__ import annotations

import numpy as np
import pytest

from interp.errors import InterpError
from interp.fourier import prism
from interp.fourier.digit_codes import digit_codes, digit_vectors
from interp.models import load
from interp.tasks import build, named_task
from tests.families import family, random_prompts

N = np.arange(10)


def ideal(height=1.5, width=1.0, noise=0.0, d=64, seed=0):
    rng = np.random.default_rng(seed)
    axes = np.linalg.qr(rng.standard_normal((d, 3)))[0] * [height, width, width]
    shape = np.stack([(-1.0) ** N, np.cos(4 * np.pi * N / 10), np.sin(4 * np.pi * N / 10)])
    return axes @ shape + noise * rng.standard_normal((d, 10)) + rng.standard_normal((d, 1))


def test_published_subset_rewards_a_number_line_and_the_prisms_does_not():
    wide, own = prism.SUBSETS["0,1,2,5"], prism.SUBSETS["0,2,5"]
    assert prism.line_scores(wide)["number line"] == pytest.approx(0.840, abs=5e-4)
    assert prism.line_scores(wide)["log(n + 1)"] == pytest.approx(0.794, abs=5e-4)
    assert prism.line_scores(own)["number line"] == pytest.approx(0.206, abs=5e-4)
    assert prism.line_is_rewarded(wide)
    assert not prism.line_is_rewarded(own)
    assert prism.white_mean(wide) == pytest.approx(5 / 9)
    assert prism.white_mean(own) == pytest.approx(1 / 3)
    assert prism.white_quantile(wide, 0.5) == pytest.approx(0.564, abs=5e-4)
    assert prism.white_quantile(wide, 0.95) == pytest.approx(0.887, abs=5e-4)


@pytest.mark.parametrize("ks", prism.SUBSETS.values())
def test_white_rows_follow_the_beta_law(ks):
    values = prism.r2(np.random.default_rng(0).standard_normal((20_000, 10)), ks)
    assert values.mean() == pytest.approx(prism.white_mean(ks), abs=0.006)
    assert (values > prism.white_quantile(ks, 0.95)).mean() == pytest.approx(0.05, abs=0.006)


def test_r2_is_that_of_least_squares():
    x = np.random.default_rng(1).standard_normal((5, 10))
    design = np.stack(
        [np.ones(10), *(f(2 * np.pi * k * N / 10) for k in (1, 2) for f in (np.cos, np.sin)), (-1.0) ** N]
    )
    rest = x.T - design.T @ np.linalg.lstsq(design.T, x.T, rcond=None)[0]
    np.testing.assert_allclose(prism.r2(x, (1, 2, 5)), 1 - rest.var(0) / x.var(1), atol=1e-12)
    np.testing.assert_allclose(prism.r2(x, (1, 2, 3, 4, 5)), 1)
    steps = prism.cumulative(x)
    assert steps[0] == 0
    assert steps[-1] == pytest.approx(1)
    assert (np.diff(steps) >= 0).all()


def test_the_ideal_prism_fits_whatever_its_height():
    for height in (0.3, 1.0, 4.0):
        found = prism.score(ideal(height))
        assert found.fit == pytest.approx(1, abs=1e-6)
        assert found.angles.max() < 1e-6
        np.testing.assert_allclose(found.median[[0, 1]], 1)


def test_permutation_null_finds_the_prism_alone():
    planted, null = prism.score(ideal(noise=0.1)), prism.permuted(ideal(noise=0.1), 2000)
    assert (null.fit >= planted.fit).mean() < 0.005
    assert (null.median[:, 1] >= planted.median[1]).mean() < 0.005
    other = np.stack([np.cos(2 * np.pi * N / 10), np.sin(2 * np.pi * N / 10), np.cos(6 * np.pi * N / 10)])
    axes = np.linalg.qr(np.random.default_rng(0).standard_normal((64, 3)))[0]
    wrong = prism.score(axes @ other)
    assert wrong.fit < 1e-6
    assert prism.score(np.random.default_rng(2).standard_normal((64, 1)) * N).fit < 0.25


def test_permutation_p_values_of_noise_are_uniform():
    hits = 0
    for trial in range(200):
        x = np.random.default_rng(trial).standard_normal((6, 10))
        null = prism.permuted(x, 99, trial)
        hits += (1 + (null.fit >= prism.score(x).fit).sum()) / 100 <= 0.05
    assert hits <= 20  # 5 % of 200 is 10; more than 20 happens once in a thousand


def test_labelings_are_scored_as_if_one_by_one():
    x = ideal(noise=0.5, d=7)
    null = prism.permuted(x, 4, seed=3)
    orders = np.random.default_rng(3).permuted(np.tile(N, (4, 1)), axis=1)
    for i, order in enumerate(orders):
        alone = prism.score(x[:, order])
        np.testing.assert_allclose(null.median[i], alone.median, atol=1e-10)
        assert null.fit[i] == pytest.approx(alone.fit, abs=1e-6)
        np.testing.assert_allclose(null.angles[i], alone.angles, atol=1e-6)


def test_procrustes_is_not_beaten_by_any_rotation():
    rng = np.random.default_rng(0)
    for _ in range(5):
        m = rng.standard_normal((3, 4)) * [[2], [1], [0.5]]
        best = prism.procrustes((m @ m.T)[None])[0]
        assert best <= (m**2).sum() + 1e-9
        drawn = np.linalg.qr(rng.standard_normal((4000, 4, 3)))[0]
        along = np.einsum("sdi,id->si", drawn, m)
        assert best >= (along[:, 0] ** 2 + (along[:, 1] + along[:, 2]) ** 2 / 2).max() - 1e-6


def test_digit_codes_of_a_planted_site_beside_noise():
    noise = np.random.default_rng(0).standard_normal((64, 10))
    found = digit_codes({"planted": ideal(noise=0.05), "noise": noise}, draws=500)
    assert float(found.prism_p.sel(site="planted")) < 0.01
    assert float(found.prism.sel(site="noise")) < float(found.prism_null_high.sel(site="noise"))
    assert found.line_is_rewarded.values.tolist() == [1, 0, 0]
    assert (found.r2_low <= found.r2).all()
    assert (found.r2 <= found.r2_high).all()
    assert float(found.angle.sel(site="planted").max()) < float(found.angle_null_low.sel(site="planted").max())
    assert all(v.attrs["units"] and v.attrs["description"] for v in found.data_vars.values())


def test_vectors_of_a_shipped_model():
    model = load("mental-math")
    prompts = build(named_task("a+b"), model.arith.tokenizer, "plain", "test", 12, 0)
    found = digit_vectors(model, prompts)
    assert list(found) == ["embedding", "unembedding", *(f"mlp {i}" for i in range(6)), "final"]
    ids = [model.arith.tokenizer.encode(str(n), add_special_tokens=False)[0] for n in range(10)]
    np.testing.assert_allclose(found["embedding"], model.W_E[ids].T.double().numpy())
    assert found["final"].shape == (12, 10)
    np.testing.assert_allclose(found["mlp 2"][5], model.W_out[2][5].double().numpy() @ found["embedding"], rtol=1e-6)


@pytest.mark.parametrize(
    ("vectors", "message"),
    [
        (np.zeros((3, 9)), "one column a digit"),
        (np.ones((3, 10)), "No row varies"),
        (np.full((3, 10), np.nan), "finite"),
    ],
)
def test_bad_vectors(vectors, message):
    with pytest.raises(InterpError, match=message):
        prism.score(vectors)


def test_bad_questions():
    with pytest.raises(InterpError, match="at least 19"):
        digit_codes({"x": ideal()}, draws=5)
    with pytest.raises(InterpError, match="has no digits"):
        digit_vectors(family("native").bridge, random_prompts(3))
