"""`interp runs export --html`: a page of a run or a study, that says what the runs hold and where they come from."""

from __future__ import annotations

import pytest

from interp.store import Spec, Store
from interp.study import accuracy_table
from tests.apps.fixture_store import accuracy, fill, patching

EVIL = "<script>alert(1)</script>"


@pytest.fixture
def parts(tmp_path) -> list[str]:
    return fill(tmp_path / "store", [accuracy("a+b", "plain"), patching("a+b")])


def test_a_run_is_one_page(interp, parts, tmp_path):
    assert interp("runs", "export", parts[1], "--html", "run.html", "--json").json == {
        "run_ids": [parts[1]],
        "file": "run.html",
    }
    text = (tmp_path / "run.html").read_text()
    for part in (
        "recovered_map--figure",
        "recovered_map--table",
        "Headline numbers",
        "Provenance",
        "Open it in Python",
    ):
        assert part in text
    assert Store(tmp_path / "store").open(parts[1]).manifest["spec_hash"] in text


def test_a_study_brings_its_parts_and_text_is_escaped(interp, parts, tmp_path):
    store = Store(tmp_path / "store")
    spec = Spec(method="study", model=EVIL, parameters={"tasks": ["a+b"], "styles": ["plain"]})
    table = accuracy_table(store, parts, spec.settings)
    study = store.write(spec, table, summary={"n": 500, "finding": EVIL}, parents=parts).run_id
    assert interp("runs", "export", study, parts[0], "--html", "study.html", "--json").json["run_ids"] == [
        study,
        *reversed(parts),
    ], "accuracies last"
    text = (tmp_path / "study.html").read_text()
    assert "Accuracy by task and style" in text
    assert EVIL not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text


def test_what_cannot_be_exported_is_said(interp, parts, tmp_path):
    assert "--html FILE.html" in interp("runs", "export", parts[0]).line
    assert "--html FILE.html" in interp("runs", "export", parts[0], "--out", "a.zip", "--html", "a.html").line
    assert "a zip holds one run" in interp("runs", "export", *parts, "--out", "a.zip").line
    assert "Did you mean" in interp("runs", "export", parts[0][:-1] + "x", "--html", "a.html").line
    array = next((tmp_path / "store" / "runs" / parts[1] / "arrays.zarr").rglob("c/0*"))
    chunk = next(path for path in (array.rglob("*") if array.is_dir() else [array]) if path.is_file())
    chunk.write_bytes(chunk.read_bytes()[:-1] + b"x")
    assert "damaged" in interp("runs", "export", parts[1], "--html", "a.html").line
    assert not (tmp_path / "a.html").exists()
