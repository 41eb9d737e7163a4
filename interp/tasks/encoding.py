"""How does a question become tokens in which every position has a role?

    "12+34="  with spans a = 0:2, op1 = 2:3, b = 3:5, eq = 5:6   ->   bos a op1 b eq

The last token of a span bears its role; every other token is filler w1, w2, .... A tokenizer with a bos token gets
it in front of each prompt, whether or not it would add one by itself. What the methods rely on is checked: one
length and one role sequence for all prompts (bucket by length, never pad), one token an operand, one token an
answer. The space of `answer_prefix` goes to the answer where the tokenizer fuses or drops it (" 46" is one token)
and to the end of the prompt where it is a token of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from interp.errors import InterpError
from interp.tasks.templates import check_role


class Item(NamedTuple):
    """One question as text: the prompt, {role: (start, end)} in it, the answer and the space between the two."""

    text: str
    spans: dict[str, tuple[int, int]]
    answer: str
    answer_prefix: str = ""


class Encoded(NamedTuple):
    """Tokens int64 [prompt, pos], one role a position, the texts that were encoded, answer ids int64 [prompt]."""

    tokens: np.ndarray
    roles: tuple[str, ...]
    texts: list[str]
    answer_ids: np.ndarray


def tokens_with_roles(tokenizer: Any, questions: Sequence[Item], numeric: Sequence[str] = ()) -> Encoded:
    """Return `questions` as tokens; the roles in `numeric` ("answer" too) must be one whole number token each.

    Raises InterpError for prompts of different length or roles, a role without a token, an operand or an answer
    that is not one token, a word the tokenizer does not know, or a tokenizer without character offsets.
    """
    check_questions(tokenizer, questions)
    trailing = answer_space(tokenizer, questions[0])
    texts = [q.text + trailing for q in questions]
    prefix = "" if trailing else questions[0].answer_prefix
    encoded = tokenizer(texts, add_special_tokens=False, return_offsets_mapping=True)
    bos = [] if tokenizer.bos_token_id is None else [tokenizer.bos_token_id]
    roles = ("bos",) * len(bos) + _common_roles(
        [_roles(o, q) for o, q in zip(encoded["offset_mapping"], questions, strict=True)], texts
    )
    tokens = np.array([bos + ids for ids in encoded["input_ids"]], dtype=np.int64)
    check_known(tokenizer, tokens, texts)
    full = tokenizer([t + prefix + q.answer for t, q in zip(texts, questions, strict=True)], add_special_tokens=False)
    rows = zip(full["input_ids"], encoded["input_ids"], questions, strict=True)
    answer_ids = np.array([_answer_token(*row) for row in rows], dtype=np.int64)
    check_known(tokenizer, answer_ids[:, None], [q.answer for q in questions])
    for role in numeric:
        if role == "answer":
            _check_numbers(tokenizer, role, answer_ids, [q.answer for q in questions])
        else:
            written = [q.text[slice(*q.spans[role])] for q in questions]
            _check_numbers(tokenizer, role, tokens[:, roles.index(role)], written)
    return Encoded(tokens, roles, texts, answer_ids)


def apart(offsets: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return character spans of which none overlaps the next: a space that a tokenizer puts in front of a text
    itself is said to lie on the first character, and becomes empty."""
    starts = [start for start, _ in offsets[1:]] + [end for _, end in offsets[-1:]]
    return [(start, min(end, later)) for (start, end), later in zip(offsets, starts, strict=True)]


def check_questions(tokenizer: Any, questions: Sequence[Item]) -> None:
    """Raise InterpError for no questions, a slow tokenizer, mixed answer prefixes or a reserved role."""
    if not questions:
        raise InterpError("no prompts: the list of questions is empty.")
    if not getattr(tokenizer, "is_fast", True):
        raise InterpError("this tokenizer gives no character offsets; load a fast one (tokenizer.json).")
    prefixes = {q.answer_prefix for q in questions}
    if len(prefixes) > 1 or not prefixes <= {"", " "}:
        raise InterpError(f"answer_prefix must be '' or ' ', the same for all prompts, not {sorted(prefixes)}.")
    for role in {role for q in questions for role in q.spans}:
        check_role(role)


def answer_space(tokenizer: Any, question: Item) -> str:
    """Return where the space before the answer goes: "" (with the answer) or " " (a token at the end of the prompt).

    A number is judged by " 7": whether a space is fused must not depend on which number is the first answer.
    """
    if not question.answer_prefix:
        return ""
    answer = "7" if question.answer.isdecimal() else question.answer
    bare, full = tokenizer([question.text, f"{question.text} {answer}"], add_special_tokens=False)["input_ids"]
    return "" if full[: len(bare)] == bare and len(full) == len(bare) + 1 else " "


def _roles(offsets: list[tuple[int, int]], question: Item) -> tuple[str, ...]:
    """Name each token of one prompt: the last token of a role's span bears it, every other token is filler."""
    text, offsets = question.text, apart(offsets)
    roles: list[str | None] = [None] * len(offsets)
    for role, (start, end) in question.spans.items():
        hits = tokens_of_span(offsets, text, (start, end))
        if not hits or roles[hits[-1]] is not None:
            raise InterpError(
                f"prompt {text!r}: no token of its own for role {role!r}; the tokenizer merges it away or another role "
                "spans it."
            )
        if text[start:end].isdecimal() and len(hits) > 1:
            raise InterpError(
                f"prompt {text!r}: operand {text[start:end]} is {len(hits)} tokens; this method needs one token an "
                "integer, use a smaller operand range or another model."
            )
        roles[hits[-1]] = role
    return with_fillers(roles)


def tokens_of_span(offsets: list[tuple[int, int]], text: str, span: tuple[int, int]) -> list[int]:
    """Return the numbers of the tokens that hold some of `text[start:end]` other than white space."""
    start, end = span
    shared = ((i, text[max(s, start) : min(e, end)]) for i, (s, e) in enumerate(offsets) if s < end and e > start)
    return [i for i, piece in shared if piece.strip()]


def with_fillers(roles: Sequence[str | None]) -> tuple[str, ...]:
    """Return `roles` with w1, w2, ... where there was None."""
    fillers = iter(f"w{i}" for i in range(1, len(roles) + 1))
    return tuple(role or next(fillers) for role in roles)


def _common_roles(sequences: list[tuple[str, ...]], texts: list[str]) -> tuple[str, ...]:
    first = sequences[0]
    for sequence, text in zip(sequences, texts, strict=True):
        if sequence != first:
            mend = "give every prompt the same roles" if len(sequence) == len(first) else "keep one length a batch"
            raise InterpError(
                f"prompts are not aligned: {texts[0]!r} is {len(first)} tokens ({' '.join(first)}) but "
                f"{text!r} is {len(sequence)} ({' '.join(sequence)}); {mend}."
            )
    if not first:
        raise InterpError("a prompt has no token; write a question in front of each answer.")
    return first


def _answer_token(full: list[int], prompt: list[int], question: Item) -> int:
    if full[: len(prompt)] != prompt or len(full) != len(prompt) + 1:
        raise InterpError(
            f"answer {question.answer!r} of {question.text!r} is {max(len(full) - len(prompt), 0)} tokens or merges "
            "with the prompt; these methods need an answer of one token: use a smaller operand range or another model."
        )
    return full[-1]


def check_known(tokenizer: Any, tokens: np.ndarray, texts: Sequence[str]) -> None:
    """Raise InterpError, naming the text, where one of `tokens` [prompt, token] is the unknown token."""
    unknown = tokenizer.unk_token_id
    if unknown is not None and unknown != tokenizer.bos_token_id and (tokens == unknown).any():
        row = int(np.flatnonzero((tokens == unknown).any(axis=1))[0])
        raise InterpError(
            f"{texts[row]!r} holds a word or number that the tokenizer does not know; use other words, a smaller "
            "operand range or another model."
        )


def _check_numbers(tokenizer: Any, role: str, ids: np.ndarray, written: list[str]) -> None:
    decoded = {i: tokenizer.decode([i]).strip() for i in set(ids.tolist())}
    for token, number in zip(ids.tolist(), written, strict=True):
        if decoded[token] != number.strip():
            raise InterpError(
                f"{role} {number!r} was encoded as {decoded[token]!r}; this tokenizer cannot take the task."
            )
