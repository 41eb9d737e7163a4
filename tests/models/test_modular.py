"""The grokking trainer resumes exactly, its directories open or fail in one line, and the shipped model groks."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from interp.errors import Cancelled, InterpError
from interp.models import modular, native
from interp.models.modular_training import history, train_modular
from interp.tasks.modular import modular_prompts, pairs, training_pairs, unmirrored

TINY = {"p": 7, "d_model": 8, "n_heads": 2, "d_mlp": 16, "steps": 30, "log_every": 5, "save_every": 4}
TINY["checkpoints"] = [0, 10, 20]
ZOO = Path(__file__).parents[2] / "data" / "zoo" / "modadd-59"


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Path:
    """A tiny training that ran without a break."""
    directory = tmp_path_factory.mktemp("whole")
    train_modular(TINY, directory)
    return directory


def contents(directory: Path) -> dict[str, bytes]:
    return {str(p.relative_to(directory)): p.read_bytes() for p in directory.rglob("*") if p.is_file()}


def stop_at(step: int, error: BaseException):
    def progress(done: int, total: int, message: str) -> None:
        if done == step:
            raise error

    return progress


def test_setting_is_the_one_of_the_paper():
    recipe = modular.complete(TINY)
    model = modular.build_model(recipe)
    biases = [p for name, p in model.named_parameters() if name.endswith("bias")]
    assert biases
    assert all(not p.requires_grad and not p.any() for p in biases)
    assert model.W_E.shape == (8, 8)  # 7 residues and '='
    assert model.W_U.shape == (8, 7)
    assert model.cfg.normalization_type is None
    big = modular.build_model(modular.complete({}))
    assert big.W_E.var().item() == pytest.approx(1 / 64, rel=0.1)
    assert big.W_out.var().item() == pytest.approx(1 / 64, rel=0.1)
    assert big.W_U.var().item() == pytest.approx(1 / 60, rel=0.1)


def test_seed_decides_the_weights_and_global_random_state_is_untouched():
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    first, same, other = (modular.build_model(modular.complete({**TINY, "seed": s})) for s in (0, 0, 1))
    assert torch.equal(torch.rand(2), expected)
    assert torch.equal(first.W_E, same.W_E)
    assert not torch.equal(first.W_E, other.W_E)


def test_full_batch_by_hand():
    tokens, answers = modular.full_batch(3)
    assert tokens.tolist()[:4] == [[0, 0, 3], [0, 1, 3], [0, 2, 3], [1, 0, 3]]
    assert answers.tolist() == [0, 1, 2, 1, 2, 0, 2, 0, 1]


def test_evaluate_by_hand():
    answers = torch.tensor([0, 1, 1, 0])
    logits = torch.log(torch.tensor([[0.5, 0.5, 0], [0.1, 0.8, 0.1], [0.6, 0.2, 0.2], [0.9, 0.05, 0.05]]))
    batch = modular.Batch(torch.zeros(4, 3, dtype=torch.long), answers)
    rows = np.array([True, True, True, False])
    score = modular.evaluate(lambda tokens: logits[:, None], batch, {"some": rows})["some"]
    assert score.accuracy == pytest.approx(2 / 3)  # the tie of the first row goes to the first class
    assert score.loss == pytest.approx(-np.log([0.5, 0.8, 0.2]).mean(), abs=1e-6)


def test_split_counts_and_mirrors():
    train = training_pairs(59, 0.5, 0)
    assert train.sum() == 1740
    assert np.array_equal(train, training_pairs(59, 0.5, 0))
    assert not np.array_equal(train, training_pairs(59, 0.5, 1))
    trained = {tuple(pair) for pair in pairs(59)[train]}
    clean = {tuple(pair) for pair in pairs(59)[unmirrored(train)]}
    assert clean == {(a, b) for a, b in pairs(59).tolist() if {(a, b), (b, a)}.isdisjoint(trained)}


@pytest.mark.parametrize("stop", [1, 4, 13, 30])
@pytest.mark.parametrize("error", [Cancelled("stop"), KeyboardInterrupt()])
def test_interrupted_training_ends_with_the_same_bytes(whole, tmp_path, stop, error):
    with pytest.raises(type(error)):
        train_modular(TINY, tmp_path, progress=stop_at(stop, error))
    with pytest.raises(InterpError, match=r"model\.safetensors is missing"):
        native.load_native(tmp_path)
    train_modular(TINY, tmp_path)
    assert contents(tmp_path) == contents(whole)


@pytest.mark.slow
def test_killed_training_ends_with_the_same_bytes(whole, tmp_path):
    script = (
        "import json, os, signal, sys\n"
        "from interp.models.modular_training import train_modular\n"
        "def kill(done, total, message):\n"
        "    if done == 13: os.kill(os.getpid(), signal.SIGKILL)\n"
        "train_modular(json.loads(sys.argv[1]), sys.argv[2], progress=kill)\n"
    )
    ended = subprocess.run([sys.executable, "-c", script, json.dumps(TINY), str(tmp_path)], check=False)
    assert ended.returncode == -signal.SIGKILL
    assert (tmp_path / "training-state.safetensors").exists()
    train_modular(TINY, tmp_path)
    assert contents(tmp_path) == contents(whole)


def test_finished_training_is_returned_as_it_is(whole):
    before = contents(whole)
    result = train_modular(TINY, whole, progress=stop_at(0, AssertionError("it trained again")))
    assert contents(whole) == before
    assert result["step"].values.tolist() == [0, 5, 10, 15, 20, 25, 30]
    assert result.attrs["weights_sha256"] == native.read_config(whole)["sha256"]["model.safetensors"]
    assert all(result[name].attrs["units"] and result[name].attrs["description"] for name in result)


def test_reload_gives_the_same_logits(whole):
    recipe = modular.complete(TINY)
    tokens, train = modular.full_batch(7).tokens, modular.split(7, 0.5, 0)
    untrained = native.load_native(whole, step=0)
    assert torch.equal(untrained(tokens), modular.build_model(recipe)(tokens))
    model = native.load_native(whole)
    assert torch.equal(model(tokens), native.load_native(whole, step=30)(tokens))
    assert not torch.equal(model(tokens), untrained(tokens))
    assert not model.training
    assert not any(p.requires_grad for p in model.parameters())
    last = history(whole).isel(step=-1)
    again = modular.measure(model, modular.full_batch(7), train, 30)
    assert again == pytest.approx({"step": 30, **{k: float(v) for k, v in last.data_vars.items()}}, rel=1e-6)


def test_dtype_is_honoured(whole):
    tokens = modular.full_batch(7).tokens
    exact, half = (native.load_native(whole, dtype=name) for name in ("float64", "bfloat16"))
    assert exact.W_E.dtype == torch.float64
    torch.testing.assert_close(exact(tokens).float(), native.load_native(whole)(tokens))
    torch.testing.assert_close(half(tokens).double(), exact(tokens), atol=0.1, rtol=0.1)
    with pytest.raises(InterpError, match="Did you mean float32"):
        native.load_native(whole, dtype="float23")


def copy_of(whole: Path, target: Path) -> Path:
    for name, data in contents(whole).items():
        (target / name).parent.mkdir(exist_ok=True)
        (target / name).write_bytes(data)
    return target


@pytest.mark.parametrize("keep", [0, 5, 200, -1])
@pytest.mark.parametrize("listed", [True, False])
def test_truncated_checkpoint_is_one_clear_line(whole, tmp_path, keep, listed):
    path = copy_of(whole, tmp_path) / "model.safetensors"
    path.write_bytes(path.read_bytes()[:keep])
    if not listed:
        config = native.read_config(tmp_path)
        del config["sha256"]
        (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(InterpError, match="truncated") as caught:
        native.load_native(tmp_path)
    assert "\n" not in str(caught.value)


def test_flipped_bit_in_a_checkpoint_is_reported(whole, tmp_path):
    path = copy_of(whole, tmp_path) / native.checkpoint_name(20)
    data = bytearray(path.read_bytes())
    data[-3] ^= 1
    path.write_bytes(data)
    with pytest.raises(InterpError, match="altered"):
        native.load_native(tmp_path, step=20)


def test_wrong_shape_missing_step_and_no_checkpoint(whole, tmp_path):
    config = native.read_config(copy_of(whole, tmp_path))
    config["cfg"]["d_mlp"] = 12
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(InterpError, match=r"does not fit config.json.*wrong shape.*mlp"):
        native.load_native(tmp_path)
    with pytest.raises(InterpError, match="no checkpoint of step 7"):
        native.load_native(whole, step=7)
    with pytest.raises(InterpError, match="is no native checkpoint"):
        native.load_native(tmp_path / "nowhere")
    (tmp_path / "config.json").write_text('{"architecture": "llama"}')
    with pytest.raises(InterpError, match="is no native checkpoint"):
        native.load_native(tmp_path)
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(InterpError, match="cannot be read"):
        native.load_native(tmp_path)


def test_configuration_that_cannot_be_built_is_one_line(whole, tmp_path):
    config = native.read_config(copy_of(whole, tmp_path))
    config["cfg"]["act_fn"] = "wobble"
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(InterpError, match="cannot be built"):
        native.load_native(tmp_path)


def test_directory_of_another_training_is_left_alone(whole):
    before = contents(whole)
    with pytest.raises(InterpError, match=r"another recipe.*differs in seed"):
        train_modular({**TINY, "seed": 1}, whole)
    with pytest.raises(InterpError, match="holds a training already"):
        train_modular(TINY, whole, resume=False)
    assert contents(whole) == before


def test_damaged_state_is_one_line(tmp_path):
    with pytest.raises(Cancelled):
        train_modular(TINY, tmp_path, progress=stop_at(13, Cancelled()))
    state = tmp_path / "training-state.safetensors"
    data = state.read_bytes()
    state.write_bytes(data[: len(data) // 2])
    with pytest.raises(InterpError, match="is damaged"):
        train_modular(TINY, tmp_path)


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("learning_rat", 1, "Did you mean learning_rate"),
        ("p", 1, "p=1: expected"),
        ("n_heads", 3, "divisor"),
        ("train_fraction", 1.0, "between 0 and 1"),
        ("steps", 0, "steps=0"),
        ("betas", [0.9], "betas"),
        ("task", "a+b", "modadd"),
    ],
)
def test_bad_recipe(tmp_path, field, value, message):
    with pytest.raises(InterpError, match=message):
        train_modular({**TINY, field: value}, tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_place_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(InterpError, match="Could not write"):
        train_modular(TINY, tmp_path / "file" / "model")


def test_full_disk_leaves_earlier_files(whole, tmp_path, monkeypatch):
    def full(descriptor):
        raise OSError(28, "No space left on device")

    copy_of(whole, tmp_path)
    before = contents(tmp_path)
    monkeypatch.setattr("interp.models.atomic.os.fsync", full)
    with pytest.raises(InterpError, match="No space left on device"):
        native.atomic.write_json(tmp_path / "config.json", {})
    assert contents(tmp_path) == before


def test_shipped_model_groks_and_its_log_is_its_own():
    config, log = native.read_config(ZOO), history(ZOO)
    assert 20 <= len(native.checkpoint_steps(ZOO)) <= 30
    assert sum(p.stat().st_size for p in ZOO.rglob("*") if p.is_file()) < 8e6
    assert json.loads((ZOO / "recipe.json").read_text()) == modular.complete({})
    for name, expected in config["sha256"].items():
        assert native.atomic.digest((ZOO / name).read_bytes()) == expected, name
    batch, train = modular.full_batch(59), modular.split(59, 0.5, 0)
    for step in (0, native.checkpoint_steps(ZOO)[-1]):
        found = modular.measure(native.load_native(ZOO, step=step), batch, train, step)
        logged = {"step": step, **{k: float(v) for k, v in log.sel(step=step).data_vars.items()}}
        assert found == pytest.approx(logged, rel=1e-3)
    assert found["test_accuracy"] > 0.99
    assert found["unmirrored_accuracy"] > 0.99
    assert log["train_accuracy"].sel(step=300) == 1  # memorised long before
    assert log["unmirrored_accuracy"].sel(step=300) < 0.05


def test_prompts_agree_with_the_shipped_model():
    prompts = modular_prompts(59, "unmirrored").sample(200, seed=1)
    logits = native.load_native(ZOO)(torch.from_numpy(prompts.tokens))[:, prompts.position("eq")]
    assert (logits.argmax(-1).numpy() == prompts.answer_ids).mean() > 0.99


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 1e-3), ("bfloat16", 0.5)])
def test_shipped_model_on_cuda(dtype, tolerance):
    """Tolerance on logits of up to 40; the answers themselves must not change."""
    tokens, answers = modular.full_batch(59)
    expected = native.load_native(ZOO)(tokens)[:, -1]
    found = native.load_native(ZOO, "cuda", dtype)(tokens.cuda())[:, -1].float().cpu()
    assert (found - expected).abs().max() < tolerance
    assert (found.argmax(-1) == answers).all()


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
def test_training_on_cuda_starts_from_the_same_weights(whole, tmp_path):
    train_modular(TINY, tmp_path, device="cuda")
    name = native.checkpoint_name(0)
    assert (tmp_path / name).read_bytes() == (whole / name).read_bytes()
    difference = history(tmp_path)["train_loss"] - history(whole)["train_loss"]
    assert float(abs(difference).max()) < 1e-2


def test_the_recipe_beside_a_model_trains_it_again(whole, tmp_path):
    """`interp train DIR/recipe.json`: the file says task, not trainer."""
    from interp.models.train import train

    train(str(whole / "recipe.json"), tmp_path / "again")
    assert contents(tmp_path / "again") == contents(whole)
