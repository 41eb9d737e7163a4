"""What is written is what is read, with the circumstances, and it never changes."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from interp.errors import InterpError
from interp.store import Spec, Store, provenance


def test_a_result_comes_back(store: Store, spec: Spec, dataset: xr.Dataset) -> None:
    table = pd.DataFrame({"prompt": ["1+2=", "é"], "score": [0.5, np.nan], "n": [1, 2]})
    tensors = {"direction": np.arange(6, dtype="f4").reshape(2, 3), "scale": np.array(2.0), "on": np.array([True])}
    record = store.write(
        spec,
        dataset,
        tensors=tensors,
        tables={"examples": table},
        summary={"accuracy": np.float32(0.5), "none": np.nan},
    )
    run = store.open(record.run_id)
    xr.testing.assert_identical(run.dataset, dataset)
    assert list(run.dataset.data_vars) == list(dataset.data_vars)
    assert {name: v.dtype.kind for name, v in run.dataset.variables.items()}["predicted"] == "U"
    pd.testing.assert_frame_equal(run.tables()["examples"], table)
    for name, tensor in tensors.items():
        np.testing.assert_array_equal(run.tensors()[name], tensor)
        assert run.tensors()[name].shape == tensor.shape
    assert run.summary == {"accuracy": 0.5, "none": None}
    assert run.spec == spec
    assert run.digest == record.digest
    assert store.verify(record.run_id) == []


@pytest.mark.parametrize(
    "extra",
    [
        {"tables": {"../x": pd.DataFrame({"a": [1]})}},
        {"tables": {"x": pd.DataFrame({"a": [1, "b"]}, dtype=object)}},
        {"tensors": {"x": np.array(["a"])}},
        {"parents": ["../x"]},
        {"run_id": "../x"},
        {"run_id": "UPPER"},
        {"run_id": "a" * 65},
    ],
)
def test_a_bad_attachment_leaves_nothing(store: Store, spec: Spec, dataset: xr.Dataset, extra: dict[str, Any]) -> None:
    with pytest.raises(InterpError) as caught:
        store.write(spec, dataset, **extra)
    assert "\n" not in str(caught.value)
    assert os.listdir(store.runs) == []
    assert store.list() == []


def test_a_run_never_changes(store: Store, spec: Spec, dataset: xr.Dataset) -> None:
    record = store.write(spec, dataset, run_id="fixed")
    with pytest.raises(InterpError, match="'fixed' exists"):
        store.write(spec, dataset, run_id="fixed")
    assert store.open("fixed").digest == record.digest
    assert os.listdir(store.runs) == ["fixed"]


def test_the_manifest_says_how_it_was_made(store: Store, dataset: xr.Dataset) -> None:
    spec = Spec(method="lens", model="mental-math", task="a+b", seed=7, weights_sha256="a" * 64)
    parent = store.write(spec, dataset).run_id
    around = provenance(started=0.0, command="interp run lens", driver="none")
    record = store.write(spec, dataset, provenance={**around, "run_id": "nonsense"}, parents=[parent])
    found = json.loads((record.path / "run.json").read_text())
    assert found == record.manifest == store.open(record.run_id).manifest
    assert found["run_id"] == record.run_id
    assert found["spec"] == spec.model_dump(mode="json")
    assert found["spec_hash"] == spec.hash
    assert found["model"] == {"id": "mental-math", "weights_sha256": "a" * 64}
    assert found["seeds"] == {"spec": 7}
    assert (found["device"], found["dtype"], found["schema_version"]) == ("cpu", "float32", 1)
    assert found["created"] == "1970-01-01T00:00:00.000Z"
    assert found["seconds"] > 1e9
    assert (found["command"], found["driver"], found["parents"]) == ("interp run lens", "none", [parent])
    assert set(found["git"]) == {"commit", "dirty", "diff_sha256"}
    assert {"numpy", "xarray", "zarr"} <= set(found["environment"]["packages"])
    assert found["arrays"]["recovered"] == {
        "dims": ["layer", "role"],
        "shape": [3, 2],
        "dtype": "float32",
        "units": "fraction",
        "description": "",
        "coordinate": False,
    }
    on_disk = {path.relative_to(record.path).as_posix() for path in record.path.rglob("*") if path.is_file()}
    assert on_disk == {*found["files"], "run.json", "run.json.sha256"}


def test_others_may_read_it(store: Store, spec: Spec, dataset: xr.Dataset) -> None:
    record = store.write(spec, dataset, tensors={"t": np.ones(2)}, tables={"t": pd.DataFrame({"a": [1]})})
    mask = os.umask(0)
    os.umask(mask)
    for path in record.path.rglob("*"):
        mode = stat.S_IMODE(path.stat().st_mode)
        assert mode == (0o777 if path.is_dir() else 0o666) & ~mask, path


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs /proc to name what was fsynced")
def test_everything_is_on_the_disk_before_it_is_visible(
    store: Store, spec: Spec, dataset: xr.Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    events: list[tuple[str, str]] = []
    fsync, rename = os.fsync, os.rename

    def noted(handle: int) -> None:
        events.append(("fsync", os.readlink(f"/proc/self/fd/{handle}")))
        fsync(handle)

    def renamed(source: Path, target: Path) -> None:
        events.append(("rename", str(source)))
        rename(source, target)

    monkeypatch.setattr(os, "fsync", noted)
    monkeypatch.setattr(os, "rename", renamed)
    record = store.write(spec, dataset, tensors={"t": np.ones(2)}, tables={"t": pd.DataFrame({"a": [1]})})
    moved = next(number for number, (kind, _) in enumerate(events) if kind == "rename")
    staging = Path(events[moved][1])
    before = {path for kind, path in events[:moved]}
    assert before == {str(staging / path.relative_to(record.path)) for path in (record.path, *record.path.rglob("*"))}
    assert events[moved + 1] == ("fsync", str(store.runs))
    assert [kind for kind, _ in events].count("rename") == 1


def test_find_returns_the_newest_complete_run_of_the_same_question(
    store: Store, spec: Spec, dataset: xr.Dataset
) -> None:
    assert store.find(spec) is None
    old = store.write(spec, dataset, provenance=provenance(started=1.0)).run_id
    new = store.write(spec.but(parameters={"n": 200}), dataset, provenance=provenance(started=2.0)).run_id
    store.write(spec.but(parameters={"n": 201}), dataset)
    assert store.find(spec) == new
    (store.runs / new / "run.json").unlink()
    assert store.find(spec) == old
    assert store.find(spec.but(seed=1)) is None


@pytest.mark.parametrize("run_id", ["../store", "", "nothing", "a/b", ".staging-x", "A", "x" * 65, None, 3])
def test_a_bad_run_id_is_an_error(store: Store, run_id: Any) -> None:
    for action in (store.open, store.verify, store.remove, store.notes):
        if action == store.notes and run_id == "nothing":
            continue
        with pytest.raises(InterpError):
            action(run_id)


def test_the_nearest_run_is_offered(store: Store, spec: Spec, dataset: xr.Dataset) -> None:
    store.write(spec, dataset, run_id="patching-1")
    with pytest.raises(InterpError, match="Did you mean patching-1"):
        store.open("patching-2")


def test_a_link_out_of_the_store_is_not_followed(store: Store, spec: Spec, dataset: xr.Dataset, tmp_path: Path) -> None:
    other = Store(tmp_path / "other").write(spec, dataset, run_id="far")
    (store.runs / "far").symlink_to(other.path)
    with pytest.raises(InterpError, match="outside this store"):
        store.open("far")
    assert store.list() == []
    store.remove("far")
    assert other.path.is_dir()


def test_the_root_comes_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ARITHMOSCOPE_STORE", raising=False)
    assert Store().root == Path("store")
    monkeypatch.setenv("ARITHMOSCOPE_STORE", str(tmp_path / "elsewhere"))
    assert Store().root == tmp_path / "elsewhere"
    with pytest.raises(InterpError, match="no store at"):
        Store(tmp_path / "absent", create=False)
