"""Removing, litter, notes and comparing."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import xarray as xr

from interp.errors import InterpError
from interp.store import Notes, Spec, Store, durable, processes


def test_a_run_vanishes_before_it_is_deleted(
    store: Store, spec: Spec, dataset: xr.Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.write(spec, dataset, run_id="gone")
    seen: list[list[str]] = []
    deleted = durable.discard
    monkeypatch.setattr("interp.store.store.discard", lambda path: (seen.append(store.index.all()), deleted(path)))
    store.remove("gone")
    assert seen == [[]]
    assert os.listdir(store.runs) == []
    with pytest.raises(InterpError, match="no run 'gone'"):
        store.remove("gone")


def test_a_kill_while_removing_leaves_trash_only(
    store: Store, spec: Spec, dataset: xr.Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.write(spec, dataset, run_id="gone")
    monkeypatch.setattr("interp.store.store.discard", lambda path: None)
    store.remove("gone")
    assert store.list() == []
    assert [name[:7] for name in os.listdir(store.runs)] == [".trash-"]
    assert store.collect_litter() == []  # its process, this one, is alive and it is young
    assert len(store.collect_litter(older_than=-1)) == 1


def dead() -> str:
    done = subprocess.run(
        [sys.executable, "-c", "from interp.store.processes import owner; print(owner())"],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def test_litter_of_the_dead_goes_at_once_and_of_others_by_age(store: Store) -> None:
    gone, here = dead(), processes.owner()
    elsewhere = f"1.1.{'0' * 8}"
    for name in (f".staging-{gone}-a", f".trash-{gone}-b", f".staging-{here}-c", f".staging-{elsewhere}-d", "run"):
        (store.runs / name / "deep").mkdir(parents=True)
    assert store.collect_litter(older_than=100) == [f".staging-{gone}-a", f".trash-{gone}-b"]
    for path in (*store.runs.rglob("*"),):
        os.utime(path, (time.time() - 200, time.time() - 200))
    (store.runs / f".staging-{here}-c" / "deep" / "file").write_text("x")  # still being written
    assert store.collect_litter(older_than=100) == [f".staging-{elsewhere}-d"]
    assert sorted(os.listdir(store.runs)) == [f".staging-{here}-c", "run"]


def test_owners_are_told_apart() -> None:
    mine = processes.owner()
    pid, start, host = mine.split(".")
    assert processes.alive(mine) is True
    assert processes.alive(dead()) is False
    assert processes.alive(f"{pid}.{int(start) - 1}.{host}") is False  # the pid was used again
    assert processes.alive(f"{pid}.{start}.00000000") is None
    assert processes.alive("") is processes.alive("nonsense") is None


def test_a_zombie_isdead() -> None:
    child = subprocess.Popen([sys.executable, "-c", "pass"])
    name = f"{child.pid}.{processes._start(child.pid)}.{processes.host()}"
    while processes._start(child.pid) is not None:
        time.sleep(0.01)
    assert processes.alive(name) is False
    child.wait()


def test_notes_are_kept_apart_and_in_order(store: Store, spec: Spec, dataset: xr.Dataset) -> None:
    digest = store.write(spec, dataset, run_id="noted").digest
    assert store.notes("noted") == Notes()
    store.annotate("noted", star=True)
    store.annotate("noted", tag="figure 2")
    store.annotate("noted", tag="draft")
    store.annotate("noted", note="two lines\nand é")
    store.annotate("noted", untag="draft")
    said = store.annotate("noted", note="later")
    assert (said.star, said.tags) == (True, ("figure 2",))
    assert [line["note"] for line in said.notes] == ["two lines\nand é", "later"]
    assert store.annotate("noted", star=False).star is False
    assert store.verify("noted") == []
    assert store.open("noted").digest == digest
    store.remove("noted")
    assert len(store.notes("noted").notes) == 2


def test_a_torn_line_costs_only_itself(store: Store, spec: Spec, dataset: xr.Dataset) -> None:
    store.write(spec, dataset, run_id="noted")
    store.annotate("noted", tag="kept")
    path = store.root / "annotations" / "noted.jsonl"
    with open(path, "ab") as file:
        file.write(b'{"at": "2026", "tag": "to')
    assert store.annotate("noted", tag="later").tags == ("kept", "later")


def test_many_may_take_notes_at_once(store: Store, spec: Spec, dataset: xr.Dataset) -> None:
    store.write(spec, dataset, run_id="noted")
    threads = [
        threading.Thread(target=lambda k=k: [store.annotate("noted", note=f"{k} {i}") for i in range(10)])
        for k in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({line["note"] for line in store.notes("noted").notes}) == 40


@pytest.mark.parametrize("said", [{}, {"tag": ""}, {"note": 3}, {"star": "yes"}, {"tag": "a", "note": "b"}])
def test_a_bad_note_is_an_error(store: Store, spec: Spec, dataset: xr.Dataset, said: dict) -> None:
    store.write(spec, dataset, run_id="noted")
    with pytest.raises(InterpError):
        store.annotate("noted", **said)
    with pytest.raises(InterpError, match="no run"):
        store.annotate("absent", star=True)
    assert store.notes("noted") == Notes()


def test_two_runs_are_compared(store: Store, spec: Spec, dataset: xr.Dataset) -> None:
    store.write(spec, dataset, run_id="one", summary={"recovered": 0.5, "n": 4})
    other = spec.but(model="gpt2", parameters={"n": 300})
    store.write(other, dataset, run_id="two", summary={"recovered": 0.7, "new": 1}, provenance={"git": {"commit": "x"}})
    found = store.diff("one", "two")
    assert found["runs"] == ("one", "two")
    assert found["spec"] == {"model": ("mental-math", "gpt2"), "parameters.n": (200, 300)}
    assert found["summary"] == {"recovered": (0.5, 0.7), "n": (4, None), "new": (None, 1)}
    assert found["made"]["git.commit"][1] == "x"
    assert store.diff("one", "one")["spec"] == store.diff("one", "one")["made"] == {}
