"""What does the model say at every pair of operands, and what does its last token read from them? One streamed pass.

logit_diff = logit of the right answer - that of the best wrong one;     error = number said - result
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch

from interp.engine import Site, stream
from interp.progress import Progress

if TYPE_CHECKING:
    from interp.tasks.prompts import Prompts

SCALARS = {
    "logit_diff": "logits",
    "probability": "probability",
    "logit": "logits",
    "right": "0 or 1",
    "error": "numbers",
    "said": "number",
}


class Said(NamedTuple):
    """Scalars [scalar, prompt] of the answers, the token said [prompt], and attention [head, operand, prompt]."""

    scalars: np.ndarray
    tokens: np.ndarray
    attention: np.ndarray


def answers_of(model: Any, grid: Prompts, pair: tuple[str, str], batch_size: int, progress: Progress) -> Said:
    """Return what the model answers to every prompt of `grid`, and what its heads read from the operands `pair`."""
    n, n_layers, n_heads = len(grid), model.cfg.n_layers, model.cfg.n_heads
    scalars = np.empty((len(SCALARS), n), dtype=np.float32)
    tokens, attention = np.empty(n, dtype=np.int64), np.empty((n_layers * n_heads, 2, n), dtype=np.float32)
    keys, order = [grid.position(role) for role in pair], list(SCALARS)

    def keeper(layer: int) -> Any:
        def keep(pattern: torch.Tensor, rows: np.ndarray) -> None:
            read = pattern[:, :, -1, keys].permute(1, 2, 0).float().cpu().numpy()
            attention[layer * n_heads : (layer + 1) * n_heads, :, rows] = read

        return keep

    def judge(logits: torch.Tensor, rows: np.ndarray) -> None:
        answer = torch.as_tensor(grid.answer_ids[rows], device=logits.device)[:, None]
        own = logits.gather(1, answer)
        best_wrong = logits.scatter(1, answer, -torch.inf).amax(dim=1)
        top = logits.argmax(dim=1)
        tokens[rows] = top.cpu().numpy()
        kept = {
            "logit_diff": own[:, 0] - best_wrong, "probability": logits.softmax(dim=1).gather(1, answer)[:, 0],
            "logit": own[:, 0], "right": top == answer[:, 0],
        }  # fmt: skip
        for name, values in kept.items():
            scalars[order.index(name), rows] = values.float().cpu().numpy()

    consume = {Site("pattern", layer): keeper(layer) for layer in range(n_layers)}
    stream(model, grid, consume, logits=judge, batch_size=batch_size, progress=progress)
    numbers = _numbers(model, grid, tokens)
    scalars[order.index("said")], scalars[order.index("error")] = numbers, numbers - grid.variables["result"]
    return Said(scalars, tokens, attention)


def _numbers(model: Any, grid: Prompts, tokens: np.ndarray) -> np.ndarray:
    """Return the number that each token writes, nan for a token that writes none."""
    known = dict(zip(grid.answer_ids.tolist(), grid.variables["result"].tolist(), strict=True))
    for token in set(tokens.tolist()) - set(known):
        text = text_of(model, token).strip()
        known[token] = int(text) if text.isascii() and text.isdecimal() else np.nan
    return np.array([known[token] for token in tokens.tolist()], dtype=np.float32)


def text_of(model: Any, token: int) -> str:
    """Return what a token writes; its id for a model without a tokenizer."""
    tokenizer = getattr(model, "tokenizer", None)
    return str(token) if tokenizer is None else str(tokenizer.decode([token]))
