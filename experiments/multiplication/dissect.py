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
from experiments.multiplication.dissect_rules import RULES
from interp.verdicts import Verdict, judge, read_claims

HERE = Path(__file__).parent
RESULTS, PUBLISHED = HERE / "dissect.json", HERE / "published" / "dissect.json"
N_WRONG = 100_000
ORDERS = ("ordinal", "reversed")


def measure(trained: Path) -> dict[str, Any]:
    """Return everything the figures and verdicts need, from the trainings that are finished."""
    from experiments.multiplication import written_evidence as evidence

    finished = sorted(path.parent.name for path in trained.glob("*/SHA256SUMS"))
    names = [name for name in finished if not name.startswith("add")]
    found: dict[str, Any] = {"accuracy": {name: evidence.accuracy(trained / name) for name in names}}
    for order in ORDERS:
        directory = trained / f"digit-{order}"
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
        "by_cell": {name: {"wrong": int((~right & mask).sum()), "n": int(mask.sum())} for name, mask in cells.items()},
    }


def verdicts(results: Path = RESULTS) -> list[Verdict]:
    """Return a verdict on every published claim; "not run" where nothing was recorded for it."""
    from experiments.multiplication.written_evidence import read

    found = read(results) if results.is_file() else {}
    judged = []
    for claim in read_claims(PUBLISHED).values():
        try:
            holds, ours, said = RULES[claim.name](found)
        except KeyError as missing:
            judged.append(judge(claim, "small", None, said=f"not run: nothing recorded for {missing}"))
        else:
            judged.append(judge(claim, "cells" if claim.name == "cell frequencies" else "small", holds, ours, said))
    return judged


def pictures(found: dict[str, Any]) -> Iterator[tuple[str, go.Figure]]:
    """Yield (name, figure) of every figure and table."""
    for order in ORDERS:
        here, name = found[order], f"five by one digits, {order}"
        yield f"learning-{order}", draw.learning(here["curves"], name)
        yield f"staircase-{order}", draw.stairs(here["staircase"], name)
        yield f"heads-{order}", draw.missed(here["heads"], name)
        groups: dict[str, xr.Dataset] = {"longest run of UCFC": here["by_chain"], "factor": here["by_factor"]}
        yield f"failures-{order}", draw.classes(groups, name)
    for prefix, title in (("digit", "Heads and depth, five by one digits"), ("square", "Remedies, two by two digits")):
        rows = {name: row for name, row in found["accuracy"].items() if name.startswith(prefix)}
        yield f"table-{prefix}", draw.table(rows, title, "held-out questions, 95 % intervals")


def frame(found: list[Verdict]) -> pd.DataFrame:
    """Return a line a claim: what was published, what was measured, the verdict."""
    lines = [
        {"claim": each.claim.name, "published": each.claim.text, "measured": each.said, "verdict": each.verdict}
        for each in found
    ]
    return pd.DataFrame(lines)


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
    from interp.figures.export import browser, export

    if trained is not None:
        write(RESULTS, measure(trained))
    out.mkdir(parents=True, exist_ok=True)
    found = read(RESULTS)
    drawn: dict[str | Path, Any] = {out / f"dissect-{name}": picture for name, picture in pictures(found)}
    frame(verdicts()).to_csv(out / "dissect-verdicts.csv", index=False)
    scores(found).to_csv(out / "dissect-accuracy.csv", index=False)
    export(drawn, ("html", "png") if browser() else ("html",))
    say(f"{len(drawn)} figures, their tables and the verdicts are in {out}")


if __name__ == "__main__":
    from interp.cli.main import script

    script(main)
