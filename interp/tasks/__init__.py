"""What is asked: tasks, prompts with roles, their causal variables and their corrupted twins (no torch here)."""

from interp.tasks.encoding import Item
from interp.tasks.files import export, read_long_prompts, read_pairs, read_prompts
from interp.tasks.long_prompts import LongPrompts, build_long, encode_long, rectangular
from interp.tasks.named import named_task
from interp.tasks.prompts import Prompts, build, encode, from_operands
from interp.tasks.references import other_operators, unfiltered
from interp.tasks.splits import SPLITS
from interp.tasks.task import BUILT_IN, TASKS, Task, get_task, register
from interp.tasks.taskfile import read_task
from interp.tasks.templates import STYLES
from interp.tasks.tokens import TokenizerProfile, check_task, profile, segmentation, single_tokens
from interp.tasks.twins import RECIPES, Twins, twins

__all__ = [
    "BUILT_IN",
    "RECIPES",
    "SPLITS",
    "STYLES",
    "TASKS",
    "Item",
    "LongPrompts",
    "Prompts",
    "Task",
    "TokenizerProfile",
    "Twins",
    "build",
    "build_long",
    "check_task",
    "encode",
    "encode_long",
    "export",
    "from_operands",
    "get_task",
    "named_task",
    "other_operators",
    "profile",
    "read_long_prompts",
    "read_pairs",
    "read_prompts",
    "read_task",
    "rectangular",
    "register",
    "segmentation",
    "single_tokens",
    "twins",
    "unfiltered",
]
