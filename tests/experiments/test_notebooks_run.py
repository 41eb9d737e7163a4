"""The notebooks run on the shipped models: circuits as it is, with its assertions; Fourier and multiplication small.

The last two take a quarter of an hour as they are; here every line of them runs on the same models with few prompts.
The tour and "bring your own model" run as they are, and AF1 with few prompts, in their own files.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from interp import execute
from interp.store import Spec, Store
from tests.cli.conftest import SIZES

FOLDER = Path(__file__).parents[2] / "experiments"
pytestmark = pytest.mark.slow


def run(name: str, root: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Run the script of a notebook on a store of its own; return what it leaves."""
    monkeypatch.setattr(os, "fsync", lambda _: None)
    monkeypatch.setenv("ARITHMOSCOPE_STORE", str(root))
    monkeypatch.chdir(FOLDER.parent)
    story = FOLDER / name / "story.py"
    left: dict[str, Any] = {"__name__": "story"}
    exec(compile(story.read_text(), str(story), "exec"), left)
    return left


def test_circuits_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    left = run("circuits", tmp_path, monkeypatch)
    assert len(left["runs"]) == len(left["PARTS"]) == len(Store(tmp_path).list())


@pytest.mark.parametrize("name", ["fourier", "multiplication"])
def test_small(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    record = execute.record

    def small(spec: Spec, *given: Any, **how: Any) -> str:
        return record(spec.but(parameters={**spec.parameters, **SIZES[spec.method]}), *given, **how)

    monkeypatch.setattr("interp.execute.record", small)
    monkeypatch.setattr("experiments.fourier.protocol.record", small)
    left = run(name, tmp_path, monkeypatch)
    models = {line.model for line in Store(tmp_path).list()}
    assert {"fourier": {"planted:helix", "modadd-59", "mental-math"}, "multiplication": {
        f"multiply-{each}" for each in ("plain", "icot", "icot-long", "aux")
    }}[name] == models  # fmt: skip
    assert left["runs"] if name == "fourier" else len(left["found"]) == 4
