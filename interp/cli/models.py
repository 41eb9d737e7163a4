"""`interp models`, `interp train`, `interp doctor`: what can be studied, how it was made, and whether all is well.

interp models                     the list        interp models NAME    one of them        (both are `models show`)
interp models export NAME DIR     its files in a directory of their own
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from interp.cli import options as opt
from interp.cli.output import as_json, say, table
from interp.errors import InterpError


class Showing(TyperGroup):
    """Commands of which `show` need not be written."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if not args or args[0] not in (*self.commands, *ctx.help_option_names):
            args = ["show", *args]
        return super().parse_args(ctx, args)


models = typer.Typer(cls=Showing, help="What can be studied: list the models, show one, copy one elsewhere.")


def add(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.add_typer(models, name="models")
    app.command("train")(train)
    app.command("doctor")(doctor)


@models.command()
def show(
    name: Annotated[str | None, typer.Argument(help="A zoo name, planted name or directory to look at.")] = None,
    json: opt.Json = False,
) -> None:
    """List the models, or show one: its shape, hash and what its tokenizer can say in one token."""
    from interp.models.planted import FAMILY
    from interp.models.zoo import zoo_names

    found = [_described(name, tokenizer=True)] if name else [_listed(each) for each in zoo_names()]
    if json:
        as_json({"models": found})
    elif name:
        table(f"model {name}", ("field", "value"), [(key, str(value)) for key, value in found[0].items()])
    else:
        table("models", ("name", "architecture", "layers", "d_model", "MB", "weights"), [_row(each) for each in found])
        print(FAMILY)
    if any("problem" in each for each in found):
        raise typer.Exit(1)


@models.command()
def export(
    name: Annotated[str, typer.Argument(help="A zoo name, planted name, directory or hub name.")],
    directory: Annotated[Path, typer.Argument(help="Where its files go; a new or empty directory.")],
    json: opt.Json = False,
) -> None:
    """Copy a checkpoint (config, weights, tokenizer, SHA256SUMS) to a new directory, which says no more than they."""
    from interp.models.export import export as copied

    files = copied(name, directory)
    if json:
        as_json({"model": name, "directory": str(directory), "files": files})
    else:
        say(f"{len(files)} files of {name} are in {directory}; use it with --model {directory}")


def train(
    recipe: Annotated[
        str,
        typer.Argument(help="mental-math, modadd-59 ..., or a recipe.json."),
    ],
    out: Annotated[Path, typer.Option(help="Where the checkpoint is written; an interrupted training goes on there.")],
    device: opt.Device = "cpu",
    fresh: Annotated[bool, typer.Option("--fresh", help="Begin again from step 0.")] = False,
    json: opt.Json = False,
) -> None:
    """Train a model from a recipe, resumable at any moment; the recipe and the log stay with the checkpoint."""
    from interp.models import train as trainer
    from interp.progress import bar

    with bar(f"train {recipe}") as progress:
        scores = trainer.train(recipe, out, device=device, resume=not fresh, progress=progress)
    if json:
        as_json({"recipe": recipe, "directory": str(out), **scores})
    else:
        table(f"trained {recipe}", ("measure", "value"), list(scores.items()))
        say(f"the checkpoint is in {out}; use it with --model {out}")


def doctor(store: opt.Root = None, json: opt.Json = False) -> None:
    """Check the installation: packages, device, zoo checksums, store and browser. Exits 1 when something is wrong."""
    from interp.cli.checks import checks

    found = checks(store)
    if json:
        as_json({"ok": all(c.ok for c in found), "checks": [c._asdict() for c in found]})
    else:
        table("doctor", ("check", "", "what was found"), [(c.name, "ok" if c.ok else "WRONG", c.found) for c in found])
    if not all(c.ok for c in found):
        raise typer.Exit(1)


def _described(name: str, tokenizer: bool) -> dict[str, Any]:
    from interp.models.zoo import read_config, resolve, weight_files, weights_sha256

    directory = resolve(name)
    config = read_config(directory)
    cfg = config.get("cfg", config)
    size = sum(path.stat().st_size for path in weight_files(directory))
    about = {
        "name": name,
        "architecture": (config.get("architectures") or [config.get("architecture", "unknown")])[0],
        "layers": cfg.get("num_hidden_layers") or cfg.get("n_layers") or cfg.get("n_layer"),
        "d_model": cfg.get("hidden_size") or cfg.get("d_model") or cfg.get("n_embd"),
        "megabytes": round(size / 1e6, 2),
        "weights_sha256": weights_sha256(directory),
    }
    if tokenizer and (directory / "tokenizer.json").exists():
        from interp.models.bridge import load_tokenizer
        from interp.tasks import profile

        about |= profile(load_tokenizer(directory))._asdict()
    return about


def _listed(name: str) -> dict[str, Any]:
    """One line of the list; a damaged model is a line that says so, not the end of the list."""
    try:
        return _described(name, tokenizer=False)
    except InterpError as error:
        return {"name": name, "problem": str(error)}


def _row(about: dict[str, Any]) -> tuple[object, ...]:
    keys = ("name", "architecture", "layers", "d_model", "megabytes")
    return (*(about.get(key) for key in keys), about.get("problem") or about["weights_sha256"][:12])
