"""What a training leaves, who may go on there, and that the result is an ordinary checkpoint."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
import torch

from interp.errors import InterpError
from interp.models import bridge, zoo
from interp.models.train import train
from interp.models.training_directory import read_log

from .recipes import MADE, TINY, result, written


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


def test_finished_is_finished(copy, recipe):
    before = {path.name: path.read_bytes() for path in copy.iterdir()}
    steps = []
    scores = train(recipe, copy, progress=lambda *_: steps.append(1))
    assert not steps
    assert scores == read_log(copy)[-1]["accuracy"]
    assert {path.name: path.read_bytes() for path in copy.iterdir()} == before


def test_a_longer_schedule_goes_on_and_is_sealed_anew(copy, tmp_path):
    first, lines = (copy / "SHA256SUMS").read_text(), read_log(copy)
    lines[-1]["cpu_seconds"] = 1000.0
    (copy / "log.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    seen = []
    longer = str(written(tmp_path, phases=[{"until": 14, "styles": {"plain": 1}}], threads=2))
    train(longer, copy, progress=lambda *_: seen.append(((copy / "SHA256SUMS").exists(), torch.get_num_threads())))
    assert seen == [(False, 2)] * 2  # what is trained on is not vouched for
    assert read_log(copy)[-1]["cpu_seconds"] >= 1000.0  # over all sittings
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


def test_an_unknown_device_is_refused_before_anything_is_written(tmp_path, recipe):
    with pytest.raises(InterpError, match=r"device 'gpu' cannot be used"):
        train(recipe, tmp_path / "out", device="gpu")
    assert not (tmp_path / "out").exists()
