"""Which questions does a multiplying model read, and at which token does it foretell each digit?

    a0 .. * b0 .. <eos> <eos> # c0 c1 .. c_{2n-1}         no steps; the whole right answer is told

    c_k is foretold at "#" (k = 0) or at c_{k-1}, and is read as input at c_k.

The last prompt token is the last digit, so the answer of such a prompt is <eos>; attention is causal, so nothing before
a token depends on what comes after it. Variables: digits a_i, b_j, c_k, the running sums and the carries.
Bai et al. 2025, arXiv:2510.00184.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from jaxtyping import Int

from interp.errors import InterpError
from interp.tasks import multiplication as task
from interp.tasks.prompts import Prompts


def product_prompts(ab: Int[np.ndarray, "problem operand"], n: int, split: str = "own") -> Prompts:
    """Return the questions with their whole answers: `4n + 4` tokens each. Raises InterpError as `columns`."""
    ab = np.asarray(ab)
    whole = task.columns(ab[:, 0], ab[:, 1], n)
    tokens = told(ab, n)
    variables: dict[str, np.ndarray] = {"a": ab[:, 0], "b": ab[:, 1]}
    variables |= {f"{side}{i}": column for j, side in enumerate("ab") for i, column in enumerate(_digits(ab[:, j], n))}
    for name, values in (("c", whole.answer), ("running", whole.running), ("carry", whole.carry)):
        variables |= {f"{name}{k}": column for k, column in enumerate(values.T)}
    return Prompts(
        tokens=tokens,
        roles=(*task.roles(n), f"c{2 * n - 1}"),
        texts=tuple(f"{a} * {b}" for a, b in ab.tolist()),
        answers=(task.SYMBOLS[task.END],) * len(ab),
        answer_ids=np.full(len(ab), task.END),
        variables=variables,
        task=f"{n}x{n} digits",
        style="plain",
        split=split,
    )


def told(
    ab: Int[np.ndarray, "problem operand"], n: int, answer: Int[np.ndarray, "problem column"] | None = None
) -> Int[np.ndarray, "problem token"]:
    """Return the tokens of the questions and an answer: the right one, or digits of one's own [problem, column]."""
    ab = np.asarray(ab)
    answer = task.columns(ab[:, 0], ab[:, 1], n).answer if answer is None else answer
    signs = [np.full((len(ab), 1), sign) for sign in (task.TIMES, task.END, task.ANSWER)]
    a, b = (np.stack(_digits(column, n), axis=1) for column in ab.T)
    return np.concatenate([a, signs[0], b, signs[1], signs[1], signs[2], answer], axis=1)


def foretold_at(k: int) -> str:
    """Return the role of the token at which c_k is foretold."""
    return "#" if k == 0 else f"c{k - 1}"


def asked(prompts: Prompts, k: int) -> Prompts:
    """Return `product_prompts` cut where c_k is foretold, with c_k as answer. Raises InterpError for no such column."""
    if f"c{k}" not in prompts.variables:
        raise InterpError(f"These prompts have no digit c{k}: choose a column from 0 to {_columns(prompts) - 1}.")
    end, digit = prompts.position(foretold_at(k)) + 1, prompts.variables[f"c{k}"]
    answers = tuple(str(each) for each in digit.tolist())
    return replace(
        prompts, tokens=prompts.tokens[:, :end], roles=prompts.roles[:end], answers=answers, answer_ids=digit
    )


def changed(
    ab: Int[np.ndarray, "problem operand"], n: int, source: int, rng: np.random.Generator
) -> Int[np.ndarray, "problem operand"]:
    """Return the operands with one digit replaced by another, drawn uniformly; a leading digit stays above 0.

    `source` 0 .. n - 1 are a_0 .. a_{n-1}, n .. 2n - 1 are b_0 .. b_{n-1}.
    """
    side, place = divmod(source, n)
    now, least = ab[:, side] // 10**place % 10, int(place == n - 1)
    other = rng.integers(least, 9, len(ab))
    found = np.array(ab, np.int64)
    found[:, side] += (other + (other >= now) - now) * 10**place
    return found


def _digits(numbers: np.ndarray, n: int) -> list[np.ndarray]:
    return list(task.digits(numbers, n).T)


def _columns(prompts: Prompts) -> int:
    return sum(name[0] == "c" and name[1:].isdigit() for name in prompts.variables)
