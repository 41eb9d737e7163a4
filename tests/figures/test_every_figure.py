"""What holds for every figure of every method: words, nulls, themes, colours, no model."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import plotly.graph_objects as go
import pytest

from interp.errors import InterpError
from interp.figures import FIGURES, GRAPH_CONFIG, drawing, schema, theme
from tests.apps import (
    fixture_circuits,
    fixture_clock_pizza,
    fixture_components,
    fixture_digits,
    fixture_everyday,
    fixture_grokking,
    fixture_number_codes,
    fixture_operands,
    fixture_probes,
    fixture_products,
    fixture_spectra,
    fixture_trial,
)
from tests.apps import fixture_store as made

DATASETS = {
    "accuracy": made.accuracy("a+b", "plain"),
    "af1": made.af1("a+b+c", found=False),
    "try": fixture_trial.trial(),
    "spectrum": made.spectrum(),
    "spectra": fixture_spectra.spectra("a+b"),
    "operands": fixture_operands.operands(),
    "dla": fixture_everyday.dla("a+b"),
    "long_answers": fixture_everyday.long_answers("a+b"),
    "head_patching": fixture_circuits.head_patching("a+b"),
    "interchange": fixture_circuits.interchange("a+b"),
    "key_heads": fixture_circuits.key_heads("a+b"),
    "filters": fixture_number_codes.filters("a+b"),
    "planes": fixture_number_codes.planes("a+b"),
    "digit_probes": fixture_digits.digit_probes("a+b"),
    "digit_rotation": fixture_digits.digit_rotation("a+b"),
    "digit_codes": fixture_digits.digit_codes("a+b"),
    "convergence": fixture_digits.convergence("a+b"),
    "probe_controls": fixture_probes.probe_controls("a+b"),
    "probe_learning": fixture_probes.probe_learning("a+b"),
    "probe_transfer": fixture_probes.probe_transfer("a+b"),
    "probe_directions": fixture_probes.probe_directions("a+b"),
    "probe_causal": fixture_probes.probe_causal("a+b"),
    "helix": fixture_number_codes.helix("a+b"),
    "grokking": fixture_grokking.grokking(),
    **{made.__name__: made() for made in fixture_products.MADE},
    "steering": fixture_circuits.steering("a+b"),
    "attribution": fixture_circuits.attribution("a+b"),
    "clock_pizza": fixture_clock_pizza.clock_pizza(),
    "circuits": fixture_circuits.circuits("a+b"),
    "components": fixture_components.components("a+b"),
    "mediation": fixture_components.mediation("a+b"),
    "neurons": fixture_components.neurons("a+b"),
    **{method.__name__: method("a+b+c") for method in (*made.CELL_METHODS, *made.AF1_METHODS)},
}
CASES = [
    pytest.param(method, found, id=f"{method}-{found.name}") for method, drawn in FIGURES.items() for found in drawn
]


@pytest.mark.parametrize(("method", "figure"), CASES)
def test_title_says_what_where_and_n(method, figure):
    title = figure(DATASETS[method]).layout.title
    assert title.text.endswith(schema.cell(DATASETS[method]))
    assert len(title.text.split(" · ")[0]) > 8
    assert "n = " in title.subtitle.text or "selection split" in title.subtitle.text


@pytest.mark.parametrize(("method", "figure"), CASES)
def test_the_null_is_drawn(method, figure):
    drawn = figure(DATASETS[method])
    names = [trace.name or "" for trace in drawn.data]
    words = [*names, drawn.layout.title.subtitle.text or ""]
    assert any(part in name for name in words for part in ("null", "control")), words


@pytest.mark.parametrize(("method", "figure"), [case for case in CASES if case.values[0] not in ("spectrum", "af1")])
def test_hover_carries_interval_and_n(method, figure):
    text = json.dumps([np.asarray(trace.hovertext).tolist() for trace in figure(DATASETS[method]).data])
    assert "n = " in text or method == "probing"
    assert "[" in text


@pytest.mark.parametrize(("method", "figure"), CASES)
def test_only_the_template_depends_on_the_theme(method, figure):
    light, dark = (figure(DATASETS[method], theme=name) for name in ("light", "dark"))
    assert light.layout.template != dark.layout.template
    light.layout.template = dark.layout.template = None
    assert light.to_json() == dark.to_json()


@pytest.mark.parametrize(("method", "figure"), CASES)
def test_summary_is_one_sentence(method, figure):
    said = figure.summary(DATASETS[method])
    assert said.endswith(".")
    assert "\n" not in said
    assert "nan" not in said


@pytest.mark.parametrize(("method", "figure"), CASES)
def test_a_figure_does_not_change_its_dataset(method, figure):
    before = DATASETS[method].copy(deep=True)
    figure(DATASETS[method])
    assert DATASETS[method].identical(before)


@pytest.mark.parametrize("name", ["light", "dark"])
def test_colour_scales_are_on_the_list(name):
    allowed = [[list(step) for step in theme._scale(colours)] for colours in theme.ALLOWED_SCALES.values()]
    scales = theme.template(name).layout.colorscale
    for scale in (scales.diverging, scales.sequential):
        assert [list(step) for step in scale] in allowed


def test_diverging_scales_are_symmetric():
    for method in ("patching", "attention"):
        axis = drawing(method)(DATASETS[method]).layout.coloraxis
        assert axis.cmin == -axis.cmax
        assert axis.cmid == 0
        assert axis.autocolorscale


def test_no_chart_leaves_the_machine():
    assert GRAPH_CONFIG["showSendToCloud"] is False
    assert GRAPH_CONFIG["displaylogo"] is False


def test_unknown_names_are_answered_with_the_nearest():
    with pytest.raises(InterpError, match="Did you mean patching"):
        drawing("patchin")
    with pytest.raises(InterpError, match="Did you mean transfer_curve"):
        drawing("af1", "transfercurve")


def test_a_missing_variable_is_named():
    with pytest.raises(InterpError, match="no recovered_null"):
        drawing("patching")(DATASETS["patching"].drop_vars("recovered_null"))


def test_a_wrong_dim_is_named():
    with pytest.raises(InterpError, match="reads \\('layer', 'role'\\)"):
        drawing("patching")(DATASETS["patching"].expand_dims(seed=2))


def test_figures_draw_without_intervals_and_n():
    dataset = DATASETS["patching"].drop_vars(["recovered_low", "recovered_high", "n"]).drop_dims("prompt")
    figure = drawing("patching")(dataset)
    assert "n not recorded" in figure.layout.title.subtitle.text
    assert isinstance(figure, go.Figure)


def test_no_model_is_imported():
    code = (
        "import sys, interp.figures\n"
        "never = ('torch', 'transformers', 'interp.methods', 'interp.engine', 'xarray')\n"
        "assert not set(never) & set(sys.modules), set(never) & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
