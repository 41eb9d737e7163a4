"""The protocol of "All for One" as a user runs it: on planted truth, on tiny models of its architectures, dry."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import ClassVar, cast

import numpy as np
import pytest

from experiments.af1 import figures, tables
from experiments.af1.protocol import TASKS, Protocol, follow, window_of
from experiments.af1.reproduce import main as reproduce
from experiments.af1.verdict import verdicts
from interp.errors import InterpError
from interp.figures.export import browser
from interp.progress import silent
from interp.store import Store
from interp.verdicts import VERDICTS
from tests.experiments.answering import save

OPERANDS = (0, 11)


def small(model: str, operands: str | None = None) -> Protocol:
    return Protocol(model, operands=operands, n_reference=1500, n_selection=120, n=60, n_search=40)


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Store, dict[str, str]]:
    """The whole protocol on a model whose window is known."""
    store = Store(tmp_path_factory.mktemp("protocol") / "store")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda _: None)  # a store for tests need not survive a power cut
        return store, follow(small("planted:wait=2,transfer=2,layers=6"), store, silent)


@pytest.mark.slow
def test_the_planted_window_is_found_and_judged(planted: tuple[Store, dict[str, str]]) -> None:
    store, runs = planted
    assert window_of(store, runs["search"]) == (2, 2)
    found = {each.claim.name: each for each in verdicts(store, runs)}
    assert {each.verdict for each in found.values()} <= set(VERDICTS)
    for name in ("discovery", "l_wait", "l_transfer", "necessity", "alternatives"):
        assert found[name].verdict == "scaled", f"{name}: {found[name].said}"
    assert found["discovery"].ours == 1.0
    assert "blocks that hurt: [2, 3]" in found["necessity"].said
    assert found["other models"].verdict == "not run"
    assert found["a-b-c"].verdict == "not run", "it answers next to none of these prompts, so nothing can be said"


@pytest.mark.slow
def test_tables_say_what_was_recorded(planted: tuple[Store, dict[str, str]]) -> None:
    store, runs = planted
    first = tables.t1(store, runs).set_index("task")
    assert first.loc["a+b+c (discovery)", "AF1 faithfulness"].startswith("1.000 [")
    assert list(first.index)[-1] == "four more tasks of the paper: not specified"
    second = tables.t2(store, runs).set_index("what")
    assert list(second.loc["l_wait"]) == [2, 15]
    assert list(second.loc["block index"]) == ["1", "14"]
    assert len(tables.t3(store, runs)) == 12
    fourth = tables.t4(store, runs).set_index("alternative")
    assert fourth.loc["zero", "faithfulness"].startswith("0.0")
    recorded = store.open(runs["t4"]).dataset["faithfulness"].sel(alternative="resample")
    assert fourth.loc["resample", "faithfulness"].startswith(f"{float(recorded):.3f}")


@pytest.mark.slow
def test_every_figure_and_table_becomes_files(planted: tuple[Store, dict[str, str]], tmp_path: Path) -> None:
    store, runs = planted
    files = {path.name for path in figures.write(store, runs, figures.NAMES, tmp_path)}
    endings = ("html", "png", "svg", "pdf") if browser() else ("html",)
    assert {f"{name}.{ending}" for name in figures.NAMES for ending in endings} <= files
    assert {f"{name}.csv" for name in (*tables.TABLES, "verdicts")} <= files
    assert all((tmp_path / name).stat().st_size > 100 for name in files)


@pytest.mark.slow
def test_nothing_recorded_is_computed_again(
    planted: tuple[Store, dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    store, runs = planted
    monkeypatch.setattr("interp.execute.answer", lambda *a, **k: pytest.fail("computed again"))
    assert follow(small("planted:wait=2,transfer=2,layers=6"), store, silent) == runs


@pytest.mark.slow
@pytest.mark.parametrize("family", ["llama", "neox", "gptj"])
def test_the_paper_s_architectures_go_through(family: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Random blocks with a fitted readout: nothing is known of the window, but every part must run and be a share."""
    monkeypatch.setattr(os, "fsync", lambda _: None)
    directory, store = save(tmp_path / family, family, OPERANDS), Store(tmp_path / "store")
    asked = small(str(directory), "0..11")._replace(n=300)
    runs = follow(asked, store, silent, only=("f1b", "f1d", "t4", "heads"))
    summary = store.open(runs["search"]).summary
    assert summary["n_selection"] >= 20, "the readout answers enough to choose a window"
    assert set(runs) == {"search", "f1b", "f1d", "t4", *(["heads"] if "heads" in runs else [])}
    for name, run_id in runs.items():
        dataset = store.open(run_id).dataset
        kept = dataset["faithfulness" if "faithfulness" in dataset else "curve"].values
        assert np.all((kept >= 0) & (kept <= 1)), name
    dataset = store.open(runs["search"]).dataset
    assert float(dataset["wait_faithfulness"].sel(variant="cama", l_wait_tried=0)) == 1.0


def test_parts_are_those_of_the_issue() -> None:
    """Every task in every style under the window, three seeds of the full model for the two operations."""
    parts = small("mental-math").parts(2, 1)
    assert sum(name.startswith("window ") for name in parts) == 6 * len(TASKS) == 36
    assert {spec.seed for name, spec in parts.items() if name.startswith("base ")} == {42, 123, 999}
    assert parts["f1a"].parameters["variants"] is None, "every way to wait"
    assert parts["window a-b verbal"].parameters["l_wait"] == 2
    assert "heads" not in small("mental-math").parts(2, 0), "no transfer block, no head"


def test_a_model_that_answers_nothing_is_told() -> None:
    with pytest.raises(InterpError, match="answers none of the prompts"):
        window_of(cast("Store", _Silent()), "any")


class _Silent:
    """A store whose one run answered nothing."""

    summary: ClassVar = {"n": 0, "found": False}

    def open(self, run_id: str) -> _Silent:
        return self


@pytest.mark.parametrize(
    ("window", "wrong"), [("15", "write L_WAIT,L_TRANSFER"), ("15,40", "outside meta-llama"), ("a,b", "cannot be read")]
)
def test_a_bad_window_is_refused_before_anything_is_loaded(window: str, wrong: str) -> None:
    with pytest.raises(InterpError, match=wrong):
        reproduce(model="meta-llama/Meta-Llama-3-8B", window=window, dry_run=True, n=1000, n_reference=4096,
                  batch_size=512)  # fmt: skip


def test_a_dry_run_plans_a_model_that_is_not_there(tmp_path: Path) -> None:
    """As a command: no weights, no network, no store; prompts, batches, forwards and memory are told."""
    command = [sys.executable, "-m", "experiments.af1.reproduce", "--model", "meta-llama/Meta-Llama-3-8B", "--dry-run"]
    done = subprocess.run(
        [*command, "--device", "cuda", "--dtype", "bfloat16"],
        capture_output=True, text=True, timeout=120, env={**os.environ, "HF_HUB_OFFLINE": "1"}, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "32 blocks, 8.03 B parameters, bfloat16" in done.stdout
    for word in ("prompts each", "batches", "forwards", "memory GB", "reference 4,096", "Most memory at once on cuda"):
        assert word in done.stdout
    gigabytes = float(done.stdout.split("Most memory at once on cuda: ")[1].split(" GB")[0])
    assert 16 < gigabytes < 40, "the weights alone are 16 GB"
