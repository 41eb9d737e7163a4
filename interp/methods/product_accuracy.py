"""How often is a product right, digit by digit, and under which definition of accuracy?

    told       every digit foretold after the right ones before it             (teacher-forced)
    free       the model writes all digits by itself, greedily
    exact      all 2n digits right: the same under both, for one wrong digit ends both
    digit      share of answer digits right, all columns together
    token      share of all trained tokens right: the digits and <eos> # <eos>, which are the same in every problem

`token` is what some reports call accuracy: a model that knows c of 2n digits has (c + 3) / (2n + 3) with the 3 signs.

Nulls: the best constant digit of each column (`_majority_null`, in hindsight), and what the model's habits are worth
against shuffled answers (`_shuffled_null`).
Source: Bai et al. 2025, arXiv:2510.00184, table of accuracies; which definition it uses is not said.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
import xarray as xr
from jaxtyping import Int

from interp.engine.hooks import device_of
from interp.methods.intervals import bootstrap, wilson
from interp.methods.multiplier import written
from interp.methods.nulls import majority_accuracy, shuffled_accuracy
from interp.methods.result import mean_variables, model_name, variable
from interp.progress import Progress, silent
from interp.tasks.multiplication import columns, n_steps, sequences, shortened

MODES = ("told", "free")


def product_accuracy(
    model: Any,
    ab: Int[np.ndarray, "problem operand"],
    n: int,
    *,
    batch_size: int = 512,
    progress: Progress = silent,
    seed: int = 0,
) -> xr.Dataset:
    """Return exact, digit and token accuracy, told and free, with intervals and nulls.

    `column` [mode, column] and `exact` [mode] with Wilson's intervals, `digit` [mode] and `token` (told) with the
    bootstrap over problems (digits of one problem are not independent), `right` [mode, problem, column].
    """
    answer = columns(ab[:, 0], ab[:, 1], n).answer
    guesses = told_guesses(model, ab, n, batch_size)
    signs = guesses[1]
    said = np.stack([guesses[0], written(model, ab, n, batch_size, progress)])
    right = said == answer
    exact, by_column, count = right.all(-1), right.mean(1), len(ab)
    token = np.concatenate([right[0], signs], axis=1).mean(1)
    ends = [np.array(part) for part in zip(*(bootstrap(each.mean(1), seed=seed) for each in right), strict=True)]
    majority = [majority_accuracy(column) for column in answer.T]
    shuffled = [[shuffled_accuracy(s, t) for s, t in zip(each.T, answer.T, strict=True)] for each in said]
    whole = 10 ** np.arange(2 * n)
    found = {
        **mean_variables("exact", "mode", exact.mean(1), wilson(exact.sum(1), count), "fraction", "all digits right"),
        **mean_variables("digit", "mode", right.mean((1, 2)), ends, "fraction", "answer digits right"),
        **mean_variables("token", "", token.mean(), bootstrap(token, seed=seed), "fraction", "trained tokens right"),
        **mean_variables("accuracy", "mode column", by_column, wilson(right.sum(1), count), "fraction", "digit right"),
        "right": variable("mode problem column", right.astype(np.int8), "0 or 1", "1: the digit is right"),
        "exact_majority_null": variable("", majority_accuracy(answer @ whole), "fraction", "most common product"),
        "digit_majority_null": variable("", np.mean(majority), "fraction", "best constant digit of every column"),
        "accuracy_majority_null": variable("column", majority, "fraction", "best constant digit"),
        "accuracy_shuffled_null": variable("mode column", shuffled, "fraction", "against shuffled answers"),
        "n": variable("", count, "problems", "problems"),
    }
    coords = {"mode": list(MODES), "column": [f"c{k}" for k in range(2 * n)]}
    attrs = {"method": "product_accuracy", "task": f"{n}x{n} digits", "style": "plain", "model": model_name(model),
             "title": "How often products are right: whole, digit by digit, and token by token.",
             "n_digits": n, "seed": seed}  # fmt: skip
    return xr.Dataset(found, coords, attrs)


@torch.no_grad()
def told_guesses(model: Any, ab: np.ndarray, n: int, batch_size: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the digits foretold [problem, column], and which of the three signs are right [problem, sign]."""
    tokens, _ = shortened(sequences(ab, n), n, np.full(len(ab), n_steps(n)))
    digits, signs = [], []
    for start in range(0, len(tokens), batch_size):
        batch = torch.tensor(tokens[start : start + batch_size], device=device_of(model))
        said = model(batch[:, :-1], attention_mask=torch.ones_like(batch[:, :-1])).argmax(-1)
        right = (said == batch[:, 1:])[:, 2 * n + 1 :]
        digits.append(said[:, 2 * n + 3 : 4 * n + 3].cpu().numpy())
        signs.append(right[:, [0, 1, -1]].cpu().numpy())
    return np.concatenate(digits), np.concatenate(signs)
