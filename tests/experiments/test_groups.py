"""Verdicts about characters: by hand, and the kept measures of the product network."""

from __future__ import annotations

from pathlib import Path

import pytest

from experiments.fourier import groups


def test_sums_are_judged_by_the_weakest_seed_and_doubles_by_any():
    one = {"similarity": {2: 0.9}, "fundamental": (2,), "doubles": {}, "explained": 0.81, "null": 0.1}
    two = {"similarity": {2: 0.9, 4: 0.1}, "fundamental": (2,), "doubles": {4: 2}, "explained": 0.9, "null": 0.1}
    found = groups.measured_sums({"first": one, "second": two})
    assert found["logits are characters"][0]
    assert found["doubles are counted twice"][0]
    alone = groups.measured_sums({"first": {**one, "explained": 0.7}})
    assert not any(holds for holds, _, _ in alone.values())
    assert groups.measured_sums({}) == {}


def test_the_kept_product_network_is_sparse_in_multiplicative_waves():
    found = groups.measured_products(groups.products())
    holds, share, words = found["neurons of products"]
    assert holds
    assert share == pytest.approx(0.863, abs=0.001)
    assert "256" in words
    holds, _, words = found["products are multiplicative"]
    assert not holds  # as the rule has it: the additive Gini lies below the shuffles, not among them
    assert "Gini 0.903 multiplicative" in words
    assert groups.picture(groups.products()).to_dict()["layout"]["title"]["subtitle"]["text"].startswith("Gini 0.90")


def test_without_networks_nothing_is_run(tmp_path, monkeypatch):
    monkeypatch.setattr(groups, "RESULT", Path(tmp_path / "none.json"))
    monkeypatch.setattr(groups, "SEEDS", ())
    assert {each.verdict for each in groups.verdicts()} == {"not run"}
