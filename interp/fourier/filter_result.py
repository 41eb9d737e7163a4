"""The result of the filters: accuracy and loss with intervals, controls beside them, the structure of the errors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from interp.fourier.filters import SIDES
from interp.methods.intervals import t_interval, wilson
from interp.methods.nulls import derangement
from interp.methods.result import attributes, mean_variables, variable
from interp.tasks.prompts import Prompts

CONTROLS = ("random subspace", "shuffled numbers")
KINDS = ("multiple of 10", "multiple of 50", "multiple of 100", "less than 6", "same parity")


class Answers(NamedTuple):
    """found [edit, prompt, 4]: unfiltered, then removed x module x (filter, controls); single [kept, filter | control,
    prompt, 4]; the answers as numbers [prompt]; the rank of each filter [removed]."""

    found: np.ndarray
    single: np.ndarray
    answers: np.ndarray
    ranks: list[int]


def structure(error: np.ndarray) -> np.ndarray:
    """Return the share of each of KINDS among errors [..., prompt], of those that are wrong (parity: of all numbers).

    nan where nothing is wrong (or no number was said).
    """
    wrong, said = (error != 0) & np.isfinite(error), np.isfinite(error)
    whole = np.where(said, error, 0.5)
    marks = [whole % 10 == 0, whole % 50 == 0, whole % 100 == 0, np.abs(whole) < 6, whole % 2 == 0]
    among = [wrong, wrong, wrong, wrong, said]
    with np.errstate(invalid="ignore"):
        shares = [(m & a).sum(-1) / np.maximum(a.sum(-1), 1) for m, a in zip(marks, among, strict=True)]
        known = [a.sum(-1) > 0 for a in among]
    return np.stack([np.where(k, s, np.nan) for k, s in zip(known, shares, strict=True)], axis=-1)


def dataset(
    model: Any,
    prompts: Prompts,
    swept: Answers,
    shape: tuple[Sequence[str], int, Sequence[float]],
    told: dict[str, Any],
) -> xr.Dataset:
    """Return the Dataset; `shape` are the modules, the draws of each control, and the periods of single passes."""
    modules, n_random, periods = shape
    base = swept.found[0]
    grid = swept.found[1:].reshape(2, len(modules), 1 + 2 * n_random, len(prompts), 4)
    own, controls = grid[:, :, 0], grid[:, :, 1:].reshape(2, len(modules), 2, n_random, len(prompts), 4)
    data = _measures(base, own, controls) | _errors(own, swept.answers, told["seed"]) | _single(swept, periods)
    data |= {
        "rank": variable("removed", swept.ranks, "dimensions", "that the filter takes away, of d_model"),
        "n": variable("", len(prompts), "prompts", "answered under each filter"),
    }
    coords = {
        "removed": list(SIDES), "module": list(modules), "control": list(CONTROLS), "draw": np.arange(n_random),
        "kind": list(KINDS), "kept": [float(T) for T in periods], "prompt": list(prompts.texts),
    }  # fmt: skip
    title = "What is lost without the low or the high frequencies of the number logits"
    return xr.Dataset(data, coords, attributes("filters", model, prompts, title, **told))


def _measures(base: np.ndarray, own: np.ndarray, controls: np.ndarray) -> dict[str, xr.Variable]:
    """Accuracy and loss of the filters, of no filter, of the controls, and how many controls are as bad."""
    n, dims = own.shape[2], "removed module"
    right = own[..., 0].sum(-1)
    loss = np.moveaxis(own[..., 1], -1, 0)
    null = "removed module control draw"
    accuracy_null, loss_null = controls[..., 0].mean(-1), controls[..., 1].mean(-1)
    as_bad = (1 + (loss_null >= loss.mean(0)[..., None, None]).sum(-1)) / (1 + controls.shape[3])
    return {
        **mean_variables("accuracy", dims, right / n, wilson(right, n), "fraction", "top token = answer"),
        **mean_variables("loss", dims, loss.mean(0), t_interval(loss), "nats", "- log P(answer)"),
        **mean_variables(
            "accuracy_base", "", base[:, 0].mean(), wilson(base[:, 0].sum(), n), "fraction", "without a filter"
        ),
        **mean_variables("loss_base", "", base[:, 1].mean(), t_interval(base[:, 1]), "nats", "without a filter"),
        "accuracy_null": variable(null, accuracy_null, "fraction", "accuracy under controls of the same dimension"),
        "loss_null": variable(null, loss_null, "nats", "loss under controls of the same dimension"),
        "p_value": variable(
            "removed module control", as_bad, "probability", "share of control draws with at least this loss"
        ),
        "correct": variable("prompt removed module", np.moveaxis(own[..., 0], -1, 0), "0 or 1", "each prompt"),
        "loss_each": variable("prompt removed module", loss, "nats", "- log P(answer) of each prompt"),
    }


def _errors(own: np.ndarray, answers: np.ndarray, seed: int) -> dict[str, xr.Variable]:
    """How the wrong answers are wrong, beside the same numbers on other prompts' answers."""
    said = own[..., 2]
    error = said - answers
    other = said - answers[derangement(len(answers), seed)] if len(answers) > 1 else np.full_like(said, np.nan)
    return {
        "error": variable(
            "prompt removed module", np.moveaxis(error, -1, 0), "1", "number with the largest logit - right"
        ),
        "error_share": variable(
            "removed module kind", structure(error), "fraction", "of the wrong numbers; parity: of all"
        ),
        "error_share_null": variable(
            "removed module kind", structure(other), "fraction", "the same against other prompts' answers"
        ),
        "n_wrong": variable(
            "removed module", ((error != 0) & np.isfinite(error)).sum(-1), "prompts", "largest number is not the answer"
        ),
        "no_number": variable("removed module", 1 - own[..., 3].mean(-1), "fraction", "top token is no number"),
    }


def _single(swept: Answers, periods: Sequence[float]) -> dict[str, xr.Variable]:
    """What is still right when one period is kept: the answer, and the answer modulo the period."""
    answers, n = swept.answers, len(swept.answers)
    right = swept.single[..., 0].sum(-1)
    turn = np.array(periods, float)[:, None, None]
    apart = np.mod(swept.single[..., 2] - answers, turn)
    same = np.where(np.isfinite(apart), (apart < 1e-6) | (turn - apart < 1e-6), False).sum(-1)
    other = answers[derangement(n, 0)] if n > 1 else answers
    chance = np.array([np.mean(np.mod(other - answers, T) < 1e-6) for T in periods])
    text = "answer right modulo the only period that is kept"
    return {
        **mean_variables("kept_same", "kept", same[:, 0] / n, wilson(same[:, 0], n), "fraction", text),
        "kept_same_null": variable("kept", same[:, 1] / n, "fraction", f"{text}, of numbers in random order"),
        "kept_same_chance": variable("kept", chance, "fraction", "the same of other prompts' answers"),
        **mean_variables(
            "kept_accuracy",
            "kept",
            right[:, 0] / n,
            wilson(right[:, 0], n),
            "fraction",
            "answer right, one period kept",
        ),
    }
