"""A planted circle is found at its period and nothing else is; the result says what was used and lost."""

from __future__ import annotations

import itertools
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from interp.errors import InterpError
from interp.fourier.embedding import embedding_spectrum, last_number, number_ids
from interp.fourier.spectrum import DESCRIPTIONS, significant_periods, spectrum, usable


def circle(n, period, d, radius, seed):
    rng = np.random.default_rng(seed)
    turn = 2 * np.pi * np.arange(n) / period
    plane = np.linalg.qr(rng.standard_normal((d, 2)))[0]
    return radius * np.stack([np.cos(turn), np.sin(turn)], 1) @ plane.T


def noise(n, d, seed):
    return np.random.default_rng(seed + 1000).standard_normal((n, d)) / np.sqrt(d)


def test_circle_is_found_and_only_at_its_period():
    result = spectrum(circle(100, 10, 32, 1, 0) + noise(100, 32, 0), n_null=199)
    for variant in ("raw", "detrended"):
        assert significant_periods(result, variant) == [10]
    shares = result["power"].sel(variant="raw")
    assert shares["period"][shares.argmax("component")] == 10
    assert (result["null_high_corrected"].sel(variant="raw", component=10) < shares.max()).all()


def test_pure_circle_holds_all_power_in_one_component():
    result = spectrum(circle(100, 20, 8, 3, 1) + 7, n_null=19)
    share = result["power"].sel(variant="raw", component=5)
    assert float(share) == pytest.approx(1, abs=1e-12)
    assert float(share["period"]) == 20


def test_white_noise_and_number_lines_are_not_found():
    n, found = np.arange(60), 0
    for seed in range(20):
        direction = np.random.default_rng(seed).standard_normal(16)
        lines = [0 * n, n / 10, np.log(n + 1), (n >= 10) * 2.0]
        for line in lines:
            result = spectrum(np.outer(line, direction) + noise(60, 16, seed), n_null=99, seed=seed)
            found += bool(result["significant"].sel(variant="raw").any())
    assert found <= 4  # of 80; white noise is found in 5 %, a line in fewer


def test_line_hides_a_circle_that_detrending_shows():
    line = np.outer(np.arange(100), np.random.default_rng(0).standard_normal(32))
    result = spectrum(line + circle(100, 10, 32, 1, 0) + noise(100, 32, 0), n_null=199)
    assert significant_periods(result, "raw") == []
    assert significant_periods(result, "detrended") == [10]


def test_power_adds_up_and_quantiles_are_ordered():
    result = spectrum(noise(30, 5, 3), n_null=99)
    np.testing.assert_allclose(result["power"].sum("component"), 1)
    ordered = [result[name] for name in ("null_low", "null_median", "null_high", "null_high_corrected")]
    for lower, upper in itertools.pairwise(ordered):
        assert (lower <= upper).all()
    assert (result["p_value"] > 0).all()
    assert (result["p_corrected"] <= 1).all()
    assert result["power"].dims == ("variant", "component")
    assert {result[name].dims for name in DESCRIPTIONS} == {("variant", "null", "component")}
    assert all(v.attrs["units"] and v.attrs["description"] for v in result.data_vars.values())
    assert all(isinstance(value, (str, int)) for value in result.attrs.values())


def test_rotation_and_scale_of_the_embedding_do_not_matter():
    points = noise(20, 4, 1) + circle(20, 5, 4, 0.5, 1)
    turned = 3 * points @ np.linalg.qr(np.random.default_rng(0).standard_normal((4, 4)))[0]
    first, second = (spectrum(p, n_null=499) for p in (points, turned))
    np.testing.assert_allclose(first["power"], second["power"])
    np.testing.assert_allclose(first["null_high"], second["null_high"], rtol=0.1)


@pytest.mark.parametrize(
    ("count", "periods", "expected"),
    [
        (361, (2, 5, 10), 360),
        (360, (2, 5, 10), 360),
        (521, (2, 5, 10), 520),
        (521, (100,), 500),
        (59, (), 59),
        (9, (2, 5, 10), 9),
        (100, (2, 5, 10, 100), 100),
        (1001, (20, 50), 1000),
    ],
)
def test_usable_numbers(count, periods, expected):
    assert usable(count, periods) == expected


@pytest.mark.parametrize("period", [0, -2, 2.5])
def test_a_target_period_that_is_no_whole_number_is_refused(period):
    with pytest.raises(InterpError, match="whole numbers of at least 1"):
        spectrum(noise(20, 2, 0), n_null=19, target_periods=(5, period))


def test_the_result_says_what_was_dropped_and_what_leaks():
    dropped = spectrum(noise(61, 3, 0), low=5, n_null=19)
    assert (dropped.attrs["low"], dropped.attrs["high"], dropped.attrs["dropped"], int(dropped["n"])) == (5, 64, 1, 60)
    assert "last 1 of 61 numbers were dropped" in dropped.attrs["warning"]
    kept = spectrum(noise(361, 3, 0), count=361, n_null=19)
    assert "period 10 is no frequency of N = 361: one keeps 0.968" in kept.attrs["warning"]
    assert "use N = 360, or 300" in kept.attrs["warning"]
    np.testing.assert_allclose(kept["concentration"].sel(target_period=10), 0.968, atol=5e-4)
    assert spectrum(noise(60, 3, 0), n_null=19).attrs["warning"] == ""


@pytest.mark.parametrize(
    ("points", "options", "message"),
    [
        (np.zeros((20, 3)), {}, "are constant"),
        (np.outer(np.arange(20), [1, 2]), {}, r"are constant \(detrended\)"),
        (np.full((20, 3), np.nan), {}, "finite"),
        (np.zeros(20), {}, "finite numbers"),
        (np.random.default_rng(0).standard_normal((3, 2)), {}, "at least 4"),
        (np.random.default_rng(0).standard_normal((20, 2)), {"count": 21}, "expected 4 to 20"),
        (np.random.default_rng(0).standard_normal((20, 2)), {"n_null": 5}, "at least 19"),
    ],
)
def test_bad_input(points, options, message):
    with pytest.raises(InterpError, match=message) as caught:
        spectrum(points, **options)
    assert "\n" not in str(caught.value)


class Numbers:
    """A tokenizer that has 0..`known` - 1 as single tokens, id = number + 10; others are digits or unknown."""

    def __init__(self, known: int, digits: bool) -> None:
        self.known, self.digits = known, digits

    def encode(self, text: str, add_special_tokens: bool) -> list[int]:
        assert not add_special_tokens
        number = int(text)
        if number < self.known:
            return [number + 10]
        return [int(digit) + 10 for digit in text.strip()] if self.digits else [0]

    def decode(self, tokens: list[int]) -> str:
        return "".join("<unk>" if token == 0 else str(token - 10) for token in tokens)


def test_embedding_spectrum_reads_the_rows_of_the_numbers():
    points = circle(40, 10, 6, 1, 0) + 0.1 * noise(40, 6, 0)
    rows = torch.from_numpy(np.concatenate([np.full((10, 6), 9.0), points])).float()
    model = SimpleNamespace(W_E=rows, cfg=SimpleNamespace(model_name="planted"))
    result = embedding_spectrum(model, Numbers(40, True), 0, 39, n_null=49)
    np.testing.assert_allclose(result["power"], spectrum(points, n_null=19)["power"], atol=1e-6)
    assert result.attrs["model"] == "planted"
    layer = torch.nn.Embedding.from_pretrained(rows)
    plain = SimpleNamespace(get_input_embeddings=lambda: layer)
    np.testing.assert_array_equal(
        embedding_spectrum(plain, Numbers(40, True), 0, 39, n_null=49)["power"], result["power"]
    )
    found = embedding_spectrum(model, Numbers(40, True), n_null=49)  # as far as there are single tokens
    np.testing.assert_array_equal(found["power"], result["power"])
    assert result.attrs["high"] == found.attrs["high"] == 39
    assert embedding_spectrum(model, Numbers(38, True), n_null=19).attrs["high"] == 29  # made to fit period 10
    assert embedding_spectrum(model, None, 0, 48, n_null=19).attrs["high"] == 48  # residues: all of them
    bare = embedding_spectrum(model, None, 10, 49, n_null=19)
    np.testing.assert_array_equal(bare["power"], result["power"])


def test_numbers_that_are_not_one_token_are_an_error():
    assert number_ids(Numbers(20, True), range(3)) == [10, 11, 12]
    assert [last_number(Numbers(20, d), 3, 50) for d in (True, False)] == [19, 19]
    assert last_number(Numbers(20, True), 3, 12) == 12
    with pytest.raises(InterpError, match="number 20 is 2 tokens"):
        number_ids(Numbers(20, True), range(30))
    with pytest.raises(InterpError, match="number 20 is not in this vocabulary"):
        number_ids(Numbers(20, False), range(30))
    model = SimpleNamespace(W_E=torch.zeros(20, 3))
    with pytest.raises(InterpError, match="outside the 20 rows"):
        embedding_spectrum(model, None, 0, 20)
    with pytest.raises(InterpError, match="0 <= low < high"):
        embedding_spectrum(model, None, 5, 5)
    with pytest.raises(InterpError, match="expected `high`"):
        embedding_spectrum(model, None)
    with pytest.raises(InterpError, match="Numbers 20 to 19"):
        embedding_spectrum(model, Numbers(20, True), 20)
    with pytest.raises(InterpError, match="has no embed matrix"):
        embedding_spectrum(SimpleNamespace(), None, 0, 9)


def test_the_unembedding_has_a_spectrum_of_its_own():
    """A circle of period 5 stands in the columns of W_U alone."""
    rng, turn = np.random.default_rng(0), 2 * np.pi * np.arange(20) / 5
    circle = np.concatenate([np.stack([np.cos(turn), np.sin(turn)], 1), 0.1 * rng.standard_normal((20, 4))], 1)
    model = SimpleNamespace(W_E=torch.from_numpy(rng.standard_normal((20, 6))), W_U=torch.from_numpy(circle.T))
    assert significant_periods(embedding_spectrum(model, None, 0, 19, of="unembed", n_null=99)) == [5]
    assert significant_periods(embedding_spectrum(model, None, 0, 19, n_null=99)) == []
    assert embedding_spectrum(model, None, 0, 19, of="unembed", n_null=19).attrs["site"] == "unembed"
    with pytest.raises(InterpError, match="Did you mean unembed"):
        embedding_spectrum(model, None, 0, 19, of="unembd")
