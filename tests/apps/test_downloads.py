"""Figures as files: every number of what is shown, and a clear answer to what does not exist."""

from __future__ import annotations

import io

import numpy as np
import pandas as pd
import pytest

from apps.dashboard.app import create_app
from apps.dashboard.downloads import as_csv
from apps.dashboard.library import Library
from apps.dashboard.pages import operands_links
from apps.dashboard.settings import Settings
from interp.figures import FIGURES, operand_parts
from tests.apps import fixture_operands, fixture_patches, fixture_store
from tests.apps.test_pages import page, parts, words


@pytest.fixture(scope="module")
def client(study):
    return create_app(Settings(store=study)).server.test_client()


def newest(library, method: str) -> str:
    return library.of(method)[0].run_id


def test_every_figure_of_the_study_has_its_numbers(client, library):
    for method in {line.method for line in library.runs()}:
        for drawing in FIGURES[method]:
            answer = client.get(f"/download/{newest(library, method)}/{drawing.name}.csv")
            assert answer.status_code == 200, (method, drawing.name, answer.text)
            table = pd.read_csv(io.StringIO(answer.text))
            shown = library.dataset(newest(library, method))[drawing.shows]
            assert drawing.shows in table
            assert len(table) == max(shown.size, 1)


def test_the_numbers_are_those_of_the_run_in_full(library):
    dataset = library.dataset(newest(library, "patching"))
    table = pd.read_csv(io.StringIO(as_csv(dataset, "recovered"))).set_index(["layer", "role"])
    for (layer, role), line in table.iterrows():
        here = dataset.sel(layer=layer, role=role)
        for name in ("recovered", "recovered_low", "recovered_high"):
            np.testing.assert_allclose(line[name], here[name], rtol=1e-6)
    assert any("null" in name for name in table.columns)


def test_the_page_stands_alone(client, library):
    answer = client.get(f"/download/{newest(library, 'patching')}/recovered_map.html")
    assert answer.status_code == 200
    assert "attachment" in answer.headers["Content-Disposition"]
    assert "<script src" not in answer.text
    assert "showSendToCloud" in answer.text


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/download/nothing-here/recovered_map.csv", "nothing-here"),
        ("/download/..%5c..%5cetc/recovered_map.csv", "not a run id"),
        ("/download/UPPER/recovered_map.html", "not a run id"),
    ],
)
def test_what_does_not_exist_is_not_found(client, path, said):
    answer = client.get(path)
    assert answer.status_code == 404
    assert said in answer.text


def test_a_figure_of_another_method_is_not_found(client, library):
    answer = client.get(f"/download/{newest(library, 'patching')}/power.csv")
    assert answer.status_code == 404
    assert "no figure" in answer.text


def test_what_a_search_tried_has_the_n_and_null_of_its_split(library):
    dataset = library.dataset(newest(library, "af1")).assign(null_majority_selection=((), 0.03))
    tried = pd.read_csv(io.StringIO(as_csv(dataset, "grid_faithfulness")))
    assert set(tried["n_selection"]) == {500}
    assert not {"n", "null_majority"} & set(tried)
    assert set(tried["null_majority_selection"]) == {0.03}
    judged = pd.read_csv(io.StringIO(as_csv(dataset, "faithfulness")))
    assert set(judged["n"]) == {1000}
    assert not {"n_selection", "null_majority_selection"} & set(judged)


def test_several_nulls_are_a_column_each(library):
    dataset = library.dataset(newest(library, "spectrum"))
    table = pd.read_csv(io.StringIO(as_csv(dataset, "power")))
    names = [f"null_high_{label}" for label in dataset["null"].to_numpy()]
    assert names
    line, first = table.iloc[3], dataset["power"].dims
    here = {dim: line[dim] for dim in first}
    for name, label in zip(names, dataset["null"].to_numpy(), strict=True):
        null = dataset["null_high"].sel(null=label)
        assert line[name] == pytest.approx(float(null.sel({d: v for d, v in here.items() if d in null.dims})))


@pytest.fixture(scope="module")
def operand_client(tmp_path_factory):
    root = tmp_path_factory.mktemp("files") / "store"
    fixture_store.fill(root, [fixture_operands.operands()])
    library = Library(root)
    return create_app(Settings(store=root)).server.test_client(), library.dataset(newest(library, "operands")), library


def test_the_files_of_operands_are_of_the_map_that_is_shown(operand_client):
    client, dataset, library = operand_client
    run = newest(library, "operands")
    search = f"?v=1&run={run}&view=neurons&target=b&node=5.2"
    stem, one = f"/download/{run}", operand_parts.shown(dataset, "neurons", "5.2")
    files = operands_links.links(library, search)
    assert len(files) == 6
    tables = [pd.read_csv(io.StringIO(client.get(each).text)) for each in files[::2]]
    assert all(set(table["map"]) == {"neurons 5.2"} for table in tables)
    line = tables[0].set_index(["a", "b"]).loc[(3, 7)]
    assert line["value"] == pytest.approx(float(one.values[3, 7]))
    assert "mean" in tables[1]
    np.testing.assert_allclose(tables[2]["explained"], one.share, rtol=1e-6)
    assert all(one.title in client.get(each).text for each in files[1::2])
    shown = words(page(library, "/operands", search))
    assert "Export" in shown
    usual = pd.read_csv(io.StringIO(client.get(f"{stem}/pair_map.csv").text))
    assert set(usual["map"]) == {"behaviour logit_diff"}
    assert client.get(f"{stem}/pair_map.csv?view=neurons&node=9.9").status_code == 404


def test_the_files_of_patching_are_of_the_metric_that_is_shown(tmp_path):
    library = Library(fixture_patches.fill(tmp_path))
    client, run = create_app(Settings(store=library.root)).server.test_client(), newest(library, "patching")
    found = page(library, "/patching", f"?run={run}&metric=accuracy")
    files = [each.href for each in parts(found) if str(getattr(each, "href", "")).startswith("/download/")]
    assert any("metric=accuracy" in each for each in files)
    assert not [each for each in files if "recovered_map" in each and "metric=accuracy" not in each]
    stem = f"/download/{run}/recovered_map"
    table = pd.read_csv(io.StringIO(client.get(f"{stem}.csv?v=1&metric=accuracy").text))
    assert {"accuracy", "accuracy_null"} <= set(table)
    assert "recovered" not in table
    share = pd.read_csv(io.StringIO(client.get(f"{stem}.csv?v=1&metric=prob_diff").text)).set_index(["layer", "role"])
    dataset = library.dataset(run).sel(metric="prob_diff")
    for (layer, role), line in share.iterrows():
        value = float(dataset["recovered_by_metric"].sel(layer=layer, role=role))
        assert line["recovered_by_metric"] == pytest.approx(value, rel=1e-5)
    assert "top token" in client.get(f"{stem}.html?v=1&metric=accuracy").text
    assert client.get(f"{stem}.csv?v=1&metric=bogus").status_code == 404
