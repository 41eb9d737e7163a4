"""Make a notebook of a py:percent script: run every cell and keep what it shows, figures as pictures.

    python -m experiments.notebooks experiments/af1/story.py        writes experiments/af1/story.ipynb

The script is the source; the notebook beside it is what came out, for people who read it where no kernel runs.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from interp.cli.output import say
from interp.errors import InterpError

SECONDS = 3600
"""How long one cell may take."""


def execute(script: Path) -> Path:
    """Run the cells of `script` from the current directory and write the notebook beside it; return its path.

    Raises InterpError for a script that is not there and for a cell that fails, whose error it names.
    """
    import jupytext
    import nbformat
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError

    try:
        notebook = jupytext.read(script)
    except OSError as error:
        raise InterpError(f"{script} cannot be read ({error.strerror}); name a py:percent script.") from None
    os.environ.setdefault("PLOTLY_RENDERER", "png")
    client = NotebookClient(notebook, timeout=SECONDS, kernel_name="python3", resources={"metadata": {"path": "."}})
    try:
        client.execute()
    except CellExecutionError as error:
        raise InterpError(f"a cell of {script} failed: {error.ename}: {error.evalue}") from None
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)  # when it ran is no part of what it says
        if cell.cell_type == "code":  # nor what a package said about this machine; a cell that failed has raised
            cell.outputs = [out for out in cell.outputs if out.get("name") != "stderr"]
    path = script.with_suffix(".ipynb")
    nbformat.write(notebook, path)
    return path


def main(scripts: Annotated[list[Path], typer.Argument(help="py:percent scripts.")]) -> None:
    """Run scripts and write their notebooks."""
    for script in scripts:
        say(f"wrote {execute(script)}")


if __name__ == "__main__":
    from interp.cli.main import script

    script(main)
