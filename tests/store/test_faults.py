"""A damaged run is reported, a refused write leaves nothing, and what was there before stays."""

from __future__ import annotations

import errno
import json
import os
import random
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from interp.errors import InterpError
from interp.store import Spec, Store, durable, manifest

FLIPS = 100


@pytest.fixture
def full(store: Store, spec: Spec, dataset: xr.Dataset) -> Path:
    """Return the directory of a run that has every kind of file."""
    tensors = {"direction": np.arange(64, dtype="f4")}
    tables = {"examples": pd.DataFrame({"a": range(50)})}
    return store.write(spec, dataset, tensors=tensors, tables=tables, run_id="full").path


def test_every_flipped_bit_is_reported(store: Store, full: Path) -> None:
    rng = random.Random(0)
    files = manifest.files(full)
    assert {"run.json", "run.json.sha256", "tensors.safetensors", "tables/examples.parquet"} <= set(files)
    chosen = files + [rng.choice(files) for _ in range(FLIPS - len(files))]
    assert len(chosen) == FLIPS
    for name in chosen:
        path = full / name
        before = path.read_bytes()
        after = bytearray(before)
        after[rng.randrange(len(after))] ^= 1 << rng.randrange(8)
        path.write_bytes(after)
        assert store.verify("full"), name
        assert store.list()[0].status == "corrupt"
        path.write_bytes(before)
    assert store.verify("full") == []
    assert store.list()[0].status == "complete"


def test_every_bit_of_the_sidecar_counts(full: Path) -> None:
    path = full / "run.json.sha256"
    before = path.read_bytes()
    for place in range(8 * len(before)):
        after = bytearray(before)
        after[place // 8] ^= 1 << place % 8
        path.write_bytes(after)
        assert manifest.verify(full), place


def _break(full: Path, how: str) -> None:
    chunk = full / "arrays.zarr/recovered/c/0/0"
    if how == "missing chunk":
        chunk.unlink()
    elif how == "short chunk":
        chunk.write_bytes(chunk.read_bytes()[:-1])
    elif how == "missing manifest":
        (full / "run.json").unlink()
    elif how == "missing sidecar":
        (full / "run.json.sha256").unlink()
    elif how == "missing arrays":
        shutil.rmtree(full / "arrays.zarr")
    elif how == "another run's manifest":
        _rewrite(full, run_id="other")
    elif how == "future schema":
        _rewrite(full, schema_version=99)
    elif how == "path outside":
        _rewrite(full, files={"../../x": {"bytes": 1, "sha256": "0" * 64}})
    elif how == "not a manifest":
        _rewrite(full, files=3)


def _rewrite(full: Path, **changes: object) -> None:
    text = json.dumps({**json.loads((full / "run.json").read_bytes()), **changes}).encode()
    (full / "run.json").write_bytes(text)
    (full / "run.json.sha256").write_bytes(manifest.sidecar(text))


@pytest.mark.parametrize(
    "how",
    [
        *("missing chunk", "short chunk", "missing manifest", "missing sidecar", "missing arrays"),
        *("another run's manifest", "future schema", "path outside", "not a manifest"),
    ],
)
def test_a_broken_run_is_one_clear_line(store: Store, spec: Spec, dataset: xr.Dataset, full: Path, how: str) -> None:
    store.write(spec, dataset, run_id="good")
    _break(full, how)
    with pytest.raises(InterpError) as caught:
        store.open("full")
    assert "full" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert store.verify("full")
    assert {line.run_id: line.status for line in store.list()} == {"full": "corrupt", "good": "complete"}
    assert store.list(status="corrupt")[0].problem
    assert store.find(spec) == "good"
    store.remove("full")
    assert [line.run_id for line in store.list()] == ["good"]


def test_verify_sees_what_is_too_much(store: Store, full: Path) -> None:
    (full / "arrays.zarr" / "extra").write_text("x")
    assert store.verify("full") == ["arrays.zarr/extra: not in the manifest"]
    (full / "arrays.zarr" / "extra").unlink()
    chunk = full / "arrays.zarr/recovered/c/0/0"
    shutil.move(chunk, full.parent.parent / "moved")
    chunk.symlink_to(full.parent.parent / "moved")
    assert "arrays.zarr/recovered/c/0/0: a link, expected a file" in store.verify("full")


def test_a_changed_spec_is_seen_even_with_a_new_sidecar(store: Store, full: Path) -> None:
    found = json.loads((full / "run.json").read_bytes())
    _rewrite(full, spec={**found["spec"], "seed": 1})
    assert store.verify("full") == ["run.json: spec_hash is not the hash of the spec"]


def test_damaged_data_is_never_a_number(store: Store, full: Path) -> None:
    for name in ("arrays.zarr/recovered/c/0/0", "tensors.safetensors", "tables/examples.parquet"):
        data = bytearray((full / name).read_bytes())
        data[len(data) // 3] ^= 4
        (full / name).write_bytes(data)
    run = store.open("full")
    for read in (run.load, run.tensors, run.tables):
        with pytest.raises(InterpError) as caught:
            read()
        assert "\n" not in str(caught.value)


def _refuse_at(monkeypatch: pytest.MonkeyPatch, place: str, number: int) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    if place == "rename":
        monkeypatch.setattr(os, "rename", refuse)
    elif place == "fsync":
        monkeypatch.setattr(os, "fsync", refuse)
    elif place == "manifest":
        monkeypatch.setattr(manifest, "put", refuse)
    elif place == "staging":
        monkeypatch.setattr(Path, "mkdir", refuse)
    else:
        import zarr

        monkeypatch.setattr(zarr.Array, "__setitem__", refuse)


@pytest.mark.parametrize("name", ["recovered", "found", "prompt"])
def test_a_chunk_that_vanished_is_never_a_zero(store: Store, full: Path, name: str) -> None:
    run = store.open("full")
    lazy = run.dataset if name != "prompt" else None
    shutil.rmtree(full / "arrays.zarr" / name / "c") if name != "found" else (full / "arrays.zarr/found/c").unlink()
    with pytest.raises(InterpError, match="is missing: the run was removed or is damaged"):
        run.load() if lazy is None else lazy[name].load()


def test_a_run_removed_while_it_is_read(store: Store, full: Path) -> None:
    lazy = store.open("full").dataset
    store.remove("full")
    with pytest.raises(InterpError, match="the run was removed"):
        lazy["recovered"].load()


def test_a_run_removed_before_it_is_read(store: Store, full: Path) -> None:
    run = store.open("full")
    store.remove("full")
    for read in (run.load, run.tables, run.tensors, lambda: run.dataset):
        with pytest.raises(InterpError) as caught:
            read()
        assert "\n" not in str(caught.value)


PLACES = ["staging", "arrays", "fsync", "manifest", "rename"]


@pytest.mark.parametrize(
    ("place", "number"),
    [*((place, errno.ENOSPC) for place in PLACES), *(("fsync", n) for n in (errno.EROFS, errno.EACCES, errno.EIO))],
)
def test_a_refusing_disk_leaves_the_earlier_runs(
    store: Store, spec: Spec, dataset: xr.Dataset, full: Path, monkeypatch: pytest.MonkeyPatch, place: str, number: int
) -> None:
    with monkeypatch.context() as patch:
        _refuse_at(patch, place, number)
        with pytest.raises(InterpError) as caught:
            store.write(spec, dataset, run_id="refused")
    assert f"cannot write run 'refused': {os.strerror(number)}" in str(caught.value)
    assert "earlier runs are intact" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert os.listdir(store.runs) == ["full"]
    assert store.verify("full") == []


@pytest.fixture
def mount(tmp_path: Path) -> Iterator[Callable[[str], Path]]:
    """Return a function that mounts a small file system in memory; skips where that is not allowed."""
    made: list[Path] = []

    def make(options: str) -> Path:
        path = tmp_path / f"disk{len(made)}"
        path.mkdir()
        command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(path)]
        if shutil.which("mount") is None or subprocess.run(command, capture_output=True).returncode:
            pytest.skip("mounting a tmpfs is not allowed here")
        made.append(path)
        return path

    yield make
    for path in made:
        subprocess.run(["umount", "-l", str(path)], check=True)


def test_a_full_disk(mount: Callable[[str], Path], spec: Spec, dataset: xr.Dataset) -> None:
    store = Store(mount("size=3m") / "store")
    store.write(spec, dataset, run_id="first")
    noise = np.random.default_rng(0).bytes(4 * 2**20)
    large = np.frombuffer(noise, "u1")
    attempts = [
        {"dataset": xr.Dataset({"v": ("d", large)})},
        {"dataset": dataset, "tensors": {"t": large}},
        {"dataset": dataset, "tables": {"t": pd.DataFrame({"v": large})}},
    ]
    for attempt in attempts:
        with pytest.raises(InterpError, match="No space left on device; free some space"):
            store.write(spec, run_id="second", **attempt)
        assert os.listdir(store.runs) == ["first"]
    assert store.verify("first") == []
    store.write(spec, dataset, run_id="second")
    assert [line.run_id for line in store.list()] == ["second", "first"]
    store.write(spec, xr.Dataset({"v": ("d", large[: 2**20])}), run_id="third")
    (store.root / "filler").write_bytes(noise[: 2**20])
    with pytest.raises(InterpError, match="No space left"):
        store.export("third", store.root / "bundle.zip")
    assert not list(store.root.glob("*bundle*")) + list(store.root.glob(".*bundle*"))


def test_a_read_only_store_is_still_read(mount: Callable[[str], Path], spec: Spec, dataset: xr.Dataset) -> None:
    disk = mount("size=3m")
    store = Store(disk / "store")
    run_id = store.write(spec, dataset).run_id
    for index in ("kept", "lost"):
        if index == "lost":
            subprocess.run(["mount", "-o", "remount,rw", str(disk)], check=True)
            store.index.path.unlink()
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        assert [line.run_id for line in store.list()] == [run_id]
        assert store.find(spec) == run_id
        assert store.verify(run_id) == []
        assert store.open(run_id).load()["n"] == 4
        for change in (lambda: store.write(spec, dataset), lambda: store.remove(run_id), store.rebuild_index):
            with pytest.raises(InterpError, match="Read-only file system; it is mounted read-only"):
                change()
    with pytest.raises(InterpError, match="cannot make a store"):
        Store(disk / "another")


def test_a_root_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(InterpError, match="cannot make a store at"):
        Store(tmp_path / "file")


@pytest.mark.slow
def test_ctrl_c_in_the_middle_of_a_write(run_script: Callable[..., str], tmp_path: Path) -> None:
    done = json.loads(run_script("nursery.py", "interrupt", tmp_path, 6, 16))
    assert done["interrupted"] >= 4, done
    assert done["left"] == [], done
    assert done["wrong"] == [], done


def test_discard_outlasts_a_late_writer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []

    def haunted(path: Path, ignore_errors: bool) -> None:
        calls.append(path)
        os.rmdir(path)
        if len(calls) < 3:
            path.mkdir()

    (tmp_path / "x").mkdir()
    monkeypatch.setattr(shutil, "rmtree", haunted)
    assert durable.discard(tmp_path / "x", settle=0.01)
    assert len(calls) == 3
