"""`interp tasks`: what can be asked, as a list, as prompts in a file, and whether a file of one's own is sound."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from interp.cli import options as opt
from interp.cli.output import as_json, say, table
from interp.errors import InterpError

app = typer.Typer(help="What is asked: tasks, styles, prompts.", no_args_is_help=True)


@app.command("list")
def listing(json: opt.Json = False) -> None:
    """List the built-in tasks with their ranges and the number of prompts in each split."""
    from interp.tasks import SPLITS, TASKS

    found = [
        {
            "task": task.name,
            "ranges": {name: [low, high] for name, low, high in task.ranges},
            "styles": list(task.styles),
            **{split: len(task.space(split)) for split in SPLITS},
        }
        for task in TASKS.values()
    ]
    if json:
        as_json({"tasks": found})
        return
    rows = [(t["task"], _ranges(t["ranges"]), *(f"{t[split]:,}" for split in SPLITS)) for t in found]
    table("tasks", ("task", "operands", *SPLITS), rows)


@app.command()
def show(
    task: Annotated[str, typer.Argument(help="A task name, a range of it (a+b@0..49) or a task file (.json).")],
    json: opt.Json = False,
) -> None:
    """Show the wording of every style of a task, and its causal variables, on one example."""
    from interp.tasks import named_task
    from interp.tasks.prompts import items

    found = named_task(task)
    example = found.space("all")[len(found.space("all")) // 2 :][:1]
    wordings = {style: items(found, style, example)[0] for style in found.styles}
    variables = {name: int(column[0]) for name, column in found.variables(example).items()}
    if json:
        texts = {style: {"prompt": i.text, "answer": i.answer} for style, i in wordings.items()}
        as_json({"task": found.name, "styles": texts, "variables": variables})
        return
    rows = [(style, item.text, item.answer) for style, item in wordings.items()]
    table(f"task {found.name}", ("style", "prompt", "answer"), rows)
    table("causal variables of this example", ("name", "value"), list(variables.items()))


@app.command()
def export(
    task: Annotated[str, typer.Option(help="A task name, a range of it, or a task file (.json).")],
    style: opt.Style = "plain",
    split: Annotated[str, typer.Option(help="train, selection, test or all.")] = "test",
    jsonl: Annotated[Path | None, typer.Option("--jsonl", help="The file to write; stdout when left out.")] = None,
) -> None:
    """Write plain prompts and answers as JSON lines: prompt, answer, answer_prefix, operands, roles."""
    from interp.tasks import named_task
    from interp.tasks.files import export as exported

    lines = exported(named_task(task), style, split)
    if jsonl is None:
        sys.stdout.writelines(f"{line}\n" for line in lines)
        return
    partial = jsonl.with_name(f".{jsonl.name}.partial")
    try:
        with open(partial, "w") as file:
            count = sum(bool(file.write(f"{line}\n")) for line in lines)
        partial.replace(jsonl)
    except OSError as error:
        raise InterpError(f"{jsonl} cannot be written ({error.strerror}); choose another place.") from None
    finally:
        partial.unlink(missing_ok=True)
    say(f"{count:,} prompts in {jsonl}")


@app.command()
def check(
    file: Annotated[Path, typer.Argument(help="Own prompts or pairs (.jsonl) or a task of one's own (.json).")],
    model: opt.Model = "mental-math",
    json: opt.Json = False,
) -> None:
    """Check that a model can take a file of prompts, pairs, or a task; show the roles its tokens get."""
    from interp.models.bridge import load_tokenizer
    from interp.models.zoo import resolve
    from interp.tasks import build, check_task, named_task, read_prompts

    tokenizer = load_tokenizer(resolve(model))
    if file.suffix == ".json":
        task = named_task(str(file))
        check_task(task, tokenizer)
        prompts = build(task, tokenizer, task.styles[0], "all", n=200)
    else:
        prompts = read_prompts(file, tokenizer)
    about = {"file": str(file), "prompts": len(prompts), "roles": list(prompts.roles), "first": prompts.texts[0]}
    if json:
        as_json(about)
    else:
        table(f"{file.name} is sound for {model}", ("field", "value"), [(k, str(v)) for k, v in about.items()])


def _ranges(ranges: dict[str, list[int]]) -> str:
    return ", ".join(f"{name} {low}..{high}" for name, (low, high) in ranges.items())
