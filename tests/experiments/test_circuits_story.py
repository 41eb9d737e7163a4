"""The circuit notebook is its script's, and its parts are asked, told and drawn."""

from __future__ import annotations

from pathlib import Path

import pytest

from experiments.circuits.protocol import PARTS, draw, follow, said
from interp.errors import InterpError
from interp.progress import silent
from interp.store import PARAMETERS, Store

STORY = Path(__file__).parents[2] / "experiments" / "circuits" / "story.py"


def test_the_notebook_is_that_of_the_script() -> None:
    """Someone who edits one of the two runs `python -m experiments.notebooks experiments/circuits/story.py`."""
    import jupytext
    import nbformat

    script, notebook = jupytext.read(STORY), nbformat.read(STORY.with_suffix(".ipynb"), as_version=4)
    assert [(cell.cell_type, cell.source) for cell in notebook.cells] == [
        (cell.cell_type, cell.source) for cell in script.cells
    ]
    outputs = [out for cell in notebook.cells if cell.cell_type == "code" for out in cell.outputs]
    assert not [out for out in outputs if out.output_type == "error"]
    assert sum("image/png" in out.get("data", {}) for out in outputs) == 8, "every figure is a picture"


def test_every_part_is_a_question_that_can_be_asked() -> None:
    for method, parameters in PARTS.values():
        PARAMETERS[method].model_validate(parameters)


def test_parts_are_recorded_once_and_told(tmp_path: Path) -> None:
    store = Store(tmp_path)
    asked = {"model": "planted:copy", "task": "a+b@0..30", "only": ("heads", "gradient")}
    runs = follow(store, silent, **asked)
    assert follow(store, silent, **asked) == runs
    lines = said(store, runs)
    assert [line.split(":")[0] for line in lines] == ["heads", "gradient"]
    assert draw(store, runs["heads"]).data
    assert draw(store, runs["gradient"], "agreement").data


def test_an_unknown_part(tmp_path: Path) -> None:
    with pytest.raises(InterpError, match="key_heads"):
        follow(Store(tmp_path), silent, only=("key_head",))
