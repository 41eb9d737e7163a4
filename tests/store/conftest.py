"""A small store, a question and a result to put in it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from interp.store import Spec, Store

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
