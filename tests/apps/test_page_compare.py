"""The Compare page as functions: A, B and A - B on one scale, what it refuses, and what a choice changes."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from dash import dcc, no_update

from apps.dashboard import ids
from apps.dashboard.library import Library
from apps.dashboard.pages.compare_choice import chosen
from apps.dashboard.selection import Selection, parse
from interp.errors import InterpError
from interp.figures import differences as figures
from interp.store.differences import choices, difference, names
from tests.apps import fixture_operands, fixture_store
from tests.apps.test_pages import flip_a_bit, page, parts, words

PATH = "/compare"


@pytest.fixture(scope="module")
def pair(library):
    """Return an address of two ablation runs, of two tasks whose roles differ not."""
    lines = library.of("ablation")
    return lines[0], lines[1]


def results(n: int = 400, shift: float = 0.3, layers: int = 4) -> xr.Dataset:
    rng = np.random.default_rng(3)
    each = (rng.random((n, layers, 2)) < 0.4 + shift * np.arange(layers)[:, None] / layers).astype(np.int8)
    return xr.Dataset(
        {
            "correct": (("prompt", "layer", "role"), each), "accuracy": (("layer", "role"), each.mean(0)),
            "accuracy_low": (("layer", "role"), each.mean(0) - 0.05), "n": ((), n),
            "ratio": (("layer", "role"), each.mean(0) ** 2),
        },
        coords={"layer": np.arange(layers), "role": ["a", "b"], "prompt": [f"p{i}" for i in range(n)]},
        attrs={"method": "lens", "task": "a+b", "model": "m"},
    )  # fmt: skip


def test_paired_intervals_are_those_of_the_differences_of_each_example():
    first, second = results(shift=0.3), results(shift=0.0)
    made = difference(first, second, "accuracy")
    away = (first["correct"].astype(float) - second["correct"]).transpose("prompt", "layer", "role").to_numpy()
    assert made.attrs["paired"] == 1
    assert np.allclose(made["difference"], away.mean(0))
    assert ((made["difference_low"] <= made["difference"]) & (made["difference"] <= made["difference_high"])).all()
    half = 1.96 * away.std(0) / np.sqrt(len(away))
    assert np.allclose((made["difference_high"] - made["difference_low"]) / 2, half, atol=0.01)
    swapped = difference(second, first, "accuracy")
    assert np.allclose(swapped["difference"], -made["difference"])
    assert np.allclose(swapped["difference_low"], -made["difference_high"])


def test_an_array_of_examples_is_averaged_and_numbers_without_them_have_no_interval():
    first, second = results(), results(shift=0.0)
    assert difference(first, second, "correct").attrs["paired"] == 1
    assert difference(first, second, "ratio").attrs["paired"] == 0  # no per-example array has it as its mean
    other = second.assign_coords(prompt=[f"q{i}" for i in range(400)])
    made = difference(first, other, "accuracy")
    assert made.attrs["paired"] == 0
    assert "difference_low" not in made
    assert "not paired" in figures.beside(made).layout.title.subtitle.text
    assert "No interval" in figures.summary(made)
    assert names(first) == ["correct", "accuracy", "ratio"]


def test_maps_of_all_pairs_have_no_gaps_no_sample_and_the_unit_of_what_is_shown():
    first, second = fixture_operands.operands(size=50), fixture_operands.operands(size=50)
    second["behaviour"] = second["behaviour"] + 1.0
    made = difference(first, second, "behaviour", {"scalar": "probability"})
    figure = figures.beside(made)
    assert {(trace.xgap, trace.ygap) for trace in figure.data} == {(0, 0)}
    assert figure.layout.coloraxis.colorbar.title.text == "probability"
    said = figure.layout.title.subtitle.text
    assert "n = 2,499 pairs: all there are" in said
    drawn = difference(first, second, "explained_behaviour_null_high")  # the largest of shuffled maps
    assert "all there are" not in figures.beside(drawn).layout.title.subtitle.text
    assert "no sample, so no interval" in said
    assert "paired" not in said
    assert "all pairs" in figures.summary(made)
    table = figures.table(made)
    assert "2,500 cells" in table.caption
    assert len(table.rows) == 100
    assert table.rows[0][:2] == ("operand_a", "0")
    assert table.rows[0][-1] == "-1.000"
    few = figures.beside(difference(results(), results(shift=0.0), "accuracy"))
    assert {(trace.xgap, trace.ygap) for trace in few.data} == {(1, 1)}


def test_equal_runs_differ_by_nothing():
    made = difference(results(), results(), "accuracy")
    assert not made["difference"].any()
    assert ((made["difference_low"] < 0) & (made["difference_high"] > 0)).all()


@pytest.mark.parametrize(
    ("other", "said"),
    [
        (results(layers=3), r"layer differs: A has 4 \(0, 1, 2, 3\), B has 3 \(0, 1, 2\)"),
        (results().assign_coords(role=["a", "eq"]), r"role differs: A has 2 \(a, b\), B has 2 \(a, eq\)"),
        (results().assign_attrs(method="ablation"), "A is a lens run, B a ablation run"),
        (results().drop_vars("accuracy"), "Run B has no 'accuracy'"),
        (results().isel(role=0), "over layer x role in A and over layer in B"),
    ],
)
def test_what_does_not_match_is_refused_and_said(other, said):
    with pytest.raises(InterpError, match=said):
        difference(results(), other, "accuracy")


def test_other_units_are_refused():
    first, second = results(), results()
    first["accuracy"].attrs["units"] = "fraction"
    with pytest.raises(InterpError, match="in fraction in A and in no unit in B"):
        difference(first, second, "accuracy")


def test_maps_have_one_scale_and_curves_one_axis():
    made = difference(results(shift=0.6), results(shift=0.0), "accuracy")
    figure = figures.beside(made)
    assert [trace.type for trace in figure.data] == ["heatmap"] * 3
    assert {trace.coloraxis for trace in figure.data} == {"coloraxis"}
    assert figure.layout.coloraxis.cmin == -figure.layout.coloraxis.cmax
    assert np.allclose(figure.data[2].z, figure.data[0].z - figure.data[1].z)
    assert any("*" in text for row in figure.data[2].text for text in row)
    lone = figures.beside(difference(results().isel(role=0), results(shift=0).isel(role=0), "accuracy"))
    assert {trace.type for trace in lone.data} == {"scatter"}
    assert lone.layout.yaxis2.matches == "y"
    single = figures.beside(difference(results().isel(role=0, layer=0), results().isel(role=0, layer=1), "accuracy"))
    assert len(single.data) == 3
    assert len(figures.table(made).rows) == 8


def test_dims_beyond_two_are_chosen_and_layer_stays():
    data = results().expand_dims(kind=["zero", "mean"], axis=-1)
    assert choices(data, "accuracy") == {"role": ["a", "b"]}
    made = difference(data, data, "accuracy", {"role": "b"})
    assert made["difference"].dims == ("layer", "kind")
    assert made.attrs["where"] == "role b"
    with pytest.raises(InterpError, match="There is no role 'c'"):
        difference(data, data, "accuracy", {"role": "c"})


def test_the_page_shows_both_runs_what_differs_and_the_numbers(library, pair):
    one, two = pair
    found = page(library, PATH, Selection(run=one.run_id, against=two.run_id).search)
    text = words(found)
    for said in ("Swap A and B", "Configuration: what differs", "task", "Headline numbers", "A - B"):
        assert said in text, said
    known = {part.id: part for part in parts(found) if isinstance(getattr(part, "id", None), str)}
    shown = parse(known[ids.SELECTION].data["search"])[0]
    assert (shown.run, shown.against, shown.metric) == (one.run_id, two.run_id, "accuracy")


def test_two_runs_of_one_cell_are_drawn_with_provenance(tmp_path):
    runs = fixture_store.fill(tmp_path / "two", [fixture_store.lens("a+b"), fixture_store.lens("a+b")])
    library = Library(tmp_path / "two")
    found = page(library, PATH, f"?v=1&run={runs[0]}&against={runs[1]}&metric=accuracy")
    graph = next(part for part in parts(found) if isinstance(part, dcc.Graph))
    assert graph.id == ids.graph(ids.COMPARE_FIGURE)
    assert len(graph.figure["data"]) == 3
    known = [getattr(part, "id", None) for part in parts(found)]
    assert [ids.whence(run, ids.COMPARE_FIGURE) in known for run in runs] == [True, True]
    for said in ("Where A is from", "Where B is from", "CSV of A", "HTML of B"):
        assert said in words(found), said
    tools = [
        part for part in parts(found) if getattr(part, "className", "") == "tool" and hasattr(part, "aria-labelledby")
    ]
    title = ids.part(ids.COMPARE_FIGURE, "title")
    assert len(tools) == 7  # two pictures, two files of each run, full screen: each named by its text and the title
    assert {getattr(part, "aria-labelledby") for part in tools} == {f"{part.id} {title}" for part in tools}
    same = page(library, PATH, f"?v=1&run={runs[0]}&against={runs[0]}")
    assert "A and B are one run" in words(same)
    alone = page(library, PATH)
    assert "Swap A and B" in words(alone)


def test_arrays_that_do_not_match_and_unknown_names_are_said(library):
    one, two = library.of("lens")[0], library.of("ablation")[0]
    assert "choose two runs of one method" in words(
        page(library, PATH, Selection(run=one.run_id, against=two.run_id).search)
    )
    text = words(page(library, PATH, f"?v=1&run=nowhere-1&against={one.run_id}&metric=zz&view=kind=q"))
    for said in ("There is no run 'nowhere-1'", "no array 'zz'"):
        assert said in text, said


def test_stores_without_runs_with_one_and_with_a_damaged_one(tmp_path):
    assert "No results yet" in words(page(Library(tmp_path / "none"), PATH))
    fixture_store.fill(tmp_path / "one", [fixture_store.lens("a+b")])
    assert "No method has two runs" in words(page(Library(tmp_path / "one"), PATH))
    runs = fixture_store.fill(tmp_path / "two", [fixture_store.lens("a+b"), fixture_store.lens("a+b")])
    for path in sorted((tmp_path / "two" / "runs" / runs[1]).rglob("*")):
        if path.is_file() and "arrays" in str(path) and path.stat().st_size > 400:
            flip_a_bit(path)
    text = words(page(Library(tmp_path / "two"), PATH, f"?v=1&run={runs[0]}&against={runs[1]}"))
    assert "cannot be read" in text or "damaged" in text


def test_a_choice_is_a_new_address(pair):
    shown = {"path": PATH, "search": Selection(run="r-1", against="r-2", metric="accuracy", view="kind=zero").search}
    assert chosen(shown, against="r-2") is no_update
    assert parse(chosen(shown, against="r-3"))[0].against == "r-3"
    assert parse(chosen(shown, array="rank", places={"kind": "mean"}))[0].view is None
    assert parse(chosen(shown, array="accuracy", places={"kind": "mean"}))[0].view == "kind=mean"
    assert chosen(shown, array="accuracy", places={"kind": "zero"}) is no_update
    assert chosen(shown, against="<script>") is not None


def test_what_a_search_tried_is_counted_on_its_split():
    one = fixture_store.af1("a+b")
    two = one.assign(n=((), 995))
    assert {difference(one, two, "grid_faithfulness").attrs[name] for name in ("n_a", "n_b")} == {500}
    made = difference(one, two, "faithfulness")
    assert (made.attrs["n_a"], made.attrs["n_b"]) == (1000, 995)
