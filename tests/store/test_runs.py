"""What is written is what is read: values, names, types, text, tables, tensors and circumstances."""

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
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from interp.errors import InterpError
from interp.store import Spec, Store, arrays, provenance

DTYPES = ["bool", "i1", "u1", "i4", "i8", "u8", "f2", "f4", "f8", "c8", "c16"]


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


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 0, 3), (2, 3, 4)])
def test_every_dtype_and_shape_comes_back(tmp_path: Path, dtype: str, shape: tuple[int, ...]) -> None:
    values = np.random.default_rng(0).integers(0, 2, shape).astype(dtype)
    dims = [f"d{axis}" for axis in range(len(shape))]
    arrays.save(xr.Dataset({"v": (dims, values, {"units": "seconds"})}), tmp_path / "z")
    back = arrays.load(tmp_path / "z")["v"]
    assert back.dtype == values.dtype
    assert back.dims == tuple(dims)
    assert back.attrs == {"units": "seconds"}
    np.testing.assert_array_equal(back.values, values)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8), max_size=6))
def test_any_text_comes_back(tmp_path_factory: pytest.TempPathFactory, words: list[str]) -> None:
    path = tmp_path_factory.mktemp("text") / "z"
    arrays.save(xr.Dataset(coords={"word": ("word", np.array(words, dtype=str))}), path)
    assert arrays.load(path)["word"].values.tolist() == words


def test_text_of_any_dtype_is_utf8_on_the_disk(tmp_path: Path) -> None:
    words = ["a", "日本"]
    kinds = [np.array(words), np.array(words, dtype=object), np.array(words, np.dtypes.StringDType()), pd.Index(words)]
    for number, kind in enumerate(kinds):
        arrays.save(xr.Dataset({"w": ("p", kind)}), tmp_path / str(number))
        assert json.loads((tmp_path / str(number) / "w" / "zarr.json").read_text())["data_type"] == "string"
        assert arrays.load(tmp_path / str(number))["w"].values.tolist() == words


def test_awkward_attributes_become_json(tmp_path: Path) -> None:
    odd = {
        "f": np.float32(2),
        "t": (1, 2),
        "a": np.arange(2),
        "nan": np.nan,
        "d": {"x": {2}},
        "none": None,
        "p": Path("q"),
    }
    arrays.save(xr.Dataset({"v": ((), 1.0, odd)}, attrs=odd), tmp_path / "z")
    plain = {"f": 2.0, "t": [1, 2], "a": [0, 1], "nan": None, "d": {"x": [2]}, "none": None, "p": "q"}
    assert arrays.load(tmp_path / "z").attrs == arrays.load(tmp_path / "z")["v"].attrs == plain


def test_any_xarray_opens_it(store: Store, spec: Spec, dataset: xr.Dataset) -> None:
    record = store.write(spec, dataset)
    plainly = xr.open_zarr(record.path / "arrays.zarr", consolidated=False, chunks=None)
    assert set(plainly.coords) == set(dataset.coords)
    assert plainly["prompt_corrupted"].dims == ("prompt",)


def test_an_operand_map_opens_lazily(store: Store, spec: Spec) -> None:
    values = np.random.default_rng(0).normal(size=(100, 100, 64)).astype("f4")
    record = store.write(spec, xr.Dataset({"map": (("operand_a", "operand_b", "neuron"), values)}))
    folder = record.path / "arrays.zarr" / "map" / "c"
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    assert len(files) > 1
    for path in files[1:]:  # what is not read is not needed
        path.write_bytes(bytes(path.stat().st_size))
    rows = json.loads((folder.parent / "zarr.json").read_text())["chunk_grid"]["configuration"]["chunk_shape"][0]
    lazy = store.open(record.run_id).dataset["map"]
    np.testing.assert_array_equal(lazy[rows - 1].values, values[rows - 1])
    with pytest.raises(ValueError, match="checksum"):
        lazy[rows].values  # noqa: B018


def test_a_variable_may_choose_its_chunks(store: Store, spec: Spec) -> None:
    wide = xr.Variable(("a", "b", "neuron"), np.zeros((10, 10, 8), "f4"), encoding={"chunks": (10, 10, 2)})
    record = store.write(spec, xr.Dataset({"map": wide}))
    assert len([path for path in (record.path / "arrays.zarr/map/c").rglob("*") if path.is_file()]) == 4


@given(st.lists(st.integers(0, 300), max_size=4), st.sampled_from([1, 4, 8, 16]))
def test_chunks_and_slabs_cover_the_array(shape: list[int], itemsize: int) -> None:
    cut = arrays.chunks(tuple(shape), itemsize)
    assert len(cut) == len(shape)
    assert all(1 <= size <= max(1, whole) for size, whole in zip(cut, shape, strict=True))
    assert np.prod(cut, dtype=int) * itemsize <= arrays.CHUNK_BYTES
    starts = [slab[0] for slab in arrays.slabs(tuple(shape), cut, itemsize) if slab]
    assert sum(len(range(*slab.indices(shape[0]))) for slab in starts) == (shape[0] if all(shape) and shape else 0)
    assert all(slab.start % cut[0] == 0 for slab in starts)


def test_large_arrays_have_chunks_of_a_few_mb() -> None:
    for shape in [(33, 8, 200, 128), (100, 100, 512), (20_000_000,), (2, 30_000_000)]:
        assert 2**20 <= np.prod(arrays.chunks(shape, 4), dtype=int) * 4 <= 4 * 2**20


@pytest.mark.parametrize(
    ("values", "says"),
    [
        (np.array([{}, 1], dtype=object), "'v' has dtype object, which has no pickle-free form"),
        (np.array(["2026-01-01"], dtype="M8[D]"), "has dtype datetime64"),
    ],
)
def test_what_needs_a_pickle_is_refused(store: Store, spec: Spec, values: np.ndarray, says: str) -> None:
    with pytest.raises(InterpError, match="pickle-free") as caught:
        store.write(spec, xr.Dataset({"v": ("d", values)}))
    assert says in str(caught.value)
    assert os.listdir(store.runs) == []


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
