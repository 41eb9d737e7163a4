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
from interp.tasks import expression, splits, templates, variables

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
        object.__setattr__(self, "ranges", tuple(map(tuple, self.ranges)))  # lists are welcome, a task is hashable
        object.__setattr__(self, "wordings", tuple(map(tuple, self.wordings)))
        read = expression.read(self.expression)
        named = tuple(name for name, _, _ in self.ranges)
        if sorted(named) != sorted(read.operands):
            raise InterpError(
                f"task {self.name!r}: ranges for {', '.join(named) or 'nothing'}, but the expression "
                f"{self.expression!r} has operands {', '.join(read.operands)}; give one range to each."
            )
        largest = expression.LARGEST_NUMBER
        for name, low, high in self.ranges:
            if not (isinstance(low, int) and isinstance(high, int) and 0 <= low <= high <= largest):
                raise InterpError(
                    f"task {self.name!r}: range {low}..{high} of {name}; need integers 0 <= low <= high <= {largest}."
                )
        if max(top for _, top in self.bounds.values()) >= 1 << 62:
            raise InterpError(f"task {self.name!r}: a step can pass 2^62, which int64 cannot hold; narrow its ranges.")
        self._check_wordings()

    def _check_wordings(self) -> None:
        if not self.wordings and self.expression.replace(" ", "") != expression.chain(self.operators):
            raise InterpError(
                f"task {self.name!r}: the built-in styles word a chain of + and - such as a+b-c, not "
                f"{self.expression!r}; give the task wordings of its own."
            )
        if not self.wordings and not set(self.operators) <= {"+", "-"}:
            raise InterpError(
                f"task {self.name!r}: the built-in styles have no words for {' '.join(self.operators)}; "
                "give the task wordings of its own."
            )
        names = [style for style, _, _ in self.wordings]
        for style in names:
            places = set(self.template(style).operands)
            if names.count(style) > 1:
                raise InterpError(f"task {self.name!r}: style {style!r} is worded twice; give each style one wording.")
            if places != set(self.operands):
                odd = ", ".join(sorted(places ^ set(self.operands)))
                raise InterpError(
                    f"task {self.name!r}, style {style!r}: operand {odd} is not in both the wording and the expression "
                    f"{self.expression!r}; give each operand of the expression one place."
                )

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

    @property
    def bounds(self) -> dict[str | int, tuple[int, int]]:
        """The smallest and largest value that each operand and step can take (`expression.bounds`)."""
        return expression.bounds(expression.read(self.expression), {n: (low, high) for n, low, high in self.ranges})

    def within(self, low: int, high: int) -> Task:
        """Return the same task with every operand in low..high (inclusive), named `<name>@low..high`."""
        name = f"{self.name.partition('@')[0]}@{low}..{high}"
        return Task(name, self.expression, tuple((n, low, high) for n, _, _ in self.ranges), self.wordings)

    def space(self, split: str = "all") -> np.ndarray:
        """Return every valid operand tuple of `split` in rising order: int64 [tuple, operand], read-only."""
        return _space(self, split)

    def combinations(self, split: str = "all") -> np.ndarray:
        """Return every operand tuple of `split`, valid or not, in rising order: int64 [tuple, operand]."""
        grid = _grid(self)
        return grid if split == "all" else grid[splits.in_split(grid, split)]

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
                row = tuple(map(int, operands[values < 0][0]))
                raise InterpError(
                    f"task {self.name!r}: {step} is negative or a division by zero for operands {row}; "
                    "every step must be >= 0."
                )

    def variables(self, operands: np.ndarray) -> dict[str, np.ndarray]:
        """Return every exact causal variable, int64 [prompt] by name: see `interp.tasks.variables`."""
        values = {name: operands[:, i].copy() for i, name in enumerate(self.operands)}
        values.update(self.steps(operands))
        return variables.table(expression.read(self.expression), self.bounds, values)


def _grid(task: Task) -> np.ndarray:
    sizes = [high - low + 1 for _, low, high in task.ranges]
    if np.prod([float(s) for s in sizes]) > LARGEST_SPACE:
        raise InterpError(
            f"task {task.name!r} has more than {LARGEST_SPACE:,} operand tuples; narrow its ranges (Task.within)."
        )
    return np.indices(sizes).reshape(len(sizes), -1).T + np.array([low for _, low, _ in task.ranges])


@functools.lru_cache(maxsize=64)
def _space(task: Task, split: str) -> np.ndarray:
    grid = _grid(task)
    valid = np.all([values >= 0 for values in task.steps(grid).values()], axis=0)
    chosen = np.ascontiguousarray(grid[valid & splits.in_split(grid, split)], dtype=np.int64)
    chosen.setflags(write=False)
    return chosen


TASKS: dict[str, Task] = {}


def register(task: Task) -> Task:
    """Add `task` to the tasks known by name and return it.

    Raises InterpError when the name means another task, or would be read as a range or a file.
    """
    if not task.name or "@" in task.name or task.name.endswith((".json", ".jsonl")):
        raise InterpError(f"a task cannot be registered as {task.name!r}: @ means a range, .json and .jsonl a file.")
    if TASKS.get(task.name, task) != task:
        raise InterpError(f"a task named {task.name!r} exists and is different; choose another name.")
    TASKS[task.name] = task
    return task


def get_task(name: str) -> Task:
    """Return the task known by `name`. Raises InterpError with the nearest names."""
    if name not in TASKS:
        raise InterpError(f"unknown task {name!r}. {nearest(name, TASKS)}")
    return TASKS[name]


def _built_in(name: str) -> Task:
    operands = expression.read(name).operands
    return Task(name, name, tuple((operand, 0, 99 if len(operands) == 2 else 49) for operand in operands))


BUILT_IN = tuple(register(_built_in(name)) for name in ("a+b", "a-b", "a+b+c", "a+b-c", "a-b+c", "a-b-c"))
"""The six tasks of the shipped models, whatever else is registered."""
