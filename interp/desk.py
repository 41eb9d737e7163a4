"""What can be asked here, and what would it cost? One JSON object a line in, one a line out, until the input ends.

    {"ask": "catalogue"}             {"models": [...], "tasks": [...]}
    {"ask": "plan", "spec": {...}}   {"spec": {...}, "plan": {...}}, the numbers of `interp run --dry-run --json`
                                     {"error": "one line"} for a mistake

The app keeps one of these open (`python -m interp.desk`), for it imports neither the tasks nor anything of the models
itself; no weights are opened and no network is used.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from typing import Any

from interp.errors import InterpError, nearest

Told = dict[str, Any]


def main() -> None:
    """Answer every line of the input."""
    out = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # whatever a library prints is no answer
    for line in sys.stdin:
        print(json.dumps(answered(line), ensure_ascii=False), file=out, flush=True)


def answered(line: str) -> Told:
    """Return the answer to one line; a mistake in it is told, never raised."""
    try:
        asked = json.loads(line)
        name = asked.get("ask") if isinstance(asked, dict) else None
        if name not in ASKED:
            raise InterpError(f"unknown question {name!r}. {nearest(name, ASKED)}")
        return ASKED[name](asked)
    except InterpError as error:
        return {"error": str(error)}
    except Exception as error:  # the desk outlives whatever one question breaks
        return {"error": f"{type(error).__name__}: {error}".splitlines()[0][:300]}


def catalogue(_: Told) -> Told:
    """Return the models and tasks that have names, with what a form needs to know of each."""
    from interp.models import planted, zoo
    from interp.tasks import TASKS

    models = [found for name in (*zoo.zoo_names(), *planted.EXAMPLES) if (found := _model(name)) is not None]
    return {"models": models, "tasks": [_task(name) for name in TASKS]}


def _model(name: str) -> Told | None:
    """The shape of a model and its own task (None: it takes tasks by name); nothing for one that cannot be read."""
    from interp.models import planted, shapes, zoo

    try:
        if planted.is_planted(name):
            return {"name": name, "task": None, "operands": None, "n_layers": None, "n_heads": None, "reads_text": True}
        directory = zoo.resolve(name)
        config = zoo.read_config(directory)
        shape = shapes.from_config(config, 0, name)
    except InterpError:
        return None
    own = config.get("task")
    operands = [["a", 0, int(config["p"]) - 1], ["b", 0, int(config["p"]) - 1]] if own == "modadd" else None
    reads = own is None or (directory / "tokenizer.json").is_file()
    about = {"n_layers": shape.n_layers, "n_heads": shape.n_heads, "reads_text": reads}
    return {"name": name, "task": own, "operands": operands, **about}


def _task(name: str) -> Told:
    """The operands of a task with their ranges; of each style an example and the roles it names."""
    from interp.tasks import named_task

    task = named_task(name)
    values = {operand: (low + high) // 3 for operand, low, high in task.ranges}
    styles = {}
    for style in task.styles:
        template = task.template(style)
        roles = [segment.role for segment in template.segments if segment.role]
        styles[style] = {"example": template.fill(values)[0], "roles": roles}
    return {"name": name, "operands": [list(each) for each in task.ranges], "styles": styles}


def plan(asked: Told) -> Told:
    """Return the checked Spec and its plan, None for a hub model whose shape nobody wrote down. Raises InterpError."""
    from interp.execute import checked
    from interp.models.shapes import on_the_hub, shape_of
    from interp.plan import plan
    from interp.store import spec_from

    spec = spec_from(asked.get("spec") or {})
    spec = checked(spec)
    try:
        shape = shape_of(spec.model)
    except InterpError:
        if on_the_hub(spec.model):
            return {"spec": spec.model_dump(mode="json"), "plan": None}
        raise
    return {"spec": spec.model_dump(mode="json"), "plan": plan(spec, shape).as_dict() | {"n_heads": shape.n_heads}}


ASKED: dict[str, Callable[[Told], Told]] = {"catalogue": catalogue, "plan": plan}

if __name__ == "__main__":
    main()
