"""Tiny random models of the architectures the engine promises, built in memory, with their plain twins.

    llama (grouped queries), gpt2, neox and gptj (attention and MLP in parallel), native (TransformerLens's own)

Weights are larger than a real initialisation, so that every edit moves the logits by much more than rounding.
"""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import torch

os.environ["HF_HUB_OFFLINE"] = "1"

N_LAYERS, N_HEADS, D_HEAD, D_MODEL, D_MLP, VOCAB = 3, 4, 8, 32, 48, 40
FAMILIES = ("llama", "gpt2", "neox", "gptj", "native")
PARALLEL = ("neox", "gptj")
ROLES = ("bos", "a", "op1", "b", "op2", "eq")
# the largest difference in logits (of size about 1) that counts as rounding
TOLERANCE = {torch.float32: 1e-5, torch.bfloat16: 6e-2}


@dataclass(frozen=True)
class Family:
    """A bridge and, but for `native`, the plain Hugging Face model with the same weights."""

    name: str
    bridge: Any
    plain: Any
    dtype: torch.dtype
    device: str

    @property
    def tolerance(self) -> float:
        """Return the largest logit difference that is rounding in this dtype."""
        return TOLERANCE[self.dtype]

    @property
    def n_kv_heads(self) -> int:
        """Return the number of key/value heads."""
        return 2 if self.name == "llama" else N_HEADS


@cache
def family(name: str, device: str = "cpu", dtype: torch.dtype = torch.float32) -> Family:
    """Return the tiny model `name`, built once in a process. Tests leave it as it was."""
    bridge, plain = fresh(name, device, dtype)
    return Family(name, bridge, plain, dtype, device)


def fresh(name: str, device: str = "cpu", dtype: torch.dtype = torch.float32) -> tuple[Any, Any]:
    """Return (bridge, plain model or None) of their own, free to be changed."""
    from transformer_lens.model_bridge import TransformerBridge

    if name == "native":
        bridge = TransformerBridge.boot_native(_native_config(), device=device, dtype=dtype)
        _enlarge(bridge)
        return bridge.eval().requires_grad_(False), None
    plain = _plain(name)
    with tempfile.TemporaryDirectory() as directory:
        plain.save_pretrained(directory)
        tokenizer().save_pretrained(directory)
        bridge = TransformerBridge.boot_transformers(directory, device=device, dtype=dtype)
    return bridge.eval().requires_grad_(False), plain.to(device=device, dtype=dtype)


def _plain(name: str) -> Any:
    from transformers import AutoModelForCausalLM

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        plain = AutoModelForCausalLM.from_config(_config(name), attn_implementation="eager")
    _enlarge(plain)
    return plain.eval().requires_grad_(False)


def _config(name: str) -> Any:
    from transformers import GPT2Config, GPTJConfig, GPTNeoXConfig, LlamaConfig

    tokens = {"vocab_size": VOCAB, "bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 2}
    hidden = {"hidden_size": D_MODEL, "intermediate_size": D_MLP, "max_position_embeddings": 16}
    layers = {"num_hidden_layers": N_LAYERS, "num_attention_heads": N_HEADS}
    gpt = {"n_embd": D_MODEL, "n_layer": N_LAYERS, "n_head": N_HEADS, "n_inner": D_MLP, "n_positions": 16}
    if name == "llama":
        return LlamaConfig(**tokens, **hidden, **layers, num_key_value_heads=2)
    if name == "neox":
        return GPTNeoXConfig(**tokens, **hidden, **layers)
    return {"gpt2": GPT2Config, "gptj": GPTJConfig}[name](
        **tokens, **gpt, **({"rotary_dim": 4} if name == "gptj" else {})
    )


def _native_config() -> Any:
    from transformer_lens.config import TransformerBridgeConfig

    return TransformerBridgeConfig(
        n_layers=N_LAYERS, d_model=D_MODEL, n_ctx=16, d_head=D_HEAD, n_heads=N_HEADS, d_mlp=D_MLP,
        d_vocab=VOCAB, act_fn="relu", normalization_type="LN", positional_embedding_type="standard", seed=0,
    )  # fmt: skip


def _enlarge(model: Any) -> None:
    """Redraw matrices at 1/sqrt(fan-in) and biases at 0.1: edits then move logits of size about 1."""
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for _, parameter in sorted(model.named_parameters()):
            drawn = torch.randn(parameter.shape, generator=generator).to(parameter)
            if parameter.ndim == 2:
                parameter.copy_(drawn / parameter.shape[-1] ** 0.5)
            elif not bool((parameter == 1).all()):  # leave the scales of norms
                parameter.copy_(0.1 * drawn)


def tokenizer() -> Any:
    """Return a WordLevel tokenizer of t0 .. t39 whose pad token, t2, is an ordinary token of the prompts."""
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    words = Tokenizer(models.WordLevel({f"t{i}": i for i in range(VOCAB)}, unk_token="t0"))
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    special = {"unk_token": "t0", "bos_token": "t1", "eos_token": "t2", "pad_token": "t2"}
    return PreTrainedTokenizerFast(tokenizer_object=words, **special)


def random_prompts(n: int = 7, seed: int = 0) -> Any:
    """Return `n` random prompts of six tokens with the roles ROLES; the pad token t2 occurs among them."""
    from interp.tasks.prompts import Prompts

    rng = np.random.default_rng(seed)
    tokens = rng.integers(2, VOCAB, (n, len(ROLES)))
    tokens[:, 0] = 1
    tokens[0, 2] = 2
    texts = tuple(" ".join(f"t{t}" for t in row) for row in tokens)
    return Prompts(tokens, ROLES, texts, ("t3",) * n, np.full(n, 3), {"a": tokens[:, 1]}, "random", "plain", "all")
