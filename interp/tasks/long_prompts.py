"""Questions whose numbers are several tokens: operands cut in pieces, answers of any number of tokens.

    "12+34="  with a tokenizer of digits   ->   a1 a op1 b1 b eq        answer tokens 4, 6

The last piece of an operand bears its role (there it has been read whole), the pieces before it the role with a
number, counted from the right: a2 a1 a. Prompts of one length and one role sequence make one `LongPrompts`; a task
whose operands are cut in several ways gives one for each way, so nothing is padded. Methods that need an answer of
one token refuse these prompts (`answer_ids` is an error here); `token(k)` asks them of one token of the answer, after
the right ones before it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from interp.errors import InterpError
from interp.tasks.encoding import (
    Item,
    answer_space,
    apart,
    check_known,
    check_questions,
    tokens_of_span,
    with_fillers,
)
from interp.tasks.placed import Placed, drawn
from interp.tasks.prompts import Prompts, items
from interp.tasks.task import Task


@dataclass(frozen=True)
class LongPrompts(Placed):
    """Rectangular prompts: tokens int64 [prompt, pos], one role a position, the tokens of each answer (none where the
    answer is not known), exact causal variables [prompt]."""

    BY_PROMPT: ClassVar = ("tokens", "texts", "answers", "answer_tokens", "variables")

    tokens: np.ndarray
    roles: tuple[str, ...]
    texts: tuple[str, ...]
    answers: tuple[str, ...]
    answer_tokens: tuple[tuple[int, ...], ...]
    variables: dict[str, np.ndarray]
    task: str
    style: str
    split: str

    def __post_init__(self) -> None:
        lengths = {len(self.texts), len(self.answers), len(self.answer_tokens), *map(len, self.variables.values())}
        if self.tokens.ndim != 2 or lengths != {len(self.tokens)} or len(self.roles) != self.tokens.shape[1]:
            raise InterpError("long prompts: tokens, roles, texts, answers and variables have no one common length.")
        if len(set(self.roles)) != len(self.roles):
            raise InterpError(f"long prompts: a role is used twice in {', '.join(self.roles)}; roles must be unique.")

    def token(self, k: int) -> Prompts:
        """Return token `k` of the answers (0 = the first) as a question of one token, for methods that need one: the
        prompts whose answers have it, the right tokens before it behind them as roles said1, said2, ...

        Raises InterpError where no answer has it.
        """
        rows = [i for i, answer in enumerate(self.answer_tokens) if len(answer) > k >= 0]
        if not rows:
            raise InterpError(f"no answer of these prompts has {k + 1} tokens; ask for an earlier token.")
        part, roles = self[np.array(rows)], tuple(f"said{i + 1}" for i in range(k))
        said = np.array([answer[:k] for answer in part.answer_tokens], dtype=np.int64).reshape(len(rows), k)
        ids = np.array([answer[k] for answer in part.answer_tokens], dtype=np.int64)
        tokens = np.concatenate([part.tokens, said], axis=1)
        about = (part.variables, self.task, self.style, self.split)
        return Prompts(tokens, (*self.roles, *roles), part.texts, part.answers, ids, *about)

    @property
    def answer_ids(self) -> np.ndarray:
        """Raise InterpError: there is no one token of an answer."""
        raise InterpError(
            "these answers may be several tokens and this method reads one: use long_answers or generate, or ask for "
            "one token of the answer, prompts.token(0)."
        )


def build_long(
    task: Task, tokenizer: Any, style: str = "plain", split: str = "test", n: int | None = None, seed: int = 0
) -> tuple[LongPrompts, ...]:
    """Return `n` prompts of a task (all when None) drawn from `split`, the same as `build` draws, one `LongPrompts` for
    each way in which the operands are cut. Raises InterpError for an empty split and as `encode_long`."""
    space = task.space(split)
    if not len(space):
        raise InterpError(f"task {task.name!r} has no prompts in split {split!r}; widen its operand ranges.")
    rows = drawn(len(space), n, seed)
    operands = space if rows is None else space[rows]
    columns = task.variables(operands)
    return tuple(
        replace(
            found,
            variables={name: column[rows] for name, column in columns.items()},
            task=task.name,
            style=style,
            split=split,
        )
        for rows, found in encode_long(tokenizer, items(task, style, operands))
    )


def encode_long(tokenizer: Any, questions: Sequence[Item]) -> list[tuple[np.ndarray, LongPrompts]]:
    """Return (rows of `questions`, their prompts without variables) for each length and role sequence, in the order in
    which they first occur. An answer "" is not known.

    Raises InterpError for a role without a token, a token that holds parts of two, an answer that merges with its
    prompt, or a word the tokenizer does not know.
    """
    check_questions(tokenizer, questions)
    trailing = answer_space(tokenizer, questions[0])
    texts = [q.text + trailing for q in questions]
    encoded = tokenizer(texts, add_special_tokens=False, return_offsets_mapping=True)
    bos = [] if tokenizer.bos_token_id is None else [tokenizer.bos_token_id]
    groups: dict[tuple[str, ...], list[int]] = {}
    for row, (offsets, question) in enumerate(zip(encoded["offset_mapping"], questions, strict=True)):
        groups.setdefault(("bos",) * len(bos) + piece_roles(offsets, question), []).append(row)
    answers = _answer_tokens(tokenizer, questions, texts, encoded["input_ids"])
    found = []
    for roles, rows in groups.items():
        tokens = np.array([bos + encoded["input_ids"][row] for row in rows], dtype=np.int64)
        check_known(tokenizer, tokens, [texts[row] for row in rows])
        said, asked = tuple(questions[row].answer for row in rows), tuple(texts[row] for row in rows)
        kept = LongPrompts(tokens, roles, asked, said, tuple(answers[row] for row in rows), {}, "own", "own", "own")
        found.append((np.array(rows), kept))
    return found


def piece_roles(offsets: list[tuple[int, int]], question: Item) -> tuple[str, ...]:
    """Return the role of each token of one prompt: the pieces of a number are ..., a2, a1, a."""
    text, offsets = question.text, apart(offsets)
    roles: list[str | None] = [None] * len(offsets)
    for role, (start, end) in question.spans.items():
        hits = tokens_of_span(offsets, text, (start, end))
        number = text[start:end].isdecimal()
        pieces = hits if number else hits[-1:]
        whole = "".join(text[s:e] for s, e in (offsets[i] for i in hits)).strip()
        if not hits or any(roles[i] is not None for i in pieces) or (number and whole != text[start:end]):
            raise InterpError(f"prompt {text!r}: no tokens of its own for role {role!r}; the tokenizer merges it away.")
        for place, i in enumerate(reversed(pieces)):
            roles[i] = f"{role}{place}" if place else role
    if not roles:
        raise InterpError("a prompt has no token; write a question in front of each answer.")
    return with_fillers(roles)


def rectangular(found: Sequence[LongPrompts]) -> LongPrompts:
    """Return the one set of prompts in `found`. Raises InterpError where numbers are cut in several ways."""
    if len(found) != 1:
        ways = "; ".join(f"{' '.join(prompts.roles)} ({len(prompts)})" for prompts in found[:3])
        raise InterpError(
            f"these prompts are cut in {len(found)} ways ({ways} ...): take operands of one length, e.g. a+b@10..99."
        )
    return found[0]


def _answer_tokens(
    tokenizer: Any, questions: Sequence[Item], texts: list[str], prompts: list[list[int]]
) -> list[tuple[int, ...]]:
    """Return the tokens of each answer after its prompt in `texts`, which hold the space in between or leave it to the
    answer."""
    asked = zip(texts, questions, strict=True)
    whole = [t + (q.answer_prefix if t == q.text else "") * bool(q.answer) + q.answer for t, q in asked]
    full = tokenizer(whole, add_special_tokens=False)["input_ids"]
    found = []
    for ids, prompt, question in zip(full, prompts, questions, strict=True):
        answer = tuple(ids[len(prompt) :])
        if ids[: len(prompt)] != prompt or bool(answer) != bool(question.answer):
            raise InterpError(
                f"answer {question.answer!r} of {question.text!r} merges with the prompt in this tokenizer; end the "
                "question with a sign that stays a token, such as =."
            )
        check_known(tokenizer, np.array([answer], dtype=np.int64), [question.answer])
        found.append(answer)
    return found
