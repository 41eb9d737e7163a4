"""`interp activations export`: what stands at sites and roles, as safetensors for other tools."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from interp.cli import options as opt
from interp.cli.output import as_json, say
from interp.errors import InterpError

if TYPE_CHECKING:
    from interp.engine import Site

app = typer.Typer(help="Activations by site and role: export them for other tools.", no_args_is_help=True)


@app.callback()
def group() -> None:
    """Activations by site and role: export them for other tools."""


@app.command()
def export(
    model: Annotated[str, typer.Argument(help="Zoo name, planted name, directory or hub name.")],
    task: Annotated[str, typer.Argument(help="a+b, a+b@0..49, a task file (.json) or own prompts (.jsonl).")],
    out: Annotated[Path, typer.Option(help="The file to write, *.safetensors; a *.json beside it says what it holds.")],
    site: Annotated[list[str], typer.Option(help="resid_pre, resid_post, z, mlp_post ...; repeatable.")],
    layers: Annotated[str | None, typer.Option(help="Comma-separated, e.g. 0,3; all when left out.")] = None,
    roles: Annotated[str | None, typer.Option(help="Comma-separated, e.g. a,last; all when left out.")] = None,
    pieces: Annotated[bool, typer.Option("--pieces", help="Numbers may be several tokens: roles a1 a.")] = False,
    style: opt.Style = "plain",
    split: opt.Split = "test",
    n: opt.Count = None,
    seed: opt.Seed = 0,
    device: opt.Device = "cpu",
    dtype: opt.Dtype = "float32",
    batch_size: opt.Batch = 512,
    json: opt.Json = False,
) -> None:
    """Write activations by role to a safetensors file, batch by batch; a JSON file beside it names rows and axes."""
    from interp.answers.activation_files import export_activations
    from interp.answers.everyday import long_prompts
    from interp.answers.question import Question
    from interp.execute import opened, pinned
    from interp.progress import bar
    from interp.tasks import rectangular

    spec = pinned(
        opt.spec("long_answers" if pieces else "accuracy", model, task, style, seed=seed, device=device, dtype=dtype)
    )
    where = None if roles is None else _listed(roles)
    opened_model = opened(spec)
    sites = _sites(site, layers, opened_model)
    question = Question(opened_model, spec, batch_size)
    prompts: Any = rectangular(long_prompts(question, str(split), n)) if pieces else question.prompts(str(split), n)
    with bar(f"activations {task}") as progress:
        told = export_activations(
            opened_model, prompts, sites, where, out, batch_size=batch_size, progress=progress
        )  # fmt: skip
    short = {
        name: told[name] for name in ("file", "sha256", "model", "weights_sha256", "task", "n", "roles", "tensors")
    }
    if json:
        as_json(short)
    else:
        read = f"{', '.join(told['tensors'])} at {' '.join(told['roles'])}"
        say(f"{told['n']:,} prompts, {read}: {out}, explained in {out.stem}.json")


def _sites(names: list[str], layers: str | None, model: Any) -> list[Site]:
    """The sites of every name at every layer; `embed` has no layer. Raises InterpError for one that is not there."""
    from interp.engine import Site

    chosen = range(model.cfg.n_layers) if layers is None else [_integer(layer) for layer in _listed(layers)]
    found = [Site(name, layer) for name in names for layer in (chosen if name != "embed" else (None,))]
    for each in found:
        each.hook_name(model)
    return list(dict.fromkeys(found))


def _listed(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _integer(text: str) -> int:
    if not text.isdecimal():
        raise InterpError(f"--layers: {text!r} is no layer; write numbers from 0 with commas between them, e.g. 0,3.")
    return int(text)
