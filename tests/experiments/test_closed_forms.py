"""The closed forms end in verdicts, each beside its published number; the quick ones are run here."""

from __future__ import annotations

import pandas as pd
import pytest

from experiments.fourier import closed_forms, closed_forms_figures
from interp.models.quadratic import max_margin
from interp.verdicts import judge, read_claims


def test_margins_match_and_the_construction_is_one_frequency_a_neuron(monkeypatch):
    monkeypatch.setattr(closed_forms, "PAIRS", (5, 7))
    closed_forms.margins.cache_clear()
    table = closed_forms.margins()
    assert table.neurons.tolist() == [16, 24, 64, 96, 256]
    assert table[["lowest", "highest"]].abs().to_numpy().max() < 1e-12
    assert (table.accuracy == 1).all()
    share, count = closed_forms.one_frequency(max_margin(11))
    assert share == pytest.approx(1)
    assert count == 5
    closed_forms.margins.cache_clear()


def test_claims_of_ideal_forms_and_energy_match():
    claims = read_claims(closed_forms.PUBLISHED)
    found = closed_forms._ideals() | closed_forms._energies()
    for name, measured in found.items():
        assert judge(claims[name], claims[name].models[0], *measured).verdict == "match", name
    assert not {each.models for each in claims.values() if not each.models}


def test_pictures_of_small_tables():
    widths = pd.DataFrame({"p": [23, 23], "width": [1.0, 2.0], "draw": [0, 0], "accuracy": [0.7, 0.9]})
    drawn = dict(closed_forms_figures.pictures(widths, {}, closed_forms.drifts()))
    assert set(drawn) == {"random-phases", "efficiency", "energy-without-probe"}
    assert any("null" in trace.name for trace in drawn["random-phases"].data)
