"""Maps on two layers and a few roles, worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from interp.figures import accuracy, attention, lens, maps, patch_maps, patching, probing
from interp.figures.theme import limits
from interp.figures.twin import seen, twin


def patched(roles=("a", "op1", "eq"), value=((1.0, 0.0, 0.2), (0.4, 0.0, 0.9))):
    value = np.array(value)
    return xr.Dataset(
        {
            "recovered": (("layer", "role"), value),
            "recovered_low": (("layer", "role"), value - 0.1),
            "recovered_high": (("layer", "role"), value + 0.1),
            "recovered_null": (("layer", "role"), 0.1 * value),
            "n": ((), 12),
        },
        coords={"layer": [0, 1], "role": list(roles)},
        attrs={"method": "patching", "task": "a+b", "style": "plain", "model": "tiny"},
    )


def test_the_map_and_its_null_hold_the_data():
    data = patched()
    figure = patch_maps.metric_map(data)
    np.testing.assert_array_equal(figure.data[0].z, data["recovered"])
    np.testing.assert_array_equal(figure.data[1].z, data["recovered_null"])
    assert figure.data[1].name == "null: unrelated pair"
    assert figure.layout.coloraxis.cmin == -1
    assert figure.layout.coloraxis.cmax == 1


def test_the_hover_says_value_interval_null_and_n():
    text = patch_maps.metric_map(patched()).data[0].hovertext[1][2]
    assert text == "<b>layer 1, role eq</b><br>recovered 0.900 [0.800, 1.000]<br>null 0.090<br>n = 12 pairs"


def test_the_same_token_twice_stays_two_columns():
    figure = patch_maps.metric_map(patched(roles=("1", "+", "1")))
    assert list(figure.data[0].x) == [0, 1, 2]
    assert list(figure.layout.xaxis.tickvals) == [0, 1, 2]
    assert list(figure.layout.xaxis.ticktext) == ["1", "+", "1"]


def test_small_values_are_left_to_the_colour():
    assert maps.written(np.array([[0.93, -0.04, 1.0, -0.38, 12.3, np.nan]])) == [[".93", "", "1.0", "-.38", "12", ""]]
    assert maps.written(np.zeros((10, 10))) is None


def test_limits_are_symmetric_and_never_empty():
    assert limits(np.array([-3.0, 1.0]), np.array([2.0])) == (-3.0, 3.0)
    assert limits(np.array([0.2])) == (-1.0, 1.0)
    assert limits(np.array([np.nan])) == (-1.0, 1.0)


def test_summary_names_what_is_beyond_the_null():
    assert patching.summary(patched()) == (
        "Recovered beyond the null anywhere at a (layers 0–1), eq (layer 1); max 1.00 [0.90, 1.10] at layer 0, a; "
        "the null reaches 0.10; n = 12."
    )


def test_layers_with_a_gap_are_said_apart():
    assert "eq (layer 0);" in patching.summary(patched(("a", "eq"), ((0.0, 0.9), (0.0, 0.05))))
    assert patching._ranges([0, 1, 2, 3], np.array([True, False, True, True])) == "layers 0, 2–3"


def test_the_default_cell_is_where_the_answer_arrives():
    assert patching.turning_cell(patched()) == (1, "eq")
    assert patching.turning_cell(patched(value=((0.9, 0, 0), (0.1, 0, 0.15)))) == (0, "a")


def test_summary_of_a_map_without_values():
    assert "do not differ" in patching.summary(patched(value=((np.nan,) * 3,) * 2))


def test_a_null_that_is_one_number_fills_the_lens_panel():
    data = xr.Dataset(
        {"accuracy": (("layer", "role"), [[0.0, 0.5]]), "accuracy_null": ((), 0.02), "n": ((), 3)},
        coords={"layer": [0], "role": ["a", "eq"]},
    )
    figure = lens.accuracy_map(data)
    assert figure.data[1].z.tolist() == [[0.02, 0.02]]
    assert (figure.layout.coloraxis.cmin, figure.layout.coloraxis.cmax) == (0, 1)


def probes(null_high):
    score = np.array([[[0.9, 0.1], [0.2, 0.8]], [[0.01, -0.5], [0.05, 0.04]]])  # target, layer, role
    return xr.Dataset(
        {
            "score": (("target", "layer", "role"), score),
            "score_null": (("target", "layer", "role"), np.full(score.shape, -0.1)),
            "score_null_high": null_high,
            "n": ((), 100),
        },
        coords={"target": ["a", "carry"], "layer": [0, 1], "role": ["a", "eq"]},
    )


@pytest.mark.parametrize("null_high", [((), 0.06), (("target",), [0.06, 0.06])])
def test_a_probe_below_the_corrected_null_is_a_dot(null_high):
    figure = probing.readable(probes(null_high))
    assert [list(row) for row in figure.data[0].text] == [["a", "eq"], ["·", "·"]]
    np.testing.assert_allclose(figure.data[0].z, [[0.9, 0.8], [0.01, 0.05]])
    np.testing.assert_allclose(figure.data[1].z, [[0.06], [0.06]])
    assert probing.summary(probes(null_high)) == (
        "1 of 2 variables pass shuffled labels; best R² (role, layer): a 0.90 (a 0), carry not; n = 100."
    )


def test_of_many_variables_the_main_ones_are_drawn():
    names = ["a0", "a", "result_carry1", "b", "result0", "partial", "result", "b1", "a1", "carries", "chain", "sum"]
    many = xr.concat(
        [probes(((), 0.06)).isel(target=[0]).assign_coords(target=[name]) for name in names],
        dim="target",
        data_vars="all",
    )
    many = many.assign(score_null_high=((), 0.06), n=((), 100))
    drawn = probing.main_targets(many)["target"].to_numpy().tolist()
    assert drawn == ["a", "b", "partial", "result", "result0", "result_carry1", "a0", "b1", "a1"]
    figure = probing.readable(many)
    assert figure.data[0].z.shape == (9, 2)
    assert "9 of 12 variables" in figure.layout.title.subtitle.text


def test_probes_by_layer_draw_both_nulls_in_every_panel():
    names = [trace.name for trace in probing.score_by_layer(probes(((), 0.06))).data]
    assert names.count("null: shuffled labels, mean") == 2
    assert names.count("null: 95 % of their maximum") == 2


def test_zero_is_uniform_attention():
    pattern = np.array([[[[1.0, 0.0], [0.25, 0.75]]]])  # layer, head, role, key
    data = xr.Dataset(
        {
            "pattern": (("layer", "head", "role", "key"), pattern),
            "pattern_uniform": (("role", "key"), [[1.0, 0.0], [0.5, 0.5]]),
            "n": ((), 4),
        },
        coords={"layer": [0], "head": [0], "role": ["a", "eq"], "key": ["a", "eq"]},
    )
    figure = attention.from_last(data)
    assert [trace.z.tolist() for trace in figure.data] == [[[-0.25]], [[0.25]]]
    assert "uniform, the null (0.50)" in figure.layout.title.subtitle.text
    assert "head 0 of block 0 looks hardest" in attention.summary(data)


def cell_of_accuracy(task, style, value):
    return xr.Dataset(
        {"accuracy": ((), value), "null_majority": ((), 0.1), "n": ((), 5)}, attrs={"task": task, "style": style}
    )


def test_the_accuracy_grid_leaves_what_was_not_run_empty():
    figure = accuracy.grid([cell_of_accuracy("a+b", "plain", 1.0), cell_of_accuracy("a-b", "verbal", 0.5)])
    np.testing.assert_array_equal(figure.data[0].z, [[1.0, np.nan], [np.nan, 0.5]])
    assert figure.data[0].hovertext[0][1] == "not run"
    assert figure.data[1].z.tolist() == [[0.1], [0.1]]


def test_the_table_twin_holds_the_numbers():
    table = twin(patched(), "recovered")
    assert table.columns == ("layer", "role", "recovered", "95 % from", "95 % to", "null")
    assert table.rows[3] == ("1", "a", "0.400", "0.300", "0.500", "0.040")
    assert table.rows[5] == ("1", "eq", "0.900", "0.800", "1.000", "0.090")
    assert table.caption == "recovered, n = 12"
    assert table.n_labels == 2


def test_a_large_table_goes_across_with_intervals_in_brackets_and_says_what_it_leaves_out(monkeypatch):
    monkeypatch.setattr("interp.figures.twin.LONGEST", 1)
    table = twin(patched(), "recovered")
    assert table.columns == ("layer", "role a", "role op1", "role eq")
    assert table.rows[1] == ("1", "0.400 [0.300, 0.500]", "0.000 [-0.100, 0.100]", "0.900 [0.800, 1.000]")
    assert table.caption == "recovered, n = 12, 95 % interval in brackets; not listed here: null"


def test_each_null_has_a_column_and_draws_their_range():
    data = xr.Dataset(
        {
            "score": ("layer", [0.01234, 0.05]), "score_null": (("draw", "layer"), [[0.01, 0.02], [0.03, 0.01]]),
            "score_control": (("control", "layer"), [[0.5, 0.6]]), "null_majority": ((), 0.001),
            "null_majority_selection": ((), 0.9), "other_null": ("layer", [7.0, 7.0]),
        },
        coords={"layer": [0, 1], "control": ["tokens"]},
    )  # fmt: skip
    table = twin(data, "score")
    assert table.columns == ("layer", "score", "null, 2 draws", "control: tokens", "null majority")
    assert table.rows[0] == ("0", "0.0123", "0.0100 to 0.0300", "0.5000", "0.0010")  # three digits of the largest


def test_what_is_no_share_keeps_three_digits():
    data = xr.Dataset(
        {"loss": ("step", [17.1, 0.00181, 7.43e-8, 0.0], {"units": "nats"}), "loss_low": ("step", [0.0] * 4)}
    )
    assert [row[1] for row in twin(data, "loss").rows] == ["17.1", "0.00181", "7.43e-08", "0.000"]


def test_the_null_of_the_whole_stands_beside_its_parts():
    data = xr.Dataset({"score_by": ("class", [0.5, 0.25]), "score_null": ((), 0.2), "score": ((), 0.4)})
    assert twin(data, "score_by").columns == ("class", "score_by", "score null")


def test_the_twin_of_a_long_dim_goes_down():
    data = xr.Dataset({"power": (("variant", "component"), np.zeros((2, 50)))}, coords={"variant": ["raw", "x"]})
    table = twin(data, "power")
    assert table.columns == ("component", "variant raw", "variant x")
    assert len(table.rows) == 50


def test_the_twin_of_one_number():
    table = twin(cell_of_accuracy("a+b", "plain", 0.5), "accuracy")
    assert (table.columns, table.rows) == (("accuracy", "null majority"), (("0.500", "0.100"),))


def test_draws_without_a_number_leave_the_range_of_the_others():
    nulls = np.array([[0.1, np.nan], [0.3, np.nan], [0.2, np.nan]])
    data = xr.Dataset(
        {"score": ("layer", np.array([0.5, 0.6])), "score_null": (("draw", "layer"), nulls), "n": ((), 4)},
        coords={"layer": [0, 1]},
    )
    assert [row[-1] for row in twin(data, "score").rows] == ["0.100 to 0.300", "n/a to n/a"]


@pytest.mark.parametrize("most", [1500, 1])
def test_a_table_of_attention_leaves_out_what_cannot_be_seen(monkeypatch, most):
    monkeypatch.setattr("interp.figures.twin.LONGEST", most)
    weights = np.tril(np.full((3, 3), 0.25))
    data = xr.Dataset(
        {"pattern": (("role", "key"), weights), "pattern_uniform": (("role", "key"), weights), "n": ((), 4)},
        coords={"role": list("abc"), "key": list("abc")},
    )
    table = seen(twin(data, "pattern"), list("abc"))
    cells = [cell for row in table.rows for cell in row[table.n_labels :][: 1 if most > 1 else 3]]
    assert [cell for cell in cells if cell] == ["0.250"] * 6
