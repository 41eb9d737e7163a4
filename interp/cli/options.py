"""The options that several commands share, spelled once."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from interp.errors import InterpError

if TYPE_CHECKING:
    from interp.store import Spec, Store

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout.")]
Model = Annotated[str, typer.Option(help="Zoo name, checkpoint directory, or hub name (uses the network).")]
Task = Annotated[str | None, typer.Option(help="a+b, a+b@0..49, a task file (.json) or own prompts (.jsonl).")]
Style = Annotated[str, typer.Option(help="plain, verbal, question, instruction, word_problem or python.")]
Split = Annotated[str | None, typer.Option(help="train, selection, test or all.")]
Count = Annotated[int | None, typer.Option("--n", help="Prompts (or pairs) to measure.")]
Seed = Annotated[int, typer.Option(help="Seeds every random choice.")]
Device = Annotated[str, typer.Option(help="cpu, cuda, cuda:1 ...")]
Dtype = Annotated[str, typer.Option(help="float32, bfloat16, float16 or float64.")]
Root = Annotated[
    Path | None, typer.Option("--store", help="Where runs are kept (default: $ARITHMOSCOPE_STORE or ./store).")
]
Fresh = Annotated[bool, typer.Option("--fresh", help="Compute again even when this question has a recorded run.")]
Batch = Annotated[int, typer.Option("--batch-size", min=1, help="Prompts a forward pass; changes speed only.")]
Sets = Annotated[list[str] | None, typer.Option("--set", help="A parameter of the method, NAME=VALUE; repeatable.")]


def parameters(sets: list[str] | None, **named: object) -> dict[str, Any]:
    """Return the parameters of --set NAME=VALUE (VALUE is JSON, else text) and of the named options that were given."""
    import json

    given: dict[str, Any] = {}
    for text in sets or []:
        name, equals, value = text.partition("=")
        if not equals:
            raise InterpError(f"--set {text!r} cannot be read; write --set NAME=VALUE, e.g. --set n=200.")
        try:
            given[name] = json.loads(value)
        except ValueError:
            given[name] = value
    return given | {name: value for name, value in named.items() if value is not None}


def spec(method: str, model: str, task: str | None, style: str, **fields: Any) -> Spec:
    """Return a validated Spec; a directory is named by its absolute path so that a worker elsewhere finds it.

    A method that reads only the weights has no task and no style, whatever was given.
    """
    from interp.models.zoo import zoo_names
    from interp.store import Spec
    from interp.store.study import WEIGHTS_ONLY

    if method in WEIGHTS_ONLY:
        task, style = None, "plain"
    if model and model not in zoo_names() and Path(model).is_dir():
        model = str(Path(model).resolve())
    if task is not None and task.endswith((".json", ".jsonl")):
        task = str(Path(task).resolve())
    return Spec(method=method, model=model, task=task, style=style, **fields)


def opened(root: Path | None, create: bool = True) -> Store:
    """Return the store at `root` (default place when None)."""
    from interp.store import Store

    return Store(root, create=create)
