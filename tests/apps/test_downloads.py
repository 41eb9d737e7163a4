"""Figures as files: every number of what is shown, and a clear answer to what does not exist."""

from __future__ import annotations

import io

import numpy as np
import pandas as pd
import pytest

from apps.dashboard.app import create_app
from apps.dashboard.downloads import as_csv
from apps.dashboard.settings import Settings
from interp.figures import FIGURES


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
