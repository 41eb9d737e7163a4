"""Which model is measured? A random Llama whose matrices have scale 1 / sqrt(fan in), so that every block is heard.

with saved(config, tokenizer) as directory: open it as any checkpoint
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch


@contextmanager
def saved(config: Any, tokenizer: Any) -> Iterator[str]:
    """Yield a directory with the seeded Llama of a `LlamaConfig` and its tokenizer, gone after the block."""
    from transformers import LlamaForCausalLM

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        plain = LlamaForCausalLM(config)
        for weight in plain.parameters():
            if weight.ndim == 2:
                torch.nn.init.normal_(weight, std=weight.shape[-1] ** -0.5)
    with tempfile.TemporaryDirectory() as directory:
        plain.save_pretrained(directory)
        tokenizer.save_pretrained(directory)
        yield directory
