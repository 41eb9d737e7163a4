"""What would a question cost, before a weight is there? Prompts, batches, forwards and memory.

    plan(spec, shape_of(spec.model))        reads neither weights nor tokenizer and never touches the network

    batches  = sum over sets of ceil(prompts / batch size) * forwards
    memory   = weights + the largest activations of one batch + the means while they are summed

The forwards are an upper estimate good to a factor of two (`interp.store.costs`); the activations are those of one
block or of the logits of every position, whichever is larger, at the dtype of the model, with attention scores in
float32. The number of positions is exact for the plain style of a tokenizer with a BOS and one token an integer, and
a count of words elsewhere (`positions`).
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from interp.errors import InterpError
from interp.models import zoo
from interp.models.shapes import Shape
from interp.store import Spec
from interp.store.costs import forwards, work
from interp.store.passes import Passes, Size
from interp.tasks import Task, named_task
from interp.tasks.prompts import items

BYTES = {"float32": 4, "float64": 8, "bfloat16": 2, "float16": 2}
SEARCHING = ("af1", "abp", "alternatives", "heads")
"""Methods that may search the grid of windows: it holds the clean stream and packs tails behind one prefix."""
ANY_NUMBERS = ("long_answers",)
"""Methods that take numbers of several tokens."""


@dataclass(frozen=True)
class Plan:
    """What a question costs.

    prompts: {set: prompts it gets}; asked: {set: prompts asked for, None = all of the split}; forwards: {set: how
    often they go through the model}; batches: forward passes of up to `batch_size` prompts; `through`: prompts through
    the whole model; bytes: {part: bytes} of `memory`; `kept`: bytes of the means that the run keeps, 0 where none.
    """

    shape: Shape
    positions: int
    batch_size: int
    prompts: dict[str, int]
    asked: dict[str, int | None]
    forwards: dict[str, float]
    batches: int
    through: float
    bytes: dict[str, int] = field(default_factory=dict)
    kept: int = 0

    @property
    def memory(self) -> int:
        """Return the bytes needed on the device at once."""
        return sum(self.bytes.values())

    def as_dict(self) -> dict[str, Any]:
        """Return the plan as plain values for JSON."""
        sets = {
            name: {"prompts": n, "asked": self.asked[name], "forwards": round(self.forwards[name], 1)}
            for name, n in self.prompts.items()
        }
        return {
            "sets": sets,
            "positions": self.positions,
            "batch_size": self.batch_size,
            "batches": self.batches,
            "prompts_through_the_model": self.through,
            "memory_bytes": {**self.bytes, "total": self.memory},
            "means_kept_bytes": self.kept,
            "parameters": self.shape.parameters,
            "n_layers": self.shape.n_layers,
        }


def plan(spec: Spec, shape: Shape, batch_size: int = 512) -> Plan:
    """Return what `spec` costs on a model of `shape`.

    Raises InterpError for a window outside the model, or a task whose numbers its tokenizer is known not to take.
    """
    check_window(spec, shape.n_layers)
    task = None if spec.task is None or spec.task.endswith(".jsonl") else _task(spec)
    if task is not None and spec.method not in ANY_NUMBERS:
        check_numbers(task, spec.model, shape)
    n_roles = 8 if task is None else positions(task, spec.style)
    if spec.method == "study":
        through = forwards(spec, shape.n_layers, n_roles, shape.n_heads)
        return Plan(shape, n_roles, batch_size, {}, {}, {}, math.ceil(through / batch_size), through)
    sets = work(spec, Size(shape.n_layers, n_roles, shape.n_heads))
    had = {name: _had(spec, task, passes) for name, passes in sets.items()}
    size = min(batch_size, max(had.values(), default=0))
    held = _means(task, shape) if "reference" in had and spec.method in (*SEARCHING, "cama", "window") else 0
    return Plan(
        shape,
        n_roles,
        batch_size,
        had,
        {name: passes.n for name, passes in sets.items()},
        {name: passes.forwards for name, passes in sets.items()},
        sum(math.ceil(math.ceil(had[name] / batch_size) * passes.forwards) for name, passes in sets.items()),
        sum(had[name] * passes.forwards for name, passes in sets.items()),
        _memory(spec, shape, size, n_roles) | {"means": 16 * held},
        8 * held if spec.method in ("cama", "af1") else 0,
    )


def check_window(spec: Spec, n_layers: int) -> None:
    """Raise InterpError when the window that `spec` asks about is not inside a model of `n_layers` blocks."""
    l_wait, l_transfer = (spec.parameters.get(name) for name in ("l_wait", "l_transfer"))
    if (l_wait or 0) + (l_transfer or 0) > n_layers:
        told = f"l_wait {l_wait}" + ("" if l_transfer is None else f", l_transfer {l_transfer}")
        raise InterpError(
            f"{spec.method}: the window {told} is outside {spec.model}, which has {n_layers} blocks; "
            f"need l_wait + l_transfer <= {n_layers}."
        )


def check_numbers(task: Task, model: str, shape: Shape) -> None:
    """Raise InterpError when a number of `task` is known to be no single token of the model."""
    space = task.space()
    if not len(space):
        raise InterpError(f"task {task.name!r} has no operands for which every step is >= 0; widen its ranges.")
    largest = int(max(space.max(), task.steps(space)["result"].max()))
    if shape.whole_numbers is not None and largest >= shape.whole_numbers:
        raise InterpError(
            f"task {task.name!r} needs integers up to {largest} as single tokens, but {model} has "
            f"0..{shape.whole_numbers - 1}; narrow the operands."
        )


def positions(task: Task, style: str) -> int:
    """Return how many tokens a prompt has as Llama 3 cuts it: BOS, words, numbers, signs, and spaces before numbers.

    A tokenizer that fuses those spaces has a few fewer, one that cuts words a few more.
    """
    text = items(task, style, task.space()[:1])[0].text + task.template(style).answer_prefix
    return 1 + len(re.findall(r"\w+|[^\w\s]|\n| (?=\d|$)", text))


def _task(spec: Spec) -> Task | None:
    """The task that the Spec names; None for a toy model, whose task has no such name."""
    return None if spec.task == "modadd" else named_task(str(spec.task))


def _had(spec: Spec, task: Task | None, passes: Passes) -> int:
    """How many prompts a set gets: those asked for, or all there are."""
    if task is not None:
        there = len(task.space(passes.split))
    elif spec.task is not None and spec.task.endswith(".jsonl"):
        there = sum(bool(line.strip()) for line in Path(spec.task).read_text().split("\n"))
    else:
        recipe = zoo.read_recipe(zoo.resolve(spec.model))  # of a toy model, whatever the split
        there = recipe["p"] ** 2 if "p" in recipe else (9 * 10 ** (recipe.get("n_digits", 1) - 1)) ** 2
    return there if passes.n is None else min(passes.n, there)


def _memory(spec: Spec, shape: Shape, prompts: int, n_roles: int) -> dict[str, int]:
    """The bytes of the weights, and of the largest activations while one batch of `prompts` passes."""
    item, packed = BYTES[spec.dtype], shape.n_layers if spec.method in SEARCHING else 0
    stream = (
        (4 + packed) * n_roles * shape.d_model * item
    )  # the stream, its norm, what is added and read; the clean one
    scores = shape.n_heads * n_roles * (n_roles + packed) * (4 + item)  # a tail of each window is one more key
    block = max(3 * n_roles * shape.d_mlp * item, scores)
    logits = n_roles * shape.d_vocab * item + shape.d_vocab * 4  # every position, and the last in float32
    return {"weights": shape.parameters * item, "activations": prompts * (stream + max(block, logits))}


def _means(task: Task | None, shape: Shape) -> int:
    """How many numbers the means have: every token of every role, at the input of every block."""
    if task is None:
        return 0
    tokens = sum(high - low + 2 for _, low, high in task.ranges)  # each operand's values, and the constant after it
    return tokens * (shape.n_layers + 1) * shape.d_model
