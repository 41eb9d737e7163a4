"""The figures and verdicts of clock and pizza: "not run" without the reference folder, the run table by hand."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from experiments.fourier import zhong
from experiments.fourier.attention_rates import RATES, measured_rates
from experiments.fourier.zhong_runs import base_runs, measured_table, phases, runs
from interp.figures.phase_plot import phase_plot
from tests.fourier.hand_networks import PIZZA, needs_reference

BASE = {"n_layers": 1, "act_fn": "ReLU", "d_model": 128, "eqn_sign": 0, "diff_vocab": 0, "circularity": 0.999}


def table() -> pd.DataFrame:
    """Return six runs: four of the base, one incomplete, one that is not circular."""
    rates, q, s = [0.01, 0.02, 0.51, 0.59, 0.9, 0.9], [0.2, 0.4, 0.5, 0.7, 0.8, 0.1], [0.99, 0.995, 0.97, 0.8, 0.5, 0.5]
    rows = [
        {**BASE, "runid": f"r{i}", "attn_coeff": rate, "distance_irrelevance": q[i], "gradient_sim": s[i]}
        for i, rate in enumerate(rates)
    ]
    rows[4]["gradient_sim"] = np.nan
    rows[5]["circularity"] = 0.9
    return pd.DataFrame(rows)


def test_the_run_table_is_filtered_and_summed_up(tmp_path):
    path = tmp_path / "runs.csv.gz"
    path.write_bytes(gzip.compress(table().to_csv().encode()))
    assert len(runs(path)) == 5
    found = phases(base_runs(runs(path)))
    assert found.run.values.tolist() == ["r0", "r1", "r2", "r3"]
    assert found.tenth.values.tolist() == [0, 5]
    np.testing.assert_allclose(found.q_median, [0.3, 0.6])
    np.testing.assert_allclose(found.symmetricity_median, [0.9925, 0.885])
    assert float(found.agreement) == 0.75  # r2: q says pizza, symmetricity does not
    assert float(found.spearman) == pytest.approx(-0.8)
    drawn = phase_plot(found)
    assert "4 published runs" in drawn.to_dict()["layout"]["title"]["subtitle"]["text"]
    np.testing.assert_allclose(drawn["data"][0]["x"], [0.01, 0.02, 0.51, 0.59])


def test_without_the_reference_folder_every_verdict_on_it_is_not_run(tmp_path, monkeypatch):
    monkeypatch.setattr(zhong, "SEEDS", ())
    monkeypatch.setattr(zhong, "measured_rates", dict)
    found = {each.claim.name: each for each in zhong.verdicts(tmp_path / "nothing")}
    for name in zhong.OURS:
        ours = found.pop(name)
        assert (ours.verdict, ours.said) == ("not run", "not run: none of our networks is there")
    assert {each.verdict for each in found.values()} == {"not run"}
    assert all("reference folder is absent" in each.said for each in found.values())
    lines = zhong.frame(list(found.values()))
    assert set(lines.verdict) == {"not run"}


def test_the_reference_folder_is_found_beside_the_repository():
    beside = Path(zhong.__file__).parents[3] / "shared" / "reference"
    assert beside == zhong.REFERENCE


def test_a_sweep_of_rates_is_judged_by_its_medians(tmp_path):
    path, fall = tmp_path / "rates.json", [0.99] * 5 + [0.95] + [0.8] * 5
    rows = [{"rate": r, "seed": s, "symmetricity": v} for s in (0, 1) for r, v in zip(RATES, fall, strict=True)]
    path.write_text(json.dumps(rows))
    assert measured_rates(path)["phase change in small networks"][0]
    rows[2]["symmetricity"] = rows[13]["symmetricity"] = 0.9
    path.write_text(json.dumps(rows))
    assert not measured_rates(path)["phase change in small networks"][0]
    path.write_text(json.dumps(rows[:5]))
    assert measured_rates(path) == measured_rates(tmp_path / "none") == {}


@needs_reference
def test_the_published_run_table():
    found = measured_table(PIZZA / "1l_fixedwidth.csv.gz")
    assert found["complete runs"][:2] == (True, 7784)
    assert found["base runs"][:2] == (True, 817)
    assert found["rank correlation"][1] == pytest.approx(-0.82, abs=0.005)
    assert found["agreement"][1] == pytest.approx(0.868, abs=0.0005)
    assert found["phase change"][0]


@pytest.mark.slow
@needs_reference
def test_every_published_number_is_matched_but_one():
    found = {each.claim.name: each.verdict for each in zhong.verdicts()}
    words = {"A is a pizza": "direction", "B is a clock": "direction", "ordinary attention makes a clock": "scaled"}
    assert {name: found.pop(name) for name in words} == words
    assert found.pop("untrained networks are symmetric") == "not reproduced"
    found.pop("phase change in small networks")  # of a sweep of our own, whatever it gave
    assert set(found.values()) == {"match"}
