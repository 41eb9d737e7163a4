"""The figures of AF1 (window, sweeps, knockouts), worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from interp.errors import InterpError
from interp.figures import af1, peeking, transfer, waiting, window


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
    figure = waiting.wait_curve(sweep())
    by_name = {trace.name: trace for trace in figure.data}
    np.testing.assert_allclose(by_name["CAMA"].y, [1.0, 0.9, 0.1])
    band = by_name["zeros: 95 % interval"]
    np.testing.assert_allclose(band.y, [0.55, 0.25, 0.05, -0.05, 0.15, 0.45])
    assert set(by_name["null: best constant answer"].y) == {0.03}
    assert by_name["zeros"].hovertext[1] == ("<b>zeros, l_wait = 1</b><br>faithfulness 0.200 [0.150, 0.250]<br>n = 40")
    assert figure.layout.title.text.endswith("· a+b, plain, tiny")


def test_lines_differ_by_shape_too():
    lines = [trace for trace in waiting.wait_curve(sweep()).data if trace.mode == "lines+markers"]
    assert len({trace.marker.symbol for trace in lines}) == len(lines) == 2


def test_the_transfer_curve_shows_threshold_and_controls():
    figure = transfer.transfer_curve(searched())
    assert {"null: mean control, test", "null: zero control, test"} <= {trace.name for trace in figure.data}
    assert figure.layout.shapes[0].y0 == 0.95
    assert transfer.transfer_summary(searched()).startswith("At l_wait 3, faithfulness goes from 0.10 with 0")


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
    assert af1.summary(searched(found=False)).startswith("None reaches 0.95; best l_wait 3, l_transfer 4")


def test_the_window_stands_beside_its_controls():
    points = {trace.name: trace.x[0] for trace in window.window(searched()).data if trace.type == "scatter"}
    assert points == {"AF1 (CAMA)": 0.97, "control: mean": 0.2, "control: zeros": 0.1}
    assert af1.summary(searched()) == (
        "l_wait 3, l_transfer 2 (paper's block index 2): test faithfulness 0.97 [0.96, 0.98] (n = 50); "
        "controls there: mean 0.20, zero 0.10."
    )


def test_an_unmeasured_faithfulness_is_left_out():
    empty = searched().assign(faithfulness=((), np.nan), faithfulness_mean=((), np.nan))
    assert {t.name for t in window.window(empty).data if t.type == "scatter"} == {"control: zeros"}
    assert "faithfulness n/a" in af1.summary(empty)


def test_a_search_without_a_window_is_an_error():
    with pytest.raises(InterpError, match="no l_wait"):
        af1.window_of(searched().drop_vars("l_wait"))


def test_random_heads_are_the_null_of_peeking():
    data = xr.Dataset(
        {"faithfulness": (("variant", "layer"), [[1.0, 0.2], [1.0, 1.0], [0.98, 0.97]]), "n": ((), 9)},
        coords={"variant": ["last", "others", "random_head"], "layer": [0, 1]},
    )
    by_name = {trace.name: trace for trace in peeking.single_layer(data).data}
    assert by_name["null: one random head of the last token"].y.tolist() == [0.98, 0.97]
    assert "block 1: faithfulness 0.20 (one random head of the last token 0.97)" in peeking.summary(data)


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
    said = waiting.sweep_summary(data)
    assert "0.95 or more through l_wait 1: cama; 0: mean; at none: zero; CAMA keeps 0.99 at l_wait 1, 0.20" in said
    assert "identity" in waiting.sweep_summary(data.isel(l_wait=[0, 2, 3]))


def test_the_window_is_said_beside_the_best_constant_answer():
    numbers = {"found": 1, "l_wait": 2, "l_transfer": 1, "faithfulness": 0.9, "faithfulness_mean": 0.1}
    numbers |= {"faithfulness_zero": 0.0, "null_majority": 0.03, "n": 40}
    data = xr.Dataset({name: ((), value) for name, value in numbers.items()}, attrs={"method": "af1"})
    assert af1.summary(data).endswith("controls there: mean 0.10, zero 0.00, best constant answer 0.03.")
