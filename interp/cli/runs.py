"""`interp runs` and `interp index`: look at what was recorded, check it, take it elsewhere, throw it away."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from interp.cli import options as opt
from interp.cli.output import as_json, number, say, table
from interp.errors import InterpError, nearest

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
    keys = ("spec", "summary", "created", "seconds", "command", "git", "environment", "device", "task_file", "parents")
    rows = [(key, _flat(found.manifest[key])) for key in keys if key in found.manifest]
    table(f"run {run_id}", ("field", "value"), rows)
    arrays = found.manifest["arrays"].items()
    rows = [(name, " ".join(a["dims"]), a["units"], a["description"]) for name, a in arrays if not a["coordinate"]]
    table("arrays", ("name", "dims", "units", "what it is"), rows)
    kept = _tensor_rows(found.manifest)
    if kept:
        table("tensors (safetensors)", ("name", "tensors", "shapes", "dtype"), kept)


@app.command()
def diff(first: Run, second: Run, store: opt.Root = None, json: opt.Json = False) -> None:
    """Show in what two runs differ: what was asked, the numbers, the code."""
    found = opt.opened(store, create=False).diff(first, second)
    if json:
        as_json(found)
        return
    shown = {part: pairs for part, pairs in found.items() if isinstance(pairs, dict) and pairs}
    for part, pairs in shown.items():
        table(part, ("what", first, second), [(name, _flat(one), _flat(two)) for name, (one, two) in pairs.items()])
    if not shown:
        say("the two runs differ in nothing")


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
    run_ids: Annotated[list[str], typer.Argument(help="Runs (one for a zip); on a page a study brings its parts.")],
    out: Annotated[Path | None, typer.Option(help="The zip to write.")] = None,
    html: Annotated[Path | None, typer.Option(help="The page to write: figures, numbers, provenance.")] = None,
    store: opt.Root = None,
    json: opt.Json = False,
) -> None:
    """Write a run to one zip file (equal runs give equal bytes), or runs to one HTML page for a colleague."""
    if (out is None) == (html is None):
        raise InterpError("say what to write: --out FILE.zip, or --html FILE.html.")
    opened = opt.opened(store, create=False)
    if html is not None:
        from interp.figures.page import write_page
        from interp.figures.run_page import run_page

        page = run_page(opened, run_ids)
        write_page(page, html)
        path, chosen = html, [section.name for section in page.sections]
    elif len(run_ids) > 1:
        raise InterpError(f"a zip holds one run, not {len(run_ids)}; export them one by one, or to a page with --html.")
    else:
        path, chosen = opened.export(run_ids[0], out or Path()), run_ids
    if json:
        as_json({"run_ids" if html else "run_id": chosen if html else chosen[0], "file": str(path)})
    else:
        say(f"wrote {path} ({path.stat().st_size / 1e6:.1f} MB)")


@app.command("import")
def bring(
    file: Annotated[Path, typer.Argument(help="A zip that export made.")],
    store: opt.Root = None,
    json: opt.Json = False,
) -> None:
    """Bring a run in from a zip, checked against its hashes."""
    run_id = opt.opened(store).import_bundle(file)
    if json:
        as_json({"run_id": run_id})
    else:
        say(f"imported {run_id}")


@app.command()
def rm(
    run_ids: Annotated[list[str], typer.Argument(help="Runs to delete; none is, when one of them is unknown.")],
    store: opt.Root = None,
    json: opt.Json = False,
) -> None:
    """Delete runs."""
    opened = opt.opened(store, create=False)
    known = [line.run_id for line in opened.list()]
    for run_id in run_ids:
        if run_id not in known:
            raise InterpError(f"no run {run_id!r} in this store, nothing was removed. {nearest(run_id, known)}")
    for run_id in dict.fromkeys(run_ids):
        opened.remove(run_id)
        say(f"removed {run_id}")
    if json:
        as_json({"removed": run_ids})


@app.command()
def note(
    run_id: Run,
    text: Annotated[str | None, typer.Option("--text", help="Something to remember about the run.")] = None,
    tag: Annotated[str | None, typer.Option(help="A tag to add.")] = None,
    untag: Annotated[str | None, typer.Option(help="A tag to take away.")] = None,
    star: Annotated[bool | None, typer.Option("--star/--unstar", help="Mark or unmark the run.")] = None,
    store: opt.Root = None,
    json: opt.Json = False,
) -> None:
    """Say something about a run, beside its evidence; without options, show what was said."""
    from dataclasses import asdict

    opened = opt.opened(store, create=False)
    said: dict[str, Any] = {"note": text, "tag": tag, "untag": untag, "star": star}
    for kind, value in said.items():
        if value is not None:
            opened.annotate(run_id, **{kind: value})
    found = asdict(opened.notes(run_id))
    if not any(found.values()):
        opened.open(run_id)  # nothing said is well; nothing said of no run is a mistake
    if json:
        as_json({"run_id": run_id, **found})
        return
    lines = [("star", found["star"]), ("tags", ", ".join(found["tags"]))]
    table(f"notes of {run_id}", ("what", "said"), [*lines, *((each["at"], each["note"]) for each in found["notes"])])


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


def _tensor_rows(manifest: dict[str, Any]) -> list[tuple[object, ...]]:
    """One line for all tensors whose names begin alike ("mean.03.b" and "mean.04.eq" with mean), then their size."""
    from interp.cli.planning import size

    groups: dict[str, list[dict[str, Any]]] = {}
    for name, entry in manifest.get("tensors", {}).items():
        groups.setdefault(name.partition(".")[0], []).append(entry)
    rows: list[tuple[object, ...]] = []
    for name, entries in groups.items():
        shapes = dict.fromkeys("x".join(map(str, entry["shape"])) or "scalar" for entry in entries)
        rows.append((name, len(entries), ", ".join(shapes), ", ".join({entry["dtype"] for entry in entries})))
    on_disk = manifest["files"].get("tensors.safetensors", {}).get("bytes", 0)
    return [*rows, ("together", sum(map(len, groups.values())), size(on_disk), "")] if rows else []


def _flat(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name}={_flat(each)}" for name, each in value.items() if each is not None)
    return number(value) if isinstance(value, float) else str(value)
