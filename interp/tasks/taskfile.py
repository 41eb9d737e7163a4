"""A task of one's own, as a JSON file.

    {"name": "double", "expression": "2*a+b", "ranges": {"a": [0, 49], "b": [0, 49]},
     "templates": {"plain": "2*{a}[op1:+]{b}[eq:=]", "words": "twice {a} and {b} is"},
     "answer_prefix": {"plain": "", "words": " "}}

`answer_prefix` ("" or " ", the default is "") is the space between prompt and answer: one for all templates, or one
for each. Without templates the task takes the built-in styles. `interp.tasks.templates` says what a template is.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from interp.errors import InterpError, nearest
from interp.tasks.reading import is_pair, json_of, text_of
from interp.tasks.task import Task

FIELDS = ("name", "expression", "ranges", "templates", "answer_prefix")


def read_task(path: str | Path) -> Task:
    """Return the Task in a JSON file. Raises InterpError for a file that is not one."""
    record = json_of(text_of(path), f"{path}")
    if not isinstance(record, dict) or not {"name", "expression", "ranges"} <= set(record):
        raise InterpError(f"{path}: no task; it needs name, expression, ranges {{operand: [low, high]}} and templates.")
    for field in record:
        if field not in FIELDS:
            raise InterpError(f"{path}: unknown field {field!r}. {nearest(field, FIELDS)}")
    templates, prefix = record.get("templates", {}), record.get("answer_prefix", "")
    _check_fields(path, record["name"], record["expression"], record["ranges"], templates)
    prefixes: dict[str, Any] = prefix if isinstance(prefix, dict) else dict.fromkeys(templates, prefix)
    if set(prefixes) != set(templates):
        raise InterpError(f"{path}: answer_prefix must be '' or ' ', one for all templates or one for each of them.")
    wordings = tuple((style, text, prefixes[style]) for style, text in templates.items())
    try:
        return Task(
            record["name"], record["expression"], tuple((n, *span) for n, span in record["ranges"].items()), wordings
        )
    except InterpError as error:
        raise InterpError(f"{path}: {error}") from None


def _check_fields(path: str | Path, name: Any, expression: Any, ranges: Any, templates: Any) -> None:
    if not isinstance(name, str) or not name:
        raise InterpError(f"{path}: the name is {name!r}; write a word or an expression.")
    if not isinstance(expression, str):
        raise InterpError(f"{path}: the expression is {expression!r}; write e.g. 'a+b-c'.")
    if not isinstance(ranges, dict) or not all(map(is_pair, ranges.values())):
        raise InterpError(f"{path}: the ranges are {ranges!r}; write {{operand: [low, high]}} with two integers each.")
    if not isinstance(templates, dict) or not all(isinstance(text, str) for text in templates.values()):
        raise InterpError(f"{path}: the templates are {templates!r}; write {{style: text}}.")
