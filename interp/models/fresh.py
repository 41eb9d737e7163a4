"""What model does a recipe begin with? A GPT-2 or a Llama in float32, its weights drawn by the seed of the recipe.

    recipe["architecture"]   fields of the config by name; vocabulary and special tokens come from the tokenizer

Attention is eager (on a CPU the backward pass of a fused one took 58 % of a step), dropout is none. The global random
state is left alone.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from interp.errors import InterpError


def gpt2(recipe: dict[str, Any], **fields: Any) -> Any:
    """Return the untrained `GPT2LMHeadModel` of a recipe. Raises InterpError for a bad shape."""
    from transformers import GPT2Config, GPT2LMHeadModel

    still = dict.fromkeys(("resid_pdrop", "embd_pdrop", "attn_pdrop"), 0.0)
    return _drawn(recipe, GPT2LMHeadModel, lambda **shape: GPT2Config(**fields, **still, **shape))


def llama(recipe: dict[str, Any], **fields: Any) -> Any:
    """Return the untrained `LlamaForCausalLM` of a recipe. Raises InterpError for a bad shape."""
    from transformers import LlamaConfig, LlamaForCausalLM

    return _drawn(recipe, LlamaForCausalLM, lambda **shape: LlamaConfig(**fields, **shape))


def vocabulary(tokenizer: Any) -> dict[str, Any]:
    """Return what a config says of a tokenizer; read-out and embedding are two matrices."""
    ids = {"bos_token_id": tokenizer.bos_token_id, "eos_token_id": tokenizer.eos_token_id}
    return {"vocab_size": len(tokenizer), **ids, "tie_word_embeddings": False}


def _drawn(recipe: dict[str, Any], kind: Callable[[Any], Any], config: Callable[..., Any]) -> Any:
    try:
        shaped = config(attn_implementation="eager", **recipe["architecture"])
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(recipe["seed"])
            return kind(shaped)
    except Exception as error:  # transformers' own validation raises several kinds
        reason = " ".join(str(error).split())
        raise InterpError(f"the architecture of the recipe cannot be built ({reason:.160}); change it.") from None
