"""Tiny models of the paper's architectures that answer some prompts: random blocks, a readout fitted in closed form.

The unembedding is the least-squares fit of one-hot answers on the final hidden states of A+B+C prompts, so the model
is right more often than a constant answer and all of the protocol has something to measure. Saved as a plain
directory with a tokenizer of its family's kind (`tests.tokenizers`).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from interp.tasks import build, get_task
from tests.tokenizers import tokenizer

KINDS = {"llama": "separate", "neox": "trimmed", "gptj": "fused"}
D_MODEL, LAYERS = 96, 3


def save(directory: Path, family: str, operands: tuple[int, int]) -> Path:
    """Write a model of `family` that answers some of a+b+c over `operands` and return its directory."""
    words = tokenizer(KINDS[family])
    model = _random(family, len(words))
    task = get_task("a+b+c").within(*operands)
    prompts = build(task, words, "plain", "all", 4000)
    with torch.no_grad():
        hidden = model.base_model(torch.tensor(prompts.tokens), use_cache=False).last_hidden_state[:, -1].double()
        answers = torch.nn.functional.one_hot(torch.tensor(prompts.answer_ids), len(words)).double()
        gram = hidden.T @ hidden + 1e-3 * torch.eye(D_MODEL, dtype=torch.float64)
        fitted = torch.linalg.solve(gram, hidden.T @ (answers - answers.mean(0)))
        model.get_output_embeddings().weight.copy_(100 * fitted.T.float())
    model.save_pretrained(directory)
    words.save_pretrained(directory)
    return directory


def _random(family: str, vocab: int) -> Any:
    from transformers import AutoModelForCausalLM, GPTJConfig, GPTNeoXConfig, LlamaConfig

    tokens: dict[str, Any] = {"vocab_size": vocab, "bos_token_id": 0, "eos_token_id": 0, "tie_word_embeddings": False}
    sizes = {"hidden_size": D_MODEL, "intermediate_size": 96, "num_hidden_layers": LAYERS, "num_attention_heads": 4}
    configs = {
        "llama": lambda: LlamaConfig(**tokens, **sizes, num_key_value_heads=2, max_position_embeddings=64),
        "neox": lambda: GPTNeoXConfig(**tokens, **sizes, max_position_embeddings=64),
        "gptj": lambda: GPTJConfig(
            **tokens, n_embd=D_MODEL, n_layer=LAYERS, n_head=4, n_inner=96, rotary_dim=8, n_positions=64
        ),
    }
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = AutoModelForCausalLM.from_config(configs[family](), attn_implementation="eager")
        for parameter in model.parameters():
            if parameter.ndim == 2:  # larger than an initialisation, so that attention and MLPs matter
                torch.nn.init.normal_(parameter, std=parameter.shape[-1] ** -0.5)
    return model.eval()
