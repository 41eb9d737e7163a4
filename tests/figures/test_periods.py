"""What figures of periods promise: marks at the right place, facts with their nulls, cyclic colours on the list."""

from __future__ import annotations

import json

import numpy as np
import pytest

from interp.errors import InterpError
from interp.figures import FIGURES, period_facts, period_marks, spectra_places, theme
from interp.figures.helix_places import coil, phases, rings
from tests.apps import fixture_grokking, fixture_number_codes, fixture_spectra
from tests.apps import fixture_store as made
from tests.figures.test_every_figure import DATASETS

SPECTRA, HELIX = fixture_spectra.spectra("a+b"), fixture_number_codes.helix("a+b")
CASES = [(method, each) for method, drawn in FIGURES.items() for each in drawn]


def test_every_colour_scale_that_is_not_the_template_s_is_cyclic_and_on_the_list():
    allowed = [theme._scale(colours) for colours in theme.ALLOWED_CYCLIC.values()]
    found = 0
    for method, each in CASES:
        figure = each(DATASETS[method])
        scales = [trace.marker.colorscale for trace in figure.data if hasattr(trace, "marker") and trace.marker]
        scales.append(figure.layout.coloraxis.colorscale)
        for scale in (scale for scale in scales if scale is not None):
            assert [list(step) for step in scale] in allowed, (method, each.name)
            found += 1
    assert found >= 3


@pytest.mark.parametrize("colours", theme.ALLOWED_CYCLIC.values(), ids=str)
def test_a_cyclic_scale_ends_where_it_begins(colours):
    assert colours[0] == colours[-1]
    assert len(set(colours)) == len(colours) - 1


def test_phases_repeat_after_a_turn():
    found = np.array(phases(HELIX, 5.0))
    np.testing.assert_allclose(found[:5], found[5:10], atol=1e-12)
    assert found.min() == 0
    assert found.max() < 1
    figure = rings(HELIX, period=5.0)
    assert all(trace.marker.color == tuple(found) for trace in figure.data)
    own = rings(HELIX)
    assert own.data[0].marker.color != own.data[1].marker.color


def test_the_coil_turns_with_the_chosen_period():
    assert coil(HELIX, period=5.0).layout.scene.xaxis.title.text == "cos, T = 5"
    assert coil(HELIX, period=10.0).layout.scene.xaxis.title.text == "cos, T = 10"
    with pytest.raises(InterpError, match="no layer 9"):
        rings(HELIX, layer=9)


def test_marks_are_at_the_frequency_of_a_period_and_nowhere_else():
    spectrum = made.spectrum()
    one, two = period_marks.on_components(spectrum, [10.0, 4.0])
    assert (one["x0"], two["x0"]) == (10.0, 25.0)
    assert (one["line"]["dash"], two["line"]["dash"]) == ("solid", "dash")
    assert period_marks.on_components(spectrum, [1.5]) == []  # no frequency beyond N / 2
    only = period_marks.on_components(spectrum, [None, 4.0])
    assert [mark["line"]["dash"] for mark in only] == ["dash"]
    assert len(period_marks.on_planes(fixture_number_codes.planes("a+b"), [5.0])) == 2  # both panels
    assert period_marks.on_planes(fixture_number_codes.planes("a+b"), [7.0]) == []
    assert period_marks.on_kept(fixture_number_codes.filters("a+b"), [5.0])[0]["x0"] == pytest.approx(0.55)
    assert period_marks.on_neurons(fixture_grokking.grokking(), [5.5])[0]["x0"] == 2


def test_at_place_is_the_place_and_the_default_stands_out_most():
    assert spectra_places.place_of(SPECTRA, None, None) == (2, "result at eq")
    figure = spectra_places.at_place(SPECTRA, layer=1, reading="a at a")
    expected = SPECTRA["power"].sel(layer=1, reading="a at a", variant="raw").to_numpy()
    np.testing.assert_allclose(figure.data[1].y, expected)
    assert "layer 1, a at a" in figure.layout.xaxis.title.text


def test_by_layer_draws_each_period_in_its_own_style():
    figure = spectra_places.by_layer(SPECTRA, periods=[None, 10.0, 5.0])
    drawn = {trace.name: trace.line.dash for trace in figure.data if trace.name.startswith("T")}
    assert drawn == {"T = 10": "dash", "T = 5": "dot"}
    last = [trace for trace in figure.data if trace.name == "T = 10"][-1]
    ratio = SPECTRA["power"] / SPECTRA["null_level"]
    np.testing.assert_allclose(last.y, ratio.sel(reading="result at eq", variant="raw", component=10))


def test_facts_say_what_is_beyond_its_null():
    datasets = {"spectrum": made.spectrum(), "spectra": SPECTRA, "helix": HELIX,
                "planes": fixture_number_codes.planes("a+b")}  # fmt: skip
    told = dict(period_facts.facts(datasets, [10.0, 5.0]))
    assert told["in the embeddings"][0].beyond is True
    assert told["in the stream"][0] == period_facts.Fact("3.75 times the null level at layer 2, result at eq", True)
    assert told["in the stream"][1].beyond is False
    assert told["variance on its circle"][0].beyond is True
    assert told["accuracy without its plane"] == [
        period_facts.NOT_MEASURED, period_facts.Fact(told["accuracy without its plane"][1].text, True)
    ]  # fmt: skip
    assert all(facts == [period_facts.NOT_MEASURED] for _, facts in period_facts.facts(datasets, [1.3]))
    known = period_facts.known_periods(datasets)
    assert {5.0, 10.0} <= set(known)
    assert known == sorted(known)
    assert np.isfinite(known).all()


@pytest.mark.parametrize(("method", "name"), period_marks.MARKS)
def test_a_click_on_a_marked_figure_tells_a_period(method, name):
    """The browser reads customdata by index, which an array that travels in base64 does not have."""
    drawn = next(each for each in FIGURES[method] if each.name == name)
    traces = json.loads(drawn(DATASETS[method]).to_json())["data"]
    assert any(isinstance(trace.get("customdata"), list) for trace in traces)
    assert not any(isinstance(trace.get("customdata"), dict) for trace in traces)
