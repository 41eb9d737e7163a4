"""What is asked: tasks, prompts with roles, their causal variables and their corrupted twins (no torch here)."""

from interp.tasks.prompts import Item, Prompts, build, encode, from_operands
from interp.tasks.task import TASKS, Task, get_task, register
from interp.tasks.templates import STYLES

__all__ = [
    "STYLES",
    "TASKS",
    "Item",
    "Prompts",
    "Task",
    "build",
    "encode",
    "from_operands",
    "get_task",
    "register",
]
