"""The notebook runs as it is, on planted models in place of the trained ones, and is the run of its script."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

STORY = Path(__file__).parents[2] / "experiments" / "af1" / "story.py"
SMALL = """
MODEL, CONTROL = "planted:mix=0,layers=3", "planted:wait=2,transfer=1,layers=4"
N, N_REFERENCE, N_SELECTION = 40, 1500, 60
"""


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
    """Its own assertions hold: no window where operands mix at once, one that waits where it was planted."""
    monkeypatch.setattr(os, "fsync", lambda _: None)
    monkeypatch.setenv("ARITHMOSCOPE_STORE", str(tmp_path / "store"))
    text = STORY.read_text()
    head, rest = text.split('# %% tags=["parameters"]')
    store = "STORE = None"
    assert store in rest
    exec(compile(head + SMALL + store + rest.split(store, 1)[1], str(STORY), "exec"), {"__name__": "story"})
    assert "planted:wait=2,transfer=1,layers=4 (2, 1)" in capsys.readouterr().out
