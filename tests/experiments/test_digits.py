"""The digits script judges every claim, and its heads are those of the shipped model."""

from __future__ import annotations

import pandas as pd

from experiments.fourier import digits, digits_heads
from interp.verdicts import judge, read_claims


def test_closed_numbers_match_and_every_claim_has_a_model():
    claims = read_claims(digits.PUBLISHED)
    for name, told in digits._lines().items():
        assert judge(claims[name], "line", *told).verdict == "match", name
    assert all(each.models for each in claims.values())


def test_claims_about_heads_by_hand():
    line = {"digit": "tens", "layer": 0, "head": 0, "additive": 0.9, "cell": 0.95, "parallel": 0.9,
            "alpha": 0.4, "attention": 0.45}  # fmt: skip
    table = pd.DataFrame([line, {**line, "layer": 1, "additive": 0.5}, {**line, "digit": "units", "additive": 0.02}])
    found = digits_heads.minkowski_sums(table)
    assert found["Minkowski sum"][0]
    assert found["implied alpha"][0]
    assert "largest difference 0.05" in found["implied alpha"][2]
    poor = digits_heads.minkowski_sums(table.assign(parallel=0.1, alpha=0.9))
    assert not poor["Minkowski sum"][0]
    assert not poor["implied alpha"][0]
