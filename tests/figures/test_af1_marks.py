"""The grid, the alternatives, the heads and the table twins, worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from interp.errors import InterpError
from interp.figures import af1, alternatives, comparison, elsewhere, head_roles, knockout, pruning, waiting, window_grid
from interp.figures.twin import twin
from tests.apps import fixture_store as made


def grid(value, found=1, **more):
    names = {"found": found, "l_wait": 1, "l_transfer": 1, "best_l_wait": 0, "best_l_transfer": 2, "threshold": 0.9}
    return xr.Dataset(
        {
            "grid_faithfulness": (("l_wait_tried", "l_transfer_grid"), value),
            **{k: ((), v) for k, v in (names | more).items()},
        },
        coords={"l_wait_tried": [0, 1, 2], "l_transfer_grid": [0, 1, 2]},
    )


STAIRS = np.array([[0.1, 0.2, 1.0], [0.1, 0.95, np.nan], [0.0, np.nan, np.nan]])


def test_the_outline_runs_around_the_passing_cells():
    figure = window_grid.grid_map(grid(STAIRS))
    np.testing.assert_array_equal(figure.data[0].z, STAIRS)
    assert (figure.layout.coloraxis.cmin, figure.layout.coloraxis.cmax) == (0, 1)
    line = next(trace for trace in figure.data if trace.name == "reaches the threshold")
    x, y = np.array(line.x, dtype=float).reshape(-1, 3), np.array(line.y, dtype=float).reshape(-1, 3)
    edges = {tuple(np.round(edge, 1)) for edge in np.concatenate([x[:, :2], y[:, :2]], axis=1)}
    around = {(1.5, 2.5, -0.5, -0.5), (2.5, 2.5, -0.5, 0.5), (1.5, 1.5, -0.5, 0.5), (1.5, 2.5, 0.5, 0.5)}  # cell (0, 2)
    around |= {(0.5, 1.5, 0.5, 0.5), (0.5, 1.5, 1.5, 1.5), (0.5, 0.5, 0.5, 1.5), (1.5, 1.5, 0.5, 1.5)}  # cell (1, 1)
    assert edges == around


def test_the_chosen_cell_and_the_blank_corner_are_named():
    figure = window_grid.grid_map(grid(STAIRS))
    assert figure.data[-1].name == "chosen: l_wait 1, l_transfer 1"
    assert np.mean(figure.data[-1].x[:4]) == pytest.approx(1)
    assert figure.data[0].hovertext[1][1].startswith("<b>l_wait 1 (paper's block index 0), l_transfer 1")
    assert "outside the model" in figure.data[0].hovertext[2][2]
    assert window_grid.grid_summary(grid(STAIRS)).startswith("2 of 6 windows reach 0.90; the search chose l_wait 1")


def test_a_search_that_chose_nothing_is_said_as_it_is():
    none = grid(STAIRS * 0.5, found=0, l_transfer=-1)
    assert window_grid.grid_map(none).data[-1].name == "best, none chosen: l_wait 0, l_transfer 2"
    assert window_grid.grid_summary(none).startswith(
        "No window of 6 reaches 0.90; the best cell is l_wait 0, l_transfer 2"
    )
    assert af1.verdict(none) == "AF1: none reaches 0.90; best 0 wait, 2 transfer"
    assert af1.verdict(grid(STAIRS, found=0, n_passing=2)).startswith("AF1: the search finds no window")


def test_a_given_window_is_not_called_found_or_missed():
    given = made.window("a+b")
    assert af1.window_of(given) == (3, 2, True)
    assert af1.verdict(given) == "AF1 as given (3 wait, 2 transfer) keeps 0.93"
    assert af1.window_text(made.alternatives("a+b").assign(found=((), 0))) == "AF1(3, 2), the best cell"


def test_the_proposed_line_is_strong_and_alone_has_a_band():
    figure = waiting.wait_curve(made.cama("a+b"))
    lines = {trace.name: trace for trace in figure.data if trace.mode == "lines+markers"}
    assert len(lines) == 9
    assert lines["CAMA"].line.width > 2 * max(line.line.width for name, line in lines.items() if name != "CAMA")
    looks = [(line.line.dash, line.marker.symbol) for line in lines.values()]
    assert len(set(looks)) == 9
    assert [t.name for t in figure.data if t.fill] == ["CAMA: 95 % interval"]


def test_l_wait_stands_beside_the_papers_index():
    assert waiting.wait_curve(made.cama("a+b")).layout.xaxis.ticktext[:3] == ("0<br>(–)", "1<br>(0)", "2<br>(1)")


def alternative(values, difference_high=None, names=("cama", "mean", "abp", "complement", "random_head 0")):
    kinds = ["wait", "wait", "peek", "window", "control"]
    value = np.array(values, dtype=float)
    data = {"faithfulness": value, "faithfulness_low": value - 0.1, "faithfulness_high": value + 0.1}
    if difference_high is not None:
        data |= {"difference": value - value[0], "difference_low": value - 1, "difference_high": difference_high}
    return xr.Dataset(
        {**{name: ("alternative", array) for name, array in data.items()}, "n": ((), 30)},
        coords={"alternative": list(names), "kind": ("alternative", kinds)},
    )


def test_an_alternative_is_as_good_by_its_own_kind_of_interval():
    assert comparison.as_good(alternative([0.9, 0.75, 0.9, 0.9, 0.9])) == [1]  # .85 reaches .80
    assert comparison.as_good(alternative([0.9, 0.65, 0.9, 0.9, 0.9])) == []
    assert comparison.as_good(alternative([0.9, 0.75, 0.9, 0.9, 0.9], [0, -0.1, 0, 0, 0])) == []  # pairs decide
    assert comparison.title(alternative([0.9, 0.65, 0.9, 0.9, 0.9])).startswith("None of 1 alternatives")
    assert "full model with the window cut 0.90" in comparison.summary(alternative([0.9, 0.6, 0.9, 0.9, 0.9]))


def test_the_draws_of_a_control_share_a_row():
    figure = alternatives.dots(made.alternatives("a+b"))
    rows = figure.layout.yaxis.ticktext
    assert rows[-3:] == ("random windows", "random heads", "other blocks cut")
    assert "CAMA" not in rows
    control = next(trace for trace in figure.data if trace.name == "control: random")
    assert sorted(set(control.y)) == [len(rows) - 3, len(rows) - 2]
    assert figure.layout.height > 19 * len(rows)


@pytest.mark.parametrize(
    ("n_survivors", "title", "attention"),
    [
        (8, "No one of 8 transfer heads can go at 0.95", "What the 8 surviving heads read"),
        (3, "3 of 8 transfer heads are enough", "What the 3 surviving heads read"),
        (1, "1 of 8 transfer heads is enough", "What the 1 surviving head reads"),
        (0, "None of 8 transfer heads is needed", "No head is needed, so none survives"),
        (-1, "Not even all 8 transfer heads keep 0.95", "What the transfer heads read (no set of them was enough)"),
    ],
)
def test_survivors_from_none_to_not_enough(n_survivors, title, attention):
    data = made.heads("a+b", n_survivors)
    assert pruning.removal_curve(data).layout.title.text.split(" · ")[0] == title
    assert head_roles.survivor_attention(data).layout.title.text.split(" · ")[0] == attention


def test_few_heads_are_bars_and_many_a_map_with_the_null_beside():
    few, many = (head_roles.survivor_attention(made.heads("a+b", n)) for n in (3, 6))
    assert [trace.type for trace in few.data] == ["bar"] * 3 + ["scatter"]
    assert few.data[-1].y[0] == pytest.approx(0.2)
    assert len({bar.marker.pattern.shape for bar in few.data[:3]}) == 3
    assert [trace.type for trace in many.data] == ["heatmap", "heatmap"]
    assert set(many.data[1].z.ravel().tolist()) == {0.2}


def test_a_step_names_the_head_that_went():
    data = made.heads("a+b")
    curve = next(t for t in pruning.removal_curve(data).data if t.name == "least missed first")
    layer, head = int(data["removed_layer"][1]), int(data["removed_head"][1])
    assert f"1 heads removed, last head {head} of block {layer}" in curve.hovertext[1]
    assert "last head" not in curve.hovertext[0]


def test_a_head_is_missed_when_its_interval_is_below():
    assert knockout.needed(made.heads("a+b")) == [(3, 1), (4, 2)]
    assert knockout.needed(made.heads("a+b"), 0.3) == []
    with pytest.raises(InterpError, match="no head_faithfulness"):
        knockout.head_map(made.peeking("a+b").drop_vars("head_faithfulness"))


def test_the_window_elsewhere_is_read_from_its_runs():
    runs = [
        made.window("a+b"),
        made.window("a-b", kept=0.2),
        made.window("a+b", "verbal").assign(faithfulness=((), np.nan)),
    ]
    figure = elsewhere.elsewhere(runs)
    assert [trace.name for trace in figure.data][:2] == ["AF1 (CAMA)", "control: mean"]
    assert list(figure.data[0].y) == [0, 1]
    assert elsewhere.summary(runs).startswith("2 cells, from a-b, plain, mental-math 0.20")
    with pytest.raises(InterpError, match="interp run window"):
        elsewhere.elsewhere([])


def test_a_long_lone_dim_goes_down_in_the_table():
    data = made.alternatives("a+b")
    table = twin(data, "faithfulness")
    assert table.columns == ("alternative", "faithfulness", "95 % from", "95 % to", "null majority")
    assert len(table.rows) == data.sizes["alternative"]
    assert table.rows[0][:4] == ("cama", "0.970", "0.950", "0.990")


def test_the_table_of_what_a_search_tried_says_the_n_of_its_split():
    found = made.af1("a+b")
    for name in ("grid_faithfulness", "wait_faithfulness", "transfer_faithfulness"):
        assert "selection split, n = 500" in twin(found, name).caption
    assert "n = 1,000" in twin(found, "faithfulness").caption
    assert "n not recorded" in twin(found.drop_vars("n_selection"), "grid_faithfulness").caption
