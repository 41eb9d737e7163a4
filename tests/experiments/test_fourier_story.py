"""The Fourier notebook is its script's, and its parts are asked, told, drawn and judged."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from experiments.fourier.protocol import PARTS, draw, follow, said
from experiments.fourier.verdicts import SCRIPTS, verdicts
from interp import execute
from interp.errors import InterpError
from interp.progress import silent
from interp.store import Spec, Store
from interp.verdicts import VERDICTS, read_claims
from tests.cli.conftest import SIZES

STORY = Path(__file__).parents[2] / "experiments" / "fourier" / "story.py"


def test_the_notebook_is_that_of_the_script() -> None:
    """Someone who edits one of the two runs `python -m experiments.notebooks experiments/fourier/story.py`."""
    import jupytext
    import nbformat

    script, notebook = jupytext.read(STORY), nbformat.read(STORY.with_suffix(".ipynb"), as_version=4)
    assert [(cell.cell_type, cell.source) for cell in notebook.cells] == [
        (cell.cell_type, cell.source) for cell in script.cells
    ]
    outputs = [out for cell in notebook.cells if cell.cell_type == "code" for out in cell.outputs]
    assert not [out for out in outputs if out.output_type == "error"]
    assert sum("image/png" in out.get("data", {}) for out in outputs) == 12, "every figure is a picture"


def test_parts_are_recorded_once_told_and_drawn(tmp_path: Path) -> None:
    store = Store(tmp_path)
    runs = follow(store, silent, only=("learned-spectrum",))
    assert follow(store, silent, only=("learned-spectrum",)) == runs
    assert said(store, runs)[0].startswith("learned-spectrum: ")
    assert draw(store, runs["learned-spectrum"]).data


def test_an_unknown_part(tmp_path: Path) -> None:
    with pytest.raises(InterpError, match="mental-helix"):
        follow(Store(tmp_path), silent, only=("mental-helicks",))


def test_every_part_names_a_method_and_a_model() -> None:
    assert {spec.model for spec in PARTS.values()} == {"planted:helix", "modadd-59", "mental-math"}
    assert {name.split("-")[0] for name in PARTS} == {"planted", "learned", "mental"}


@pytest.mark.slow
def test_every_claim_has_a_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    """Exact statements and planted models as they are, mental-math with few prompts; of all bases those judged.

    The claims of `nanda` and `zhong` are judged in tests of their own.
    """
    scripts = [name for name in SCRIPTS if name not in ("nanda", "zhong")]
    monkeypatch.setattr("experiments.fourier.verdicts.SCRIPTS", scripts)
    record = execute.record

    def small(spec: Spec, *given: Any, **how: Any) -> str:
        few = {name: size for name, size in SIZES[spec.method].items() if name != "periods"}
        bases = {"bases": (9, 10, 11)} if spec.method == "digit_probes" else {}
        asked = {**spec.parameters, **(few if spec.model == "mental-math" else {}), **bases}
        return record(spec.but(parameters=asked), *given, **how)

    monkeypatch.setattr("interp.execute.record", small)
    monkeypatch.setattr("experiments.fourier.number_runs.record", small)
    told = verdicts()
    assert all(verdict.said for _, verdict in told)
    found = {script: {v.claim.name: v.verdict for name, v in told if name == script} for script in scripts}
    for script in scripts:
        assert set(found[script]) == set(read_claims(STORY.with_name("published") / f"{script}.json")), script
        assert set(found[script].values()) <= set(VERDICTS)
    assert set(found["closed_forms"].values()) <= {"match", "direction"}, "exact statements hold"
    planted = [verdict for name, verdict in found["digits"].items() if "planted helix" in name]
    assert planted == ["direction"] * 3
