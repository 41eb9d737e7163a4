"""`interp run` and `interp study`: put a question to a model and record the answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from interp.cli import options as opt
from interp.cli.output import as_json, say, table, with_interval
from interp.errors import InterpError

if TYPE_CHECKING:
    from interp.store import Spec, Store

DEFAULT_MODEL = "mental-math"


def add(app: typer.Typer) -> None:
    """Add the two commands to the application."""
    app.command("run")(run)
    app.command("study")(study)


def run(
    method: Annotated[str, typer.Argument(help="accuracy, patching, ablation, cama, peeking, af1, lens, probing ...")],
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
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the spec and its cost; run nothing.")] = False,
    json: opt.Json = False,
) -> None:
    """Ask one METHOD of a model and record the result; the same question is not computed twice."""
    from interp.execute import pinned

    if method == "study":
        raise InterpError("a study is many questions at once: use `interp study`.")
    asked = opt.parameters(sets, split=split, n=n)
    spec = pinned(opt.spec(method, model, task, style, parameters=asked, seed=seed, device=device, dtype=dtype))
    if dry_run:
        _plan(spec, json)
        return
    opened = opt.opened(store)
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
    means = [name for name in numbers if f"{name}_low" in numbers]
    ends = {f"{name}_{end}" for name in means for end in ("low", "high")}
    rows = [(name, with_interval(numbers, name)) for name in numbers if name not in ends]
    title = f"{spec['method']} of {spec['model']} on {spec['task'] or 'its weights'} ({spec['style']})"
    table(title, ("number", "value [95 % interval]"), rows)
    print(sentence)
    say(f"recorded as {run_id} in {store.root}")


def _plan(spec: Spec, json: bool) -> None:
    """Print what would run: the full spec and the prompts that go through the model."""
    from interp.models.zoo import read_config, resolve
    from interp.store import forwards
    from interp.tasks import named_task

    config = read_config(resolve(spec.model))
    n_layers = config.get("num_hidden_layers") or config.get("n_layer") or config.get("cfg", {}).get("n_layers", 1)
    own = spec.task is None or spec.task.endswith(".jsonl")
    n_roles = 8 if own else 2 * len(named_task(str(spec.task)).operands) + 1
    cost = forwards(spec, n_layers, n_roles)
    if json:
        as_json({"spec": spec.model_dump(mode="json"), "prompts_through_the_model": cost})
    else:
        print(spec.model_dump_json(indent=2))
        print(f"about {cost:,.0f} prompts through {n_layers} blocks")
