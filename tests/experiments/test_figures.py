"""The gallery: parts are made once, the page and the verdict table say what they hold, again changes nothing."""

from __future__ import annotations

import csv
import io
from collections import Counter
from pathlib import Path

import pandas as pd
import plotly.graph_objects as go
import pytest

from experiments.figures import build as building
from experiments.figures.build import Place, build, read_part, stamp
from experiments.figures.command import How, make_all
from experiments.figures.experiment import Experiment, Frame, Judged, Part, Picture, of_run
from experiments.figures.gallery import as_markdown, write_gallery
from experiments.figures.make import Job, make, missing
from experiments.figures.registry import chosen, experiments
from experiments.figures.scale import scale
from experiments.figures.unshipped import not_run
from interp.errors import InterpError
from interp.progress import silent
from interp.store import Spec, Store
from interp.verdicts import VERDICTS, Claim, judge
from tests.cli.conftest import call

QUICK = ("circuits/greater-than", "fourier/calibration", "af1/variations", "af1/published-model")
CLAIM = Claim("it holds", "figure 3: it | holds", 1.0, 0.1, ("them/model",), "A paper <2020>", "derived")


def files(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Every file under a folder, its time and its bytes."""
    return {
        str(p.relative_to(folder)): (p.stat().st_mtime_ns, p.read_bytes()) for p in folder.rglob("*") if p.is_file()
    }


def test_every_experiment_offers_parts_with_names_of_their_own():
    found = experiments()
    assert [each.name for each in found][:4] == ["af1", "circuits", "fourier", "multiplication"]
    names = [f"{each.name}/{part.name}" for each in found for part in each.parts]
    assert len(set(names)) == len(names)
    for each in found:
        known = {part.name for part in each.parts}
        assert all(set(part.after) <= known and part.minutes > 0 and part.command for part in each.parts)
    assert sum(part.minutes for each in found for part in each.parts) / 2 <= 60, "an hour of two cores"


def test_a_name_that_is_not_known():
    with pytest.raises(InterpError, match="fourier/helix"):
        chosen(("fourier/helics",))


def test_again_changes_nothing(tmp_path, monkeypatch):
    monkeypatch.setenv("ARITHMOSCOPE_STORE", str(tmp_path / "store"))
    out = tmp_path / "figures"
    assert (
        call("figures", "--out", out, "--processes", 1, *(word for name in QUICK for word in ("--only", name))).code
        == 0
    )
    before = files(out)
    assert {"index.html", "verdicts.csv", "verdicts.md"} <= set(before)
    assert make_all(QUICK, out, None, How()) == []
    assert files(out) == before
    (out / "circuits" / "greater-than" / "part.json").unlink()
    assert [job.name for job in missing(chosen(QUICK), out)] == ["circuits/greater-than"], "killed in between"
    make_all(QUICK, out, None, How())
    assert {name: data for name, (_, data) in files(out).items()} == {name: data for name, (_, data) in before.items()}


def test_the_door_says_where_the_experiments_are(monkeypatch, tmp_path):
    monkeypatch.setattr("interp.cli.figures.ROOT", tmp_path)
    assert "run this in the repository" in call("figures").line
    assert "Usage: interp figures" in call("figures", "--help").out


def test_pictures_that_cannot_be_written_are_said(monkeypatch):
    assert "'gif'" in call("figures", "--stills", "gif").line


def small(store: Store, progress) -> tuple[Store, str]:
    from interp.execute import record

    spec = Spec(method="patching", model="planted:copy", task="a+b@0..30", parameters={"n": 10})
    return store, record(spec, store, progress)


def evil(_):
    yield Frame("a table", "<script>1</script>", pd.DataFrame({"x": [0.12345], "claim": ["<b>"]}), "n = 1")


PART = Part(
    "small",
    "a small part",
    1,
    "make small",
    small,
    lambda found: [*of_run("map", *found), Picture("own figure", go.Figure(go.Bar(x=["a"], y=[1])), "planted:copy")],
    evil,
    lambda found: [Judged(judge(CLAIM, "small", True, 1.5, "1.5, n = 3"), "planted:copy", "2")],
)


@pytest.fixture
def made(tmp_path, monkeypatch) -> Path:
    monkeypatch.setattr(building, "part_of", lambda experiment, name: PART)
    monkeypatch.setenv("ARITHMOSCOPE_STORE", "elsewhere")
    make([Job("tests", PART, "mark")], Place(tmp_path / "store", tmp_path / "out"), 1)
    return tmp_path


def test_a_part_is_drawn_from_its_run_and_told(made):
    out = made / "out"
    facts = read_part(out / "tests" / "small")
    assert facts["stamp"] == "mark"
    assert facts["cards"] == ["map-recovered_map", "own-figure"]
    assert len(Store(made / "store").list()) == 1, "recorded in the store that was named"
    write_gallery((Experiment("tests", "Tests", (PART,)),), out)
    page = (out / "index.html").read_text()
    for text in (
        "planted:copy (built by hand)",
        "make small",
        "map-recovered_map--figure",
        "&lt;script&gt;1&lt;/script&gt;",
    ):
        assert text in page
    lines = list(csv.DictReader(io.StringIO((out / "verdicts.csv").read_text())))
    wanted = {"figure or table": "figure 3", "ours": "1.5", "tolerance": "0.1", "verdict": "scaled", "seeds": "2"}
    assert {name: lines[0][name] for name in wanted} == wanted
    assert "figure 3: it \\| holds" in (out / "verdicts.md").read_text()


def test_a_part_that_fails_leaves_the_earlier_one(made, monkeypatch):
    before = files(made / "out")

    def broken(store, progress):
        raise InterpError("no such thing")

    monkeypatch.setattr(building, "part_of", lambda experiment, name: PART._replace(run=broken))
    with pytest.raises(InterpError, match="no such thing"):
        build("tests", "small", Place(made / "store", made / "out"), "other", silent)
    assert files(made / "out") == before


def test_a_stamp_follows_what_is_published(monkeypatch, tmp_path):
    folder = tmp_path / "repository" / "experiments"
    (folder / "mine").mkdir(parents=True)
    (folder / "figures").mkdir()
    (folder.parent / "interp").mkdir()
    for name in ("experiments/figures/build.py", "experiments/figures/experiment.py", "interp/execute.py"):
        (folder.parent / name).write_text("")
    (folder.parent / "interp" / "verdicts.py").write_text("")
    monkeypatch.setattr(building, "FOLDER", folder)
    monkeypatch.setattr(building, "ROOT", folder.parent)
    (folder / "mine" / "published.json").write_text("{}")
    one = stamp("mine")
    assert stamp("mine") == one
    (folder / "mine" / "published.json").write_text("[]")
    assert stamp("mine") != one


def test_what_is_not_shipped_is_not_run():
    found = list(not_run([CLAIM], "them/model", "ask them", "a day"))
    assert [(each.verdict.verdict, each.command) for each in found] == [("not run", "ask them")]
    assert "a day" in found[0].verdict.said


def test_models_have_sizes():
    assert scale("mental-math") == "6 blocks, d_model 128, 1.24 M parameters"
    assert scale("meta-llama/Meta-Llama-3-8B") == "32 blocks, d_model 4096, 8.0 B parameters"
    assert (scale("planted:copy"), scale("a wish"), scale("")) == ("built by hand", "", "")


def test_the_markdown_has_a_line_a_claim():
    assert as_markdown([]).count("\n") == 4


@pytest.mark.slow
def test_kept_results_have_their_verdicts(tmp_path, monkeypatch):
    """What needs no model: every claim has a verdict of the five, a command, and a source."""
    monkeypatch.setenv("ARITHMOSCOPE_STORE", str(tmp_path / "store"))
    only = (
        "multiplication/dissect",
        "multiplication/addition",
        "multiplication/published-size",
        "fourier/published-models",
    )
    make_all(only, tmp_path / "out", None, How())
    lines = list(csv.DictReader(io.StringIO((tmp_path / "out" / "verdicts.csv").read_text())))
    assert set(Counter(line["verdict"] for line in lines)) <= set(VERDICTS)
    assert all(line["command"] and line["paper"] and line["measured"] for line in lines)
