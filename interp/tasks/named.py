"""What does a task's name mean? A built-in or registered task, another range of it, or a file.

a+b            the registered task            a+b@0..49      the same with every operand in 0..49
mine.json      a task of one's own (`interp.tasks.taskfile`)
"""

from __future__ import annotations

import re

from interp.errors import InterpError
from interp.tasks.task import Task, get_task
from interp.tasks.taskfile import read_task


def named_task(text: str) -> Task:
    """Return the Task that `text` names. Raises InterpError for an unknown name, range or file."""
    if text.endswith(".json"):
        return read_task(text)
    name, at, span = text.partition("@")
    task = get_task(name)
    if not at:
        return task
    ends = re.fullmatch(r"(\d+)\.\.(\d+)", span)
    if not ends:
        raise InterpError(f"task {text!r}: the operand range {span!r} cannot be read; write e.g. {name}@0..49.")
    return task.within(int(ends[1]), int(ends[2]))
