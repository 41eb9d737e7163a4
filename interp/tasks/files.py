"""Prompts of one's own, and prompts for others: plain JSON lines, one question a line.

    {"prompt": "12+34=", "answer": "46", "roles": {"a": [0, 2], "b": [3, 5]}}
    {"prompt": ..., "answer": ..., "roles": ..., "corrupted": {"prompt": ..., "answer": ..., "roles": ...}}

`roles` gives character spans; tokens without a role become w1, w2, .... A span whose text is an integer is an
operand: it must be one token, and its value becomes a causal variable of that name. `answer_prefix` ("" or " ", the
default is "") is the space between prompt and answer.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from interp.errors import InterpError
from interp.tasks.encoding import Item
from interp.tasks.long_prompts import LongPrompts, encode_long
from interp.tasks.placed import drawn
from interp.tasks.prompts import Prompts, encode, items
from interp.tasks.reading import is_pair, json_of, text_of
from interp.tasks.task import Task
from interp.tasks.templates import check_role
from interp.tasks.twins import Twins


class Line(NamedTuple):
    """A line of a JSONL file: where it stands, its question and the corrupted one, if there is one."""

    where: str
    item: Item
    corrupted: Item | None


def read_prompts(path: str | Path, tokenizer: Any) -> Prompts:
    """Return the prompts of a JSONL file. Raises InterpError with the line number for a bad line."""
    lines = _lines(path)
    return _encode([line.item for line in lines], [line.where for line in lines], tokenizer, Path(path).name)


def read_long_prompts(path: str | Path, tokenizer: Any, n: int | None = None, seed: int = 0) -> tuple[LongPrompts, ...]:
    """Return `n` questions of a JSONL file (all when None) whose numbers may be several tokens, one `LongPrompts` for
    each way in which they are cut. Raises InterpError with the line number for a bad line, and as `encode_long`."""
    lines = _lines(path)
    rows = drawn(len(lines), n, seed)
    chosen = lines if rows is None else [lines[row] for row in rows]
    found = encode_long(tokenizer, [line.item for line in chosen])
    return tuple(replace(prompts, task=Path(path).name) for _, prompts in found)


def read_pairs(path: str | Path, tokenizer: Any) -> Twins:
    """Return the clean/corrupted pairs of a JSONL file; `changed` and `kept` are the roles whose tokens differ in
    some pair and in none ("result" too).

    Raises InterpError as `read_prompts`, and for a line without `corrupted` or a pair of different length or roles.
    """
    lines = _lines(path)
    twins = [line.corrupted for line in lines if line.corrupted]
    if len(twins) < len(lines):
        where = next(line.where for line in lines if line.corrupted is None)
        raise InterpError(f"{where}: no 'corrupted' question; every line needs one for a pair.")
    where, name = [line.where for line in lines], Path(path).name
    clean = _encode([line.item for line in lines], where, tokenizer, name)
    corrupted = _encode(twins, [f"{w}, corrupted" for w in where], tokenizer, name)
    if clean.roles != corrupted.roles:
        raise InterpError(
            f"{where[0]}: the pair is not aligned, {' '.join(clean.roles)} against {' '.join(corrupted.roles)}; "
            "give both prompts the same length and roles."
        )
    differs = dict(zip(clean.roles, (clean.tokens != corrupted.tokens).any(axis=0), strict=True))
    differs["result"] = clean.answers != corrupted.answers
    changed = tuple(role for role, other in differs.items() if other)
    return Twins(clean, corrupted, changed, tuple(role for role in differs if role not in (*changed, "bos")))


def export(task: Task, style: str, split: str) -> Iterator[str]:
    """Yield one JSON line a prompt of `task`: prompt, answer, answer_prefix, operands and role spans.

    The model's input is `prompt`; where its tokenizer makes the space of `answer_prefix` a token of its own,
    that space belongs at the end of the input.
    """
    space = task.space(split)
    for item, row in zip(items(task, style, space), space.tolist(), strict=True):
        record = {
            "prompt": item.text,
            "answer": item.answer,
            "answer_prefix": item.answer_prefix,
            "operands": dict(zip(task.operands, row, strict=True)),
            "roles": {role: list(span) for role, span in item.spans.items()},
        }
        yield json.dumps(record)


def _encode(questions: list[Item], where: list[str], tokenizer: Any, name: str) -> Prompts:
    roles = questions[0].spans
    numeric = [r for r in roles if all(q.text[slice(*q.spans.get(r, (0, 0)))].isdecimal() for q in questions)]
    try:
        encoded = encode(tokenizer, questions, numeric)
    except InterpError as error:
        raise _located(error, questions, where, tokenizer, numeric) from None
    variables = {r: np.array([int(q.text[slice(*q.spans[r])]) for q in questions]) for r in numeric}
    if all(q.answer.isdecimal() for q in questions):
        variables["result"] = np.array([int(q.answer) for q in questions])
    return replace(encoded, variables=variables, task=name, style="own", split="own")


def _located(
    error: InterpError, questions: list[Item], where: list[str], tokenizer: Any, numeric: list[str]
) -> InterpError:
    """`error` with the line that causes it: the first that cannot be encoded beside the first one."""
    for question, place in zip(questions, where, strict=True):
        try:
            encode(tokenizer, [questions[0], question], numeric)
        except InterpError as found:
            return InterpError(f"{place}: {found}")
    return error


def _lines(path: str | Path) -> list[Line]:
    lines = []
    for number, line in enumerate(text_of(path).split("\n"), start=1):
        if line.strip():
            where = f"{path}, line {number}"
            record = json_of(line, where)
            twin = record.get("corrupted") if isinstance(record, dict) else None
            corrupted = None if twin is None else _item(twin, f"{where}, corrupted")
            lines.append(Line(where, _item(record, where), corrupted))
    if not lines:
        raise InterpError(f"{path}: no prompts; write one JSON object a line with prompt, answer and roles.")
    return lines


def _item(record: Any, where: str) -> Item:
    fields = record if isinstance(record, dict) else {}
    text, answer, spans = fields.get("prompt"), fields.get("answer"), fields.get("roles", {})
    answer = str(answer) if type(answer) is int else answer
    if not (isinstance(text, str) and isinstance(answer, str) and text and answer and isinstance(spans, dict)):
        raise InterpError(f"{where}: each question needs prompt, answer and roles {{name: [start, end]}}.")
    for role, span in spans.items():
        if not is_pair(span):
            raise InterpError(f"{where}: role {role!r} has {span!r}; write [start, end], two character positions.")
        if not 0 <= span[0] < span[1] <= len(text):
            raise InterpError(
                f"{where}: role {role!r} spans {span[0]}..{span[1]}, outside the prompt of {len(text)} characters."
            )
        try:
            check_role(role)
        except InterpError as error:
            raise InterpError(f"{where}: {error}") from None
    prefix = fields.get("answer_prefix", "")
    if prefix not in ("", " "):
        raise InterpError(f"{where}: answer_prefix must be '' or ' ', not {prefix!r}.")
    return Item(text, {role: (start, end) for role, (start, end) in spans.items()}, answer, prefix)
