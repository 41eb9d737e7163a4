"""A damaged run is reported, and is never read as a number."""

from __future__ import annotations

import json
import random
import shutil
from pathlib import Path

import pytest
import xarray as xr

from interp.errors import InterpError
from interp.store import Spec, Store, manifest

FLIPS = 100


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
