"""`interp run` and `interp study`: put a question to a model and record the answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from interp.cli import options as opt
from interp.cli.output import as_json, say, table, with_interval
from interp.errors import InterpError, nearest

if TYPE_CHECKING:
    from interp.store import Spec, Store

DEFAULT_MODEL = "mental-math"


def add(app: typer.Typer) -> None:
    """Add the two commands to the application."""
    app.command("run")(run)
    app.command("study")(study)


def run(
    method: Annotated[str, typer.Argument(help="accuracy, patching, ablation, cama, abp, peeking, af1, heads ...")],
    model: opt.Model = DEFAULT_MODEL,
    task: opt.Task = None,
    style: opt.Style = "plain",
    split: opt.Split = None,
    n: opt.Count = None,
    sets: opt.Sets = None,
    seed: opt.Seed = 0,
    device: opt.Device = "cpu",
    dtype: opt.Dtype = "float32",
    batch_size: opt.Batch = 512,
    store: opt.Root = None,
    fresh: opt.Fresh = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the plan; read no weights.")] = False,
    json: opt.Json = False,
) -> None:
    """Ask one METHOD of a model and record the result; the same question is not computed twice."""
    from interp.cli.planning import show_plan
    from interp.execute import pinned

    _check_method(method)
    asked = opt.parameters(sets, split=split, n=n)
    spec = opt.spec(method, model, task, style, parameters=asked, seed=seed, device=device, dtype=dtype)
    if dry_run:
        show_plan(spec, batch_size, json)
        return
    spec, opened = pinned(spec), opt.opened(store)
    run_id = _recorded(spec, opened, fresh, batch_size)
    manifest = opened.open(run_id).manifest
    if json:
        as_json(
            {
                "run_id": run_id,
                **_identity(manifest),
                **manifest["summary"],
                "parameters": manifest["spec"]["parameters"],
            }
        )
    else:
        _show(opened, run_id)


def study(
    model: opt.Model = DEFAULT_MODEL,
    sets: opt.Sets = None,
    seed: opt.Seed = 0,
    device: opt.Device = "cpu",
    dtype: opt.Dtype = "float32",
    batch_size: opt.Batch = 512,
    store: opt.Root = None,
    fresh: opt.Fresh = False,
    json: opt.Json = False,
) -> None:
    """Run the main job: accuracy on every task and style, and each method on a few cells."""
    from interp.progress import bar
    from interp.study import accuracy_rows, finding_rows
    from interp.study import study as whole

    spec = opt.spec(
        "study", model, None, "plain", parameters=opt.parameters(sets), seed=seed, device=device, dtype=dtype
    )
    opened = opt.opened(store)
    with bar("study") as progress:
        run_id, parts = whole(spec, opened, progress, fresh=fresh, batch_size=batch_size)
    if json:
        found = [opened.open(part).manifest for part in parts]
        entries = [{"run_id": m["run_id"], **_identity(m), **m["summary"]} for m in found]
        as_json({"run_id": run_id, "model": spec.model, "parts": entries})
        return
    styles = [str(style) for style in opened.open(run_id).dataset["style"].values]
    title = f"Accuracy of {model} on operands it was not trained on, with 95 % interval and the best constant answer"
    table(title, ("task", *styles, "null"), accuracy_rows(opened, run_id))
    table("Findings, each beside its null", ("task", "method", "finding"), finding_rows(opened, parts))
    say(f"{len(parts)} runs are in {opened.root}; look at them with: interp app")


def _check_method(method: str) -> None:
    """Raise InterpError unless `method` is one question; only such are suggested."""
    from interp.store import METHODS

    if method == "study":
        raise InterpError("a study is many questions at once: use `interp study`.")
    if method not in METHODS:
        one = [name for name in METHODS if name not in ("study", "train")]
        raise InterpError(f"unknown method {method!r}. {nearest(method, one)}")


def _recorded(spec: Spec, store: Store, fresh: bool, batch_size: int) -> str:
    from interp.execute import record
    from interp.progress import bar

    with bar(f"{spec.method} {spec.task or ''}") as progress:
        return record(spec, store, progress, fresh=fresh, batch_size=batch_size)


def _identity(manifest: dict[str, Any]) -> dict[str, Any]:
    return {name: manifest["spec"][name] for name in ("method", "model", "task", "style", "seed")}


def _show(store: Store, run_id: str) -> None:
    found = store.open(run_id)
    spec, numbers = found.manifest["spec"], dict(found.summary)
    sentence = numbers.pop("finding")
    short = numbers.pop("shortfall", None)
    means = [name for name in numbers if f"{name}_low" in numbers]
    ends = {f"{name}_{end}" for name in means for end in ("low", "high")}
    rows = [(name, with_interval(numbers, name)) for name in numbers if name not in ends]
    title = f"{spec['method']} of {spec['model']} on {spec['task'] or 'its weights'} ({spec['style']})"
    table(title, ("number", "value [95 % interval]"), rows)
    print(sentence)
    if short:
        say(short)
    say(f"recorded as {run_id} in {store.root}")
