"""Curves, the AF1 window, pairs and spectra, worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from interp.errors import InterpError
from interp.figures import ablation, af1, pairs, peeking, spectrum, window
from interp.figures.schema import number


def sweep():
    value = np.array([[1.0, 0.9, 0.1], [0.5, 0.2, 0.0]])
    return xr.Dataset(
        {
            "faithfulness": (("variant", "l_wait"), value),
            "faithfulness_low": (("variant", "l_wait"), value - 0.05),
            "faithfulness_high": (("variant", "l_wait"), value + 0.05),
            "null_majority": ((), 0.03),
            "n": ((), 40),
        },
        coords={"variant": ["cama", "zero"], "l_wait": [0, 1, 2]},
        attrs={"task": "a+b", "style": "plain", "model": "some/dir/tiny"},
    )


def searched(found=True, wait=3, transfer=2, blocks=8):
    return xr.Dataset(
        {
            "found": ((), found),
            "l_wait": ((), wait),
            "l_transfer": ((), transfer if found else -1),
            "best_l_wait": ((), 3),
            "best_l_transfer": ((), 4),
            "threshold": ((), 0.95),
            "faithfulness": ((), 0.97),
            "faithfulness_low": ((), 0.96),
            "faithfulness_high": ((), 0.98),
            "faithfulness_mean": ((), 0.2),
            "faithfulness_zero": ((), 0.1),
            "wait_faithfulness": (("variant", "l_wait_tried"), np.ones((1, blocks + 1))),
            "transfer_faithfulness": (("l_transfer_tried",), [0.1, 0.6, 0.97]),
            "n": ((), 50),
        },
        coords={"variant": ["cama"], "l_wait_tried": np.arange(blocks + 1), "l_transfer_tried": [0, 1, 2]},
    )


def test_the_wait_curve_has_bands_and_the_majority_null():
    figure = af1.wait_curve(sweep())
    by_name = {trace.name: trace for trace in figure.data}
    np.testing.assert_allclose(by_name["CAMA (mean given the own token)"].y, [1.0, 0.9, 0.1])
    band = by_name["control: zeros: 95 % interval"]
    np.testing.assert_allclose(band.y, [0.55, 0.25, 0.05, -0.05, 0.15, 0.45])
    assert set(by_name["null: majority class"].y) == {0.03}
    assert by_name["control: zeros"].hovertext[1] == (
        "<b>control: zeros, l_wait = 1</b><br>faithfulness 0.200 [0.150, 0.250]<br>n = 40"
    )
    assert figure.layout.title.text.endswith("· a+b, plain, tiny")


def test_lines_differ_by_shape_too():
    lines = [trace for trace in af1.wait_curve(sweep()).data if trace.mode == "lines+markers"]
    assert len({trace.marker.symbol for trace in lines}) == len(lines) == 2


def test_the_transfer_curve_shows_threshold_and_controls():
    figure = af1.transfer_curve(searched())
    assert {"null: mean control, test", "null: zero control, test"} <= {trace.name for trace in figure.data}
    assert figure.layout.shapes[0].y0 == 0.95
    assert af1.transfer_summary(searched()).startswith("At l_wait 3, faithfulness goes from 0.10 with 0")


@pytest.mark.parametrize(
    ("wait", "transfer", "expected"),
    [
        (3, 2, [("wait", 0, 3), ("transfer", 3, 5), ("self-peek", 5, 8)]),
        (0, 2, [("transfer", 0, 2), ("self-peek", 2, 8)]),
        (3, 0, [("wait", 0, 3), ("self-peek", 3, 8)]),
        (6, 4, [("wait", 0, 6), ("transfer", 6, 8)]),
        (8, 0, [("wait", 0, 8)]),
    ],
)
def test_the_stages_cover_every_block_once(wait, transfer, expected):
    assert window.stages(searched(wait=wait, transfer=transfer)) == expected


def test_the_best_window_is_hatched_where_none_passed():
    bars = [trace for trace in window.window(searched(found=False)).data if trace.type == "bar"]
    assert {bar.marker.pattern.shape for bar in bars} == {"/"}
    assert af1.verdict(searched(found=False)) == "AF1: none reaches 0.95; best 3 wait, 4 transfer"
    assert af1.summary(searched(found=False)).startswith("None passes; best l_wait 3, l_transfer 4")


def test_the_window_stands_beside_its_controls():
    points = {trace.name: trace.x[0] for trace in window.window(searched()).data if trace.type == "scatter"}
    assert points == {"AF1 (CAMA)": 0.97, "control: mean": 0.2, "control: zeros": 0.1}
    assert af1.summary(searched()) == (
        "l_wait 3, l_transfer 2: test faithfulness 0.97 [0.96, 0.98] (n = 50); controls there: mean 0.20, zero 0.10."
    )


def test_an_unmeasured_faithfulness_is_left_out():
    empty = searched().assign(faithfulness=((), np.nan), faithfulness_mean=((), np.nan))
    assert {t.name for t in window.window(empty).data if t.type == "scatter"} == {"control: zeros"}
    assert "faithfulness n/a" in af1.summary(empty)


def test_a_search_without_a_window_is_an_error():
    with pytest.raises(InterpError, match="no l_wait"):
        af1.window_of(searched().drop_vars("l_wait"))


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


def test_random_heads_are_the_null_of_peeking():
    data = xr.Dataset(
        {"faithfulness": (("variant", "layer"), [[1.0, 0.2], [1.0, 1.0], [0.98, 0.97]]), "n": ((), 9)},
        coords={"variant": ["last", "others", "random_head"], "layer": [0, 1]},
    )
    by_name = {trace.name: trace for trace in peeking.single_layer(data).data}
    assert by_name["null: one random head cut off"].y.tolist() == [0.98, 0.97]
    assert "block 1: faithfulness 0.20 (one random head: 0.97)" in peeking.summary(data)


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
    ("value", "text"), [(None, "n/a"), (np.nan, "n/a"), (0.5, "0.500"), (-12.34, "-12.34"), (1234.5, "1234")]
)
def test_numbers_for_people(value, text):
    assert number(value) == text


def test_waiting_ends_at_the_first_failure():
    """A dip that recovers is not waiting; l_wait 0 is said to be the identity."""
    data = xr.Dataset(
        {
            "faithfulness": (("variant", "l_wait"), [[1.0, 0.99, 0.2, 0.97], [0.96, 0.1, 0.1, 0.1], [0.0, 0, 0, 0]]),
            "n": ((), 50),
        },
        coords={"variant": ["cama", "mean", "zero"], "l_wait": [0, 1, 2, 3]},
        attrs={"method": "cama"},
    )
    said = af1.sweep_summary(data)
    assert "cama through l_wait 1," in said
    assert "mean through l_wait 0, zero" in said
    assert "zero at none" in said
    assert "identity" in af1.sweep_summary(data.isel(l_wait=[0, 2, 3]))


def test_the_window_is_said_beside_the_best_constant_answer():
    numbers = {"found": 1, "l_wait": 2, "l_transfer": 1, "faithfulness": 0.9, "faithfulness_mean": 0.1}
    numbers |= {"faithfulness_zero": 0.0, "null_majority": 0.03, "n": 40}
    data = xr.Dataset({name: ((), value) for name, value in numbers.items()}, attrs={"method": "af1"})
    assert af1.summary(data).endswith("controls there: mean 0.10, zero 0.00, majority class 0.03.")
