"""A tiny random Llama saved as a plain checkpoint directory: what a user might bring, with nothing of the zoo in it.

Its tokenizer has 0..999 as single tokens and the words of the built-in tasks.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any


def random_llama(vocab: int, d_model: int = 32, layers: int = 2, seed: int = 0) -> Any:
    """Return a seeded `LlamaForCausalLM` with grouped queries, float32, its logits of order one."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    shape = {"hidden_size": d_model, "intermediate_size": 48, "num_hidden_layers": layers}
    heads = {"num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 64}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = LlamaForCausalLM(LlamaConfig(vocab_size=vocab, bos_token_id=1000, eos_token_id=1001, **shape, **heads))
        for parameter in model.parameters():
            if parameter.ndim == 2:  # larger than an initialisation, so that an edit moves the logits
                torch.nn.init.normal_(parameter, std=parameter.shape[-1] ** -0.5)
    return model.eval()


def save_checkpoint(directory: Path, seed: int = 0, **shape: int) -> Path:
    """Write the model and its tokenizer as `save_pretrained` does and return the directory."""
    from interp.models.number_tokenizer import number_tokenizer

    tokenizer = number_tokenizer(highest=999)
    random_llama(len(tokenizer), seed=seed, **shape).save_pretrained(directory)
    tokenizer.save_pretrained(directory)
    return directory
