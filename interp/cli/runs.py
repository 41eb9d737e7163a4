"""`interp runs` and `interp index`: look at what was recorded, check it, take it elsewhere, throw it away."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from interp.cli import options as opt
from interp.cli.output import as_json, say, table
from interp.errors import InterpError

app = typer.Typer(help="Recorded runs: list, show, diff, verify, export, import, rm.", no_args_is_help=True)
index = typer.Typer(help="The index of the store, a cache of its directories.", no_args_is_help=True)
Run = Annotated[str, typer.Argument(help="A run id, as `interp runs list` prints it.")]


@app.command("list")
def listing(
    method: Annotated[str | None, typer.Option(help="Only this method.")] = None,
    model: Annotated[str | None, typer.Option(help="Only this model.")] = None,
    task: Annotated[str | None, typer.Option(help="Only this task.")] = None,
    store: opt.Root = None,
    json: opt.Json = False,
) -> None:
    """List the runs, newest first."""
    from dataclasses import asdict

    found = opt.opened(store, create=False).list(method=method, model=model, task=task)
    if json:
        as_json({"runs": [asdict(line) for line in found]})
        return
    rows = [(r.run_id, r.status, r.method, r.model, r.task, r.style, r.created[:19], r.seconds) for r in found]
    table("runs", ("run", "status", "method", "model", "task", "style", "created", "seconds"), rows)


@app.command()
def show(run_id: Run, store: opt.Root = None, json: opt.Json = False) -> None:
    """Show what was asked in a run, what came out, and under what circumstances."""
    found = opt.opened(store, create=False).open(run_id)
    if json:
        as_json(found.manifest)
        return
    keys = ("spec", "summary", "created", "seconds", "command", "git", "environment", "device", "parents")
    rows = [(key, _flat(found.manifest[key])) for key in keys if key in found.manifest]
    table(f"run {run_id}", ("field", "value"), rows)
    arrays = found.manifest["arrays"].items()
    rows = [(name, " ".join(a["dims"]), a["units"], a["description"]) for name, a in arrays if not a["coordinate"]]
    table("arrays", ("name", "dims", "units", "what it is"), rows)


@app.command()
def diff(first: Run, second: Run, store: opt.Root = None, json: opt.Json = False) -> None:
    """Show in what two runs differ: what was asked, the numbers, the code."""
    found = opt.opened(store, create=False).diff(first, second)
    if json:
        as_json(found)
        return
    for part, differences in found.items():
        if isinstance(differences, dict) and differences:
            rows = [(name, *map(_flat, _pair(value))) for name, value in differences.items()]
            table(part, ("what", first, second), rows)


@app.command()
def verify(
    run_ids: Annotated[list[str] | None, typer.Argument(help="Runs to check; all when none is given.")] = None,
    store: opt.Root = None,
    json: opt.Json = False,
) -> None:
    """Read every byte of runs and compare with their hashes. Exits 1 when anything differs."""
    opened = opt.opened(store, create=False)
    wrong = {run_id: list(opened.verify(run_id)) for run_id in run_ids or [line.run_id for line in opened.list()]}
    damaged = {run_id: problems for run_id, problems in wrong.items() if problems}
    if json:
        as_json({"checked": len(wrong), "damaged": damaged})
    else:
        if damaged:
            table("damaged runs", ("run", "what is wrong"), [(run, "; ".join(found)) for run, found in damaged.items()])
        say(f"{len(wrong)} runs checked, {len(damaged)} damaged")
    if damaged:
        raise typer.Exit(1)


@app.command()
def export(
    run_id: Run,
    out: Annotated[Path, typer.Option(help="The zip to write.")],
    store: opt.Root = None,
) -> None:
    """Write a run to one zip file; equal runs give equal bytes."""
    say(f"wrote {opt.opened(store, create=False).export(run_id, out)}")


@app.command("import")
def bring(file: Annotated[Path, typer.Argument(help="A zip that export made.")], store: opt.Root = None) -> None:
    """Bring a run in from a zip, checked against its hashes."""
    say(f"imported {opt.opened(store).import_bundle(file)}")


@app.command()
def rm(run_ids: Annotated[list[str], typer.Argument(help="Runs to delete.")], store: opt.Root = None) -> None:
    """Delete runs."""
    opened = opt.opened(store, create=False)
    for run_id in run_ids:
        opened.remove(run_id)
        say(f"removed {run_id}")


@app.command()
def note(
    run_id: Run,
    text: Annotated[str | None, typer.Option("--text", help="Something to remember about the run.")] = None,
    tag: Annotated[str | None, typer.Option(help="A tag to add.")] = None,
    star: Annotated[bool | None, typer.Option("--star/--unstar", help="Mark or unmark the run.")] = None,
    store: opt.Root = None,
) -> None:
    """Say something about a run, beside its evidence; without options, show what was said."""
    opened = opt.opened(store, create=False)
    said = opened.annotate(run_id, note=text, tag=tag, star=star) if (text or tag or star is not None) else None
    print(said or opened.notes(run_id))


@index.command()
def rebuild(store: opt.Root = None, json: opt.Json = False) -> None:
    """Make the index again from the run directories and collect what killed processes left behind."""
    opened = opt.opened(store, create=False)
    litter = opened.collect_litter()
    count = opened.rebuild_index()
    if json:
        as_json({"runs": count, "litter": list(litter)})
    else:
        say(f"{count} runs indexed, {len(litter)} leftovers collected")


def _pair(value: Any) -> tuple[Any, Any]:
    if isinstance(value, (list, tuple)) and len(value) == 2:
        return value[0], value[1]
    raise InterpError(f"a difference should hold two values, found {value!r:.80}.")


def _flat(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name}={_flat(each)}" for name, each in value.items() if each is not None)
    return str(value)
