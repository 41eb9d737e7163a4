"""What does a multiplying model foretell, and what would the same network foretell before any training?

    foretold[problem, column, symbol]      logits of answer digit c_k, told the right digits before it
    written[problem, column]               digits that the model writes by itself, greedily

How many digits an operand has is in the recipe beside the weights. `untrained` is the network of that recipe as the
training found it: the null of every measure that could be large without any learning.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int

from interp.engine.hooks import device_of
from interp.errors import InterpError
from interp.models import zoo
from interp.progress import Progress, silent
from interp.tasks.products import told


def multiplication_recipe(model: Any) -> dict[str, Any]:
    """Return the whole recipe of a multiplying model. Raises InterpError for a model of another kind."""
    from interp.models.multiplication import MULTIPLICATION

    directory = model.arith.directory
    recipe = zoo.read_recipe(directory) if (directory / "recipe.json").is_file() else {}
    if recipe.get("trainer") != "multiplication" or "n_digits" not in recipe:
        raise InterpError(
            f"{model.arith.name!r} is no multiplying model (its recipe.json names no n_digits): choose one such as "
            "multiply-icot, or train one with `interp train multiply-icot`."
        )
    return {**MULTIPLICATION, **recipe}


def untrained(model: Any) -> Any:
    """Return the bridge of the same recipe before its first step, on the device and in the dtype of `model`."""
    from transformer_lens.model_bridge import TransformerBridge

    from interp.models.multiplication import build_model

    kind = next(iter(model.parameters())).dtype
    plain = build_model(multiplication_recipe(model)).to(device=device_of(model), dtype=kind)
    place = str(model.arith.directory)
    made = TransformerBridge.boot_transformers(
        place, hf_model=plain, tokenizer=model.arith.tokenizer, device=str(device_of(model)), dtype=kind
    )
    return made.eval().requires_grad_(False)


def foretold(
    model: Any,
    tokens: Int[np.ndarray, "problem token"],
    n: int,
    batch_size: int = 512,
    progress: Progress = silent,
) -> Float[np.ndarray, "problem column symbol"]:
    """Return float32 logits of every answer digit of questions with their answers (`interp.tasks.products.told`)."""
    first, found = 2 * n + 3, []
    for start in range(0, len(tokens), batch_size):
        logits = _logits(model, tokens[start : start + batch_size, : 4 * n + 3])
        found.append(logits[:, first:].float().cpu().numpy())
        progress(min(start + batch_size, len(tokens)), len(tokens), "answering")
    return np.concatenate(found)


def written(
    model: Any, ab: Int[np.ndarray, "problem operand"], n: int, batch_size: int = 512, progress: Progress = silent
) -> Int[np.ndarray, "problem column"]:
    """Return the 2n tokens that the model writes after "#", greedily and told nothing of the answer."""
    tokens, first = told(ab, n), 2 * n + 4
    tokens[:, first:] = 0
    for k in range(2 * n):
        for start in range(0, len(tokens), batch_size):
            rows = slice(start, start + batch_size)
            tokens[rows, first + k] = _logits(model, tokens[rows, : first + k])[:, -1].argmax(-1).cpu().numpy()
        progress(k + 1, 2 * n, "writing")
    return tokens[:, first:]


@torch.no_grad()
def _logits(model: Any, tokens: np.ndarray) -> torch.Tensor:
    batch = torch.tensor(tokens, device=device_of(model))
    return model(batch, attention_mask=torch.ones_like(batch))
