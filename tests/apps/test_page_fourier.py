"""The Fourier page as functions: which runs it shows, what a click selects, and what changes in which figure."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from dash import no_update

from apps.dashboard.library import Library
from apps.dashboard.pages import fourier, fourier_moves, fourier_runs
from apps.dashboard.pages.fourier_periods import clicked, number, pin_of
from apps.dashboard.pages.fourier_views import VIEWS, name_of
from apps.dashboard.selection import Selection, parse
from interp.errors import InterpError
from interp.figures import FIGURES
from interp.figures.period_marks import MARKS
from interp.store import Spec, Store
from tests.apps import fixture_clock_pizza, fixture_digits, fixture_grokking, fixture_number_codes, fixture_spectra
from tests.apps import fixture_store as made
from tests.apps.test_pages import flip_a_bit, page, parts, words

GRAPHS = [name_of(method, figure) for method, figure, _ in VIEWS["spectra"].cards]


DIGITS = ("digit_probes", "digit_rotation", "digit_codes", "convergence")


def results() -> list:
    return [
        made.spectrum(),
        fixture_spectra.spectra("a+b"),
        *(getattr(fixture_number_codes, name)("a+b") for name in ("helix", "filters", "planes")),
        *(getattr(fixture_digits, name)("a+b") for name in DIGITS),
        fixture_grokking.grokking().assign_attrs(task=None),
        fixture_clock_pizza.clock_pizza(),
        fixture_number_codes.planes("a-b"),
    ]  # fmt: skip


@pytest.fixture(scope="module")
def waves(tmp_path_factory) -> Library:
    root = tmp_path_factory.mktemp("waves")
    made.fill(root, results())
    unembed = Spec(method="spectrum", model=made.MODEL, style="plain", parameters={"of": "unembed"})
    Store(root).write(unembed, made.spectrum().assign_attrs(site="unembed"), provenance={}, summary={})
    return Library(root)


def shown(**chosen) -> Selection:
    return Selection(model=made.MODEL, task="a+b", view="spectra").but(**chosen)


@pytest.mark.parametrize("view", VIEWS)
def test_a_view_shows_every_figure_it_names_and_is_small(waves, view):
    found = page(waves, "/fourier", f"?view={view}&period=10&pin=T%3D5")
    graphs = {part.id["name"] for part in parts(found) if type(part).__name__ == "Graph"}
    asked = {name_of(method, figure) for method, figure, _ in VIEWS[view].cards if method != "neurons"}
    assert graphs == asked  # a model with grokking runs adds modulo p, and its neurons follow no rules of thumb
    assert len(parts(found)) < 400
    assert "failed" not in words(found)


def test_every_card_is_a_figure_of_its_method():
    for view in VIEWS.values():
        for kind, figure, _ in view.cards:
            assert figure in {each.name for each in FIGURES[fourier_runs.method_of(kind)]}
    for method, figure in MARKS:
        assert figure in {each.name for each in FIGURES[method]}


def test_the_chosen_periods_are_rows_with_their_nulls(waves):
    text = words(page(waves, "/fourier", "?view=causal&task=a%2Bb&period=5&pin=T%3D10"))
    for said in ("T = 5", "T = 10", "in the embeddings", "of the power [null", "times the null level at layer",
                 "of the rest at layer", "0.200 right at layer 0", "not measured", "beyond the null"):  # fmt: skip
        assert said in text, said


def test_without_a_period_the_page_says_how_to_choose_one(waves):
    assert "shift-click pins it" in words(page(waves, "/fourier"))


def test_a_missing_method_says_its_command(tmp_path):
    made.fill(tmp_path, [made.spectrum()])
    text = words(page(Library(tmp_path), "/fourier"))
    assert "interp run spectra --model mental-math --task a+b" in text


def test_neurons_of_a_language_model_and_of_a_modular_network_are_asked_other_questions(tmp_path):
    made.fill(tmp_path, [made.spectrum()])
    Store(tmp_path).write(Spec(method="spectrum", model="modadd-59"), made.spectrum(), provenance={}, summary={})
    text = words(page(Library(tmp_path), "/fourier", "?view=neurons&model=mental-math"))
    assert "interp run neurons --model mental-math --task a+b" in text
    assert "grokking" not in text
    text = words(page(Library(tmp_path), "/fourier", "?view=neurons&model=modadd-59"))
    assert "interp run grokking --model modadd-59" in text
    assert "grokking --model modadd-59 --task" not in text  # it asks no task
    assert "interp run neurons" not in text
    text = words(page(Library(tmp_path), "/fourier", "?view=circles&model=modadd-59"))
    assert "interp run helix --model modadd-59" in text
    assert "--task" not in text


def test_another_task_has_its_own_runs(waves):
    text = words(page(waves, "/fourier", "?view=causal&task=a-b"))
    assert "interp run filters --model mental-math --task a-b" in text
    assert "Answers without and with single planes" in text


def test_what_a_link_names_wrongly_is_said(waves):
    text = words(page(waves, "/fourier", "?model=gpt&view=spectre&task=a*b&run=planes-none"))
    for said in ("no runs of model 'gpt'", "no view 'spectre'", "asks 'a*b'", "no Fourier run of this store"):
        assert said in text, said


def test_a_damaged_run_is_one_broken_card(tmp_path):
    made.fill(tmp_path, results())
    library = Library(tmp_path)
    victim = library.of("spectra")[0].run_id
    chunks = [path for path in (Path(tmp_path) / "runs" / victim / "arrays.zarr").rglob("c/*") if path.is_file()]
    flip_a_bit(max(chunks, key=lambda path: path.stat().st_size))
    text = words(page(library, "/fourier"))
    assert victim in text
    assert "7 of 50" in text or "frequencies stand above every null" in text  # the spectrum still stands


def test_a_click_selects_shift_pins_and_esc_lets_go(waves):
    peak = {"graph": name_of("spectrum", "power"), "custom": 10.0}
    one = fourier_moves.changed(waves, shown(), peak, {})
    assert one.period == 10
    two = fourier_moves.changed(waves, one, peak | {"custom": 5.0, "shift": True}, {})
    assert (two.period, two.pin) == (10, ("T=5",))
    assert fourier_moves.changed(waves, two, peak | {"custom": 5.0, "shift": True}, {}).pin == ()
    assert fourier_moves.changed(waves, two, {"unlock": True}, {}) == shown()


def test_a_click_on_the_map_selects_the_place_and_its_period(waves):
    found = fourier_moves.changed(
        waves, shown(), {"graph": name_of("spectra", "excess"), "x": 4, "y": 2, "curve": 0}, {}
    )
    assert (found.layer, found.role, found.period) == (2, "result at eq", 10)


@pytest.mark.parametrize(
    "click",
    [
        {"graph": "patching-map", "custom": 10.0}, {"graph": name_of("spectrum", "power")},
        {"graph": name_of("spectrum", "power"), "custom": "10"}, {"graph": name_of("spectrum", "power"), "custom": -1},
        {"graph": name_of("spectra", "excess"), "x": 99, "y": 0, "curve": 0}, {"graph": {"no": 1}},
        {"graph": name_of("spectra", "excess"), "x": "a", "y": None},
    ],
)  # fmt: skip
def test_a_click_elsewhere_or_made_up_changes_nothing(waves, click):
    assert fourier_moves.changed(waves, shown(), click, {}) == shown()


def test_a_choice_by_keyboard_is_a_click(waves):
    assert fourier_moves.changed(waves, shown(), None, {"period": "10", "pins": ["T=5"]}) == shown(
        period=10, pin=("T=5",)
    )
    assert fourier_moves.changed(waves, shown(period=10), None, {"period": "none", "pins": []}).period is None
    assert fourier_moves.changed(waves, shown(), None, {"period": "<b>", "pins": ["<b>", 3]}) == shown()


def test_only_what_changes_travels(waves):
    address, picked, told, graphs = fourier_moves.outputs(
        waves, shown(), shown(period=10, pin=("T=5",)), ["period", "pins", "layer", "place"], GRAPHS
    )
    assert parse(address["search"])[0] == shown(period=10.0, pin=("T=5",))
    assert picked == ["10", ["T=5"], "2", "result at eq"]
    assert "T = 10" in words(told)
    changed = dict(zip(GRAPHS, graphs, strict=True))
    assert changed[name_of("spectra", "excess")] is no_update
    places = changed[name_of("spectrum", "power")].to_plotly_json()["operations"]
    assert [each["location"] for each in places] == [["layout", "shapes"]]
    lines = places[0]["params"]["value"]
    assert [(line["x0"], line["line"]["dash"]) for line in lines] == [(10.0, "solid"), (20.0, "dash")]


def test_a_period_recolours_the_circles(waves):
    circles = [name_of("helix", "rings"), name_of("helix", "coil")]
    before = shown(view="circles")
    graphs = fourier_moves.outputs(waves, before, before.but(period=10), ["period", "pins", "layer"], circles)[3]
    colours = [each for each in graphs[0].to_plotly_json()["operations"] if each["location"][-1] == "color"]
    assert len(colours) == 2  # both planes, by the phase of one period
    assert colours[0]["params"]["value"][:3] == pytest.approx([0, 0.1, 0.2])
    assert graphs[1].to_plotly_json()["operations"][0]["location"] == ["data"]


def test_the_words_beside_the_circles_and_the_table_of_a_place_follow_the_layer(waves):
    before = shown(view="circles", layer=2)
    name = name_of("helix", "rings")
    after = before.but(layer=1)
    told = fourier_moves.said(waves, before, after, [name])
    assert told[f"{name}-subtitle"]["children"] in words(page(waves, "/fourier", after.search))
    assert told[f"{name}-subtitle"] != fourier_moves.said(waves, after, before, [name])[f"{name}-subtitle"]
    place = name_of("spectra", "at_place")
    there = [shown(layer=layer, role="a at a") for layer in (0, 1)]
    tables = [fourier_moves.said(waves, shown(), each, [place]) for each in there]
    first, second = (json.loads(table[f"{place}-table"]["data-twin"])["rows"] for table in tables)
    assert first != second
    assert told[f"{name}-summary"]["children"] in words(page(waves, "/fourier", after.search))
    assert tables[0][f"{place}-summary"] != tables[1][f"{place}-summary"]
    assert fourier_moves.said(waves, shown(), shown(), GRAPHS) == {}


def test_the_same_again_changes_nothing(waves):
    assert fourier_moves.outputs(waves, shown(), shown(), ["period", "pins"], GRAPHS)[0] is no_update


def test_view_and_task_are_addresses():
    before = {"search": shown(period=10).search}
    assert parse(fourier.elsewhere(before, view="causal"))[0] == shown(period=10, view="causal")
    assert fourier.elsewhere(before, view="spectra") is no_update
    assert fourier.elsewhere(before, view=None) is no_update


def test_periods_from_a_browser_are_numbers_or_nothing():
    assert [number(value) for value in (10, [4.916666666], None, True, "10", float("nan"), 0, 1e9)] == [
        10, 4.91667, None, None, None, None, None, None,
    ]  # fmt: skip
    assert pin_of(4.916666666) == "T=4.91667"
    assert parse(f"?pin={pin_of(12.5)}")[0].pin == ("T=12.5",)


def test_a_made_up_place_is_the_default_one(waves):
    found = page(waves, "/fourier", "?layer=99&role=nobody")
    assert "Spectrum at one place" in words(found)
    with pytest.raises(InterpError, match="no layer 99"):
        FIGURES["spectra"][1].draw(waves.dataset(waves.of("spectra")[0].run_id), layer=99, reading="a at a")


def test_clicked_reads_the_custom_value():
    assert clicked({"custom": 2.5}, None, "power") == {"period": 2.5}
    assert clicked({"custom": {"x": 1}}, None, "power") == {}


def test_the_unembeddings_stand_beside_the_embeddings(waves):
    kinds = fourier_runs.again(waves, shown()).runs
    assert kinds["spectrum"].run_id != kinds["unembedding"].run_id
    assert "--set of=unembed" in fourier_runs.command("unembedding", fourier_runs.again(waves, shown()))


def test_a_place_is_chosen_by_keyboard_or_on_the_curve_of_a_period(waves):
    there = fourier_moves.changed(waves, shown(), None, {"layer": "1", "place": "a at a"})
    assert (there.layer, there.role) == (1, "a at a")
    same = {"layer": "2", "place": "result at eq"}  # what is shown without a choice
    assert fourier_moves.changed(waves, shown(), None, same) == shown()
    picked = fourier_moves.outputs(waves, shown(), there, ["period", "pins", "layer", "place"], GRAPHS)[1]
    assert picked == ["none", [], "1", "a at a"]
    circles = shown(view="circles")
    click = {"graph": name_of("helix", "by_period"), "custom": 5.0, "x": 1}
    found = fourier_moves.changed(waves, circles, click, {})
    assert (found.period, found.layer) == (5, 1)
    rings = fourier_moves.outputs(waves, circles, found, ["layer"], [name_of("helix", "rings")])
    assert rings[1] == ["1"]
    assert ["data"] in [each["location"] for each in rings[3][0].to_plotly_json()["operations"]]
    assert fourier.together({"period": "5", "layer": "1", "place": "x"}, {"name": "place"}) == {
        "layer": "1",
        "place": "x",
    }
    assert fourier.together({"period": "5", "layer": "1"}, None) == {}


def test_a_view_opens_on_a_model_it_shows_something_of(tmp_path):
    """A newer run of another model that another view shows does not hide the spectrum."""
    made.fill(tmp_path, [made.spectrum()])
    grokking = fixture_grokking.grokking().assign_attrs(task=None, model="other")
    Store(tmp_path).write(Spec(method="grokking", model="other"), grokking, provenance={}, summary={})
    library = Library(tmp_path)

    def model(view: str) -> str:
        return fourier_runs.again(library, Selection(view=view)).model

    assert (model("spectra"), model("neurons")) == (made.MODEL, "other")
    assert set(fourier_runs.again(library, Selection()).models) == {made.MODEL, "other"}
