"""Figures of logs: every number at its place, the guess beside it, trainings and steps told apart without colour."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from interp.errors import InterpError
from interp.figures import grokking_circles, grokking_neurons, step_marks, training, training_parts
from tests.apps import fixture_grokking

STEPS = [1, 100, 200, 300]


def log(scale: float = 1.0, digits: int = 3) -> xr.Dataset:
    values = scale * np.linspace(2.3, 0.1, 4)[:, None] * np.arange(1, digits + 1)
    about = {"units": "nats", "description": "loss", "n": "256 problems", "null": 2.3, "null_text": "any digit alike"}
    return xr.Dataset(
        {
            "digit_loss": (("step", "digit"), values, about),
            "exact": ("step", [np.nan, 0.2, np.nan, 0.9], {"units": "fraction", "description": "right"}),
        },
        {"step": STEPS, "digit": [f"c{k}" for k in range(digits)]},
        {"method": "training_log", "model": "made", "title": "Training of made"},
    )


def test_every_part_is_a_line_beside_the_guess():
    figure = training.parts(log(), "digit_loss")
    lines = {trace.name: trace for trace in figure.data}
    assert set(lines) == {"c0", "c1", "c2", "null: any digit alike"}
    np.testing.assert_allclose(lines["c1"].y, log()["digit_loss"].sel(digit="c1"))
    assert list(lines["c1"].customdata) == STEPS
    assert "n = 256 problems" in figure.layout.title.subtitle.text
    assert "null: any digit alike" in figure.layout.title.subtitle.text


def test_what_was_not_measured_is_no_point():
    trace = training.parts(log(), "exact").data[0]
    assert list(trace.x) == [100, 300]
    assert "no null recorded" in training.parts(log(), "exact").layout.title.subtitle.text


def test_trainings_are_lines_in_one_panel_a_part():
    figure = training.compared({"one": log(), "two": log(0.5, 2)}, "digit_loss")
    found = [(trace.name, trace.xaxis) for trace in figure.data if not trace.name.startswith("null")]
    assert found == [("one", "x"), ("two", "x"), ("one", "x2"), ("two", "x2"), ("one", "x3")]
    one, two = (next(trace for trace in figure.data if trace.name == name) for name in ("one", "two"))
    assert one.line.color != two.line.color
    assert one.marker.symbol != two.marker.symbol
    with pytest.raises(InterpError, match="None of these"):
        training.compared({"one": log()}, "subtask_loss")


def test_a_step_is_the_nearest_at_which_it_was_measured():
    assert training_parts.nearest(log(), "digit_loss", 260) == 3
    assert training_parts.nearest(log(), "exact", 10) == 1
    traces = training.points({"one": log(), "two": log(0.5)}, "digit_loss", [1, 300])[:-1]
    assert [trace.name for trace in traces] == ["one, step 1", "one, step 300", "two, step 1", "two, step 300"]
    np.testing.assert_allclose(traces[3].y, log(0.5)["digit_loss"].sel(step=300))
    assert len({(trace.marker.color, trace.marker.symbol) for trace in traces}) == 4


def test_of_many_parts_the_mean_the_worst_and_the_best_are_shown():
    many = log(digits=12)
    found = training_parts.values_of(many, "digit_loss")
    assert list(found) == ["mean of 12", "worst: c0", "best: c11"]  # by the value at the end
    np.testing.assert_allclose(found["mean of 12"], many["digit_loss"].mean("digit"))


def test_the_sentence_says_where_it_ended():
    said = training_parts.summary({"one": log()}, "digit_loss")
    assert said == "Loss of every answer digit: one 0.1 (c0) to 0.3 (c2) at step 300."
    assert "not logged" in training_parts.summary({"one": log()}, "loss")


def test_themes_differ_in_their_template_only():
    for make in (training.parts, lambda found, name, theme: training.compared({"a": found}, name, theme=theme)):
        light, dark = (make(log(), "digit_loss", theme=theme) for theme in ("light", "dark"))
        light.layout.template = dark.layout.template = None
        assert light.to_json() == dark.to_json()


def test_marks_of_steps():
    assert [(mark["x0"], mark["xref"]) for mark in step_marks.upright(["x", "x2"], [5, None])] == [(5, "x"), (5, "x2")]
    assert [mark["x0"] for mark in step_marks.at_index(["x"], [0, 50, 300], [40, None, 290])] == [1, 2]
    pinned = step_marks.upright(["x"], [None, 7])
    assert pinned[0]["line"]["dash"] == "dash"  # a pin keeps its own line when nothing is selected


def test_checkpoints_before_and_after():
    found = fixture_grokking.grokking()
    first, last = (grokking_neurons.clusters(found, step=step) for step in (0, None))
    assert max(first.data[1].y) < min(last.data[1].y)
    assert list(last.data[1].customdata) == pytest.approx([5.5, 2.2, 5.5, 2.2, 5.5, 5.5, 2.2])
    round_at = [grokking_circles.titles(found, step)[0] for step in (0, 2000)]
    assert round_at[0].startswith("k = 2, step 0: 0.0")
    assert round_at[1].startswith("k = 2, step 2000: 1.00 [0.10]")
    assert "from step" in grokking_circles.summary(found)


def test_subtasks_are_named_in_words():
    found = training.parts(log().rename(digit_loss="subtask_loss", digit="subtask").assign_coords(
        subtask=["BA", "UC1", "US9"]), "subtask_loss")  # fmt: skip
    assert [trace.name for trace in found.data][2] == "US9: a carry through a nine"
    from interp.tasks.subtasks import PRODUCT, SUM

    assert set(training_parts.SUBTASKS) == {*PRODUCT, *SUM}
