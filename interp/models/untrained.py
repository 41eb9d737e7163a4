"""What is this model before it learned anything? The same architecture and tokenizer with freshly drawn weights.

A transformers model is drawn by its own initialisation (what training starts from); a native one with matrices at
1/sqrt(fan-in), so that its blocks say something. What a probe reads there is what the architecture hands on: random
attention over random embeddings carries the operands, and with them much of their sum.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch

from interp.models import native, zoo
from interp.models.bridge import Loaded
from interp.models.devices import check_device
from interp.models.plain import load_tokenizer


def untrained(name: str, device: str = "cpu", dtype: str = "float32", seed: int = 0) -> Any:
    """Return a frozen bridge like `load(name)` with weights drawn by `seed`; global random state is left alone.

    Raises InterpError as `load` does for a name, a device or a dtype that is none.
    """
    kind = native.as_dtype(dtype)
    check_device(device)
    directory = zoo.resolve(name)
    config = zoo.read_config(directory)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        if config.get("architecture") == native.ARCHITECTURE:
            model, tokenizer = native.boot(native.read_config(directory)["cfg"], device, kind), None
            _redraw(model)
            if (directory / "tokenizer.json").is_file():
                model.tokenizer = tokenizer = load_tokenizer(directory)
        else:
            tokenizer = load_tokenizer(directory)
            model = _drawn(directory, tokenizer, device, kind)
    for parameter in model.parameters():
        parameter.requires_grad_(False)
    told: Any = Loaded(name, directory, zoo.weights_sha256(directory), config, tokenizer)
    model.arith = replace(told, name=f"{name} untrained, seed {seed}")
    return model.eval()


def _drawn(directory: Any, tokenizer: Any, device: str, dtype: torch.dtype) -> Any:
    from transformer_lens.model_bridge import TransformerBridge
    from transformers import AutoConfig, AutoModelForCausalLM

    config = AutoConfig.from_pretrained(directory, local_files_only=True, trust_remote_code=False)
    plain = AutoModelForCausalLM.from_config(config, attn_implementation="eager").to(device=device, dtype=dtype)
    return TransformerBridge.boot_transformers(
        str(directory), hf_model=plain.eval(), tokenizer=tokenizer, device=device, dtype=dtype
    )


def _redraw(model: Any) -> None:
    with torch.no_grad():
        for _, parameter in sorted(model.named_parameters()):
            if parameter.ndim >= 2:
                parameter.copy_(torch.randn(parameter.shape) / parameter.shape[-1] ** 0.5)
