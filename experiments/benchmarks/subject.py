"""What is measured, and how: one random Llama, random pairs of prompts, CPU time in shuffled rounds.

    round      every contestant once, in an order drawn for that round
    ratio      median over rounds of (their CPU time / ours in the same round)

CPU time of this process (time.process_time) on one thread: on a machine that others use, wall time says nothing. Paired
rounds keep slow phases of the machine out of the ratio. Prompts of a pair differ at every position, so that no patch
can be left out for changing nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from experiments.benchmarks.random_llama import saved
from interp.models.number_tokenizer import number_tokenizer
from interp.tasks.prompts import Prompts

VOCAB = 64


def llama(n_layers: int = 4) -> Any:
    """Return a seeded random Llama on the default boot of TransformerLens (its weights frozen, as `load` does)."""
    from transformer_lens.model_bridge import TransformerBridge
    from transformers import LlamaConfig

    tokenizer = number_tokenizer(VOCAB - 8)
    config = LlamaConfig(
        vocab_size=VOCAB, hidden_size=256, intermediate_size=688, num_attention_heads=8, num_key_value_heads=8,
        num_hidden_layers=n_layers, max_position_embeddings=256, tie_word_embeddings=False,
        bos_token_id=tokenizer.bos_token_id, eos_token_id=tokenizer.eos_token_id,
    )  # fmt: skip
    with saved(config, tokenizer) as directory:
        model = TransformerBridge.boot_transformers(directory, device="cpu")
    return model.eval().requires_grad_(False)


def pair(n: int, n_pos: int) -> tuple[Prompts, Prompts]:
    """Return `n` clean and corrupted random prompts that differ at every position."""
    rng = np.random.default_rng(0)
    clean = rng.integers(1, VOCAB, (n, n_pos))
    corrupted = (clean - 1 + rng.integers(1, VOCAB - 1, (n, n_pos))) % (VOCAB - 1) + 1
    return _prompts(clean), _prompts(corrupted)


def _prompts(tokens: np.ndarray) -> Prompts:
    n, n_pos = tokens.shape
    roles, ids = tuple(f"p{i}" for i in range(n_pos)), np.full(n, 3)
    return Prompts(tokens, roles, ("",) * n, ("3",) * n, ids, {"a": tokens[:, 0]}, "random", "plain", "all")


def rounds(contestants: dict[str, Callable[[], Any]], n: int, seed: int = 0) -> dict[str, np.ndarray]:
    """Return the CPU seconds of each contestant in each of `n` rounds, after one that is not counted."""
    rng, names = np.random.default_rng(seed), list(contestants)
    taken: dict[str, list[float]] = {name: [] for name in names}
    for each in range(n + 1):
        for name in rng.permutation(names).tolist():
            began = time.process_time()
            contestants[name]()
            if each:
                taken[name].append(time.process_time() - began)
    return {name: np.array(seconds) for name, seconds in taken.items()}


def ratio(theirs: np.ndarray, ours: np.ndarray) -> tuple[float, float, float]:
    """Return the median of the paired ratios and their quartiles."""
    low, middle, high = np.quantile(theirs / ours, (0.25, 0.5, 0.75))
    return float(middle), float(low), float(high)
