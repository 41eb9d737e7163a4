"""What the terminal shows: four significant digits for people, everything for machines, and the tensors of a run."""

from __future__ import annotations

import numpy as np
import pytest

from interp.cli.output import number, with_interval
from interp.cli.planning import size
from interp.store import Spec, Store
from tests.store.conftest import small

SHOWN = {
    0.99318123: "0.9932",
    1.0: "1.000",
    0.00055142: "0.0005514",
    12.345678: "12.35",
    -1234.4: "-1234",
    123456.7: "123,457",
    9999.9: "10,000",
    0.0: "0.000",
    float("nan"): "nan",
}


@pytest.mark.parametrize("value", SHOWN)
def test_numbers_have_four_significant_digits(value):
    assert number(value) == SHOWN[value]


def test_other_values_are_as_they_are():
    assert [number(value) for value in (None, "", 7, True, "a+b")] == ["-", "-", "7", "True", "a+b"]
    assert with_interval({"x": 0.5, "x_low": 0.25, "x_high": 0.75}, "x") == "0.5000 [0.2500, 0.7500]"
    assert with_interval({"x": None}, "x") == "undefined"


@pytest.mark.parametrize(("n", "said"), [(0, "0 B"), (999, "999 B"), (16_060_522_496, "16.06 GB"), (2e18, "2e+06 TB")])
def test_sizes_are_for_people(n, said):
    assert size(n) == said


def test_show_lists_tensors_by_kind_with_their_size_on_disk(interp, tmp_path):
    tensors = {f"mean.{layer:02d}.b": np.zeros((9, 4), dtype="f4") for layer in range(3)}
    tensors |= {"count.b": np.zeros(9, dtype="i8")}
    spec = Spec(method="cama", model="mental-math", task="a+b")
    store = Store(tmp_path / "store")
    run = store.write(spec, small(), tensors=tensors, summary={"n": 4, "accuracy": 0.123456789}).run_id
    said = interp("runs", "show", run)
    lines = {words[0]: words[1:] for words in map(str.split, said.out.splitlines()) if words}
    assert lines["mean"] == ["3", "9x4", "float32"]
    assert lines["count"] == ["1", "9", "int64"]
    on_disk = store.open(run).manifest["files"]["tensors.safetensors"]["bytes"]
    assert lines["together"] == ["4", *size(on_disk).split(), "-"]
    assert "accuracy=0.1235" in said.out
    assert interp("runs", "show", run, "--json").json["summary"]["accuracy"] == 0.123456789
    bare = store.write(spec, small(), summary={"n": 4}).run_id
    assert "tensors" not in interp("runs", "show", bare).out
