"""`interp`: one entry point; a mistake of the user ends in one line and a non-zero exit, never in a traceback."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Any, NoReturn

import typer
from typer.core import TyperGroup

from interp.cli import activations, asking, figures, generate, models, runs, service, tasks, trying
from interp.cli.output import say
from interp.errors import Cancelled, InterpError

STOPPED = "stopped; what was recorded before is kept, nothing is half-written."


class Commands(TyperGroup):
    """All commands. Ctrl-C in one of them is told, where typer would end without a word."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as stop:
            raise Cancelled(str(stop) or STOPPED) from None


app = typer.Typer(
    name="interp",
    cls=Commands,
    help="A microscope for arithmetic inside language models.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
asking.add(app)
generate.add(app)
trying.add(app)
figures.add(app)
models.add(app)
service.add(app)
app.add_typer(tasks.app, name="tasks")
app.add_typer(activations.app, name="activations")
app.add_typer(runs.app, name="runs")
app.add_typer(runs.index, name="index")
app.add_typer(service.jobs, name="jobs")

CLICK = sys.modules[typer.BadParameter.__module__]  # newer typers bring their own click, older ones import it

QUIET = {
    "TRANSFORMERS_VERBOSITY": "error",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "WANDB_MODE": "disabled",
    "TOKENIZERS_PARALLELISM": "false",
}


def main() -> None:
    """Run the command line and exit: 0 done, 1 a check failed, 2 a mistake in what was asked, 130 interrupted."""
    _finish(app, "interp")


def script(function: Callable[..., None]) -> None:
    """Run one function as a command line of its own, with the same errors and exit codes, and exit."""
    command = typer.Typer(cls=Commands, add_completion=False, pretty_exceptions_enable=False)
    command.command()(function)
    _finish(command, "experiment")


def _finish(command: typer.Typer, name: str) -> NoReturn:
    bars = {} if sys.stderr.isatty() else {"HF_HUB_DISABLE_PROGRESS_BARS": "1"}
    for variable, value in {**QUIET, **bars}.items():
        os.environ.setdefault(variable, value)
    sys.exit(_exit_code(command, name))


def _exit_code(command: typer.Typer, name: str) -> int:
    try:
        return command(prog_name=name, standalone_mode=False) or 0
    except InterpError as error:
        return _told(str(error), 2)
    except typer.Exit as stop:
        return stop.exit_code
    except CLICK.ClickException as error:
        return _told(error.format_message(), error.exit_code)
    except (KeyboardInterrupt, typer.Abort):
        return _told(STOPPED, 130)
    except Cancelled as stop:
        return _told(str(stop) or STOPPED, 130)
    except OSError as error:
        place = f" ({error.filename})" if error.filename else ""
        return _told(f"{error.strerror or error}{place}; check the disk and its permissions.", 2)


def _told(text: str, code: int) -> int:
    """Say what happened in one line (nothing where help was shown instead) and return the exit code."""
    if text:
        say(f"interp: {' '.join(text.split())}")
    return code
