"""Children that write runs and are killed, interrupted or watched. Started once, it forks, for a fork is cheap.

    python nursery.py kill ROOT N MEGABYTES       SIGKILL at a random moment of each of N writes
    python nursery.py interrupt ROOT N MEGABYTES  SIGINT at a random moment inside each of N staged writes
    python nursery.py share ROOT N MEGABYTES      one writer of N runs, two readers at once

Prints one JSON object. This process imports zarr but never uses it, so a fork inherits no thread.
"""

from __future__ import annotations

import json
import mmap
import os
import random
import signal
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd  # noqa: F401
import pyarrow.parquet  # noqa: F401
import safetensors.numpy  # noqa: F401
import xarray as xr
import zarr.codecs  # noqa: F401

from interp.store import Spec, Store, arrays, manifest, provenance, runs

SPEC = Spec(method="patching", model="m", task="a+b")
PHASES = ("before", "arrays", "attachments", "hashing", "sealed", "renamed", "indexed")
PHASE = mmap.mmap(-1, 1)  # what the child is doing, for the parent to read


def result(megabytes: int) -> xr.Dataset:
    values = np.random.default_rng(0).normal(size=(megabytes, 2**18)).astype("f4")
    return xr.Dataset({"v": (("layer", "prompt"), values)}, coords={"layer": range(megabytes)})


def marked(function: Callable, before: str, after: str) -> Callable:
    """Return `function`, telling the parent the phase before and after it."""

    def call(*args: object, **kwargs: object) -> object:
        PHASE[0] = PHASES.index(before)
        returned = function(*args, **kwargs)
        PHASE[0] = PHASES.index(after)
        return returned

    return call


def fork(work: Callable[[], object]) -> int:
    """Run `work` in a child with the default signals; return its pid. It exits 0, 130 on Ctrl-C, else 1."""
    PHASE[0] = 0
    if pid := os.fork():
        return pid
    signal.signal(signal.SIGINT, signal.default_int_handler)
    code = 1
    try:
        work()
        code = 0
    except KeyboardInterrupt:
        code = 130
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def write(store: Store, run_id: str, dataset: xr.Dataset) -> None:
    arrays.save = marked(arrays.save, "arrays", "attachments")
    manifest.stamp = marked(manifest.stamp, "hashing", "sealed")
    os.rename = marked(os.rename, "sealed", "renamed")
    store.write(SPEC, dataset, tensors={"t": np.ones(1000, "f4")}, run_id=run_id)
    PHASE[0] = PHASES.index("indexed")


def calibrate(store: Store, dataset: xr.Dataset) -> float:
    """Return the seconds of an undisturbed write, from fork to exit, and leave the two runs of it."""
    times = []
    for number in range(2):
        start = time.perf_counter()
        os.waitpid(fork(lambda n=number: write(store, f"earlier-{n}", dataset)), 0)
        times.append(time.perf_counter() - start)
    return min(times)


def litter(store: Store, run_id: str) -> bool:
    return any(name.startswith(".staging-") and name.endswith(run_id) for name in os.listdir(store.runs))


def kill(store: Store, number: int, dataset: xr.Dataset) -> dict:
    seconds, rng = calibrate(store, dataset), random.Random(0)
    outcomes, phases, killed_inside = Counter(), Counter(), 0
    for trial in range(number):
        run_id = f"trial-{trial}"
        pid = fork(lambda name=run_id: write(store, name, dataset))
        if trial % 2:
            time.sleep(rng.uniform(0, 1.15 * seconds))
        else:  # the load of the machine moves the clock, not this: the write has begun
            while not PHASE[0]:
                time.sleep(0.0002)
            time.sleep(rng.uniform(0, 0.3 * seconds))
        os.kill(pid, signal.SIGKILL)
        status = os.waitpid(pid, 0)[1]
        phases[PHASES[PHASE[0]]] += 1
        staged, visible = litter(store, run_id), (store.runs / run_id).exists()
        killed_inside += staged and os.WIFSIGNALED(status)
        outcomes[f"{'complete' if visible else 'absent'}{', staging left' if staged else ''}"] += 1
    return {"seconds": seconds, "outcomes": outcomes, "phases": phases, "inside": killed_inside}


def interrupt(store: Store, number: int, dataset: xr.Dataset) -> dict:
    seconds, rng = calibrate(store, dataset), random.Random(0)
    codes, late = Counter(), []
    for trial in range(number):
        pid = fork(lambda name=f"trial-{trial}": write(store, name, dataset))
        while not PHASE[0]:
            time.sleep(0.001)
        time.sleep(rng.uniform(0, 0.6 * seconds))
        os.kill(pid, signal.SIGINT)
        codes[os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])] += 1
        late += [name for name in os.listdir(store.runs) if name.startswith(".")]
    wrong = [problem for line in store.list() for problem in store.verify(line.run_id)]
    return {"interrupted": codes[130], "codes": codes, "left": late, "wrong": wrong}


def read(store: Store, stop: Path) -> None:
    """Look at the newest run again and again until the writer is done; print how often."""
    looks = seen = 0
    while not stop.exists() or not looks:
        lines = store.list()
        assert all(line.status == "complete" for line in lines), lines
        assert len(lines) >= seen, "a run vanished"
        seen, looks = len(lines), looks + 1
        if lines:
            opened = store.open(lines[0].run_id)
            assert store.find(SPEC) is not None
            assert float(opened.load()["v"][-1].sum()) == float(opened.tensors()["sum"]), "torn"
    assert store.list(), "nothing was written"
    (stop.parent / f"looks-{os.getpid()}").write_text(str(looks))


def share(store: Store, number: int, dataset: xr.Dataset) -> dict:
    stop = store.root / "stop"
    readers = [fork(lambda: read(store, stop)) for _ in range(2)]

    def work() -> None:
        for trial in range(number):
            scaled = dataset * (trial + 1)
            store.write(SPEC, scaled, tensors={"sum": np.array(float(scaled["v"][-1].sum()))}, run_id=f"run-{trial}")

    codes = [os.waitstatus_to_exitcode(os.waitpid(fork(work), 0)[1])]
    stop.touch()
    codes += [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in readers]
    looks = [int(path.read_text()) for path in store.root.glob("looks-*")]
    return {"codes": codes, "looks": looks, "runs": len(store.list())}


if __name__ == "__main__":
    action, root, count, megabytes = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
    provenance()  # git and versions are read once, here
    assert runs.STAGING == ".staging-"
    print(
        json.dumps(
            {"kill": kill, "interrupt": interrupt, "share": share}[action](Store(root), count, result(megabytes))
        )
    )
