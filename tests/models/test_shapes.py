"""The table of shapes counts what transformers counts, and a directory tells its own shape."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM, GPTJConfig, GPTNeoXConfig, LlamaConfig

from interp.errors import InterpError
from interp.models import load, shapes
from interp.models.shapes import KNOWN, from_config, on_the_hub, shape_of


def config_of(name: str) -> Any:
    shape = KNOWN[name]
    if "gpt-j" in name:
        return GPTJConfig(n_layer=shape.n_layers, n_embd=shape.d_model, n_head=shape.n_heads, vocab_size=shape.d_vocab)
    common = {
        "num_hidden_layers": shape.n_layers,
        "hidden_size": shape.d_model,
        "num_attention_heads": shape.n_heads,
        "intermediate_size": shape.d_mlp,
        "vocab_size": shape.d_vocab,
    }
    if "pythia" in name:
        return GPTNeoXConfig(**common)
    return LlamaConfig(**common, num_key_value_heads=shape.n_kv_heads)


@pytest.mark.parametrize("name", KNOWN)
def test_the_table_counts_what_transformers_counts(name):
    config = config_of(name)
    with torch.device("meta"):
        plain = AutoModelForCausalLM.from_config(config)
    shape = KNOWN[name]
    assert sum(parameter.numel() for parameter in plain.parameters()) == shape.parameters
    told = from_config(config.to_dict(), shape.parameters)
    assert (told.n_layers, told.d_model, told.n_heads, told.n_kv_heads, told.d_mlp, told.d_vocab) == (
        *(shape.n_layers, shape.d_model, shape.n_heads, shape.n_kv_heads, shape.d_mlp, shape.d_vocab),
    )


@pytest.mark.parametrize("name", ["mental-math", "modadd-59"])
def test_a_directory_tells_its_shape_without_its_weights(name):
    model, shape = load(name), shape_of(name)
    assert (shape.n_layers, shape.d_model, shape.n_heads) == (
        *(model.cfg.n_layers, model.cfg.d_model, model.cfg.n_heads),
    )
    assert shape.d_vocab == model.cfg.d_vocab
    if name == "mental-math":
        assert shape.parameters == sum(p.numel() for p in model.original_model.parameters())


def test_case_and_revision_do_not_hide_a_known_model(monkeypatch):
    monkeypatch.setattr(shapes.zoo, "resolve", lambda *_: pytest.fail("fetched"))
    assert shape_of("eleutherai/GPT-J-6B@float16") == KNOWN["EleutherAI/gpt-j-6b"]


def test_what_is_on_the_hub(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "some" / "model").mkdir(parents=True)
    told = {"a/b": True, "some/model": False, "./a/b": False, "/a/b": False, "mental-math": False, "a/b/c": False}
    assert {name: on_the_hub(name) for name in told} == told


@pytest.mark.parametrize("text", [b"", b"\x05", b"\xff" * 16, b"\x02\0\0\0\0\0\0\0{}", b"\x02\0\0\0\0\0\0\0[]"])
def test_a_file_that_is_no_safetensors_is_one_line(tmp_path, text):
    (tmp_path / "config.json").write_text('{"n_layer": 2, "n_embd": 8, "n_head": 2, "vocab_size": 9}')
    (tmp_path / "model.safetensors").write_bytes(text)
    if text.endswith(b"{}"):
        assert shape_of(str(tmp_path)).parameters == 0
        return
    with pytest.raises(InterpError, match="is no safetensors file"):
        shape_of(str(tmp_path))


def test_a_config_that_does_not_say_is_one_line():
    with pytest.raises(InterpError, match="does not say n_layers"):
        from_config({"hidden_size": 8, "num_attention_heads": 2, "vocab_size": 9}, 0)
