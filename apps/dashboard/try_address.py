"""What does an address ask of Try it, and what does the link of another page to it say?

    href(selection)                  -> "/try?v=1&model=...&a=17&b=25&layer=4&role=eq&view=patch"
    values_at(selection, catalogue)  -> the values of the form; what the address leaves open fits the task

There `view` is the kind of intervention, `node` what a patch writes, `window` l_wait-l_transfer, `a` and `b` are the
operands. A pin is a prompt by its operands, "17, 62": the last is the second prompt, of two the first is the prompt.
"""

from __future__ import annotations

import re
from typing import Any

from apps.dashboard import try_form
from apps.dashboard.askable import OWN, own_task
from apps.dashboard.selection import Selection
from apps.dashboard.try_form import DEFAULTS, FIELDS, LISTED, Values, numbers

PATH = "/try"
NAMED = ("model", "task", "style", "layer", "role", "head", "period")
FIRST, SECOND = (0.63, 0.25, 0.17, 0.1), (0.63, 0.4, 0.25, 0.1)
"""Where in their range the operands of a first prompt lie, and the one that a second prompt has instead."""
Ranges = list[tuple[str, int, int]]


def href(asked: Selection) -> str:
    """Return the address of Try it with that question in its form."""
    return f"{PATH}{asked.search}"


def values_at(asked: Selection, catalogue: dict[str, Any]) -> Values:
    """Return the values of the form for an address that names no job."""
    values = asks(asked, catalogue)
    if asked.view in FIELDS:
        values["kind"] = asked.view
    if asked.node in dict(try_form.COMPONENTS):
        values["component"] = asked.node
    if asked.window is not None:
        values["l_wait"], values["l_transfer"] = (int(part) for part in asked.window.split("-"))
    return values | _prompts(asked, values, ranges(values, catalogue))


def asks(asked: Selection, catalogue: dict[str, Any]) -> Values:
    """Return what an address says of model, question and place; a toy model is asked its own task, not the usual."""
    named = {name: value for name in NAMED if (value := getattr(asked, name)) is not None}
    values = {**DEFAULTS, **named}
    own = own_task(values["model"], catalogue)
    values |= {} if own is None else {"task": own, "style": OWN}
    return values | _inside(values, named, catalogue)


def _inside(values: Values, named: Values, catalogue: dict[str, Any]) -> Values:
    """Return the usual layer and blocks, where the address leaves them open, inside a model that has fewer blocks."""
    blocks = next((each["n_layers"] for each in catalogue["models"] if each["name"] == values["model"]), None)
    if blocks is None:
        return {}
    layer = {} if "layer" in named else {"layer": min(values["layer"], blocks - 1)}
    wait = min(values["l_wait"], blocks)
    return {**layer, "l_wait": wait, "l_transfer": min(values["l_transfer"], blocks - wait)}


def ranges(values: Values, catalogue: dict[str, Any]) -> Ranges:
    """Return (name, low, high) of the operands of a question; nothing for a task or model without a name."""
    model = next((each for each in catalogue["models"] if each["name"] == values["model"]), None)
    if model and model["operands"]:
        return [tuple(each) for each in model["operands"]]
    name, _, span = str(values["task"]).partition("@")
    task = next((each for each in catalogue["tasks"] if each["name"] == name), None)
    ends = re.fullmatch(r"(\d{1,9})\.\.(\d{1,9})", span)
    known = [tuple(each) for each in task["operands"]] if task else []
    return [(each[0], int(ends[1]), int(ends[2])) for each in known] if ends else known


def _prompts(asked: Selection, values: Values, known: Ranges) -> Values:
    """Return the operands of both prompts: those of the address, else such as the task has."""
    pins = [pin for pin in asked.pin if LISTED.fullmatch(pin)]
    operands = _usual(values, known)
    if asked.a is not None and asked.b is not None:
        operands = [asked.a, asked.b]
    elif len(pins) > 1:
        operands = numbers(pins[0])
    second = numbers(pins[-1]) if pins else _other(operands, values, known)
    return {"operands": joined(operands), "second": joined(second)}


def joined(operands: list[int]) -> str:
    """Return operands as the form has them, "17, 25"."""
    return ", ".join(map(str, operands))


def _usual(values: Values, known: Ranges) -> list[int]:
    usual = numbers(DEFAULTS["operands"])
    fits = len(usual) == len(known) and all(low <= n <= high for n, (_, low, high) in zip(usual, known, strict=True))
    if not known or (fits and "-" not in values["task"]):
        return usual
    places = (*FIRST, *(FIRST[-1],) * len(known))
    return [_at(each, place) for each, place in zip(known, places, strict=False)]


def _other(operands: list[int], values: Values, known: Ranges) -> list[int]:
    """Return `operands` with the one at the role of the question changed, else the last one."""
    if len(operands) != len(known):
        return numbers(DEFAULTS["second"])
    names = [name for name, _, _ in known]
    i = names.index(values["role"]) if values["role"] in names else len(names) - 1
    changed = [[*operands[:i], _at(known[i], place), *operands[i + 1 :]] for place in SECOND]
    falling = "-" in values["task"]  # no answer below zero
    fitting = [each for each in changed if each != operands and (not falling or each[0] > sum(each[1:]))]
    return next(iter(fitting), changed[0])


def _at(operand: tuple[str, int, int], place: float) -> int:
    _, low, high = operand
    return round(low + place * (high - low))
