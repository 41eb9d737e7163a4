"""Curves, pairs and spectra, worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from interp.figures import ablation, pairs, spectrum
from interp.figures.schema import number


def test_the_ablation_curves_stand_between_two_nulls():
    data = xr.Dataset(
        {
            "accuracy": (("kind", "layer", "role"), [[[0.2, 1.0], [0.9, 0.4]]]),
            "accuracy_clean": ((), 0.99),
            "null_majority": ((), 0.05),
            "n": ((), 9),
        },
        coords={"kind": ["mean"], "layer": [0, 1], "role": ["a", "eq"]},
    )
    by_name = {trace.name: trace for trace in ablation.accuracy_by_layer(data).data}
    assert by_name["a"].y.tolist() == [0.2, 0.9]
    assert set(by_name["null: clean run"].y) == {0.99}
    assert set(by_name["null: majority class"].y) == {0.05}
    assert ablation.summary(data).startswith("Mean ablation hurts most at layer 0, role a: accuracy 0.20 against 0.99")


def spectra(**extra):
    power = [0.5, 0.05, 0.3, 0.15]
    null = np.array([[0.2] * 4, [0.6, 0.2, 0.1, 0.05]])
    bands = {"null_low": null / 2, "null_median": null * 0.8, "null_high": null}
    return xr.Dataset(
        {
            "power": ("component", power),
            **{name: (("null", "component"), band) for name, band in bands.items()},
            **extra,
        },
        coords={"component": [1, 2, 3, 4], "period": ("component", [8, 4, 8 / 3, 2]), "null": ["white noise", "line"]},
    )


def test_a_peak_stands_above_every_null():
    assert spectrum.above_nulls(spectra()) == [2]
    figure = spectrum.power(spectra())
    assert [note.text for note in figure.layout.annotations] == ["T=2.67"]
    assert [t.name for t in figure.data if t.line.dash] == ["null: white noise", "null: line"]
    assert "strongest periods 2.67 (30.0%)" in spectrum.summary(spectra())


def test_names_of_peaks_never_stand_over_one_another():
    flat = [0.0, 0.0, 0.0]
    assert spectrum.apart([2, 0, 1], [0, 100, 50], flat) == [(2, "center"), (0, "center"), (1, "center")]
    assert spectrum.apart([0, 1, 2], [0, 7, 100], flat) == [(0, "center"), (1, "left"), (2, "center")]
    assert spectrum.apart([1, 0, 2], [0, 7, 100], flat) == [(1, "center"), (0, "right"), (2, "center")]
    assert spectrum.apart([2, 0, 1], [0, 1, 100], flat) == [(2, "center"), (0, "center")]  # the strongest stays
    assert spectrum.apart([1, 0], [0, 1, 100], [0.0, 0.9, 1.0]) == [(1, "center"), (0, "center")]  # one above the other


def test_the_corrected_limit_decides_where_there_is_one():
    corrected = spectra(null_high_corrected=(("null", "component"), np.full((2, 4), 0.4)))
    assert spectrum.above_nulls(corrected) == [0]
    none = spectra(null_high_corrected=(("null", "component"), np.ones((2, 4))))
    assert spectrum.summary(none) == "No frequency stands above every null (white noise, line)."


def pairs_of_patching():
    return xr.Dataset(
        {
            "recovered": (("layer", "role"), [[0.75]]),
            "logit_diff": (("prompt", "layer", "role"), np.array([4.0, -1.0, 3.0]).reshape(3, 1, 1)),
            "logit_diff_clean": ("prompt", [6.0, 3.0, 3.0]),
            "logit_diff_corrupted": ("prompt", [-2.0, -5.0, 3.0]),
            "n": ((), 3),
        },
        coords={
            "layer": [2],
            "role": ["a"],
            "prompt": ["1+2=", "3+4=", "5+6="],
            "prompt_corrupted": ("prompt", ["2+2=", "4+4=", "5+6="]),
        },
    )


def test_pairs_are_sorted_and_recovered_by_hand():
    rows = pairs.example_rows(pairs_of_patching(), 2, "a")
    assert [row["prompt_index"] for row in rows] == ["1", "2", "0"]
    assert [row["recovered"] for row in rows][::2] == [0.5, 0.75]
    assert np.isnan(rows[1]["recovered"])  # clean and corrupted are alike: nothing to recover
    assert rows[0]["prompt_corrupted"] == "4+4="


def test_the_pair_figure_has_the_two_runs_as_reference():
    figure = pairs.examples(pairs_of_patching(), 2, "a")
    assert [trace.name for trace in figure.data] == ["corrupted run (0)", "clean run (1)", "patched"]
    assert list(figure.data[2].y) == [-1.0, 3.0, 4.0]
    assert "3+4=" in figure.data[2].hovertext[0]


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "n/a"), (np.nan, "n/a"), (0.5, "0.500"), (-0.0004, "0.000"), (-12.34, "-12.34"), (1234.5, "1234")],
)
def test_numbers_for_people(value, text):
    assert number(value) == text
