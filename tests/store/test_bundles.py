"""A run travels as one zip: equal runs give equal bytes, and a damaged or foreign zip brings in nothing."""

from __future__ import annotations

import os
import shutil
import time
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from interp.errors import InterpError
from interp.store import Spec, Store, manifest


@pytest.fixture
def bundle(store: Store, spec: Spec, dataset: xr.Dataset, tmp_path: Path) -> Path:
    tables, tensors = {"t": pd.DataFrame({"a": [1, 2]})}, {"t": np.ones(3)}
    store.write(spec, dataset, run_id="travels", tables=tables, tensors=tensors, summary={"k": 1})
    return store.export("travels", tmp_path / "travels.zip")


def test_a_run_comes_back_from_its_bundle(store: Store, bundle: Path, spec: Spec, tmp_path: Path) -> None:
    other = Store(tmp_path / "other")
    assert other.import_bundle(bundle) == "travels"
    assert other.verify("travels") == []
    assert other.find(spec) == "travels"
    assert other.list() == store.list()
    xr.testing.assert_identical(other.open("travels").load(), store.open("travels").load())
    assert other.import_bundle(bundle) == "travels"  # again, and nothing changes
    assert os.listdir(other.runs) == ["travels"]


def test_equal_runs_give_equal_bytes(store: Store, bundle: Path, tmp_path: Path) -> None:
    shutil.copytree(store.runs, tmp_path / "copy" / "runs")
    for path in (tmp_path / "copy").rglob("*"):
        os.utime(path, (time.time() - 1e6, time.time() - 1e6))
    again = Store(tmp_path / "copy").export("travels", tmp_path / "again.zip")
    assert again.read_bytes() == bundle.read_bytes()
    with zipfile.ZipFile(bundle) as opened:
        assert opened.testzip() is None
        assert {"travels/run.json", "travels/run.json.sha256"} <= set(opened.namelist())


def test_another_run_of_that_name_stays(store: Store, bundle: Path, spec: Spec, dataset: xr.Dataset) -> None:
    store.remove("travels")
    store.write(spec.but(seed=9), dataset, run_id="travels")
    with pytest.raises(InterpError, match="'travels' exists"):
        store.import_bundle(bundle)
    assert store.open("travels").spec.seed == 9


def test_an_export_is_checked_and_overwrites_nothing(store: Store, bundle: Path, tmp_path: Path) -> None:
    with pytest.raises(InterpError, match="exists"):
        store.export("travels", bundle)
    chunk = store.runs / "travels" / "tensors.safetensors"
    chunk.write_bytes(bytes(chunk.stat().st_size))
    with pytest.raises(InterpError, match=r"damaged and was not exported: tensors\.safetensors: sha256 differs"):
        store.export("travels", tmp_path / "bad.zip")
    with pytest.raises(InterpError, match="cannot export"):
        Store(tmp_path / "o").export(Store(tmp_path / "o").import_bundle(bundle), tmp_path / "absent" / "x.zip")
    assert sorted(path.name for path in tmp_path.glob("*.zip")) == ["travels.zip"]


def _rezip(bundle: Path, target: Path, **changes: bytes | None) -> Path:
    """Copy a bundle with some members changed, added or (None) left out."""
    with zipfile.ZipFile(bundle) as opened:
        members = {name: opened.read(name) for name in opened.namelist()} | changes
    with zipfile.ZipFile(target, "w") as written:
        for name, data in members.items():
            if data is not None:
                written.writestr(name, data)
    return target


@pytest.mark.parametrize(
    "changes",
    [
        {"travels/tensors.safetensors": b"x"},
        {"travels/tensors.safetensors": None},
        {"travels/run.json": b"{}"},
        {"travels/run.json": None},
        {"travels/run.json.sha256": None},
        {"../evil": b"x"},
        {"elsewhere/x": b"x"},
    ],
)
def test_a_changed_bundle_brings_in_nothing(bundle: Path, tmp_path: Path, changes: dict[str, bytes | None]) -> None:
    other = Store(tmp_path / "other")
    with pytest.raises(InterpError) as caught:
        other.import_bundle(_rezip(bundle, tmp_path / "changed.zip", **changes))
    assert "\n" not in str(caught.value)
    assert os.listdir(other.runs) == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["changed.zip", "other", "store", "travels.zip"]


def test_a_swapped_file_of_the_same_size_is_seen(bundle: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(bundle) as opened:
        size = opened.getinfo("travels/tensors.safetensors").file_size
    changed = _rezip(bundle, tmp_path / "c.zip", **{"travels/tensors.safetensors": bytes(size)})
    with pytest.raises(InterpError, match=r"damaged: tensors\.safetensors: sha256 differs"):
        Store(tmp_path / "other").import_bundle(changed)


def test_files_beside_the_manifest_are_not_taken(bundle: Path, tmp_path: Path) -> None:
    other = Store(tmp_path / "other")
    other.import_bundle(_rezip(bundle, tmp_path / "c.zip", **{"travels/extra.sh": b"x", "travels/../../evil": b"x"}))
    assert other.verify("travels") == []
    assert "extra.sh" not in manifest.files(other.runs / "travels")


def test_what_is_no_bundle(bundle: Path, tmp_path: Path) -> None:
    (tmp_path / "x.zip").write_bytes(b"no zip")
    (tmp_path / "half.zip").write_bytes(bundle.read_bytes()[: bundle.stat().st_size // 2])
    zipfile.ZipFile(tmp_path / "empty.zip", "w").close()
    for name in ("x.zip", "half.zip", "empty.zip", "absent.zip"):
        with pytest.raises(InterpError) as caught:
            Store(tmp_path / "other").import_bundle(tmp_path / name)
        assert "\n" not in str(caught.value)
