"""A refused or interrupted write leaves nothing, and what was there before stays."""

from __future__ import annotations

import errno
import json
import os
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
