"""Train every variation and put it through the AF1 search: `python -m experiments.af1.variations [NAME ...]`.

Trainings lie in `--out`, where each goes on after an interrupt; what is trained and searched is not done again. Results
are gathered in results.json beside this file (in `--results`): a row a variation, task and style.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
import xarray as xr

from experiments.af1.variations.recipes import BASE, FILES, VARIATIONS
from interp.errors import InterpError, nearest
from interp.execute import answer
from interp.models import atomic
from interp.models.language import train_language
from interp.progress import bar
from interp.store import Spec

HERE = Path(__file__).parent
N_ACCURACY = 1000


def main(
    names: Annotated[list[str] | None, typer.Argument(help="variations; all of them when none is named")] = None,
    out: Annotated[Path, typer.Option(help="where trainings lie")] = Path("build/variations"),
    results: Annotated[Path, typer.Option(help="where results are gathered")] = HERE / "results.json",
    search: Annotated[bool, typer.Option(help="search after training")] = True,
) -> None:
    for name in names or VARIATIONS:
        if name not in VARIATIONS:
            raise InterpError(f"unknown variation {name!r}. {nearest(name, VARIATIONS)}")
        if not Path(FILES).is_dir():
            raise InterpError(f"no {FILES} here; run this from the root of the repository.")
        trained(name, out / name)
        if search:
            keep(results, searched(name, out / name))


def trained(name: str, directory: Path) -> None:
    """Train a variation where it is not trained yet."""
    if not (directory / "SHA256SUMS").exists():
        with bar(f"train {name}") as progress:
            train_language({**BASE, **VARIATIONS[name].changes}, directory, progress=progress)


def searched(name: str, directory: Path) -> list[dict[str, Any]]:
    """Return a row for each cell of a variation: held-out accuracy, and the search with its default sizes."""
    rows = []
    for task, style in VARIATIONS[name].cells:
        asked: dict[str, Any] = {"model": str(directory.resolve()), "task": task, "style": style}
        with bar(f"search {name} {short(task)} {style}") as progress:
            right = answer(Spec(method="accuracy", parameters={"n": N_ACCURACY}, **asked))
            found = answer(Spec(method="af1", **asked), progress)
        cell = {"variation": name, "task": short(task), "style": style}
        rows.append({**cell, "accuracy": told(right, "accuracy"), "n_accuracy": int(right["n"]), **window_row(found)})
    return rows


def short(task: str) -> str:
    """Return the name of a task; of a file its own, without folder and ending."""
    return Path(task).stem if task.endswith(".json") else task


def window_row(found: xr.Dataset) -> dict[str, Any]:
    """Return the numbers of a search: each share as [value, low, high], `wait` by l_wait on the selection split."""
    whole = {name: int(found[name]) for name in ("l_wait", "l_transfer", "best_l_wait", "best_l_transfer")}
    waits = [int(layer) for layer in found["l_wait_tried"].values]
    return {
        "found": bool(found["found"]),
        **{name: value if value >= 0 else None for name, value in whole.items()},
        "faithfulness": told(found, "faithfulness"),
        "faithfulness_mean": told(found, "faithfulness_mean"),
        "n": int(found["n"]),
        "null": round(float(found["null_majority"]), 4),
        "threshold": float(found["threshold"]),
        "wait": {str(layer): told(found, "wait_faithfulness", variant="cama", l_wait_tried=layer) for layer in waits},
        "wait_mean": {
            str(layer): told(found, "wait_faithfulness", variant="mean", l_wait_tried=layer) for layer in waits
        },
        "n_wait": int(found["n_selection"]),
    }


def told(found: xr.Dataset, name: str, **at: Any) -> list[float | None]:
    """Return [value, low, high] of a share at `at`; null where it is not defined, for no prompt was answered."""
    values = [float(found[name + end].sel(**at)) for end in ("", "_low", "_high")]
    return [None if np.isnan(value) else round(value, 4) for value in values]


def keep(path: Path, rows: list[dict[str, Any]]) -> None:
    """Put `rows` into the results in place of older rows of the same variation, in the order of VARIATIONS."""
    older = json.loads(path.read_text()) if path.is_file() else []
    new = {row["variation"] for row in rows}
    together = [row for row in older if row["variation"] not in new] + rows
    order = list(VARIATIONS)
    atomic.write_json(path, sorted(together, key=lambda row: order.index(row["variation"])))


if __name__ == "__main__":
    typer.run(main)
