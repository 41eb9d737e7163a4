"""The command line: `interp COMMAND`. Torch is imported by the commands that run a model, never for help."""

from interp.cli.main import main

__all__ = ["main"]
