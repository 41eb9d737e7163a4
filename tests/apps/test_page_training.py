"""The Training page as functions: which logs it reads, what a step changes, and what it says of a damaged log."""

from __future__ import annotations

import io
import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from dash import no_update

from apps.dashboard.app import create_app
from apps.dashboard.library import Library
from apps.dashboard.pages import training
from apps.dashboard.pages.training_choice import changed, read
from apps.dashboard.selection import Selection, parse
from apps.dashboard.settings import Settings
from interp.places import zoo_directory
from tests.apps import fixture_grokking
from tests.apps import fixture_store as made
from tests.apps.test_pages import page, parts, words

ZOO = zoo_directory()
MODULAR = "modadd-59"
GRAPHS = ["training-parts", "training-at_step", "training-compared", "training-grokking-losses",
          "training-grokking-spectra", "training-grokking-circles", "patching-map"]  # fmt: skip


@pytest.fixture(scope="module")
def grown(tmp_path_factory) -> Library:
    """A store with the course of one training, under the name that all its runs have."""
    root = tmp_path_factory.mktemp("grown")
    made.fill(root, [fixture_grokking.grokking().assign_attrs(task=None)])
    return Library(root)


@pytest.fixture
def zoo(tmp_path, monkeypatch) -> Path:
    """A zoo of its own: one training of a modular network under the name of the store's model, and one of digits."""
    root = tmp_path / "zoo"
    for name, source in ((made.MODEL, MODULAR), ("digits", "add-5")):
        (root / name).mkdir(parents=True)
        for file in ("log.jsonl", "recipe.json"):
            shutil.copy(ZOO / source / file, root / name / file)
    monkeypatch.setenv("ARITHMOSCOPE_ZOO", str(root))
    return root


def graphs(found) -> set[str]:
    return {part.id["name"] for part in parts(found) if type(part).__name__ == "Graph"}


def test_the_shipped_trainings_are_there_without_any_run(tmp_path):
    found = page(Library(tmp_path), "/training", "?model=add-5&pin=multiply-by-digit")
    assert graphs(found) == {"training-parts", "training-at_step", "training-subtasks", "training-compared"}
    text = words(found)
    for said in ("Loss of every answer digit", "Loss of every subtask", "any digit alike, ln 10", "log.jsonl (sha256",
                 "No results yet", "n = 1,000 selection prompts"):  # fmt: skip
        assert said in text, said


def test_every_shipped_training_has_a_page(tmp_path):
    for name in ("mental-math", "greater-than", "waits-2-2", "multiply-icot", MODULAR):
        found = page(Library(tmp_path), "/training", f"?model={name}")
        assert {"training-parts", "training-at_step"} <= graphs(found)
        assert len(parts(found)) < 400


def test_checkpoint_measures_stand_beside_the_log(grown, zoo):
    found = page(grown, "/training", f"?model={made.MODEL}&step=1000")
    assert {
        f"training-grokking-{name}" for name in ("losses", "structure", "spectra", "clusters", "circles")
    } <= graphs(found)
    assert "Embeddings on the circles of the keys" in words(found)


def test_what_is_not_measured_says_the_command(tmp_path):
    assert f"interp run grokking --model {MODULAR}" in words(page(Library(tmp_path), "/training", f"?model={MODULAR}"))
    text = words(page(Library(tmp_path), "/training", "?model=multiply-icot"))
    assert "interp run learning_order --model multiply-icot" in text


def test_what_a_link_names_wrongly_is_said(tmp_path):
    text = words(page(Library(tmp_path), "/training", "?model=planted:helix&metric=bogus&pin=nobody"))
    for said in ("no training log of model 'planted:helix'", "logged no 'bogus'", "no training 'nobody'"):
        assert said in text, said


def test_an_altered_torn_or_missing_log_is_said_and_the_page_stands(tmp_path, zoo):
    log, library = zoo / "digits" / "log.jsonl", Library(tmp_path / "store")
    lines = log.read_text().splitlines()
    log.write_text("\n".join([*lines[:5], lines[5][:40]]))  # killed while it wrote
    assert "Loss of every answer digit" in words(page(library, "/training", "?model=digits"))
    log.write_text("\n".join([lines[0], lines[1][:40], *lines[2:]]))
    text = words(page(library, "/training", f"?model=digits&pin={made.MODEL}"))
    assert "line 2 is damaged" in text
    assert "Training" in text
    text = words(page(library, "/training", f"?model={made.MODEL}&pin=digits"))
    assert "line 2 is damaged" in text
    assert "Loss of every split" in text  # the other training still stands
    (zoo / "digits" / "SHA256SUMS").write_text(f"{'0' * 64}  log.jsonl\n")
    assert "not the file its SHA256SUMS names" in words(page(library, "/training", "?model=digits"))


def test_without_any_log_the_page_says_how_to_train(tmp_path, monkeypatch):
    monkeypatch.setenv("ARITHMOSCOPE_ZOO", str(tmp_path / "nothing"))
    text = words(page(Library(tmp_path), "/training"))
    assert "No training logs" in text
    assert "interp train modadd" in text


def test_a_log_that_grew_is_read_again(zoo):
    before = read(zoo / "digits")
    assert read(zoo / "digits") is before
    with open(zoo / "digits" / "log.jsonl", "a") as file:
        file.write(json.dumps({"step": 4001, "train_loss": 0.1, "exact": 0.5}) + "\n")
    assert int(read(zoo / "digits")["step"][-1]) == 4001


def test_the_slider_moves_the_mark_in_every_figure(grown, zoo):
    search = Selection(model=made.MODEL, metric="loss", step=100, pin=("digits",)).search
    address, slid, told, patches = training.outputs(grown, search, None, 707, GRAPHS)
    assert parse(address["search"])[0].step == 710  # the nearest logged one
    assert (slid, told) == ([710], ["710"])
    changes = dict(zip(GRAPHS, (None if each is no_update else each.to_plotly_json() for each in patches), strict=True))
    assert changes["patching-map"] is None
    assert changes["training-parts"]["operations"][0]["params"]["value"][0]["x0"] == 710
    columns = changes["training-grokking-spectra"]["operations"][0]["params"]["value"]
    assert {mark["x0"] for mark in columns} == {3}  # the checkpoint at 700 is the fourth column
    places = [each["location"] for each in changes["training-grokking-circles"]["operations"]]
    assert places == [["data"], *(["layout", "annotations", i, "text"] for i in range(2))]


def test_the_words_beside_the_figures_follow_the_slider(grown, zoo):
    search = Selection(model=made.MODEL, metric="loss", step=100).search
    names = [*GRAPHS, "training-grokking-clusters"]
    to = training.outputs(grown, search, None, 707, names)[0]
    found = training.said(grown, to, names)
    assert "at step 710" in found["training-at_step-summary"]["children"]
    assert json.loads(found["training-at_step-table"]["data-twin"])["rows"][0][0] == "710"
    assert "at step 700" in found["training-grokking-clusters-summary"]["children"]  # the checkpoint nearest to it
    assert "at step 700" in found["training-grokking-clusters-table"]["data-twin"]
    link = f"/download/log/{made.MODEL}/loss.csv?step=710"
    assert found["training-at_step-csv"]["href"] == link
    assert link in [getattr(part, "href", None) for part in parts(page(grown, "/training", to["search"]))]
    text = words(page(grown, "/training", to["search"]))
    for part in ("at_step", "grokking-clusters"):
        assert found[f"training-{part}-summary"]["children"] in text
    assert training.said(grown, no_update, names) == {}


def test_nothing_moves_twice(grown, zoo):
    search = Selection(model=made.MODEL, metric="loss", step=100).search
    assert training.outputs(grown, search, None, 100, GRAPHS)[0] is no_update
    assert training.outputs(grown, search, {"graph": "patching-map", "x": 4}, None, GRAPHS)[0] is no_update
    assert training.outputs(grown, search, None, "soon", GRAPHS)[0] is no_update


def test_clicks_select_and_pin_steps():
    log, shown = read(ZOO / MODULAR), Selection(model=MODULAR, pin=("modadd-59-seed1",))
    click = {"graph": "training-parts", "custom": 403.0}
    assert changed(log, shown, click, None).step == 400
    both = changed(log, shown, click | {"shift": True}, None)
    assert both.pin == ("modadd-59-seed1", "step=400")
    assert changed(log, both.but(step=9), {"unlock": True}, None) == shown  # trainings stay beside it
    assert changed(log, shown, {"graph": "training-parts", "custom": None, "x": 57}, None).step == 60
    for bad in ({"graph": "runs", "custom": 3}, {"graph": "training-parts", "custom": "3"}, {"custom": True}):
        assert changed(log, shown, bad, None) == shown


def test_other_trainings_are_an_address():
    before = Selection(model=MODULAR, pin=("modadd-59-seed1", "step=400"))
    assert training.beside(["modadd-59-seed1"], before) is no_update
    assert parse(training.beside(["modadd-59-seed2"], before))[0].pin == ("modadd-59-seed2", "step=400")
    assert training.beside("x", before) is no_update
    assert parse(training.beside([f"t{k}" for k in range(9)], before))[0].pin == ("t0", "t1", "t2", "t3")


def test_logs_are_files_in_full(tmp_path):
    client = create_app(Settings(store=tmp_path)).server.test_client()
    table = pd.read_csv(io.StringIO(client.get(f"/download/log/{MODULAR}/loss.csv").text))
    assert len(table) == 401 * 3
    np.testing.assert_allclose(table["loss"], read(ZOO / MODULAR)["loss"].to_numpy().ravel())
    assert client.get(f"/download/log/{MODULAR}/step.csv").status_code == 404  # a coordinate, nothing measured
    answer = client.get(f"/download/log/{MODULAR}/loss.html")
    assert "<script src" not in answer.text
    few = pd.read_csv(io.StringIO(client.get(f"/download/log/{MODULAR}/loss.csv?step=400&step=1203&step=x").text))
    assert sorted(set(few["step"])) == [400, 1200]
    assert "at a step" in client.get(f"/download/log/{MODULAR}/loss.html?step=400").text
    wrong = {"nobody/loss.csv": "no training", f"{MODULAR}/bogus.csv": "logged no", "..%5c..%5cx/x.csv": "no training"}
    for path, said in wrong.items():
        answer = client.get(f"/download/log/{path}")
        assert answer.status_code == 404
        assert said in answer.text


def test_an_older_course_says_how_to_measure_the_circles(tmp_path, zoo):
    older = fixture_grokking.grokking().assign_attrs(task=None).drop_vars(["place", "ring", "ring_null"])
    made.fill(tmp_path / "store", [older])
    text = words(page(Library(tmp_path / "store"), "/training", f"?model={made.MODEL}"))
    assert f"interp run grokking --model {made.MODEL} --fresh" in text
