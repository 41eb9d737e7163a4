"""The index is a cache: lost, stale, damaged or copied, it says what the directories say."""

from __future__ import annotations

import dataclasses
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
import xarray as xr

from interp.store import RunSummary, Spec, Store, provenance
from tests.store.conftest import small


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the root of a store of six runs, one of them damaged and one removed again."""
    store = Store(tmp_path_factory.mktemp("template"))
    for number in range(7):
        task = [None, "a+b"][number % 2]
        asked = Spec(method=["patching", "lens", "cama"][number % 3], model="mental-math", seed=number, task=task)
        moment = provenance(started=1000.0 * number)
        store.write(asked, small(), summary={"k": number}, provenance=moment, run_id=f"run-{number}")
    store.remove("run-0")
    (store.runs / "run-1" / "run.json").write_text("{}")
    return store.root


@pytest.fixture
def filled(template: Path, tmp_path: Path) -> Store:
    return Store(shutil.copytree(template, tmp_path / "store"))


def scanned(store: Store, into: Path) -> list[RunSummary]:
    """Return the list that a store gives which has only the directories."""
    shutil.copytree(store.runs, into / "runs", dirs_exist_ok=True)
    return Store(into).list()


def rows(store: Store) -> int:
    with closing(sqlite3.connect(store.index.path)) as connection:
        return connection.execute("SELECT count(*) FROM runs").fetchone()[0]


def test_the_list_is_newest_first_and_complete(filled: Store) -> None:
    lines = filled.list()
    assert [line.run_id for line in lines] == ["run-6", "run-5", "run-4", "run-3", "run-2", "run-1"]
    assert [line.status for line in lines] == ["complete"] * 5 + ["corrupt"]
    newest = lines[0]
    assert (newest.method, newest.model, newest.task, newest.style) == ("patching", "mental-math", None, "plain")
    assert newest.summary == {"k": 6}
    assert newest.spec == filled.open("run-6").manifest["spec"]
    assert newest.spec_hash == filled.open("run-6").spec.hash
    assert newest.bytes == sum(entry["bytes"] for entry in filled.open("run-6").manifest["files"].values())


def test_the_list_can_be_narrowed(filled: Store) -> None:
    assert [line.run_id for line in filled.list(method="lens")] == ["run-4"]
    assert [line.run_id for line in filled.list(task="a+b", status="complete")] == ["run-5", "run-3"]
    assert filled.list(model="other") == filled.list(style="verbal") == []


def test_a_rebuilt_index_equals_the_one_that_grew(filled: Store, tmp_path: Path) -> None:
    grown = filled.list()
    assert scanned(filled, tmp_path / "copy") == grown
    assert filled.rebuild_index() == 6
    assert filled.list() == grown


def test_directories_that_came_and_went_are_noticed(filled: Store, tmp_path: Path) -> None:
    filled.list()
    shutil.copytree(filled.runs / "run-2", tmp_path / "kept")
    shutil.rmtree(filled.runs / "run-2")
    assert "run-2" not in [line.run_id for line in filled.list()]
    assert rows(filled) == 5
    shutil.copytree(tmp_path / "kept", filled.runs / "run-2")
    assert "run-2" in [line.run_id for line in filled.list()]
    (filled.runs / ".staging-1.1.00000000-x").mkdir()
    (filled.runs / "Not a run").mkdir()
    (filled.runs / "file").write_text("x")
    assert len(filled.list()) == 6


def _garbage(path: Path) -> None:
    path.write_bytes(b"no database" * 1000)


def _torn(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2 + 100])


def _zeroed(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[4096:] = bytes(len(data) - 4096)
    path.write_bytes(data)


def _other_tables(path: Path) -> None:
    _sql(path, "DROP TABLE runs", "CREATE TABLE runs (x TEXT)")


def _not_json(path: Path) -> None:
    _sql(path, "UPDATE runs SET spec = '{'")


def _sql(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path)) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()


@pytest.mark.parametrize("damage", [_garbage, _torn, _zeroed, _other_tables, _not_json, Path.unlink])
def test_a_damaged_index_costs_nothing(
    filled: Store, spec: Spec, dataset: xr.Dataset, damage: Callable[[Path], None]
) -> None:
    before = filled.list()
    damage(filled.index.path)
    assert Store(filled.root).list() == before
    damage(filled.index.path)
    newest = filled.write(spec, dataset, run_id="newest")
    assert [line.run_id for line in filled.list()] == [newest.run_id, *(line.run_id for line in before)]
    assert rows(filled) == 7


def test_a_locked_index_does_not_stop_the_reading(filled: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    before = filled.list()
    monkeypatch.setattr("interp.store.database.TIMEOUT", 0.05)
    with closing(sqlite3.connect(filled.index.path, isolation_level=None)) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        assert filled.list() == before
        shutil.rmtree(filled.runs / "run-3")
        assert [line.run_id for line in filled.list()] == ["run-6", "run-5", "run-4", "run-2", "run-1"]


def test_a_summary_can_be_a_row_of_a_table(filled: Store) -> None:
    row = dataclasses.asdict(filled.list()[0])
    assert set(row) >= {"run_id", "status", "method", "model", "task", "style", "created", "seconds", "summary"}
