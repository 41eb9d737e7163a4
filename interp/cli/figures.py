"""`interp figures`: every figure, table and verdict of the repository's experiments, from the store.

The work is done in `experiments.figures`, a folder of the repository that is not installed with the package: this is
its door, which says so where the folder is not there.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer

from interp.cli import options as opt
from interp.errors import InterpError

ROOT = Path(__file__).parents[2]
CORES = min(os.cpu_count() or 1, 2)


def add(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("figures")(figures)


def figures(
    only: Annotated[list[str] | None, typer.Option(help="An experiment, or EXPERIMENT/PART; repeatable.")] = None,
    out: Annotated[Path, typer.Option(help="Where the page, the tables and the figures go.")] = Path("figures"),
    store: opt.Root = None,
    processes: Annotated[int, typer.Option(min=1, help="How many parts are made at once.")] = CORES,
    stills: Annotated[str, typer.Option(help="Also as pictures: png,svg,pdf; needs a Chromium.")] = "",
    fresh: Annotated[bool, typer.Option("--fresh", help="Draw and judge again what is made; runs are kept.")] = False,
    show: Annotated[bool, typer.Option("--list", help="Say what there is and what is made; make nothing.")] = False,
) -> None:
    """Make every figure, table and verdict of the experiments, and the page that shows them: OUT/index.html."""
    command = door()
    if show:
        command.listing(tuple(only or ()), out)
        return
    command.make_all(tuple(only or ()), out, store, command.How(processes, stills, fresh))


def door() -> Any:
    """Return `experiments.figures.command`. Raises InterpError where the folder is not beside the package."""
    if not (ROOT / "experiments" / "figures").is_dir():
        raise InterpError(
            "the experiments are not installed with the package; run this in the repository, where `experiments` lies "
            "beside `interp` (git clone, then make setup)."
        )
    if str(ROOT) not in sys.path:
        sys.path.insert(0, str(ROOT))
    return import_module("experiments.figures.command")
