"""Which simple rule of thumb does a prompt satisfy? Heuristics as data: a rule, the variables it looks at, its numbers.

    range         low <= x < high                      modulo        x mod n = m
    pattern       digits of x, some of them free       identical     x = y
    same_residue  x = y mod n                          one_of        x is one of a few numbers

Of two variables a range or a residue must hold for both. A heuristic about the result can be `direct`: a neuron that
follows it may write the answer itself; one about operands cannot. `catalogue` makes the families over the numbers of a
task and leaves out what says nothing: a heuristic that (nearly) no prompt or (nearly) every prompt satisfies, and one
that the same prompts satisfy as an earlier one.

Ranges of each length begin every max(length // 3, 10) numbers. A pattern leaves at least one digit free, and is no
residue mod 10 or 100, which `modulo` and `range` cover. The lengths and moduli are those of Nikankin et al. (2025)
arXiv 2410.21272 with 10 among the moduli; their largest lengths hold for most prompts of a task with small operands.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from interp.errors import InterpError
from interp.tasks.numbers import digits

RESULT = "result"
FREE = -1
"""A digit that a pattern leaves free."""

Table = Mapping[str, np.ndarray]
Numbers = tuple[int, ...]


@dataclass(frozen=True)
class Families:
    """Which heuristics are tried: lengths of ranges, moduli, moduli of equal residues, and sets of results."""

    operand_ranges: Numbers = (10, 30, 50, 100)
    result_ranges: Numbers = (10, 30, 50, 100)
    moduli: Numbers = (2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15)
    residues: Numbers = (2, 5, 10)
    result_sets: tuple[Numbers, ...] = ()


@dataclass(frozen=True)
class Heuristic:
    """A rule (its family), the variables it looks at and its numbers. `str` gives it in words."""

    family: str
    of: tuple[str, ...]
    numbers: Numbers = ()

    def __post_init__(self) -> None:
        if self.family not in RULES:
            raise InterpError(f"unknown heuristic {self.family!r}; use one of {', '.join(RULES)}.")

    @property
    def direct(self) -> bool:
        """Whether it is about the result, which a neuron can write directly."""
        return self.of == (RESULT,)

    def satisfied(self, variables: Table) -> np.ndarray:
        """Return which prompts satisfy it: bool [prompt]. Raises InterpError for a variable that is not there."""
        missing = [name for name in self.of if name not in variables]
        if missing:
            raise InterpError(f"heuristic {self} needs {', '.join(missing)}; the prompts have {', '.join(variables)}.")
        columns = np.stack([np.asarray(variables[name]) for name in self.of])
        return np.asarray(RULES[self.family](columns, self.numbers))

    def __str__(self) -> str:
        return WORDS[self.family](", ".join(self.of), self.of, self.numbers)


def _in_range(x: np.ndarray, numbers: Numbers) -> Any:
    return np.all((x >= numbers[0]) & (x < numbers[1]), axis=0)


def _modulo(x: np.ndarray, numbers: Numbers) -> Any:
    return np.all(x % numbers[0] == numbers[1], axis=0)


def _pattern(x: np.ndarray, numbers: Numbers) -> Any:
    written = digits(x[0], len(numbers))[:, ::-1]
    wanted = np.array(numbers)
    return np.all((written == wanted) | (wanted == FREE), axis=1)


def _identical(x: np.ndarray, numbers: Numbers) -> Any:
    return np.equal(x[0], x[1])


def _same_residue(x: np.ndarray, numbers: Numbers) -> Any:
    return np.equal((x[0] - x[1]) % numbers[0], 0)


def _one_of(x: np.ndarray, numbers: Numbers) -> Any:
    return np.isin(x[0], numbers)


RULES: dict[str, Callable[[np.ndarray, Numbers], Any]] = {
    "range": _in_range,
    "modulo": _modulo,
    "pattern": _pattern,
    "identical": _identical,
    "same_residue": _same_residue,
    "one_of": _one_of,
}
WORDS: dict[str, Callable[[str, tuple[str, ...], Numbers], str]] = {
    "range": lambda names, _, n: f"{names} in {n[0]}..{n[1] - 1}",
    "modulo": lambda names, _, n: f"{names} mod {n[0]} = {n[1]}",
    "pattern": lambda names, _, n: f"{names} is {''.join('?' if d == FREE else str(d) for d in n)}",
    "identical": lambda _, of, n: f"{of[0]} = {of[1]}",
    "same_residue": lambda _, of, n: f"{of[0]} = {of[1]} mod {n[0]}",
    "one_of": lambda names, _, n: f"{names} is {' or '.join(map(str, n))}",
}


def catalogue(
    operands: Sequence[str], variables: Table, families: Families | None = None, fewest: int = 10
) -> tuple[list[Heuristic], np.ndarray]:
    """Return the heuristics about two operands and the result, and who satisfies each: bool [heuristic, prompt].

    Kept are those that at least `fewest` prompts satisfy and at least `fewest` do not. Raises InterpError unless there
    are two operands, and when none is kept.
    """
    if len(operands) != 2:
        raise InterpError(f"heuristics are about two operands; this task has {', '.join(operands) or 'none'}.")
    kept: dict[bytes, tuple[Heuristic, np.ndarray]] = {}
    for heuristic in _every(tuple(operands), variables, families or Families()):
        holds = heuristic.satisfied(variables)
        if fewest <= holds.sum() <= len(holds) - fewest:
            kept.setdefault(np.packbits(holds).tobytes(), (heuristic, holds))
    if not kept:
        raise InterpError(f"no heuristic holds for {fewest} prompts and fails for {fewest}; use more prompts.")
    found = list(kept.values())
    return [heuristic for heuristic, _ in found], np.stack([holds for _, holds in found])


def _every(operands: tuple[str, ...], variables: Table, families: Families) -> Iterator[Heuristic]:
    for name in (*operands, RESULT):
        top = int(np.max(variables[name]))
        lengths = families.result_ranges if name == RESULT else families.operand_ranges
        for low, high in _ranges(top, lengths):
            yield Heuristic("range", (name,), (low, high))
        for n, m in _residues(families.moduli):
            yield Heuristic("modulo", (name,), (n, m))
        for pattern in _patterns(len(str(top))):
            yield Heuristic("pattern", (name,), pattern)
    top = int(max(np.max(variables[name]) for name in operands))
    for low, high in _ranges(top, families.operand_ranges):
        yield Heuristic("range", operands, (low, high))
    for n, m in _residues(families.moduli):
        yield Heuristic("modulo", operands, (n, m))
    yield Heuristic("identical", operands)
    for n in families.residues:
        yield Heuristic("same_residue", operands, (n,))
    for numbers in families.result_sets:
        yield Heuristic("one_of", (RESULT,), tuple(numbers))


def _ranges(top: int, lengths: Numbers) -> Iterator[tuple[int, int]]:
    for length in lengths:
        for low in range(0, max(top + 1 - length, 0) + 1, max(length // 3, 10)):
            yield low, low + length


def _residues(moduli: Numbers) -> Iterator[tuple[int, int]]:
    return ((n, m) for n in moduli for m in range(n))


def _patterns(width: int) -> Iterator[Numbers]:
    """Yield the patterns of `width` digits, most significant first, that are neither one number nor a residue."""
    for pattern in itertools.product((FREE, *range(10)), repeat=width):
        fixed = [place for place, digit in enumerate(pattern) if digit != FREE]
        trailing = bool(fixed) and fixed == list(range(fixed[0], width))
        if fixed and not trailing:
            yield pattern
