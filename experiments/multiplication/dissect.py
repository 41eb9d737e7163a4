"""Dissecting multiplication: subtasks, staircase, heads, depth and remedies on small models, and the verdicts.

    python -m experiments.multiplication.dissect [--trained DIR] [--out DIR]

Draws and judges what `dissect.json` beside this file holds. With --trained (the directory that
`experiments.multiplication.written_trainings` filled) everything is measured again and written there first.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import typer
import xarray as xr

from experiments.multiplication import written_figures as draw
from experiments.multiplication.dissect_rules import ON_ORDINAL, RULES
from experiments.multiplication.written_verdicts import Line, frame, line
from interp.verdicts import Verdict, read_claims

HERE = Path(__file__).parent
RESULTS, PUBLISHED = HERE / "dissect.json", HERE / "published" / "dissect.json"
N_WRONG = 100_000
ORDERS = ("ordinal", "reversed")
SECOND = "ordinal-seed1"
COMMAND = "python -m experiments.multiplication.dissect"
CELLS, DIGIT, SQUARE = "all products", "five by one digits", "two by two digits"
SCALES = {
    CELLS: "exact, no model",
    DIGIT: "d_model 96 (published 510), 2,500 steps of 128, rates up to 2e-3; five by one digits as published",
    SQUARE: "d_model 96 (published 512), two by two digits (five by five), 1,200 steps of 128 (200,000 of 64)",
}
WORDS = {"heads1": "1 head", "heads2": "2 heads", "layers2": "2 layers", "seed1": "seed 1", "long": "3 times as long"}
TITLES = {
    "digit": "Heads (else 3) and layers (else 1), five by one digits",
    "square": "Remedies, two by two digits",
}
ABOUT = {"cell frequencies": CELLS, "all remedies": SQUARE, "one remedy is not enough": SQUARE}
"""What a claim was asked of, where that is not five by one digits."""


def measure(trained: Path) -> dict[str, Any]:
    """Return everything the figures and verdicts need, from the trainings that are finished."""
    from experiments.multiplication import written_evidence as evidence

    finished = sorted(path.parent.name for path in trained.glob("*/SHA256SUMS"))
    names = [name for name in finished if not name.startswith("add")]
    found: dict[str, Any] = {"accuracy": {name: evidence.accuracy(trained / name) for name in names}}
    for order in (*ORDERS, SECOND):
        directory = trained / f"digit-{order}"
        if order == SECOND and directory.name not in finished:
            continue
        found[order] = {"curves": evidence.curves(directory), **evidence.heads(directory), **wrong(directory)}
    return found


def wrong(directory: Path) -> dict[str, Any]:
    """Return failures of a times-digit model by cell, by longest run of UCFC cells, and by factor."""
    from experiments.multiplication.written_evidence import held_out, told
    from interp.methods.failures import failures_by_class
    from interp.models.written import form_of
    from interp.models.zoo import read_recipe
    from interp.tasks import written
    from interp.tasks.numbers import longest_chain

    form = form_of(read_recipe(directory))
    ab = held_out(form, N_WRONG)
    right, cells = told(directory, ab), written.cells(form, ab)
    chains, failed = longest_chain(cells["UCFC"].astype(int)), np.logical_not(right.all(1))
    return {
        "by_chain": failures_by_class(failed, chains),
        "by_factor": failures_by_class(failed, ab[:, 1]),
        "by_cell": {name: cell_rate(~right, mask) for name, mask in cells.items()},
    }


def cell_rate(wrong_digits: np.ndarray, mask: np.ndarray) -> dict[str, Any]:
    """Return the share of a subtask's cells that are wrong; cells of one problem are not independent, problems are."""
    from interp.methods.intervals import t_about

    n, failed = mask.sum(1), (wrong_digits & mask).sum(1)
    rate = failed.sum() / max(n.sum(), 1)
    error = np.sqrt(((failed - rate * n) ** 2).sum()) / max(n.sum(), 1)
    low, high = np.clip(t_about(rate, error, len(mask)), 0, 1)
    found = {"wrong": int(failed.sum()), "n": int(n.sum())}
    return found | {"rate": float(rate), "low": float(low), "high": float(high)}


def lines(results: Path = RESULTS) -> list[Line]:
    """Return every published claim beside what is recorded; "not run" where nothing is."""
    from experiments.multiplication.written_evidence import read

    found = read(results) if results.is_file() else {}
    other = {**found, "ordinal": found[SECOND]} if SECOND in found else None
    judged = []
    for claim in read_claims(PUBLISHED).values():
        seeds = [found, other] if other is not None and claim.name in ON_ORDINAL else [found]
        about = ABOUT.get(claim.name, DIGIT)
        judged.append(line(claim, RULES[claim.name], about, seeds, "cells" if about == CELLS else "small"))
    return judged


def verdicts(results: Path = RESULTS) -> list[Verdict]:
    """Return a verdict on every published claim; "not run" where nothing was recorded for it."""
    return [each.verdict for each in lines(results)]


def pictures(found: dict[str, Any]) -> Iterator[tuple[str, go.Figure]]:
    """Yield (name, figure) of every figure and table."""
    for order in ORDERS:
        here, name = found[order], f"five by one digits, {order}"
        yield f"learning-{order}", draw.learning(here["curves"], name)
        yield f"staircase-{order}", draw.stairs(here["staircase"], name)
        yield f"heads-{order}", draw.missed(here["heads"], name)
        groups: dict[str, xr.Dataset] = {"longest run of UCFC": here["by_chain"], "factor": here["by_factor"]}
        yield f"failures-{order}", draw.classes(groups, name)
    for prefix, title in TITLES.items():
        names = sorted((name for name in found["accuracy"] if name.startswith(prefix)), key=lambda s: (s.count("-"), s))
        rows = {labelled(name): found["accuracy"][name] for name in names}
        yield f"table-{prefix}", draw.table(rows, title, "held-out questions, 95 % intervals")


def labelled(training: str) -> str:
    """Return the words for a training: what it has that its plainest neighbour has not."""
    parts = [WORDS.get(part, part) for part in training.split("-")[1:]]
    return ", ".join(parts) or "no remedy"


def scores(found: dict[str, Any]) -> pd.DataFrame:
    """Return exact match, interval, null and accuracy by digit of every training."""
    rows = {
        name: {key: row[key] for key in ("exact", "low", "high", "n", "null", "train_loss", "cpu_seconds")}
        | {f"{way}_c{k}": value for way in ("alone", "told") for k, value in enumerate(row[way])}
        for name, row in found["accuracy"].items()
    }
    return pd.DataFrame(rows).T.rename_axis("training").reset_index()


def main(
    trained: Annotated[Path | None, typer.Option(help="Measure again from these trainings.")] = None,
    out: Path = Path("experiments/multiplication/out"),
) -> None:
    """Write figures, tables and verdicts; measure first where trainings are named."""
    from experiments.multiplication.written_evidence import read, write
    from interp.cli.output import say
    from interp.figures.export import export, possible

    if trained is not None:
        write(RESULTS, measure(trained))
    out.mkdir(parents=True, exist_ok=True)
    found = read(RESULTS)
    drawn: dict[str | Path, Any] = {out / f"dissect-{name}": picture for name, picture in pictures(found)}
    frame(lines(), SCALES, COMMAND).to_csv(out / "dissect-verdicts.csv", index=False)
    scores(found).to_csv(out / "dissect-accuracy.csv", index=False)
    export(drawn, possible("html", "png"))
    say(f"{len(drawn)} figures, their tables and the verdicts are in {out}")


if __name__ == "__main__":
    from interp.cli.main import script

    script(main)
