"""The tour and "bring your own model": the notebooks are their scripts', and run as they are on the shipped models."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "experiments"
PICTURES = {"tour": 7, "own_model": 2}


@pytest.mark.parametrize("name", PICTURES)
def test_the_notebook_is_that_of_the_script(name: str) -> None:
    """Someone who edits one of the two runs `python -m experiments.notebooks experiments/<name>/story.py`."""
    import jupytext
    import nbformat

    story = FOLDER / name / "story.py"
    script, notebook = jupytext.read(story), nbformat.read(story.with_suffix(".ipynb"), as_version=4)
    assert [(cell.cell_type, cell.source) for cell in notebook.cells] == [
        (cell.cell_type, cell.source) for cell in script.cells
    ]
    outputs = [out for cell in notebook.cells if cell.cell_type == "code" for out in cell.outputs]
    assert not [out for out in outputs if out.output_type == "error"]
    assert sum("image/png" in out.get("data", {}) for out in outputs) == PICTURES[name], "every figure is a picture"


@pytest.mark.parametrize("name", PICTURES)
def test_a_notebook_imports_and_does_not_define(name: str) -> None:
    assert not re.search(r"^(def|class) |lambda", (FOLDER / name / "story.py").read_text(), re.MULTILINE)


@pytest.mark.slow
@pytest.mark.parametrize("name", PICTURES)
def test_the_story_runs(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As it is, on the shipped models; its own assertions hold. The second time nothing is computed."""
    monkeypatch.setattr(os, "fsync", lambda _: None)
    monkeypatch.setenv("ARITHMOSCOPE_STORE", str(tmp_path / "store"))
    monkeypatch.chdir(FOLDER.parent)
    code = compile((FOLDER / name / "story.py").read_text(), str(FOLDER / name / "story.py"), "exec")
    exec(code, {"__name__": "story"})
    said = capsys.readouterr().out
    assert "n = " in said
    runs = sorted(path.name for path in (tmp_path / "store" / "runs").iterdir())
    monkeypatch.setattr("interp.execute.answer", lambda *a, **k: pytest.fail("computed again"))
    exec(code, {"__name__": "story"})
    assert capsys.readouterr().out == said
    assert sorted(path.name for path in (tmp_path / "store" / "runs").iterdir()) == runs
