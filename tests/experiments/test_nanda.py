"""The verdicts of the grokking paper come out of the shipped models; the neuron benchmark compares equal numbers."""

from __future__ import annotations

import numpy as np
import pytest

from experiments.benchmarks import fourier_neurons as benchmark
from experiments.fourier import nanda
from experiments.fourier.nanda_rules import RULES
from interp.errors import InterpError
from interp.figures import FIGURES
from interp.verdicts import read_claims

pytestmark = pytest.mark.slow
SCALED = (
    "restricted before test",
    "excluded rises",
    "structure after accuracy",
    "every key is needed",
    "keep sum directions",
)


def test_every_claim_has_a_rule_and_a_verdict():
    claims = read_claims(nanda.PUBLISHED)
    assert set(claims) == set(RULES)
    found = {each.claim.name: each for each in nanda.verdicts()}
    assert set(found) == set(claims)
    assert {each.verdict for each in found.values()} <= {"scaled", "not reproduced"}  # ours are other models
    assert all(found[name].verdict == "scaled" for name in SCALED)
    assert found["no skip around attention"].verdict == "not reproduced"
    assert all("modadd-59-seed2" in each.said for each in found.values())
    assert [each.verdict for each in nanda.verdicts(["nowhere"])] == ["not run"] * len(claims)


def test_figures_and_tables_are_drawn():
    figures = dict(nanda.pictures("modadd-59"))
    assert [name[0] for name in figures] == ["2", "3", "4", "5", "6", *"7" * len(FIGURES["grokking"])]
    for name, figure in figures.items():
        title = figure.to_dict()["layout"]["title"]
        assert "p = 59" in title["subtitle"]["text"] or name.startswith("7"), name
    tables = nanda.frames("modadd-59")
    assert tables["table1"].shape == (8, 4)
    assert np.isfinite(tables["ablations"]["all"]).all()


def test_the_benchmark_refuses_unequal_numbers(monkeypatch):
    found = benchmark.measure(1, 11, 20)
    assert found["gap"] <= benchmark.SAME
    assert {row["work"] for row in found["rows"]} == {"loop", "loop, copied", "loop, no blocks", "ours"}
    assert "asked: at least 8" in benchmark.table(found)
    monkeypatch.setattr(benchmark, "fve", lambda x: benchmark.one_by_one(x) + 1e-9)
    with pytest.raises(InterpError, match="times mean nothing"):
        benchmark.measure(1, 11, 20)
