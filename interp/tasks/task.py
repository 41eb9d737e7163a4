"""What is asked: a named expression over ranges of operands, with a wording for each style.

A task is a value: an expression ("a+b-c"), the inclusive range of each operand and its templates. Its space is
every operand tuple for which all steps of the expression are >= 0; a split takes its share of that space
(`interp.tasks.splits`). `register` adds a task of one's own:

    register(Task("double", "2*a+b", (("a", 0, 49), ("b", 0, 49)), (("plain", "2*{a}[op1:+]{b}[eq:=]", ""),)))
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np

from interp.errors import InterpError, nearest
from interp.tasks import expression, numbers, splits, templates

LARGEST_SPACE = 20_000_000


@dataclass(frozen=True)
class Task:
    """A named expression, inclusive operand ranges (operand, low, high) and own wordings (style, text, prefix).

    Without wordings of its own the task must be a chain of + and - and takes the six built-in styles.
    """

    name: str
    expression: str
    ranges: tuple[tuple[str, int, int], ...]
    wordings: tuple[tuple[str, str, str], ...] = ()

    def __post_init__(self) -> None:
        operands = expression.read(self.expression).operands
        named = tuple(name for name, _, _ in self.ranges)
        if sorted(named) != sorted(operands):
            raise InterpError(
                f"task {self.name!r}: ranges for {', '.join(named) or 'nothing'}, but the expression "
                f"{self.expression!r} has operands {', '.join(operands)}; give one range to each."
            )
        for name, low, high in self.ranges:
            if not 0 <= low <= high < 1 << 16:
                raise InterpError(f"task {self.name!r}: range {low}..{high} of {name}; need 0 <= low <= high < 65536.")
        for style, _, _ in self.wordings:
            missing = set(operands) - set(self.template(style).operands)
            if missing:
                raise InterpError(f"task {self.name!r}, style {style!r}: no place for operand {', '.join(missing)}.")

    @property
    def operands(self) -> tuple[str, ...]:
        return tuple(name for name, _, _ in self.ranges)

    @property
    def styles(self) -> tuple[str, ...]:
        return tuple(style for style, _, _ in self.wordings) or templates.STYLES

    @property
    def operators(self) -> tuple[str, ...]:
        return tuple(step.operator for step in expression.read(self.expression).steps)

    def template(self, style: str) -> templates.Template:
        """Return the wording of `style`. Raises InterpError with the nearest names for an unknown one."""
        if style not in self.styles:
            raise InterpError(f"task {self.name!r} has no style {style!r}. {nearest(style, self.styles)}")
        for own, text, prefix in self.wordings:
            if own == style:
                return templates.parse(text, prefix)
        return templates.arithmetic_template(style, self.operators)

    def within(self, low: int, high: int) -> Task:
        """Return the same task with every operand in low..high (inclusive)."""
        return Task(self.name, self.expression, tuple((n, low, high) for n, _, _ in self.ranges), self.wordings)

    def space(self, split: str = "all") -> np.ndarray:
        """Return every valid operand tuple of `split` in rising order: int64 [tuple, operand], read-only."""
        return _space(self, split)

    def steps(self, operands: np.ndarray) -> dict[str, np.ndarray]:
        """Return {step name: int64 [prompt]} of the expression, `result` last."""
        columns = {name: operands[:, i] for i, name in enumerate(self.operands)}
        return expression.evaluate(expression.read(self.expression), columns)

    def check(self, operands: np.ndarray) -> None:
        """Raise InterpError for the first operand out of range or the first step below zero."""
        for i, (name, low, high) in enumerate(self.ranges):
            bad = (operands[:, i] < low) | (operands[:, i] > high)
            if bad.any():
                raise InterpError(
                    f"task {self.name!r}: operand {name} = {operands[bad][0, i]} is out of range; use {low}..{high}."
                )
        for step, values in self.steps(operands).items():
            if (values < 0).any():
                row = operands[values < 0][0]
                raise InterpError(f"task {self.name!r}: {step} is negative for operands {tuple(map(int, row))}.")

    def variables(self, operands: np.ndarray) -> dict[str, np.ndarray]:
        """Return every exact causal variable: int64 [prompt] by name.

        Operands and steps by their own names; digits as `<number><column>` (a0 = units of a); for each + or -
        step the carry or borrow out of each column as `<step>_carry<column>` / `<step>_borrow<column>`, their
        number `<step>_carries` / `<step>_borrows` and the longest run `<step>_chain`.
        """
        read = expression.read(self.expression)
        values: dict[str | int, np.ndarray] = {n: operands[:, i].copy() for i, n in enumerate(self.operands)}
        values.update(self.steps(operands))
        table = {str(name): column for name, column in values.items()}
        for name, column in list(table.items()):
            width = _width(self, name, column)
            table.update({f"{name}{i}": d for i, d in enumerate(numbers.digits(column, width).T)})
        for step in read.steps:
            x, y = (values[v] if isinstance(v, str) else np.full(len(operands), v) for v in (step.left, step.right))
            table.update(_column_variables(step.name, step.operator, x, y, width=_width(self, "operand", x)))
        return table


def _width(task: Task, name: str, column: np.ndarray) -> int:
    """Digits that a column of numbers may need: fixed by the task's ranges, not by the prompts at hand."""
    bounds = {n: high for n, _, high in task.ranges}
    if name in bounds:
        return len(str(bounds[name]))
    if name == "operand":
        return max(len(str(high)) for high in bounds.values())
    top = max(int(column.max(initial=0)), sum(bounds.values()))
    return len(str(top))


def _column_variables(step: str, operator: str, x: np.ndarray, y: np.ndarray, width: int) -> dict[str, np.ndarray]:
    kinds = {"+": ("carry", "carries", numbers.carries), "-": ("borrow", "borrows", numbers.borrows)}
    if operator not in kinds:
        return {}
    one, many, function = kinds[operator]
    flags = function(x, y, width)
    table = {f"{step}_{one}{i}": flags[:, i] for i in range(width)}
    table[f"{step}_{many}"] = flags.sum(axis=1)
    table[f"{step}_chain"] = numbers.longest_chain(flags)
    return table


@functools.lru_cache(maxsize=64)
def _space(task: Task, split: str) -> np.ndarray:
    sizes = [high - low + 1 for _, low, high in task.ranges]
    if np.prod([float(s) for s in sizes]) > LARGEST_SPACE:
        raise InterpError(
            f"task {task.name!r} has more than {LARGEST_SPACE:,} operand tuples; narrow its ranges (Task.within)."
        )
    grid = np.indices(sizes).reshape(len(sizes), -1).T + np.array([low for _, low, _ in task.ranges])
    valid = np.all([values >= 0 for values in task.steps(grid).values()], axis=0)
    chosen = np.ascontiguousarray(grid[valid & splits.in_split(grid, split)], dtype=np.int64)
    chosen.setflags(write=False)
    return chosen


TASKS: dict[str, Task] = {}


def register(task: Task) -> Task:
    """Add `task` to the tasks known by name and return it. Raises InterpError when the name means another task."""
    if TASKS.get(task.name, task) != task:
        raise InterpError(f"a task named {task.name!r} exists and is different; choose another name.")
    TASKS[task.name] = task
    return task


def get_task(name: str) -> Task:
    """Return the task known by `name`. Raises InterpError with the nearest names."""
    if name not in TASKS:
        raise InterpError(f"unknown task {name!r}. {nearest(name, TASKS)}")
    return TASKS[name]


for _chain in ("a+b", "a-b", "a+b+c", "a+b-c", "a-b+c", "a-b-c"):
    _operands = expression.read(_chain).operands
    _high = 99 if len(_operands) == 2 else 49
    register(Task(_chain, _chain, tuple((_name, 0, _high) for _name in _operands)))
