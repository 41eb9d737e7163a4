"""How labelled arrays lie on the disk: every dtype, shape and text, in chunks that are read one by one."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from interp.errors import InterpError
from interp.store import Spec, Store, arrays

DTYPES = ["bool", "i1", "u1", "i4", "i8", "u8", "f2", "f4", "f8", "c8", "c16"]


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
