"""F1a to F1f, T1 to T4 and the verdicts as files: PNG, SVG, PDF and HTML, and the tables as CSV too.

    python -m experiments.af1.figures                    everything, for mental-math
    python -m experiments.af1.figures f1a t3 --model DIR --out DIR

What a figure shows is read from the store; a run that is missing is recorded first.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated

import pandas as pd
import plotly.graph_objects as go
import typer

from experiments.af1.protocol import Protocol, follow
from experiments.af1.tables import TABLES
from experiments.af1.verdict import verdicts
from interp.cli.output import say
from interp.errors import InterpError, nearest
from interp.figures import drawing
from interp.figures.export import FORMATS, browser, export, possible
from interp.figures.table import table
from interp.progress import bar
from interp.store import Store

PICTURES = {
    "f1a": ("f1a", "cama", "wait_curve"),
    "f1b": ("f1b", "abp", "peek_curve"),
    "f1c": ("search", "af1", "grid"),
    "f1d": ("f1d", "peeking", "single_layer"),
    "f1e": ("heads", "heads", "elimination"),
    "f1f": ("heads", "heads", "attention"),
    "f1f-knockout": ("heads", "heads", "knockout"),
    "t4-plot": ("t4", "alternatives", "alternatives"),
}
"""Each figure: the part of the protocol it shows, its method and the name of the drawing."""
NAMES = (*PICTURES, *TABLES, "verdicts")
NEEDED = {"t1": ("window",), "t2": ("window",), "t3": ("window", "base"), "t4": ("t4",), "verdicts": None}


def frames(store: Store, runs: Mapping[str, str], names: Iterable[str]) -> dict[str, tuple[pd.DataFrame, str]]:
    """Return {name: (table, title)} of the tables among `names`."""
    found = {name: (TABLES[name][0](store, runs), TABLES[name][1]) for name in names if name in TABLES}
    if "verdicts" in names:
        found["verdicts"] = (verdict_frame(store, runs), "Published findings, and whether they hold here")
    return found


def verdict_frame(store: Store, runs: Mapping[str, str]) -> pd.DataFrame:
    """Return a line a claim: what was published, what was measured, the verdict."""
    return pd.DataFrame(
        [
            {
                "claim": found.claim.name,
                "published": found.claim.text,
                "how we know": found.claim.certainty,
                "measured": found.said,
                "verdict": found.verdict,
            }
            for found in verdicts(store, runs)
        ]
    )


def draw(store: Store, runs: Mapping[str, str], names: Iterable[str]) -> dict[str, go.Figure]:
    """Return {name: figure} in the order of `names`, tables as figures too."""
    names = list(names)
    tables = frames(store, runs, names)
    pictures = {}
    for name in names:
        if name in tables:
            pictures[name] = table(*tables[name])
        else:
            part, method, drawn = PICTURES[name]
            pictures[name] = drawing(method, drawn)(store.open(runs[part]).dataset)
    return pictures


def write(store: Store, runs: Mapping[str, str], names: Iterable[str], out: Path) -> list[Path]:
    """Write figures and tables under `out` and return the files; without a Chromium only HTML and CSV."""
    names = list(names)
    files = export({out / name: figure for name, figure in draw(store, runs, names).items()}, possible(*FORMATS))
    for name, (frame, _) in frames(store, runs, names).items():
        path = out / f"{name}.csv"
        frame.to_csv(path, index=False)
        files.append(path)
    return files


def parts_of(names: Iterable[str]) -> tuple[str, ...] | None:
    """Return which parts of the protocol `names` need; None for all of them."""
    wanted: set[str] = set()
    for name in names:
        needs = NEEDED[name] if name in NEEDED else (PICTURES[name][0],)
        if needs is None:
            return None
        wanted |= set(needs)
    return tuple(sorted(wanted))


def main(
    names: Annotated[list[str] | None, typer.Argument(help="f1a ... f1f, t4-plot, t1 ... t4, verdicts; all.")] = None,
    model: str = "mental-math",
    out: Path = Path("experiments/af1/out"),
    store: Annotated[Path | None, typer.Option(help="Where runs are kept.")] = None,
    device: str = "cpu",
    dtype: str = "float32",
    operands: Annotated[str | None, typer.Option(help="Narrow every task, e.g. 0..49.")] = None,
) -> None:
    """Draw the figures and tables of the protocol from recorded runs."""
    chosen = names or list(NAMES)
    for name in chosen:
        if name not in NAMES:
            raise InterpError(f"there is no figure {name!r}. {nearest(name, NAMES)}")
    opened = Store(store)
    with bar("protocol") as progress:
        runs = follow(Protocol(model, device, dtype, operands), opened, progress, only=parts_of(chosen))
    files = write(opened, runs, chosen, out)
    if not browser():
        say("no Chromium found: only HTML and CSV were written; install one (or set BROWSER_PATH) for PNG, SVG and PDF")
    say(f"{len(files)} files are in {out}")


if __name__ == "__main__":
    from interp.cli.main import script

    script(main)
