"""The notebook of AF1 runs on the shipped models with few prompts, and is the run of its script."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from interp import execute
from interp.store import Spec

STORY = Path(__file__).parents[2] / "experiments" / "af1" / "story.py"
SIZES = "N, N_REFERENCE, N_SELECTION = 1000, 4096, 500"
SMALL = "N, N_REFERENCE, N_SELECTION = 40, 600, 60"


def test_the_notebook_is_that_of_the_script() -> None:
    """Someone who edits one of the two runs `python -m experiments.notebooks experiments/af1/story.py`."""
    import jupytext
    import nbformat

    script, notebook = jupytext.read(STORY), nbformat.read(STORY.with_suffix(".ipynb"), as_version=4)
    assert [(cell.cell_type, cell.source) for cell in notebook.cells] == [
        (cell.cell_type, cell.source) for cell in script.cells
    ]
    outputs = [out for cell in notebook.cells if cell.cell_type == "code" for out in cell.outputs]
    assert not [out for out in outputs if out.output_type == "error"]
    assert sum("image/png" in out.get("data", {}) for out in outputs) == 10, "every figure is a picture"


@pytest.mark.slow
def test_the_story_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Its own assertions hold: no window in the model trained on arithmetic alone, one where the control waits."""
    monkeypatch.setattr(os, "fsync", lambda _: None)
    monkeypatch.setenv("ARITHMOSCOPE_STORE", str(tmp_path / "store"))
    record = execute.record

    def small(spec: Spec, *given: Any, **how: Any) -> str:
        few = {"n": 10, "n_reference": 150} if spec.method == "window" else {}  # 36 cells of a table
        return record(spec.but(parameters={**spec.parameters, **few}), *given, **how)

    monkeypatch.setattr("experiments.af1.protocol.record", small)
    text = STORY.read_text()
    assert SIZES in text
    exec(compile(text.replace(SIZES, SMALL), str(STORY), "exec"), {"__name__": "story"})
    assert "waits-2-2 (2, 2) l_wait 2, l_transfer 2" in capsys.readouterr().out
