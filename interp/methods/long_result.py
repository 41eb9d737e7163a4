"""The labelled result of answers of several tokens: shares at each place beside their nulls, and every prompt's own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from interp.methods import nulls
from interp.methods.intervals import t_interval, wilson
from interp.methods.result import attributes, mean_variables, variable

if TYPE_CHECKING:
    from interp.methods.long_answers import Said
    from interp.tasks.long_prompts import LongPrompts

NONE = -1
"""In the place of a token that an answer does not have."""


def dataset(model: Any, prompts: list[LongPrompts], said: Sequence[Said]) -> xr.Dataset:
    """Return the Dataset of what was said on every prompt, in the order of `said`."""
    width = max(len(each.tokens) for each in said)
    logprob = np.array([each.logprobs.sum() for each in said])
    about = "log-probability of the whole answer"
    data = {
        **_exact(said),
        **_by_token(said, width),
        **_by_digit(said),
        **mean_variables("logprob", "", logprob.mean(), t_interval(logprob), "nats", f"mean {about}"),
        "answer_logprob": variable("prompt", logprob, "nats", about),
        "n": variable("", len(said), "prompts", "number of prompts"),
        "n_cuts": variable("", len(prompts), "ways", "ways in which the operands of these prompts are cut"),
    }
    first: Any = prompts[0]  # task, style and split are those of every way of cutting
    title = f"Accuracy on {first.task} with answers of up to {width} tokens, teacher-forced and generated."
    coords = {
        "token": np.arange(width),
        "digit": np.arange(len(data["digit_null"])),
        "prompt": [each.text for each in said],
        "answer": ("prompt", [each.answer for each in said]),
    }
    return xr.Dataset(data, coords=coords, attrs=attributes("long_answers", model, first, title))


def _exact(said: Sequence[Said]) -> dict[str, xr.Variable]:
    n, answers = len(said), np.array([each.answer for each in said])
    written = np.array([each.number for each in said])
    forced = np.array([(each.forced == each.tokens).all() for each in said])
    right = written == answers
    following = np.array([(each.generated == each.tokens).all() for each in said])
    shares = {
        "exact_teacher_forced": (forced, "every token of the answer is the top one, told those before it"),
        "exact_generated": (right, "the number generated, to its end, is the answer"),
        "runs_on": (following & ~right, "every token of the answer is generated, but the number goes on"),
    }
    data: dict[str, xr.Variable] = {}
    for name, (values, what) in shares.items():
        data |= mean_variables(name, "", values.mean(), wilson(values.sum(), n), "fraction", what)
        data[f"{name}_by_prompt"] = variable("prompt", values.astype(np.int8), "0 or 1", what)
    majority, shuffled = nulls.majority_accuracy(answers), nulls.shuffled_accuracy(written, answers)
    return data | {
        "written": variable("prompt", written, "text", "the number generated"),
        "null_majority": variable("", majority, "fraction", "exact match of the best constant answer"),
        "null_shuffled": variable("", shuffled, "fraction", "mean exact match of these numbers with shuffled answers"),
    }


def _by_token(said: Sequence[Said], width: int) -> dict[str, xr.Variable]:
    answer, forced, generated = (
        _padded([getattr(each, name) for each in said], width) for name in ("tokens", "forced", "generated")
    )
    there = answer != NONE
    logprob = _padded([each.logprobs for each in said], width, np.nan)
    null = [nulls.majority_accuracy(column[held]) for column, held in zip(answer.T, there.T, strict=True)]
    return {
        **_shares("token_teacher_forced", "token", forced == answer, there, "share of tokens right, told those before"),
        **_shares("token_generated", "token", generated == answer, there, "share of generated tokens right"),
        "token_null": variable("token", null, "fraction", "accuracy of the best constant token at this place"),
        "n_tokens": variable("token", there.sum(axis=0), "prompts", "answers that have this token"),
        "token_correct": variable(
            "prompt token",
            np.where(there, forced == answer, NONE).astype(np.int8),
            "0 or 1",
            "told those before; -1: none",
        ),
        "token_logprob": variable("prompt token", logprob, "nats", "log-probability, told those before; nan: none"),
    }


def _by_digit(said: Sequence[Said]) -> dict[str, xr.Variable]:
    rows = [each.digits for each in said if each.digits]
    width = max(map(len, rows), default=0)
    table = np.full((3, len(rows), width), "", dtype="<U1")
    for i, digits in enumerate(rows):
        table[:, i, : len(digits)] = np.array(digits, dtype="<U1").T
    answer, forced, generated = table
    there = answer != ""
    null = [nulls.majority_accuracy(column[held]) for column, held in zip(answer.T, there.T, strict=True)]
    what = "share of answers whose digit (0 = units) is right"
    return {
        **_shares("digit_teacher_forced", "digit", forced == answer, there, f"{what}, teacher-forced"),
        **_shares("digit_generated", "digit", generated == answer, there, f"{what}, generated"),
        "digit_null": variable(
            "digit", np.array(null), "fraction", "accuracy of the best constant digit at this place"
        ),
        "n_digits": variable("digit", there.sum(axis=0), "prompts", "answers that have this digit"),
    }


def _shares(name: str, dim: str, right: np.ndarray, there: np.ndarray, what: str) -> dict[str, xr.Variable]:
    """Return the share of `right` among `there` [prompt, place] at each place, with Wilson's interval."""
    counts, held = (right & there).sum(axis=0), there.sum(axis=0)
    ends = [wilson(count, int(n)) for count, n in zip(counts, held, strict=True)]
    interval = [np.array([getattr(end, side) for end in ends], dtype=float) for side in ("low", "high")]
    return mean_variables(name, dim, counts / np.maximum(held, 1), interval, "fraction", what)


def _padded(rows: list[Any], width: int, fill: float = NONE) -> np.ndarray:
    """Return rows of different length as one array, `fill` where a row has ended."""
    out = np.full((len(rows), width), fill, dtype=float if fill != NONE else np.int64)
    for i, row in enumerate(rows):
        out[i, : len(row)] = row
    return out
