"""Prompts of one's own, and prompts for others: plain JSON lines, one question a line.

    {"prompt": "12+34=", "answer": "46", "roles": {"a": [0, 2], "b": [3, 5]}}
    {"prompt": ..., "answer": ..., "roles": ..., "corrupted": {"prompt": ..., "answer": ..., "roles": ...}}

`roles` gives character spans; tokens without a role become w1, w2, .... A span whose text is an integer is an
operand: it must be one token, and its value becomes a causal variable of that name. A task of one's own is a JSON
file {"name", "expression", "ranges": {"a": [0, 49]}, "templates": {"plain": "2*{a}="}, "answer_prefix": ""}.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from interp.errors import InterpError
from interp.tasks.prompts import Item, Prompts, encode, items
from interp.tasks.task import Task
from interp.tasks.twins import Twins


def read_task(path: str | Path) -> Task:
    """Return the Task in a JSON file. Raises InterpError for a file that is not one."""
    record = _json(Path(path).read_text() if Path(path).is_file() else _missing(path), f"{path}")
    try:
        ranges = tuple((name, int(low), int(high)) for name, (low, high) in record["ranges"].items())
        prefix = record.get("answer_prefix", "")
        wordings = tuple((style, text, prefix) for style, text in record.get("templates", {}).items())
        return Task(record["name"], record["expression"], ranges, wordings)
    except (KeyError, TypeError, AttributeError) as error:
        raise InterpError(
            f"{path}: no task ({error}); it needs name, expression, ranges {{operand: [low, high]}} and templates."
        ) from None


def read_prompts(path: str | Path, tokenizer: Any) -> Prompts:
    """Return the prompts of a JSONL file. Raises InterpError with the line number for a bad line."""
    return _encode([item for item, _ in _lines(path)], tokenizer, Path(path).name)


def read_pairs(path: str | Path, tokenizer: Any) -> Twins:
    """Return the clean/corrupted pairs of a JSONL file. Raises InterpError when a line has no `corrupted`."""
    pairs = list(_lines(path))
    if any(twin is None for _, twin in pairs):
        row = [twin is None for _, twin in pairs].index(True) + 1
        raise InterpError(f"{path}, line {row}: no 'corrupted' question; every line needs one for a pair.")
    clean = _encode([item for item, _ in pairs], tokenizer, Path(path).name)
    corrupted = _encode([twin for _, twin in pairs if twin], tokenizer, Path(path).name)
    return Twins(clean, corrupted, ("own",), ())


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


def _encode(questions: list[Item], tokenizer: Any, name: str) -> Prompts:
    roles = questions[0].spans if questions else {}
    numeric = [r for r in roles if all(q.text[slice(*q.spans.get(r, (0, 0)))].isdigit() for q in questions)]
    variables = {r: np.array([int(q.text[slice(*q.spans[r])]) for q in questions]) for r in numeric}
    if questions and all(q.answer.isdigit() for q in questions):
        variables["result"] = np.array([int(q.answer) for q in questions])
    return replace(encode(tokenizer, questions, numeric), variables=variables, task=name, style="own", split="own")


def _lines(path: str | Path) -> Iterator[tuple[Item, Item | None]]:
    if not Path(path).is_file():
        _missing(path)
    for number, line in enumerate(Path(path).read_text().splitlines(), start=1):
        if line.strip():
            record = _json(line, f"{path}, line {number}")
            twin = record.get("corrupted") if isinstance(record, dict) else None
            where = f"{path}, line {number}"
            yield _item(record, where), None if twin is None else _item(twin, f"{where}, corrupted")


def _item(record: Any, where: str) -> Item:
    try:
        text, answer = str(record["prompt"]), str(record["answer"])
        spans = {str(role): (int(start), int(end)) for role, (start, end) in record.get("roles", {}).items()}
    except (KeyError, TypeError, ValueError, AttributeError):
        raise InterpError(f"{where}: each question needs prompt, answer and roles {{name: [start, end]}}.") from None
    for role, (start, end) in spans.items():
        if not 0 <= start < end <= len(text):
            raise InterpError(
                f"{where}: role {role!r} spans {start}..{end}, outside the prompt of {len(text)} characters."
            )
    return Item(text, spans, answer, str(record.get("answer_prefix", "")))


def _json(text: str, where: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise InterpError(
            f"{where}: not JSON ({error.msg} at column {error.colno}); write one object a line."
        ) from None


def _missing(path: str | Path) -> str:
    raise InterpError(f"{path}: no such file; give the path of a JSON or JSONL file.")
