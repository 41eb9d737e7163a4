"""Progress measures for grokking: figures 2 to 7, table 1 and the ablations on our models, and the verdicts.

    python -m experiments.fourier.nanda [MODEL ...] [--out DIR]

Takes every modular-addition training of the zoo by default: modadd-59, its other seeds, modadd-113 where it is there.
A verdict needs the claim to hold on each of the p = 59 seeds; a model of another modulus has its own verdict table.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated

import pandas as pd
import plotly.graph_objects as go
import typer

from experiments.fourier import nanda_figures as draw
from experiments.fourier.files import frame, write
from experiments.fourier.nanda_evidence import evidence
from experiments.fourier.nanda_rules import RULES
from interp.figures import FIGURES
from interp.models import zoo
from interp.verdicts import Claim, Verdict, judge, read_claims

PUBLISHED = Path(__file__).with_name("published") / "nanda.json"
SEEDS = ("modadd-59", "modadd-59-seed1", "modadd-59-seed2")


def trainings() -> list[str]:
    """Return the modular-addition trainings of the zoo."""
    return [name for name in zoo.zoo_names() if zoo.read_config(zoo.resolve(name)).get("task") == "modadd"]


def verdicts(names: Sequence[str] = SEEDS) -> list[Verdict]:
    """Return a verdict on every published claim; it holds where it does on every model of `names` that is there."""
    there = [name for name in names if name in trainings()]
    return [_judged(claim, there) for claim in read_claims(PUBLISHED).values()]


def _judged(claim: Claim, names: Sequence[str]) -> Verdict:
    if not names:
        return judge(claim, "modadd", None, said="not run: no such training in the zoo")
    found = {name: RULES[claim.name](evidence(name)) for name in names}
    words = "; ".join(f"{name}: {said}{'' if holds else ' (no)'}" for name, (holds, _, said) in found.items())
    first = next(iter(found.values()))[1]
    return judge(claim, names[0], all(holds for holds, _, _ in found.values()), first, words)


def pictures(name: str) -> Iterable[tuple[str, go.Figure]]:
    """Yield (name, figure) of figures 2 to 7 for one model."""
    found = evidence(name)
    yield "2-curves", draw.curves(found, zoo.resolve(name))
    yield "3-weights", draw.weight_spectra(found)
    yield "4-logits", draw.logit_spectrum(found)
    yield "5-neurons", draw.neuron_clusters(found)
    yield "6-ablations", draw.ablations(found)
    for drawing in FIGURES["grokking"]:
        yield f"7-{drawing.name}", drawing(found.course)


def frames(name: str) -> dict[str, pd.DataFrame]:
    """Return table 1, the ablation table, attention by head and the events of training, for one model."""
    found = evidence(name)
    course = found.course[["event_before", "event_at"]].to_dataframe()
    structure = found.course[["at_grok", "at_end", "plateau_from"]].to_dataframe()
    return {
        "table1": found.read,
        "ablations": found.edits.reset_index(),
        "attention": found.attention,
        "events": course.reset_index(),
        "structure": structure.reset_index(),
    }


def main(
    models: Annotated[list[str] | None, typer.Argument(help="Trainings; all of the zoo.")] = None,
    out: Path = Path("experiments/fourier/out"),
) -> None:
    """Write figures, tables and verdicts."""
    from interp.cli.output import say

    tables: dict[str, pd.DataFrame] = {}
    names = models or trainings()
    for name in names:
        tables |= {f"nanda-{name}-{table}": lines for table, lines in frames(name).items()}
        if name not in SEEDS:
            tables[f"nanda-{name}-verdicts"] = frame(verdicts([name]))
    if set(SEEDS) & set(names):
        tables["nanda-verdicts"] = frame(verdicts([name for name in SEEDS if name in names]))
    n = write(out, tables, [(f"nanda-{name}-{figure}", drawn) for name in names for figure, drawn in pictures(name)])
    say(f"{n} figures, their tables and the verdicts are in {out}")


if __name__ == "__main__":
    from interp.cli.main import script

    script(main)
