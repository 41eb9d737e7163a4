"""A model is opened as it is, or refused in one line: whole, unaltered, and computing what the plain model computes."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch

from interp.errors import InterpError
from interp.models import bridge, load
from interp.models.number_tokenizer import number_tokenizer
from tests.checkpoint import random_llama


@pytest.fixture
def copy(checkpoint, tmp_path) -> Path:
    return Path(shutil.copytree(checkpoint, tmp_path / "copy"))


def plain_log_probs(directory: Path, tokens: torch.Tensor, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    from transformers import AutoModelForCausalLM

    return torch.log_softmax(AutoModelForCausalLM.from_pretrained(directory, dtype=dtype)(tokens).logits.float(), -1)


def test_log_probs_are_those_of_plain_transformers(checkpoint, no_network):
    model = load(str(checkpoint))
    tokens = model.arith.tokenizer("12+34=", return_tensors="pt")["input_ids"]
    ours = torch.log_softmax(model(tokens), -1)
    assert torch.allclose(ours, plain_log_probs(checkpoint, tokens), atol=1e-5)
    assert no_network == []
    assert not any(parameter.requires_grad for parameter in model.parameters())
    assert not model.training
    assert (model.arith.name, model.arith.directory, model.arith.task) == (str(checkpoint), checkpoint, None)
    assert len(model.arith.weights_sha256) == 64


@pytest.mark.parametrize(("dtype", "atol"), [("bfloat16", 0.1), ("float64", 1e-5)])
def test_dtype_is_the_one_asked_for(checkpoint, dtype, atol):
    model = load(str(checkpoint), dtype=dtype)
    assert {parameter.dtype for parameter in model.parameters()} == {getattr(torch, dtype)}
    tokens = bridge.probe_tokens(model.cfg.d_vocab, 6, "cpu")
    assert torch.allclose(bridge.log_probs(model(tokens)).float(), plain_log_probs(checkpoint, tokens), atol=atol)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
@pytest.mark.parametrize(("dtype", "atol"), [("float32", 1e-3), ("bfloat16", 0.15)])
def test_log_probs_on_a_gpu(checkpoint, dtype, atol):
    model = load(str(checkpoint), "cuda", dtype)
    tokens = bridge.probe_tokens(model.cfg.d_vocab, 6, "cpu")
    ours = bridge.log_probs(model(tokens.cuda())).float().cpu()
    assert torch.allclose(ours, plain_log_probs(checkpoint, tokens), atol=atol)


def square(directory: Path, d_model: int, vocab: int) -> Path:
    tokenizer = number_tokenizer(highest=vocab - 7, extra=["+", "-", "="])
    random_llama(len(tokenizer), d_model=d_model).save_pretrained(directory)
    tokenizer.save_pretrained(directory)
    assert len(tokenizer) == vocab
    return directory


def test_processing_keeps_the_function_or_is_refused(tmp_path):
    fine = load(str(square(tmp_path / "fine", 32, 40)))
    tokens = bridge.probe_tokens(40, 6, "cpu")
    before = bridge.log_probs(fine(tokens))
    assert bridge.process_weights(fine) is fine
    assert torch.allclose(bridge.log_probs(fine(tokens)), before, atol=1e-4)
    with pytest.raises(InterpError) as caught:  # trap 1: TransformerLens takes the wrong axis for the vocabulary
        bridge.process_weights(load(str(square(tmp_path / "square", 32, 32))))
    assert str(caught.value).startswith("processing the weights changed the model: log-probabilities differ by up to")
    assert "\n" not in str(caught.value)


def test_processing_a_toy_model_is_safe():
    model = load("modadd-59")
    tokens = bridge.probe_tokens(model.cfg.d_vocab, model.cfg.n_ctx, "cpu")
    before = bridge.log_probs(model(tokens))
    assert tokens.shape == (4, 3)
    assert torch.allclose(bridge.log_probs(bridge.process_weights(model)(tokens)), before, atol=1e-4)


def test_processing_that_fails_is_one_line(checkpoint, monkeypatch):
    model = load(str(checkpoint))
    monkeypatch.setattr(
        type(model), "enable_compatibility_mode", lambda *_, **__: (_ for _ in ()).throw(ValueError("x\ny"))
    )
    with pytest.raises(InterpError, match=r"cannot process these weights \(x\); reload"):
        bridge.process_weights(model)


@pytest.mark.parametrize("wrong", [0.5, float("nan")])
def test_a_bridge_that_computes_something_else_is_refused(checkpoint, monkeypatch, wrong):
    from transformer_lens.model_bridge import TransformerBridge

    real = TransformerBridge.forward
    monkeypatch.setattr(TransformerBridge, "forward", lambda self, *a, **k: real(self, *a, **k) * (1 + wrong))
    with pytest.raises(InterpError, match="wrapping in TransformerLens changed the model"):
        load(str(checkpoint))


def test_an_architecture_that_the_bridge_does_not_know_is_one_line(checkpoint, monkeypatch):
    from transformer_lens.model_bridge import TransformerBridge

    def refuse(*_: object, **__: object) -> None:
        raise ValueError("Unsupported architecture: Zebra\nand more")

    monkeypatch.setattr(TransformerBridge, "boot_transformers", refuse)
    with pytest.raises(InterpError, match=r"cannot wrap .* \(Unsupported architecture: Zebra\)"):
        load(str(checkpoint))


def config(**changes: object):
    def change(directory: Path) -> None:
        path = directory / "config.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | changes))

    return change


def without(*patterns: str):
    def change(directory: Path) -> None:
        for pattern in patterns:
            for path in directory.glob(pattern):
                path.unlink()

    return change


def text(name: str, content: str):
    return lambda directory: (directory / name).write_text(content)


def cut(directory: Path) -> None:
    path = directory / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-64])


REMOTE = {"AutoConfig": "x.Y", "AutoModelForCausalLM": "x.Z"}
BROKEN = {
    "empty": (without("*"), "is no checkpoint (it has no config.json to read)"),
    "no config": (without("config.json"), "is no checkpoint (it has no config.json"),
    "config is no JSON": (text("config.json", "{"), "is no checkpoint (its config.json is not JSON"),
    "config is a list": (text("config.json", "[]"), "holds no object"),
    "unknown architecture": (config(model_type="zebra"), "is no model that transformers knows"),
    "code of its own": (config(model_type="zebra", auto_map=REMOTE), "is no model that transformers knows"),
    "impossible number": (config(num_attention_heads=3), "is no model that transformers knows"),
    "number as text": (config(num_attention_heads="four"), "is no model that transformers knows"),
    "another architecture": (config(model_type="gpt2", n_layer=2), "weights are absent"),
    "block without weights": (config(num_hidden_layers=3), "9 weights are absent, model.layers.2."),
    "weights without block": (config(num_hidden_layers=1), "9 weights are of blocks that config.json does not have"),
    "another shape": (config(intermediate_size=64), "weights are of another shape than config.json says"),
    "no weights": (without("*.safetensors"), "cannot be opened as a language model"),
    "truncated": (cut, "cannot be opened as a language model"),
    "no safetensors": (text("model.safetensors", "x"), "cannot be opened as a language model"),
    "no tokenizer": (without("tokenizer*"), "has no tokenizer that can be opened"),
    "tokenizer is no JSON": (text("tokenizer.json", "{"), "has no tokenizer that can be opened"),
    "tokenizer is empty": (text("tokenizer.json", "{}"), "has no tokenizer that can be opened"),
    "wrong hash": (text("SHA256SUMS", "0" * 64 + "  config.json\n"), "is altered or missing: expected sha256 0000"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_checkpoint_is_one_line(copy, no_network, capsys, name):
    change, said = BROKEN[name]
    change(copy)
    with pytest.raises(InterpError) as caught:
        load(str(copy))
    assert said in str(caught.value)
    assert str(copy) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert no_network == []
    assert capsys.readouterr().out == ""  # no question whether to trust the code of a checkpoint


@pytest.mark.parametrize("device", ["gpu", "cuda:99", "meta", ""])
def test_a_device_that_cannot_compute_is_one_line(checkpoint, device):
    with pytest.raises(InterpError) as caught:
        load(str(checkpoint), device=device)
    assert f"device {device!r} cannot be used" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_unknown_dtype_is_one_line_with_the_nearest(checkpoint):
    with pytest.raises(InterpError, match=r"Unknown dtype 'float23'. Did you mean float"):
        load(str(checkpoint), dtype="float23")
