"""Energy, Fisher ratio and probe agree on a planted period; the counterexample and a covariate set them apart."""

from __future__ import annotations

import numpy as np
import pytest

from interp.errors import Cancelled, InterpError
from interp.fourier.convergence import convergence
from interp.fourier.ideal import helix
from interp.fourier.separation import counterexample, phi

N = np.arange(100)


@pytest.fixture(scope="module")
def found():
    rng = np.random.default_rng(0)
    frequency = (N % 2 == 0) + 0.1 * rng.standard_normal(100)
    sites = {
        "planted": helix(N, [2, 5, 10], 12, noise=0.1, line=True).points,
        "hidden": counterexample(100, 10, 1.0, 300.3) + 0.01 * rng.standard_normal((100, 6)),
        "frequent": np.outer(frequency, rng.standard_normal(6)) + 0.05 * rng.standard_normal((100, 6)),
        "noise": rng.standard_normal((100, 12)),
    }
    return convergence(sites, {"log n": np.log(N + 1), "log frequency": frequency}, periods=(2, 3, 10))


def test_a_planted_period_is_seen_by_all_three(found):
    at = found.sel(site="planted", variant="raw", period=10)
    assert float(at.share) > float(at.share_null_high)
    assert float(at.fisher) > 10 * float(at.fisher_null_high)
    assert (at.kappa > 0.9).all()
    none = found.sel(site="planted", variant="raw", period=3)
    assert (none.kappa < none.kappa_null_high).all()


def test_energy_without_a_probe(found):
    at = found.sel(site="hidden", variant="raw", period=10)
    assert float(at.phi) == pytest.approx(6 * 100 * 8.25, rel=0.01)  # six equal columns
    assert (at.kappa < at.kappa_null_high).all()
    assert float(at.fisher) < float(at.fisher_null_high)


def test_a_period_of_the_token_frequency_goes_with_it(found):
    at = found.sel(site="frequent", period=2, split="interleaved")
    high = float(at.kappa_null_high)
    assert float(at.kappa.sel(variant="raw")) > 0.9
    assert float(at.kappa.sel(variant="without log frequency")) < high
    assert float(at.kappa.sel(variant="without log n")) > 0.9
    assert float(found.covariate_kappa.sel(covariate="log frequency", period=2, split="interleaved")) > 0.9
    assert float(found.covariate_kappa.sel(covariate="log n", period=2, split="interleaved")) < high


def test_noise_is_nothing(found):
    at = found.sel(site="noise", variant="raw")
    assert (at.kappa < at.kappa_null_high).all()
    np.testing.assert_allclose(
        at.share_null, (at.period - 1) / (at.n_numbers - 1), rtol=0.25
    )  # exact mean of a shuffle


def test_the_dataset_says_what_it_is(found):
    assert (found.kappa_low <= found.kappa + 1e-9).all()
    assert (found.kappa <= found.kappa_high + 1e-9).all()
    assert (found.fisher_least <= found.fisher * (1 + 1e-9)).all()
    assert (found.fisher <= found.fisher_most * (1 + 1e-9)).all()
    assert found.n_numbers.values.tolist() == [100, 99, 100]
    assert all(v.attrs["units"] and v.attrs["description"] for v in found.data_vars.values())


def test_share_is_phi_over_all_power():
    points = np.random.default_rng(3).standard_normal((60, 5))
    one = convergence({"x": points}, {}, periods=(5,))
    assert float(one.share[0, 0, 0]) == pytest.approx(phi(points, 5) / 60 / points.var(0).sum(), rel=1e-12)


def test_noiseless_points_have_an_infinite_ratio():
    points = helix(N, [2, 5, 10], 12).points.astype(np.float32)  # with the rounding of weights in unused directions
    one = convergence({"x": points}, {}, periods=(2, 10))
    assert np.isposinf(one.fisher).all()
    assert np.isfinite(one.fisher_null_high).all()
    assert (one.kappa > 0.99).all()


def test_bad_input():
    with pytest.raises(InterpError, match="one length"):
        convergence({"x": np.zeros((20, 2))}, {"y": np.zeros(19)})
    with pytest.raises(InterpError, match="2 to 4 folds"):
        convergence({"x": np.random.default_rng(0).standard_normal((40, 2))}, {}, periods=(10,))
    with pytest.raises(InterpError, match="at least 19"):
        convergence({"x": np.zeros((20, 2))}, {}, n_shuffles=3)

    def stop(done, total, message):
        raise Cancelled

    with pytest.raises(Cancelled):
        convergence({"x": np.zeros((20, 2))}, {}, progress=stop)
