"""What might make a model wait? One base training and changes to it, one at a time, at one budget.

Budget, set before any was searched: 2,500 steps of 256 prompts on a+b and a+b+c, the rate rising to 1e-3 by step 100
and falling from step 1,000 to 0 at the end. A pilot of the base (another seed, accuracy alone looked at) reached .93
and .99 on the selection split with it. Every variation keeps steps, batch and rate; it is judged by the same search
with the same threshold. What did not learn its task under this budget is reported as that.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from interp.tasks import STYLES

TASKS = ("a+b", "a+b+c")
STEPS = 2500
FILES = "experiments/af1/variations/tasks"
"""Task files are named from the root of the repository, where the command is to be run."""


class Variation(NamedTuple):
    """What differs from the base, which (task, style) cells are searched, and why one would try it."""

    changes: dict[str, Any]
    cells: tuple[tuple[str, str], ...]
    why: str


def _styles(*names: str) -> list[dict[str, Any]]:
    return [{"until": STEPS, "styles": dict.fromkeys(names, 1)}]


def _cells(tasks: tuple[str, ...] = TASKS, *styles: str) -> tuple[tuple[str, str], ...]:
    return tuple((task, style) for style in styles or ("plain",) for task in tasks)


def _files(name: str) -> tuple[str, ...]:
    return tuple(f"{FILES}/{task}-{name}.json" for task in TASKS)


BASE: dict[str, Any] = {
    "trainer": "language",
    "tasks": list(TASKS),
    "phases": _styles("plain"),
    "learning_rate": [[0, 0], [100, 1e-3], [1000, 1e-3], [STEPS, 0]],
    "weight_decay": [[0, 0.1]],
    "batch": 256,
    "seed": 0,
}

FILLER, SHOTS = _files("filler"), _files("few-shot")
SMALL, LARGE = ("a+b@0..19", "a+b+c@0..19"), ("a+b", "a+b+c@0..66")

VARIATIONS: dict[str, Variation] = {
    "base": Variation({}, _cells(), "six blocks, plain style"),
    "seed-1": Variation({"seed": 1}, _cells(), "how much one seed differs from another"),
    "depth-3": Variation({"architecture": {"num_hidden_layers": 3}}, _cells(), "no block to spare"),
    "depth-10": Variation({"architecture": {"num_hidden_layers": 10}}, _cells(), "blocks to spare"),
    "decay-0": Variation({"weight_decay": [[0, 0]]}, _cells(), "nothing asks for fewer reads"),
    "decay-1": Variation({"weight_decay": [[0, 1.0]]}, _cells(), "heads that are not needed fade"),
    "range-20": Variation({"tasks": list(SMALL)}, _cells(SMALL), "operands 0..19: small enough to learn by heart"),
    "range-67": Variation({"tasks": list(LARGE)}, _cells(LARGE), "c too in 0..66: more to compute"),
    "styles-6": Variation({"phases": _styles(*STYLES)}, _cells(TASKS, "plain", "verbal"), "six wordings share weights"),
    "filler": Variation(
        {"tasks": list(FILLER), "phases": _styles("filler")}, _cells(FILLER, "filler"), "words between the operands"
    ),
    "few-shot": Variation(
        {"tasks": list(SHOTS), "phases": _styles("shots0")}, _cells(SHOTS, "shots0"), "two solved examples in front"
    ),
    "few-shot-8": Variation(
        {"tasks": list(SHOTS), "phases": _styles(*(f"shots{i}" for i in range(8)))},
        _cells(SHOTS, "shots0"),
        "eight pairs of solved examples, one a prompt: numbers in the context that must be ignored",
    ),
}
