"""A small store, a question and a result to put in it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from interp.store import Job, Jobs, Spec, Store

ROOT = Path(__file__).resolve().parents[2]


def small(seed: int = 0) -> xr.Dataset:
    """Return a Dataset with numbers, text, truth values, scalars and coordinates, as methods make them."""
    rng = np.random.default_rng(seed)
    return xr.Dataset(
        {
            "recovered": (("layer", "role"), rng.normal(size=(3, 2)).astype("f4"), {"units": "fraction"}),
            "correct": ("prompt", rng.integers(0, 2, 4).astype("i1"), {"units": "0 or 1"}),
            "predicted": ("prompt", np.array(["12", "bé", "", "日本"])),
            "found": ((), True),
            "n": ((), 4),
        },
        coords={
            "layer": [0, 1, 2],
            "role": ["a", "eq"],
            "prompt": ["1+2=", "3+4=", "5+6=", "7+8="],
            "prompt_corrupted": ("prompt", ["2+2=", "4+4=", "6+6=", "8+8="]),
        },
        attrs={"method": "patching", "title": "a small result"},
    )


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


@pytest.fixture
def spec() -> Spec:
    return Spec(method="patching", model="mental-math", task="a+b")


@pytest.fixture
def dataset() -> xr.Dataset:
    return small()


@pytest.fixture
def start() -> Callable[..., subprocess.Popen[str]]:
    """Return a function that starts one of the scripts beside this file, with the package on its path."""

    def begin(script: str, *arguments: object) -> subprocess.Popen[str]:
        path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
        return subprocess.Popen(
            [sys.executable, "-W", "error", str(Path(__file__).with_name(script)), *map(str, arguments)],
            env={**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    return begin


@pytest.fixture
def run_script(start: Callable[..., subprocess.Popen[str]]) -> Callable[..., str]:
    """Return a function that runs a script to its end and returns what it printed; its failure fails the test."""

    def finish(script: str, *arguments: object) -> str:
        out, err = (process := start(script, *arguments)).communicate(timeout=240)
        assert process.returncode == 0, err
        return out

    return finish


@pytest.fixture
def full(store: Store, spec: Spec, dataset: xr.Dataset) -> Path:
    """Return the directory of a run that has every kind of file."""
    tensors = {"direction": np.arange(64, dtype="f4")}
    tables = {"examples": pd.DataFrame({"a": range(50)})}
    return store.write(spec, dataset, tensors=tensors, tables=tables, run_id="full").path


@pytest.fixture
def jobs(tmp_path: Path) -> Jobs:
    return Jobs(tmp_path / "store")


def until(true: Callable[[], object], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.02)


def ask(jobs: Jobs, *tasks: str) -> list[Job]:
    return [jobs.submit(Spec(method="lens", model="m", task=task, seed=k)) for k, task in enumerate(tasks)]
