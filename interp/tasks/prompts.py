"""What the model is given: a rectangular batch of tokens in which every position has a role.

`encode` turns wordings into tokens and checks what the methods rely on: one length and one role sequence for
all prompts (bucket by length, never pad), one token an operand, one token an answer, and an answer token that
does not depend on which side of it the space was written. The space of `answer_prefix` goes to the answer where
the tokenizer fuses or drops it (" 46" is one token) and to the end of the prompt where it is a token of its own.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from interp.errors import InterpError, nearest
from interp.tasks.task import Task


class Item(NamedTuple):
    """One question as text: the prompt, {role: (start, end)} in it, the answer and the space between the two."""

    text: str
    spans: dict[str, tuple[int, int]]
    answer: str
    answer_prefix: str = ""


@dataclass(frozen=True)
class Prompts:
    """Rectangular prompts: tokens int64 [prompt, pos], one role a position, exact causal variables [prompt]."""

    tokens: np.ndarray
    roles: tuple[str, ...]
    texts: tuple[str, ...]
    answers: tuple[str, ...]
    answer_ids: np.ndarray
    variables: dict[str, np.ndarray]
    task: str
    style: str
    split: str

    def __post_init__(self) -> None:
        shapes = {
            len(self.texts),
            len(self.answers),
            len(self.answer_ids),
            *map(len, self.variables.values()),
        }
        if self.tokens.ndim != 2 or shapes != {len(self.tokens)} or len(self.roles) != self.tokens.shape[1]:
            raise InterpError("prompts: tokens, roles, texts, answers and variables do not have one common length.")
        if len(set(self.roles)) != len(self.roles):
            raise InterpError(f"prompts: a role is used twice in {', '.join(self.roles)}; roles must be unique.")

    def __len__(self) -> int:
        return len(self.tokens)

    def __getitem__(self, rows: Any) -> Prompts:
        """Return the prompts at `rows`: a slice, a boolean mask or integer indices."""
        index = np.atleast_1d(np.arange(len(self))[rows])
        return replace(
            self,
            tokens=self.tokens[index],
            texts=tuple(self.texts[i] for i in index),
            answers=tuple(self.answers[i] for i in index),
            answer_ids=self.answer_ids[index],
            variables={name: column[index] for name, column in self.variables.items()},
        )

    def position(self, role: str) -> int:
        """Return the position of `role`; `last` is the final position. Raises InterpError for an unknown role."""
        if role == "last":
            return len(self.roles) - 1
        if role not in self.roles:
            raise InterpError(f"unknown role {role!r} in {self.task} {self.style}. {nearest(role, self.roles)}")
        return self.roles.index(role)

    def positions(self, roles: Sequence[str]) -> list[int]:
        """Return the position of each of `roles`."""
        return [self.position(role) for role in roles]

    def sample(self, n: int | None, seed: int = 0) -> Prompts:
        """Return `n` prompts drawn without replacement, in their old order; all of them when n is None or large."""
        if n is None or n >= len(self):
            return self
        return self[np.sort(np.random.default_rng(seed).choice(len(self), size=n, replace=False))]

    @functools.cached_property
    def digest(self) -> str:
        """The sha256 of tokens, roles and answers: equal digests are equal questions."""
        text = "|".join((*self.roles, "answers", *self.answers))
        return hashlib.sha256(np.ascontiguousarray(self.tokens).tobytes() + text.encode()).hexdigest()


def items(task: Task, style: str, operands: np.ndarray) -> list[Item]:
    """Return the questions of `operands` (int [prompt, operand]) in the wording of `style`."""
    template, answers = task.template(style), task.steps(operands)["result"]
    names = task.operands
    rows = (template.fill(dict(zip(names, map(int, row), strict=True))) for row in operands)
    return [
        Item(text, spans, str(answer), template.answer_prefix)
        for (text, spans), answer in zip(rows, answers, strict=True)
    ]


def build(
    task: Task, tokenizer: Any, style: str = "plain", split: str = "test", n: int | None = None, seed: int = 0
) -> Prompts:
    """Return `n` prompts of a task (all when None) drawn from `split` without replacement.

    Raises InterpError when the tokenizer cannot take the task: an operand or an answer of several tokens.
    """
    space = task.space(split)
    if not len(space):
        raise InterpError(f"task {task.name!r} has no prompts in split {split!r}; widen its operand ranges.")
    if n is not None and n < 1:
        raise InterpError(f"n = {n} prompts asked for; use at least 1.")
    if n is not None and n < len(space):
        space = space[np.sort(np.random.default_rng(seed).choice(len(space), size=n, replace=False))]
    return from_operands(task, tokenizer, space, style, split)


def from_operands(
    task: Task, tokenizer: Any, operands: np.ndarray, style: str = "plain", split: str = "own"
) -> Prompts:
    """Return the prompts of the given operand tuples (int [prompt, operand]). Raises InterpError as `build`."""
    operands = np.asarray(operands, dtype=np.int64).reshape(-1, len(task.operands))
    task.check(operands)
    encoded = encode(tokenizer, items(task, style, operands), numeric=(*task.operands, "answer"))
    return replace(encoded, variables=task.variables(operands), task=task.name, style=style, split=split)


def encode(tokenizer: Any, questions: Sequence[Item], numeric: Sequence[str] = ()) -> Prompts:
    """Return `questions` as Prompts (no variables); roles in `numeric` must be one whole number token each.

    Raises InterpError for prompts of different length, a role without a token, an operand or an answer that is
    not one token, or a word the tokenizer does not know.
    """
    if not questions:
        raise InterpError("no prompts: the list of questions is empty.")
    trailing = _answer_space(tokenizer, questions[0])
    texts = [q.text + trailing for q in questions]
    prefix = "" if trailing else questions[0].answer_prefix
    encoded = tokenizer(texts, add_special_tokens=False, return_offsets_mapping=True)
    bos = [] if tokenizer.bos_token_id is None else [tokenizer.bos_token_id]
    roles = _common_roles(
        [_roles(o, q, q.text) for o, q in zip(encoded["offset_mapping"], questions, strict=True)], texts
    )
    tokens = np.array([bos + ids for ids in encoded["input_ids"]], dtype=np.int64)
    roles = ("bos",) * len(bos) + roles
    _check_known(tokenizer, tokens, texts)
    full = tokenizer([t + prefix + q.answer for t, q in zip(texts, questions, strict=True)], add_special_tokens=False)
    answer_ids = [
        _answer_token(ids, row[len(bos) :], q) for ids, row, q in zip(full["input_ids"], tokens, questions, strict=True)
    ]
    prompts = Prompts(
        tokens,
        roles,
        tuple(texts),
        tuple(q.answer for q in questions),
        np.array(answer_ids, dtype=np.int64),
        {},
        "own",
        "own",
        "own",
    )
    _check_known(tokenizer, prompts.answer_ids[:, None], prompts.answers)
    for role in numeric:
        if role == "answer":
            _check_numbers(tokenizer, role, prompts.answer_ids, list(prompts.answers))
        else:
            written = [q.text[slice(*q.spans[role])] for q in questions]
            _check_numbers(tokenizer, role, tokens[:, prompts.position(role)], written)

    return prompts


def _answer_space(tokenizer: Any, question: Item) -> str:
    """Where the space before the answer goes: "" (with the answer) or " " (a token at the end of the prompt)."""
    if not question.answer_prefix:
        return ""
    ids = [
        tokenizer(t, add_special_tokens=False)["input_ids"]
        for t in (question.text, question.text + " " + question.answer)
    ]
    return "" if ids[1][: len(ids[0])] == ids[0] and len(ids[1]) == len(ids[0]) + 1 else " "


def _roles(offsets: list[tuple[int, int]], question: Item, text: str) -> tuple[str, ...]:
    """Name each token of one prompt: the last token of a role's span bears it, every other token is filler."""
    roles: list[str | None] = [None] * len(offsets)
    for role, (start, end) in question.spans.items():
        hits = [
            i for i, (s, e) in enumerate(offsets) if s < end and e > start and text[max(s, start) : min(e, end)].strip()
        ]
        if not hits or roles[hits[-1]] is not None:
            raise InterpError(f"prompt {text!r}: no token of its own for role {role!r}; this tokenizer merges it away.")
        if text[start:end].isdigit() and len(hits) > 1:
            raise InterpError(
                f"prompt {text!r}: operand {text[start:end]} is {len(hits)} tokens; this method needs one token an "
                "integer, use a smaller operand range or another model."
            )
        roles[hits[-1]] = role
    fillers = iter(f"w{i}" for i in range(1, len(roles) + 1))
    return tuple(role or next(fillers) for role in roles)


def _common_roles(sequences: list[tuple[str, ...]], texts: list[str]) -> tuple[str, ...]:
    for sequence, text in zip(sequences, texts, strict=True):
        if sequence != sequences[0]:
            raise InterpError(
                f"prompts are not aligned: {texts[0]!r} is {len(sequences[0])} tokens ({' '.join(sequences[0])}) but "
                f"{text!r} is {len(sequence)} ({' '.join(sequence)}); keep one length a batch."
            )
    return sequences[0]


def _answer_token(full: list[int], prompt: np.ndarray, question: Item) -> int:
    if full[: len(prompt)] != prompt.tolist() or len(full) != len(prompt) + 1:
        raise InterpError(
            f"answer {question.answer!r} of {question.text!r} is {max(len(full) - len(prompt), 0)} tokens or merges "
            "with the prompt; these methods need an answer of one token: use a smaller operand range or another model."
        )
    return full[-1]


def _check_known(tokenizer: Any, tokens: np.ndarray, texts: Sequence[str]) -> None:
    unknown = tokenizer.unk_token_id
    if unknown is not None and unknown != tokenizer.bos_token_id and (tokens == unknown).any():
        row = int(np.flatnonzero((tokens == unknown).any(axis=1))[0])
        raise InterpError(f"{texts[row]!r} holds a word or number that the tokenizer does not know.")


def _check_numbers(tokenizer: Any, role: str, ids: np.ndarray, written: list[str]) -> None:
    decoded = {i: tokenizer.decode([i]).strip() for i in set(ids.tolist())}
    for token, number in zip(ids.tolist(), written, strict=True):
        if decoded[token] != number.strip():
            raise InterpError(
                f"{role} {number!r} was encoded as {decoded[token]!r}; this tokenizer cannot take the task."
            )
