"""A training is a function of its recipe: stopped anywhere and continued, it gives the same bytes, or says one line."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from interp.errors import Cancelled, InterpError
from interp.models import atomic
from interp.models.language import build_model
from interp.models.language_recipe import complete
from interp.models.number_tokenizer import number_tokenizer
from interp.models.train import train
from interp.models.training_directory import read_log

from .recipes import MADE, TINY, result, written


def stop_at(step: int, act):
    def progress(done: int, total: int, message: str) -> None:
        if done == step:
            act()

    return progress


def cancel() -> None:
    raise Cancelled("enough")


def test_seed_decides_the_bytes_and_global_random_state_is_untouched(whole, tmp_path, recipe):
    torch.manual_seed(5)
    expected = torch.rand(2)
    torch.manual_seed(5)
    train(recipe, tmp_path / "same")
    assert torch.equal(torch.rand(2), expected)
    assert result(tmp_path / "same") == result(whole)
    train(str(written(tmp_path, seed=1)), tmp_path / "other")
    assert result(tmp_path / "other")["weights"] != result(whole)["weights"]


def test_progress_is_told_at_every_step(tmp_path, recipe):
    told = []
    train(recipe, tmp_path / "out", progress=lambda done, total, message: told.append((done, total, message[:5])))
    assert told == [(step, 12, "loss ") for step in range(1, 13)]


@pytest.mark.parametrize("precision", ["bf16", "fp32"])
def test_stopped_twice_and_continued_is_as_if_never_stopped(tmp_path, precision):
    recipe = str(written(tmp_path, precision=precision))
    train(recipe, tmp_path / "whole")
    for step in (3, 8):
        with pytest.raises(Cancelled):
            train(recipe, tmp_path / "out", progress=stop_at(step, cancel))
    train(recipe, tmp_path / "out")
    assert result(tmp_path / "out") == result(tmp_path / "whole")


def test_precisions_differ_and_both_learn(tmp_path):
    losses = {}
    for precision in ("bf16", "fp32"):
        changes = {"phases": [{"until": 60, "styles": {"plain": 1}}], "batch": 64, "evaluate_every": 20}
        name = str(written(tmp_path, precision=precision, learning_rate=[[0, 3e-3]], **changes))
        train(name, tmp_path / precision)
        losses[precision] = [line["train_loss"] for line in read_log(tmp_path / precision)]
    assert losses["bf16"] != losses["fp32"]
    assert all(last < first - 0.5 for first, _, last in losses.values())


def weights_after(directory: Path, **changes) -> dict[str, torch.Tensor]:
    name = str(written(directory.parent, precision="fp32", **changes))
    train(name, directory)
    return load_file(directory / "model.safetensors")


def test_matrices_decay_and_gains_do_not(tmp_path):
    one_step = {"phases": [{"until": 1, "styles": {"plain": 1}}], "learning_rate": [[0, 0.01]]}
    free = weights_after(tmp_path / "free", **one_step, weight_decay=[[0, 0]])
    decayed = weights_after(tmp_path / "decayed", **one_step, weight_decay=[[0, 0.5]])
    first = build_model(complete(TINY), number_tokenizer()).state_dict()
    for name, weight in first.items():
        expected = -0.01 * 0.5 * weight if weight.ndim > 1 else torch.zeros_like(weight)
        assert torch.allclose(decayed[name] - free[name], expected, atol=1e-7), name


def test_gradients_are_clipped(tmp_path):
    tight, loose = (weights_after(tmp_path / str(clip), clip=clip) for clip in (0.01, 1e9))
    assert not torch.equal(tight["lm_head.weight"], loose["lm_head.weight"])


def test_ctrl_c_ends_the_step_and_saves_it(whole, tmp_path, recipe):
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt, match="stopped after step 7; the same command goes on from there"):
            train(recipe, tmp_path / "out", progress=stop_at(7, lambda: os.kill(os.getpid(), signal.SIGINT)))
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, before)
    seen = []
    train(recipe, tmp_path / "out", progress=lambda done, *_: seen.append(done))
    assert seen[0] == 8
    assert result(tmp_path / "out") == result(whole)


def test_a_kill_between_log_and_save_leaves_no_step_twice(whole, tmp_path, recipe):
    with pytest.raises(Cancelled):
        train(recipe, tmp_path / "out", progress=stop_at(5, cancel))
    with open(tmp_path / "out" / "log.jsonl", "a") as log:  # as a process killed at step 9, saved at 5, leaves it
        log.write(json.dumps({"step": 8, "train_loss": 9.9, "cpu_seconds": 1.0, "accuracy": {}}) + '\n{"step": 9, "tr')
    train(recipe, tmp_path / "out")
    assert result(tmp_path / "out") == result(whole)
    seconds = [line["cpu_seconds"] for line in read_log(tmp_path / "out")]
    assert seconds == sorted(seconds)


def test_a_full_disk_is_one_line_and_the_training_goes_on_later(whole, tmp_path, recipe, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch, pytest.raises(InterpError) as caught:
        train(recipe, tmp_path / "out", progress=stop_at(9, lambda: patch.setattr(atomic.os, "replace", full)))
    assert "No space left on device" in str(caught.value)
    assert "\n" not in str(caught.value)
    train(recipe, tmp_path / "out")
    assert result(tmp_path / "out") == result(whole)


SLOW = {"evaluate_every": 1, "evaluate_prompts": 2000}
"""Steps of some tenths of a second, so that a signal can meet one."""


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_process_stopped_in_the_middle_leaves_a_state_to_go_on_from(tmp_path, number):
    recipe, out = str(written(tmp_path, **SLOW)), tmp_path / "out"
    process = _start("train", recipe, "--out", str(out))
    _wait_for(process, lambda: len(read_log(out)) >= 6)
    process.send_signal(number)
    _, said = process.communicate(timeout=60)
    if number == signal.SIGINT:
        assert process.returncode == 130
        assert said.startswith("interp: training stopped after step ")
        assert said.count("\n") == 1
    assert not list(out.glob("*model*"))
    train(recipe, out)
    train(recipe, tmp_path / "whole")
    assert result(out) == result(tmp_path / "whole")
    assert {path.name for path in out.iterdir()} == MADE


def _start(*arguments: str) -> subprocess.Popen[str]:
    """Start the command line as a process whose SIGINT is not ignored, whatever that of the tests is."""
    return subprocess.Popen(
        [sys.executable, "-c", "from interp.cli import main; main()", *arguments],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def _wait_for(process: subprocess.Popen[str], seen, patience: float = 120) -> None:
    end = time.monotonic() + patience
    while not seen():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end
        time.sleep(0.02)
