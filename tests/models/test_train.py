"""A training is a function of its recipe: stopped anywhere and continued, it gives the same bytes, or says one line."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from interp.errors import Cancelled, InterpError
from interp.models import atomic, bridge, zoo
from interp.models.train import train
from interp.models.training_directory import read_log

from .recipes import TINY, result, written

MADE = {"config.json", "generation_config.json", "log.jsonl", "model.safetensors", "recipe.json"}
MADE |= {"tokenizer.json", "tokenizer_config.json", "SHA256SUMS", zoo.STATE}


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Path:
    """A training in bf16 that nobody disturbed."""
    directory = tmp_path_factory.mktemp("whole")
    train(str(written(directory.parent)), directory / "out")
    return directory / "out"


@pytest.fixture
def copy(whole, tmp_path) -> Path:
    return Path(shutil.copytree(whole, tmp_path / "copy"))


@pytest.fixture
def recipe(tmp_path) -> str:
    return str(written(tmp_path))


def stop_at(step: int, act):
    def progress(done: int, total: int, message: str) -> None:
        if done == step:
            act()

    return progress


def cancel() -> None:
    raise Cancelled("enough")


def test_directory_is_what_it_says(whole):
    assert {path.name for path in whole.iterdir()} == MADE
    assert json.loads((whole / "recipe.json").read_text())["architecture"]["num_key_value_heads"] == 2
    assert [line["step"] for line in read_log(whole)] == [4, 8, 12]
    assert set(read_log(whole)[0]) == {"step", "train_loss", "cpu_seconds", "accuracy"}
    assert set(read_log(whole)[0]["accuracy"]) == {f"{t} {s}" for t in TINY["tasks"] for s in ("plain", "verbal")}
    assert zoo.check_sums(whole) == len(MADE) - 2  # all but itself and the state
    assert {oct(path.stat().st_mode & 0o777) for path in whole.iterdir()} == {oct(0o666 & ~_umask())}


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


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


def test_finished_is_finished(copy, recipe):
    before = {path.name: path.read_bytes() for path in copy.iterdir()}
    steps = []
    scores = train(recipe, copy, progress=lambda *_: steps.append(1))
    assert not steps
    assert scores == read_log(copy)[-1]["accuracy"]
    assert {path.name: path.read_bytes() for path in copy.iterdir()} == before


def test_a_longer_schedule_goes_on_and_is_sealed_anew(copy, tmp_path):
    first = (copy / "SHA256SUMS").read_text()
    train(str(written(tmp_path, phases=[{"until": 14, "styles": {"plain": 1}}])), copy)
    assert [line["step"] for line in read_log(copy)] == [4, 8, 12, 14]
    assert (copy / "SHA256SUMS").read_text() != first
    zoo.check_sums(copy)


def test_fresh_begins_again(whole, copy, recipe):
    steps = []
    train(recipe, copy, resume=False, progress=lambda done, *_: steps.append(done))
    assert steps[0] == 1
    assert result(copy) == result(whole)


def test_transformers_opens_the_result_as_it_is(copy):
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer, tokens = AutoTokenizer.from_pretrained(copy), None
    tokens = tokenizer("12+34=", return_tensors="pt")["input_ids"]
    logits = AutoModelForCausalLM.from_pretrained(copy)(tokens).logits
    name = zoo.weights_sha256(copy)
    assert torch.allclose(bridge.load(str(copy))(tokens), logits, atol=1e-5)
    (copy / zoo.STATE).unlink()  # it is no part of the model
    assert torch.equal(AutoModelForCausalLM.from_pretrained(copy)(tokens).logits, logits)
    assert zoo.weights_sha256(copy) == name


@pytest.mark.parametrize("fresh", [False, True])
def test_another_recipe_is_refused(whole, copy, tmp_path, fresh):
    other = str(written(tmp_path, seed=3))
    with pytest.raises(InterpError, match=r"another recipe \(differs in seed\).*choose an empty directory"):
        train(other, copy, resume=not fresh)
    assert {p.name: p.read_bytes() for p in copy.iterdir()} == {p.name: p.read_bytes() for p in whole.iterdir()}


def test_a_directory_of_something_else_is_refused(tmp_path, recipe):
    with pytest.raises(InterpError, match=r"in use and holds no training"):
        train(recipe, tmp_path)
    with pytest.raises(InterpError, match=r"in use and holds no training"):
        train(recipe, Path(recipe))


def test_a_finished_model_without_its_state_is_left_alone(copy, recipe):
    (copy / zoo.STATE).unlink()  # as it is shipped
    before = {path.name: path.read_bytes() for path in copy.iterdir()}
    with pytest.raises(InterpError, match="without its training state"):
        train(recipe, copy)
    assert {path.name: path.read_bytes() for path in copy.iterdir()} == before


def test_the_state_of_another_recipe_or_a_damaged_one_is_refused(copy, tmp_path, recipe):
    state = (copy / zoo.STATE).read_bytes()
    (copy / zoo.STATE).write_bytes(state[:-9])
    with pytest.raises(InterpError, match=r"training-state.safetensors is damaged"):
        train(recipe, copy)
    (copy / zoo.STATE).write_bytes(state)
    changed = json.loads((copy / "recipe.json").read_text()) | {"seed": 3}
    (copy / "recipe.json").write_text(json.dumps(changed))
    with pytest.raises(InterpError, match=r"belongs to another recipe"):
        train(str(written(tmp_path, seed=3)), copy)


@pytest.mark.parametrize("name", sorted(MADE - {"SHA256SUMS", zoo.STATE}))
def test_an_altered_file_is_told(copy, name):
    data = bytearray((copy / name).read_bytes())
    data[len(data) // 2] ^= 1
    (copy / name).write_bytes(data)
    with pytest.raises(InterpError, match=r"altered or missing|is no checkpoint"):
        bridge.load(str(copy))


def test_a_full_disk_is_one_line_and_the_training_goes_on_later(whole, tmp_path, recipe, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch, pytest.raises(InterpError) as caught:
        train(recipe, tmp_path / "out", progress=stop_at(9, lambda: patch.setattr(atomic.os, "replace", full)))
    assert "No space left on device" in str(caught.value)
    assert "\n" not in str(caught.value)
    train(recipe, tmp_path / "out")
    assert result(tmp_path / "out") == result(whole)


def test_an_unknown_device_is_refused_before_anything_is_written(tmp_path, recipe):
    with pytest.raises(InterpError, match=r"device 'gpu' cannot be used"):
        train(recipe, tmp_path / "out", device="gpu")
    assert not (tmp_path / "out").exists()


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
