"""Which periods are in a model's own embeddings of 0, 1, 2, ...? The spectrum of those rows of W_E, or of W_U.

Every number must be one token; a model without a tokenizer (a toy model whose ids are residues) passes None.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

from interp.errors import InterpError, nearest
from interp.fourier.spectrum import DECIMAL, spectrum
from interp.progress import Progress, silent

MATRICES = {"embed": ("W_E", "get_input_embeddings", False), "unembed": ("W_U", "get_output_embeddings", True)}
"""Where the rows of numbers are: in a bridge, in a Hugging Face model, and whether the bridge's is transposed."""


def embedding_spectrum(
    model: Any,
    tokenizer: Any,
    low: int = 0,
    high: int | None = None,
    *,
    of: str = "embed",
    prefix: str = "",
    count: int | None = None,
    target_periods: Sequence[int] | None = None,
    n_null: int = 1000,
    seed: int = 0,
    progress: Progress = silent,
) -> xr.Dataset:
    """Return the `spectrum` of the embeddings of low..high (inclusive) of a bridge or a Hugging Face model.

    `high` None takes the numbers from `low` on as far as each is one token; a model without a tokenizer needs it.
    `of` is embed (rows of W_E) or unembed (columns of W_U: what each number's logit reads).
    `prefix` is written before each number (" " for tokenizers that fuse the space). `target_periods` None are those
    of base ten, or none without a tokenizer: residues lie on a circle and all of them are used.
    Raises InterpError when a number is not one token of its own, and as `spectrum` does.
    """
    if tokenizer is None and high is None:
        raise InterpError("Which residues? The model has no tokenizer: expected `high`, p - 1 for Z_p; give it.")
    weights = _matrix(model, of)
    high = last_number(tokenizer, low, len(weights), prefix) if high is None else high
    if not 0 <= low < high:
        raise InterpError(f"Numbers {low} to {high}: expected 0 <= low < high; change the range.")
    numbers = range(low, high + 1)
    ids = list(numbers) if tokenizer is None else number_ids(tokenizer, numbers, prefix)
    if max(ids) >= len(weights):
        raise InterpError(f"Token {max(ids)} is outside the {len(weights)} rows of the matrix: lower `high`.")
    if target_periods is None:
        target_periods = () if tokenizer is None else DECIMAL
    options = {"count": count, "target_periods": target_periods, "n_null": n_null, "seed": seed}
    result = spectrum(weights[ids], low, **options, progress=progress)
    loaded, config = getattr(model, "arith", None), getattr(model, "cfg", None)
    name = getattr(loaded, "name", None) or getattr(config, "model_name", type(model).__name__)
    result.attrs |= {"model": name, "task": "", "style": "", "site": of, "prefix": prefix}
    return result


def last_number(tokenizer: Any, low: int, limit: int, prefix: str = "") -> int:
    """Return the largest number <= `limit` up to which every number from `low` on is one token; low - 1 if none."""
    for number in range(low, limit + 1):
        try:
            number_ids(tokenizer, [number], prefix)
        except InterpError:
            return number - 1
    return limit


def number_ids(tokenizer: Any, numbers: Sequence[int], prefix: str = "") -> list[int]:
    """Return the token of each number; raises InterpError for one that is several tokens, unknown or shared."""
    ids = []
    for number in numbers:
        tokens = tokenizer.encode(f"{prefix}{number}", add_special_tokens=False)
        if len(tokens) != 1:
            raise InterpError(
                f"The number {number} is {len(tokens)} tokens here: expected one token a number; lower `high`, change "
                "`prefix`, or take another model."
            )
        if tokenizer.decode(tokens).strip() != str(number):
            raise InterpError(f"The number {number} is not in this vocabulary: lower `high` or take another model.")
        ids.append(tokens[0])
    return ids


def _matrix(model: Any, of: str) -> np.ndarray:
    """Return W_E or W_U^T, float64 [d_vocab, d_model], of a bridge, or of a plain Hugging Face model."""
    if of not in MATRICES:
        raise InterpError(f"Nothing is called {of!r} here. {nearest(of, MATRICES)}")
    own, asked, transposed = MATRICES[of]
    if hasattr(model, own):
        weights = getattr(model, own).T if transposed else getattr(model, own)
    elif hasattr(model, asked):
        weights = getattr(model, asked)().weight
    else:
        raise InterpError(f"{type(model).__name__} has no {of} matrix: expected {own} or {asked}().")
    return weights.detach().double().cpu().numpy()
