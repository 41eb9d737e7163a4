"""What is computed, in which order: an integer expression read into its steps.

`read("a+b-c")` gives the binary steps in the order of evaluation, each with its operator and the names of
its two inputs; `evaluate` runs them over whole columns of operands. Every step is a causal variable: the last
one is `result`, the ones before it `partial` (or `partial1`, `partial2`, ... when there are several).
"""

from __future__ import annotations

import ast
import functools
from typing import NamedTuple

import numpy as np

from interp.errors import InterpError

OPERATORS = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.FloorDiv: "//", ast.Mod: "%"}
LARGEST_NUMBER = (1 << 16) - 1
"""The largest operand or constant: what the key of a split can hold."""
MOST_STEPS = 10
"""With more, `partial10` would be both a step and a digit of `partial1`."""


class Step(NamedTuple):
    """One binary step: `name = left operator right`; left and right are operand names, step names or integers."""

    name: str
    operator: str
    left: str | int
    right: str | int


class Expression(NamedTuple):
    """The operands in order of first appearance and the steps in order of evaluation."""

    operands: tuple[str, ...]
    steps: tuple[Step, ...]


@functools.lru_cache(maxsize=256)
def read(text: str) -> Expression:
    """Return the Expression of `text`: operands a..z, integers, + - * // % and brackets. Raises InterpError."""
    try:
        tree = ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError, TypeError, RecursionError, MemoryError) as error:
        reason = getattr(error, "msg", error)
        raise InterpError(f"expression {text!r} cannot be read ({reason}); write e.g. 'a+b-c'.") from None
    operands: list[str] = []
    raw: list[tuple[str, str | int, str | int]] = []

    def visit(node: ast.expr) -> str | int:
        if isinstance(node, ast.Name) and len(node.id) == 1 and "a" <= node.id <= "z":
            if node.id not in operands:
                operands.append(node.id)
            return node.id
        if isinstance(node, ast.Constant) and type(node.value) is int and node.value <= LARGEST_NUMBER:
            return node.value
        if isinstance(node, ast.BinOp) and type(node.op) in OPERATORS:
            left, right = visit(node.left), visit(node.right)
            raw.append((OPERATORS[type(node.op)], left, right))
            return f"#{len(raw) - 1}"
        raise InterpError(
            f"expression {text!r} holds something else than one-letter operands, integers up to {LARGEST_NUMBER}, "
            "+ - * // % and brackets."
        )

    visit(tree)
    if not raw or not operands:
        raise InterpError(f"expression {text!r} asks nothing; it needs an operand and an operator, e.g. 'a+b'.")
    if len(raw) > MOST_STEPS:
        raise InterpError(f"expression {text!r} has {len(raw)} steps; use at most {MOST_STEPS}.")
    names = _step_names(len(raw))
    named = {f"#{i}": name for i, name in enumerate(names)}
    steps = (Step(names[i], op, named.get(str(x), x), named.get(str(y), y)) for i, (op, x, y) in enumerate(raw))
    return Expression(tuple(operands), tuple(steps))


def chain(operators: tuple[str, ...]) -> str:
    """Return the expression that takes a, b, c, ... from left to right: ("+", "-") -> "a+b-c"."""
    return "a" + "".join(sign + operand for sign, operand in zip(operators, "bcdefgh", strict=False))


def evaluate(expression: Expression, columns: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return {step name: int64 [prompt]} for operand columns; division by zero gives -1, which no task accepts."""
    values: dict[str | int, np.ndarray] = {name: np.asarray(columns[name], dtype=np.int64) for name in columns}
    length = len(next(iter(values.values())))
    for step in expression.steps:
        x, y = (values[v] if isinstance(v, str) else np.full(length, v) for v in (step.left, step.right))
        values[step.name] = _apply(step.operator, x, y)
    return {step.name: values[step.name] for step in expression.steps}


def bounds(expression: Expression, ranges: dict[str, tuple[int, int]]) -> dict[str | int, tuple[int, int]]:
    """Return {operand, constant or step: (low, high)}, bounds on its value wherever every step is >= 0.

    Interval arithmetic in exact integers: never too narrow, and exact where each operand occurs once.
    """
    known: dict[str | int, tuple[int, int]] = dict(ranges.items())
    for step in expression.steps:
        (x, top_x), (y, top_y) = (known.setdefault(v, (v, v)) if isinstance(v, int) else known[v] for v in step[2:])
        known[step.name] = {
            "+": (x + y, top_x + top_y),
            "-": (max(x - top_y, 0), max(top_x - y, 0)),
            "*": (x * y, top_x * top_y),
            "//": (x // max(top_y, 1), top_x // max(y, 1)),
            "%": (0, max(min(top_x, top_y - 1), 0)),
        }[step.operator]
    return known


def _step_names(count: int) -> list[str]:
    if count <= 2:
        return ["partial", "result"][-count:]
    return [f"partial{i + 1}" for i in range(count - 1)] + ["result"]


def _apply(operator: str, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    if operator in ("//", "%"):
        safe = np.where(y > 0, y, 1)
        return np.where(y > 0, x // safe if operator == "//" else x % safe, -1)
    return {"+": np.add, "-": np.subtract, "*": np.multiply}[operator](x, y)
