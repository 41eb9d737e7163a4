"""Killed at any moment, a run is complete or absent; readers and a writer do not disturb each other."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from interp.store import Store
from tests.store.nursery import result

KILLS, MEGABYTES = 60, 4


@pytest.mark.slow
def test_sixty_kills_leave_complete_or_absent_runs(run_script: Callable[..., str], tmp_path: Path) -> None:
    done = json.loads(run_script("nursery.py", "kill", tmp_path, KILLS, MEGABYTES))
    print(
        f"{KILLS} SIGKILLs, a write takes {done['seconds']:.2f} s:", done["outcomes"], done["phases"], file=sys.stderr
    )
    assert sum(done["outcomes"].values()) == KILLS
    assert set(done["outcomes"]) <= {"complete", "absent", "absent, staging left"}
    assert done["inside"] >= KILLS // 3, "too few kills landed inside the staged write to prove anything"
    store = Store(tmp_path)
    lines = store.list()
    assert len(lines) == done["outcomes"].get("complete", 0) + 2
    assert {"earlier-0", "earlier-1"} <= {line.run_id for line in lines}
    assert all(line.status == "complete" for line in lines)
    assert [problem for line in lines for problem in store.verify(line.run_id)] == []
    np.testing.assert_array_equal(store.open(lines[0].run_id).load()["v"], result(MEGABYTES)["v"])
    assert len(store.collect_litter()) == done["inside"]
    assert sorted(path.name for path in store.runs.iterdir()) == sorted(line.run_id for line in lines)


def test_two_readers_and_a_writer(run_script: Callable[..., str], tmp_path: Path) -> None:
    done = json.loads(run_script("nursery.py", "share", tmp_path, 15, 1))
    assert done["codes"] == [0, 0, 0]
    assert done["runs"] == 15
    assert len(done["looks"]) == 2
    assert min(done["looks"]) >= 2
